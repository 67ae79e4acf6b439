import { probe } from '../../../../sidecar/src/media/probe.ts';
import { concatenate } from '../../../../sidecar/src/operations/video/concatenate.ts';
import { audioFixture } from '../../../fixtures/audio.ts';
import { editFixture } from '../../../fixtures/edit.ts';
import { fixture } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { brightness, colourAt, countFrames, isNear, type Rgb } from '../../../support/frames.ts';
import { onsets, rmsDb, samplesOf, toneDb } from '../../../support/sound.ts';

const CLIPS = (count: number) => Array.from({ length: count }, () => ({ file_url: 'https://a.test/x.mp4' }));
const RED: Rgb = [254, 0, 0];
const GREEN: Rgb = [0, 255, 0];
const BLUE: Rgb = [0, 0, 254];
const BLACK: Rgb = [0, 0, 0];

async function joined<T>(paths: [string, ...string[]], params: Record<string, unknown>, look: (path: string, output: Record<string, unknown>) => Promise<T> | T): Promise<T> {
	const [source, ...clips] = paths;
	return runOperationOn(concatenate, source, { clips: CLIPS(clips.length), ...params }, async ({ files: [file], output }) => look(file?.path ?? '', output), clips);
}

describe('concatenate, for real', () => {
	const mixed: [string, ...string[]] = [editFixture('red'), editFixture('green'), editFixture('blue'), editFixture('yellow')];

	it('joins mixed sizes, rates, depths, sound and a picture, exactly to the picture', async () => {
		await joined(mixed, { still_seconds: 1.5, crf: 10 }, async (path, output) => {
			const facts = await probe(path);
			expect(facts.video).toMatchObject({ codec: 'h264', pixelFormat: 'yuv420p', width: 320, height: 180, frameRate: 30 });
			expect(facts.audio).toMatchObject({ codec: 'aac', sampleRate: 48_000, channels: 2 });
			// 2 s, 1 s, 2 s and 1.5 s at 30 pictures a second.
			expect(countFrames(path)).toBe(60 + 30 + 60 + 45);
			expect(output).toMatchObject({ duration_seconds: 6.5, clips: [{ start_seconds: 0 }, { start_seconds: 2 }, { start_seconds: 3 }, { start_seconds: 5, duration_seconds: 1.5 }] });
			for (const [seconds, x, colour] of [[0.1, 0.5, RED], [1.9, 0.5, RED], [2.1, 0.5, GREEN], [2.1, 0.1, BLACK], [3.1, 0.05, BLUE], [4.9, 0.5, BLUE], [6.4, 0.4, [255, 255, 0]], [6.4, 0.6, BLACK]] as const) {
				const found = colourAt(path, seconds, x, 0.5);
				expect([seconds, x, found, isNear(found, [...colour])]).toEqual([seconds, x, found, true]);
			}
			const samples = samplesOf(path);
			const part = (from: number, to: number): Float32Array => samples.subarray(from * 48_000, to * 48_000);
			expect(toneDb(part(0.2, 1.8), 440)).toBeGreaterThan(-30);
			expect(rmsDb(part(2.1, 2.9))).toBeLessThan(-70);
			expect(toneDb(part(3.2, 4.8), 880)).toBeGreaterThan(-40);
			expect(rmsDb(part(5.2, 6.4))).toBeLessThan(-70);
		});
	});

	it('fades from one into the other, in picture and sound', async () => {
		await joined([editFixture('red'), editFixture('green'), editFixture('blue')], { transition: 'fade', fade_seconds: 0.4, fit: 'cover', crf: 10 }, (path, output) => {
			expect(countFrames(path)).toBe(60 + 30 + 60 - 2 * 12);
			expect(output).toMatchObject({ clips: [{ start_seconds: 0 }, { start_seconds: 1.6 }, { start_seconds: 2.2 }], fade_seconds: 0.4 });
			expect(isNear(colourAt(path, 1.5, 0.5, 0.5), RED)).toBe(true);
			const [red, green] = colourAt(path, 1.8, 0.5, 0.5);
			expect(Math.min(red, green)).toBeGreaterThan(70);
			expect(isNear(colourAt(path, 2.1, 0.5, 0.5), GREEN)).toBe(true);
			expect(isNear(colourAt(path, 2.8, 0.1, 0.1), BLUE)).toBe(true);
			expect(samplesOf(path).length / 48_000).toBeCloseTo(4.2, 1);
		});
	});

	it('keeps picture and sound together, clip after clip', async () => {
		const clip = editFixture('flashes');
		await joined([clip, ...Array.from({ length: 9 }, () => clip)], {}, (path) => {
			const levels = brightness(path);
			const flashes = levels.flatMap((level, index) => (level > 120 && (levels[index - 1] ?? 0) < 120 ? [index / 30] : []));
			const beeps = onsets(samplesOf(path));
			expect(flashes).toHaveLength(30);
			expect(beeps).toHaveLength(30);
			for (const [index, flash] of flashes.entries()) expect(Math.abs(flash - (beeps[index] ?? 0))).toBeLessThan(0.04);
		});
	});

	it.each(['contain', 'cover', 'blur'])('makes exactly the size that was asked for (%s)', async (fit) => {
		await joined([fixture('rotated'), fixture('odd'), fixture('anamorphic')], { width: 200, height: 100, fit }, async (path) => {
			expect((await probe(path)).video).toMatchObject({ width: 200, height: 100, pixelAspect: 1, rotation: 0 });
		});
	});

	it('has no sound where no clip has any, and takes the size of the largest', async () => {
		await joined([editFixture('green'), fixture('silent')], { size: 'largest' }, async (path) => {
			expect(await probe(path)).toMatchObject({ audio: null, video: { width: 640, height: 360 } });
		});
	});

	it('shows the last picture where the sound is longer', async () => {
		await joined([fixture('longSound'), editFixture('green')], {}, (path) => expect(countFrames(path)).toBe(7 * 25));
	});

	it('refuses a clip without a picture', async () => {
		await expect(joined([editFixture('red'), audioFixture('tone')], {}, () => {})).rejects.toMatchObject({ code: 'input_no_video', details: { field: 'params.clips[0]' } });
	});
});
