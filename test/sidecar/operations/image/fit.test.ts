import fc from 'fast-check';
import { fitInto, FITS, insideOf, place, POSITIONS, refuseLarge, toRatio } from '../../../../sidecar/src/operations/image/fit.ts';

const fitted = (source: [number, number], wanted: { width?: number; height?: number }, fit: (typeof FITS)[number], enlarge = false) =>
	fitInto({ width: source[0], height: source[1] }, { ...wanted, fit, enlarge, position: 'center' });
const sizeOf = ({ size }: { size: { width: number; height: number } }): number[] => [size.width, size.height];

describe('the limits of results', () => {
	const refused = expect.objectContaining({ code: 'invalid_request' });
	const check = (source: [number, number], wanted: { width?: number; height?: number }, fit: (typeof FITS)[number], frames = 1) => () =>
		refuseLarge({ width: source[0], height: source[1] }, fitted(source, wanted, fit, true), frames);

	it('refuses a line that would fill a square, but not a panorama', () => {
		expect(check([8192, 1], { width: 300, height: 300 }, 'cover')).toThrow(refused);
		expect(check([6000, 100], { width: 300, height: 300 }, 'cover')).not.toThrow();
		expect(check([8192, 1], { width: 300, height: 300 }, 'contain')).not.toThrow();
	});

	it('refuses what is larger than any picture that is accepted, all frames together', () => {
		expect(check([1, 8192], { width: 8192 }, 'inside')).toThrow(refused);
		expect(check([100, 100], { width: 8192, height: 8192 }, 'fill')).not.toThrow();
		expect(check([100, 100], { width: 2048, height: 2048 }, 'cover', 100)).toThrow(refused);
		expect(check([100, 100], { width: 300, height: 300 }, 'cover', 1000)).not.toThrow();
	});
});

describe('fitting a picture', () => {
	it.each([
		['inside', [1080, 720]],
		['cover', [1080, 1080]],
		['contain', [1080, 1080]],
		['fill', [1080, 1080]],
	] as const)('%s makes of 3000x2000 in 1080x1080 a picture of %j', (fit, size) => {
		expect(sizeOf(fitted([3000, 2000], { width: 1080, height: 1080 }, fit))).toEqual(size);
	});

	it('follows the proportions where one side is left out', () => {
		expect(sizeOf(fitted([1500, 1000], { width: 300 }, 'cover'))).toEqual([300, 200]);
		expect(sizeOf(fitted([1500, 1000], { height: 100 }, 'contain'))).toEqual([150, 100]);
		expect(sizeOf(fitted([1500, 1000], {}, 'inside'))).toEqual([1500, 1000]);
	});

	it('keeps the proportions asked for when the source is too small to fill the size', () => {
		expect(sizeOf(fitted([300, 200], { width: 800, height: 1600 }, 'cover'))).toEqual([100, 200]);
		expect(sizeOf(fitted([300, 200], { width: 800, height: 1600 }, 'cover', true))).toEqual([800, 1600]);
	});

	it('places a picture that is not enlarged in the middle of its borders', () => {
		expect(fitted([300, 200], { width: 400, height: 401 }, 'contain')).toMatchObject({ scaled: { width: 300, height: 200 }, pad: { left: 50, right: 50, top: 100, bottom: 101 } });
	});

	it('never makes a pixel larger unless told to, and fills contain exactly', () => {
		const side = fc.integer({ min: 1, max: 9000 });
		fc.assert(
			fc.property(side, side, side, side, fc.constantFrom(...FITS), fc.constantFrom(...POSITIONS), (w, h, width, height, fit, position) => {
				const { scaled, pad, size } = fitInto({ width: w, height: h }, { width, height, fit, enlarge: false, position });
				expect(size.width <= width && size.height <= height && size.width > 0 && size.height > 0).toBe(true);
				if (fit !== 'cover') expect(scaled.width <= w && scaled.height <= h).toBe(true);
				else expect(size.width <= w && size.height <= h).toBe(true);
				expect(scaled.width + pad.left + pad.right).toBe(size.width);
				expect(scaled.height + pad.top + pad.bottom).toBe(size.height);
				expect(Math.min(pad.left, pad.right, pad.top, pad.bottom)).toBeGreaterThanOrEqual(0);
			}),
		);
	});

	it.each([
		[{}, '1:1', [1000, 1000]],
		[{}, '16:9', [1500, 844]],
		[{ width: 540 }, '9:16', [540, 960]],
		[{ height: 500 }, '4:5', [400, 500]],
	])('makes with %j and %s a picture of %j', (asked, ratio, size) => {
		expect(Object.values(toRatio({ width: 1500, height: 1000 }, ratio, asked))).toEqual(size);
	});

	it('finds the nine places', () => {
		const at = (position: (typeof POSITIONS)[number]) => Object.values(place({ width: 100, height: 60 }, { width: 20, height: 10 }, position, 5));
		expect(at('top_left')).toEqual([5, 5]);
		expect(at('bottom_right')).toEqual([75, 45]);
		expect(at('center')).toEqual([40, 25]);
		expect(at('right')).toEqual([75, 25]);
	});

	it('refuses a rectangle outside, naming the field', () => {
		expect(() => insideOf({ width: 100, height: 100 }, { x: 60, y: 0, width: 50, height: 10 })).toThrow(
			expect.objectContaining({ code: 'invalid_request', details: { field: 'params.crop.width', given: 50, allowed: 'at most 40' } }),
		);
	});
});
