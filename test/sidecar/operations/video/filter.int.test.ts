import { probe } from '../../../../sidecar/src/media/probe.ts';
import { filter } from '../../../../sidecar/src/operations/video/filter.ts';
import { editFixture } from '../../../fixtures/edit.ts';
import { fixture, type FixtureName } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { brightness, colourAt, countFrames, isNear, type Rgb } from '../../../support/frames.ts';
import { rmsDb, samplesOf, toneDb } from '../../../support/sound.ts';

const filtered = async <T>(path: string, filters: Array<Record<string, unknown>>, look: (path: string, output: Record<string, unknown>) => Promise<T> | T): Promise<T> =>
	runOperationOn(filter, path, { filters, crf: 8 }, async ({ files: [file], output }) => look(file?.path ?? '', output));

/** Colours of the quarters: upper left, upper right, lower left, lower right. */
const quarters = (path: string): Rgb[] => [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]].map(([x = 0, y = 0]) => colourAt(path, 0.4, x, y));
const RED: Rgb = [255, 0, 0];
const GREEN: Rgb = [0, 255, 0];
const BLUE: Rgb = [0, 0, 255];
const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];

/** Red and blue change places. */
const SWAP = `TITLE "swap"\nLUT_3D_SIZE 2\n${Array.from({ length: 8 }, (_, index) => `${index >> 2} ${(index >> 1) & 1} ${index & 1}`).join('\n')}\n`;

describe('filter, for real', () => {
	it.each<[Array<Record<string, unknown>>, Rgb[]]>([
		[[{ name: 'rotate', degrees: 90 }], [BLUE, RED, WHITE, GREEN]],
		[[{ name: 'rotate', degrees: 180 }], [WHITE, BLUE, GREEN, RED]],
		[[{ name: 'rotate', degrees: 270 }], [GREEN, WHITE, RED, BLUE]],
		[[{ name: 'flip', direction: 'horizontal' }], [GREEN, RED, WHITE, BLUE]],
		[[{ name: 'flip', direction: 'vertical' }], [BLUE, WHITE, RED, GREEN]],
		[[{ name: 'lut', cube: SWAP }], [BLUE, GREEN, RED, WHITE]],
		[[{ name: 'sepia', strength: 0 }], [RED, GREEN, BLUE, WHITE]],
		[[{ name: 'sepia' }], [[100, 89, 69], [196, 175, 136], [48, 43, 33], [255, 255, 239]]],
		[[{ name: 'saturation', amount: 0 }, { name: 'contrast', amount: 1 }], [[54, 54, 54], [182, 182, 182], [18, 18, 18], WHITE]],
		[[{ name: 'rotate', degrees: 90 }, { name: 'flip', direction: 'horizontal' }], [RED, BLUE, GREEN, WHITE]],
	])('%j makes the right colours', async (filters, expected) => {
		await filtered(editFixture('quarters'), filters, (path) => {
			const found = quarters(path);
			for (const [index, colour] of found.entries()) expect([index, colour, isNear(colour, expected[index] ?? BLACK, 30)]).toEqual([index, colour, true]);
		});
	});

	it('makes a quarter turn change width and height', async () => {
		await filtered(editFixture('quarters'), [{ name: 'rotate', degrees: 90 }], async (path, output) => {
			expect((await probe(path)).video).toMatchObject({ width: 180, height: 320, colorSpace: 'bt709' });
			expect(output).toMatchObject({ width: 180, height: 320 });
		});
	});

	it.each([2, 4, 0.5, 0.25, 1.5])('plays %s times as fast, with sound of the same pitch', async (factor) => {
		await filtered(editFixture('red'), [{ name: 'speed', factor }], async (path, output) => {
			expect(Math.abs(countFrames(path) - 60 / factor)).toBeLessThanOrEqual(1);
			const samples = samplesOf(path);
			expect(Math.abs(samples.length / 48_000 - 2 / factor)).toBeLessThan(0.1);
			expect(toneDb(samples, 440)).toBeGreaterThan(toneDb(samples, 440 * factor) + 10);
			expect(output['duration_seconds']).toBeCloseTo(2 / factor, 1);
		});
	});

	it('fades in and out at the right places, with the sound', async () => {
		await filtered(editFixture('red'), [{ name: 'speed', factor: 2 }, { name: 'fade', seconds: 0.2 }, { name: 'fade', direction: 'out', seconds: 0.3 }], (path) => {
			const levels = brightness(path);
			const middle = levels[15] ?? 0;
			expect(levels[0]).toBeLessThan(20);
			expect(levels[8]).toBe(middle);
			expect(levels[20]).toBe(middle);
			expect(levels.at(-1)).toBeLessThan(middle * 0.5);
			const samples = samplesOf(path);
			expect(rmsDb(samples, 0, 2000)).toBeLessThan(rmsDb(samples, 20_000, 30_000) - 15);
			expect(rmsDb(samples, 46_500, 48_000)).toBeLessThan(rmsDb(samples, 20_000, 30_000) - 15);
		});
	});

	it.each([[-1, 0, 20], [-0.2, 40, 90], [1, 230, 255]])('changes the brightness by %s', async (amount, least, most) => {
		await filtered(editFixture('quarters'), [{ name: 'brightness', amount }], (path) => {
			expect(brightness(path)[5]).toBeGreaterThanOrEqual(least);
			expect(brightness(path)[5]).toBeLessThanOrEqual(most);
		});
	});

	it('softens and sharpens', async () => {
		const edge = (path: string): number => Math.abs(colourAt(path, 0.4, 0.49, 0.75)[0] - colourAt(path, 0.4, 0.505, 0.75)[0]);
		const plain = edge(editFixture('quarters'));
		await filtered(editFixture('quarters'), [{ name: 'blur', strength: 1 }], (path) => expect(edge(path)).toBeLessThan(plain * 0.9));
		await filtered(fixture('landscape'), [{ name: 'sharpen' }, { name: 'denoise' }], (path) => expect(countFrames(path)).toBe(75));
	});

	it.each<[FixtureName]>([['tenBit'], ['odd'], ['rotated'], ['anamorphic'], ['silent'], ['gif'], ['onePixel']])('takes %s', async (name) => {
		const filters = [{ name: 'grayscale' }, { name: 'sepia' }, { name: 'blur' }, { name: 'denoise' }, { name: 'speed', factor: 2 }, { name: 'rotate' }, { name: 'fade' }];
		await filtered(fixture(name), filters, async (path) => expect((await probe(path)).video).toMatchObject({ codec: 'h264', pixelFormat: 'yuv420p', rotation: 0 }));
	});
});
