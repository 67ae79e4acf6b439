import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { probe } from '../../../../sidecar/src/media/probe.ts';
import { brand } from '../../../../sidecar/src/operations/video/brand.ts';
import { editFixture } from '../../../fixtures/edit.ts';
import { image } from '../../../fixtures/images.ts';
import { fixture } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { colourAt, countFrames, isNear, rgbFrames, type Rgb } from '../../../support/frames.ts';
import { onsets, samplesOf } from '../../../support/sound.ts';

const FILE = { file_url: 'https://a.test/x' };
const branded = async <T>(path: string, params: Record<string, unknown>, inputs: string[], look: (path: string, output: Record<string, unknown>) => Promise<T> | T): Promise<T> =>
	runOperationOn(brand, path, { crf: 8, ...params }, async ({ files, output }) => {
		expect(files.map(({ name }) => name)).toEqual(['branded.mp4']);
		return look(files[0]?.path ?? '', output);
	}, inputs);
const expectColour = (path: string, seconds: number, x: number, y: number, expected: Rgb): void => {
	const found = colourAt(path, seconds, x, y);
	expect([seconds, x, y, found, isNear(found, expected)]).toEqual([seconds, x, y, found, true]);
};

describe('brand, for real', () => {
	it('puts intro, logo, lower third and outro where they belong, in one go', async () => {
		const kit = {
			logo: { file: FILE, position: 'top_left', scale: 0.2, margin: 0 },
			lower_third: { title: 'Ada', from: 0.5, seconds: 1, colour: '#ffff00', text_colour: '#000000' },
			intro: FILE,
			outro: FILE,
			still_seconds: 1,
		};
		await branded(editFixture('red'), kit, [image('logo'), editFixture('green'), editFixture('blue')], async (path, output) => {
			expect(output).toMatchObject({ width: 320, height: 180, duration_seconds: 5, video_starts_at_seconds: 1 });
			expect(countFrames(path)).toBe(150);
			expect(await probe(path)).toMatchObject({ audio: { codec: 'aac' } });
			const { x, y, width, height } = output['lower_third'] as { x: number; y: number; width: number; height: number };
			const corner: [number, number] = [(x + width - 6) / 320, (y + height / 2) / 180];
			expectColour(path, 0.5, 0.15, 0.05, [0, 255, 0]);
			expectColour(path, 1.2, 0.15, 0.05, [0, 0, 255]);
			expectColour(path, 1.2, ...corner, [254, 0, 0]);
			expectColour(path, 2, ...corner, [254, 224, 0]);
			expectColour(path, 2.8, ...corner, [254, 0, 0]);
			expectColour(path, 3.5, 0.15, 0.05, [0, 0, 254]);
		});
	});

	it.each(['%{pts} %%', "O'Neil: \\\"q\\\" [v];[a],x=1", '{text} {file:title.txt}', '日本 😀 Київ', 'Wide '.repeat(16), '\\n\n\t\u0000x'])('draws the text %j as it is', async (title) => {
		await branded(editFixture('red'), { lower_third: { title, subtitle: title, from: 0, seconds: 2, colour: '#000000' } }, [], (path, output) => {
			const { x, y, width, height } = output['lower_third'] as { x: number; y: number; width: number; height: number };
			expect(x + width <= 320 && y + height <= 180 && x >= 0 && y >= 0).toBe(true);
			const frame = rgbFrames(path, 320, 180)[30] ?? Buffer.alloc(0);
			const white = (column: number, row: number): boolean => (frame[(row * 320 + column) * 3 + 2] ?? 0) > 110;
			const lit = Array.from({ length: 320 * 180 }, (_, index) => index).filter((index) => white(index % 320, Math.floor(index / 320)));
			expect(lit.length).toBeGreaterThan(5);
			for (const index of lit) expect(index % 320 >= x && index % 320 < x + width).toBe(true);
		});
	});

	it('keeps sound and picture together after the intro', async () => {
		await branded(editFixture('flashes'), { intro: FILE, fade_seconds: 0.2 }, [editFixture('green')], (path, output) => {
			const from = output['video_starts_at_seconds'] as number;
			expect(from).toBeCloseTo(0.8, 2);
			const beeps = onsets(samplesOf(path));
			expect(beeps.at(-1)).toBeCloseTo(from + 2, 1);
			expectColour(path, from + 2.05, 0.5, 0.5, [255, 255, 255]);
		});
	});

	it('takes a video without sound, and one of 10 bits that is turned', async () => {
		await branded(fixture('silent'), { outro: FILE }, [editFixture('yellow')], async (path) => expect((await probe(path)).audio).toBeNull());
		await branded(fixture('tenBit'), { lower_third: { title: 'x', from: 0, seconds: 0.5 } }, [], async (path) => expect((await probe(path)).video?.pixelFormat).toBe('yuv420p'));
	});

	it('says which font is missing and how to install it', async () => {
		const folder = await mkdtemp(join(tmpdir(), 'no-fonts-'));
		const before = process.env['FONTCONFIG_FILE'];
		try {
			// A machine without any font.
			process.env['FONTCONFIG_FILE'] = join(folder, 'fonts.conf');
			await writeFile(process.env['FONTCONFIG_FILE'], '<?xml version="1.0"?><fontconfig></fontconfig>');
			const missing = { lower_third: { title: 'x', font: 'Noto Sans CJK SC', from: 0 } };
			await expect(branded(editFixture('red'), missing, [], () => {})).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringMatching(/fonts-noto-cjk/) as string, details: { field: 'params.lower_third.font' } });
		} finally {
			if (before === undefined) delete process.env['FONTCONFIG_FILE'];
			else process.env['FONTCONFIG_FILE'] = before;
			await rm(folder, { recursive: true });
		}
	});

	it.each([{}, { lower_third: { title: ' 😀 ' } }, { lower_third: { title: 'x', colour: 'red' } }, { lower_third: { title: 'x', font: '/etc/passwd' } }])('does not take %j', (params) => {
		expect(brand.params.safeParse(params).success).toBe(false);
	});
});
