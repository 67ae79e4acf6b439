import { averageColour, contrast, dominantColours, suggest } from '../../../../sidecar/src/operations/image/colours.ts';
import { palette } from '../../../../sidecar/src/operations/image/palette.ts';
import { image } from '../../../fixtures/images.ts';
import { runTask } from '../../../support/pictures.ts';

/** Pixels of the colours, as often as said. */
const pixels = (...colours: Array<[number, [number, number, number], number?]>): Uint8Array =>
	Uint8Array.from(colours.flatMap(([count, rgb, alpha = 255]) => Array.from({ length: count }, () => [...rgb, alpha]).flat()));

describe('the colours of a picture', () => {
	it('are found with their shares, largest first', () => {
		expect(dominantColours(pixels([600, [200, 16, 32]], [300, [16, 120, 200]], [100, [250, 250, 240]]), 6)).toEqual([
			{ hex: '#c81020', share: 0.6 },
			{ hex: '#1078c8', share: 0.3 },
			{ hex: '#fafaf0', share: 0.1 },
		]);
	});

	it('are one where they look alike', () => {
		const [only, ...others] = dominantColours(pixels([50, [100, 100, 100]], [50, [104, 104, 104]]), 6);
		expect(others).toEqual([]);
		expect(only?.share).toBe(1);
	});

	it('do not count what cannot be seen', () => {
		expect(dominantColours(pixels([10, [255, 0, 0]], [90, [0, 255, 0], 20]), 6)).toEqual([{ hex: '#ff0000', share: 1 }]);
		expect(dominantColours(pixels([10, [255, 0, 0], 0]), 6)).toEqual([]);
		expect(averageColour(pixels([10, [255, 0, 0], 0]))).toBeNull();
	});

	it('are averaged as light', () => {
		expect(averageColour(pixels([1, [0, 0, 0]], [1, [255, 255, 255]]))).toBe('#bcbcbc');
	});

	it('contrast as WCAG counts', () => {
		expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
		expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
	});

	it('suggest text that can be read: a colour of the picture, else black or white', () => {
		expect(suggest([{ hex: '#102040', share: 0.7 }, { hex: '#f0e0c0', share: 0.3 }])).toMatchObject({ background: '#102040', text: '#f0e0c0' });
		expect(suggest([{ hex: '#808080', share: 0.7 }, { hex: '#909090', share: 0.3 }])).toMatchObject({ background: '#808080', text: '#000000' });
	});
});

describe('palette', () => {
	it('finds the four quarters, and always the same', async () => {
		const [first, second] = [await runTask(palette, image('quarters'), {}, ({ output }) => output), await runTask(palette, image('quarters'), {}, ({ output }) => output)];
		expect(second).toEqual(first);
		const colors = first['colors'] as Array<{ hex: string; share: number }>;
		expect(colors).toHaveLength(4);
		for (const { share } of colors) expect(share).toBeCloseTo(0.25, 1);
		expect(first['contrast']).toBeGreaterThanOrEqual(4.5);
	});

	it('looks at the first picture of an animation', async () => {
		await runTask(palette, image('animatedGif'), { colors: 1 }, ({ output }) => expect(output['colors']).toEqual([{ hex: '#00ff63', share: 1 }]));
	});
});
