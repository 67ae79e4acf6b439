import fc from 'fast-check';
import { cropToRatio, evenDown, fitHeight, fitWidth, GRAVITIES } from '../../../sidecar/src/media/geometry.ts';

const size = fc.record({ width: fc.integer({ min: 2, max: 8192 }), height: fc.integer({ min: 2, max: 8192 }) });

describe('fitHeight and fitWidth', () => {
	it('give even sizes within the limit, never larger than the source', () => {
		fc.assert(
			fc.property(size, fc.integer({ min: 144, max: 4320 }), (source, limit) => {
				for (const made of [fitHeight(source, limit), fitWidth(source, limit)]) {
					expect(made.width % 2).toBe(0);
					expect(made.height % 2).toBe(0);
					expect(made.width).toBeGreaterThanOrEqual(2);
					expect(made.height).toBeGreaterThanOrEqual(2);
					expect(made.width).toBeLessThanOrEqual(source.width);
					expect(made.height).toBeLessThanOrEqual(source.height);
				}
				expect(fitHeight(source, limit).height).toBeLessThanOrEqual(limit);
				expect(fitWidth(source, limit).width).toBeLessThanOrEqual(limit);
			}),
		);
	});

	it('keep the proportions to a pixel wherever the smaller side has room for it', () => {
		fc.assert(
			fc.property(size, fc.integer({ min: 144, max: 4320 }), (source, limit) => {
				const byHeight = fitHeight(source, limit);
				const width = (source.width * byHeight.height) / source.height;
				if (width >= 2) expect(Math.abs(byHeight.width - width)).toBeLessThanOrEqual(1);
				const byWidth = fitWidth(source, limit);
				const height = (source.height * byWidth.width) / source.width;
				if (height >= 2) expect(Math.abs(byWidth.height - height)).toBeLessThanOrEqual(1);
			}),
		);
	});
});

describe('cropToRatio', () => {
	it('stays inside the source and comes within a rounding of the proportions', () => {
		fc.assert(
			fc.property(
				size,
				fc.integer({ min: 1, max: 40 }),
				fc.integer({ min: 1, max: 40 }),
				fc.constantFrom(...GRAVITIES),
				(source, across, down, gravity) => {
					const { x, y, width, height } = cropToRatio(source, across / down, gravity, evenDown);
					expect(x).toBeGreaterThanOrEqual(0);
					expect(y).toBeGreaterThanOrEqual(0);
					expect(x + width).toBeLessThanOrEqual(source.width);
					expect(y + height).toBeLessThanOrEqual(source.height);
					expect(width % 2 === 0 && height % 2 === 0).toBe(true);
					// One side is the whole source.
					expect(width >= source.width - 1 || height >= source.height - 1).toBe(true);
				},
			),
		);
	});

	it('puts the rectangle where gravity says', () => {
		const source = { width: 1280, height: 720 };
		const at = (gravity: (typeof GRAVITIES)[number], ratio: number): [number, number] => {
			const { x, y } = cropToRatio(source, ratio, gravity, evenDown);
			return [x, y];
		};
		expect(at('center', 1)).toEqual([280, 0]);
		expect(at('left', 1)).toEqual([0, 0]);
		expect(at('right', 1)).toEqual([560, 0]);
		expect(at('top', 4)).toEqual([0, 0]);
		expect(at('bottom', 4)).toEqual([0, 400]);
	});
});
