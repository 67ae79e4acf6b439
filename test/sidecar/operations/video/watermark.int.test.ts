import { probe } from '../../../../sidecar/src/media/probe.ts';
import { watermark } from '../../../../sidecar/src/operations/video/watermark.ts';
import { editFixture } from '../../../fixtures/edit.ts';
import { image } from '../../../fixtures/images.ts';
import { fixture, type FixtureName } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { colourAt, countFrames, isNear, type Rgb } from '../../../support/frames.ts';
import { streamHash } from '../../../support/sound.ts';

const LOGO = { file_url: 'https://a.test/logo.png' };
const marked = async <T>(path: string, logo: string, params: Record<string, unknown>, look: (path: string, output: Record<string, unknown>) => Promise<T> | T): Promise<T> =>
	runOperationOn(watermark, path, { logo: LOGO, crf: 8, margin: 0, ...params }, async ({ files: [file], output }) => look(file?.path ?? '', output), [logo]);
const GREEN: Rgb = [0, 255, 0];
const BLUE: Rgb = [0, 0, 255];
/** Half red, half green. */
const MIXED: Rgb = [128, 127, 0];


/** Fails with both colours in the message. */
const expectColour = (path: string, seconds: number, x: number, y: number, expected: Rgb): void => {
	const found = colourAt(path, seconds, x, y);
	expect([seconds, x, y, found, isNear(found, expected)]).toEqual([seconds, x, y, found, true]);
};

describe('watermark, for real', () => {
	it.each([
		['top_left', 0, 0],
		['center', 0.25, 0.43],
		['bottom_right', 0.5, 0.86],
	])('stands %s, with its transparency', async (position, x, y) => {
		// 200x100, half transparent red on the left, blue on the right: 90x44 on 180x320.
		await marked(editFixture('green'), image('logo'), { position, scale: 0.5 }, (path, output) => {
			expect(output).toMatchObject({ width: 180, height: 320, logo: { width: 90, height: 46 } });
			expectColour(path, 0.5, x + 0.13, y + 0.07, MIXED);
			expectColour(path, 0.5, x + 0.38, y + 0.07, BLUE);
			expectColour(path, 0.5, position === 'top_left' ? 0.9 : 0.1, 0.3, GREEN);
		});
	});

	it('comes and goes, and can be fainter', async () => {
		await marked(editFixture('green'), image('logo'), { scale: 1, position: 'top', opacity: 0.5, from_seconds: 0.3, to_seconds: 0.7 }, (path) => {
			expectColour(path, 0.2, 0.75, 0.1, GREEN);
			expectColour(path, 0.5, 0.75, 0.1, [0, 127, 128]);
			expectColour(path, 0.8, 0.75, 0.1, GREEN);
		});
	});

	it('keeps its colours on a video of BT.709', async () => {
		await marked(editFixture('quarters'), editFixture('green'), { scale: 0.25, position: 'top_left' }, (path) => expectColour(path, 0.5, 0.1, 0.1, GREEN));
	});

	it.each<[FixtureName]>([['gif'], ['short'], ['jpegRotated']])('can be %s, and the video ends when it ends', async (name) => {
		await marked(editFixture('red'), fixture(name), {}, (path) => {
			expect(countFrames(path)).toBe(60);
			expect(streamHash(path, 'a')).toBe(streamHash(editFixture('red'), 'a'));
		});
	});

	it.each<[FixtureName]>([['tenBit'], ['odd'], ['rotated'], ['anamorphic'], ['silent']])('goes on %s', async (name) => {
		await marked(fixture(name), image('logo'), {}, async (path) => {
			const source = await probe(fixture(name));
			const made = await probe(path);
			expect(made.video).toMatchObject({ codec: 'h264', pixelFormat: 'yuv420p', rotation: 0 });
			expect(Math.abs((made.video?.width ?? 0) - (source.video?.width ?? 0))).toBeLessThanOrEqual(1);
		});
	});

	it('refuses sound as a logo, and a logo that appears after the end', async () => {
		await expect(marked(editFixture('green'), fixture('wav'), {}, () => {})).rejects.toMatchObject({ code: 'input_no_video' });
		await expect(marked(editFixture('green'), image('logo'), { from_seconds: 5 }, () => {})).rejects.toMatchObject({ code: 'invalid_request' });
	});
});
