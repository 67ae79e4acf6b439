import fc from 'fast-check';
import { edgeExpression, followSubject, type Knot, type Look } from '../../../sidecar/src/media/subject.ts';

const SIZE = { width: 64, height: 36 };
/** A bright square of 6 pixels, its middle at this part of the width, on grey. */
function look(seconds: number, middle: number | null): Look {
	const pixels = new Uint8Array(SIZE.width * SIZE.height * 3).fill(80);
	for (let row = 15; row < 21; row++)
		for (let column = 0; column < SIZE.width; column++)
			if (middle !== null && Math.abs(column + 0.5 - middle * SIZE.width) <= 3) pixels.fill(240, (row * SIZE.width + column) * 3, (row * SIZE.width + column) * 3 + 2);
	return { seconds, pixels };
}
const looks = (seconds: number, middleAt: (seconds: number) => number | null): Look[] => Array.from({ length: seconds * 5 }, (_, index) => look(index / 5, middleAt(index / 5)));
const follow = (all: Look[], { share = 0.3, scenes = [0] }: { share?: number; scenes?: number[] } = {}): Knot[] => followSubject(all, { size: SIZE, axis: 'x', share, scenes });

/** What ffmpeg makes of the expression: a sum of numbers, steps and slopes. */
function evaluate(expression: string, t: number): number {
	const terms = [...expression.matchAll(/([+-]?[\d.]+)(?:\*gte\(t,(-?[\d.]+)\)|\*clip\(\(t-([\d.]+)\)\/([\d.]+),0,1\))?/g)];
	expect(terms.map(([term]) => term).join('')).toBe(expression);
	return terms.reduce((sum, [, factor, step, from, length]) => {
		const part = step !== undefined ? Number(t >= Number(step)) : from !== undefined ? Math.min(1, Math.max(0, (t - Number(from)) / Number(length))) : 1;
		return sum + Number(factor) * part;
	}, 0);
}

describe('following a subject', () => {
	it('stands in the middle where there is nothing to see', () => {
		expect(follow(looks(3, () => null))).toEqual([{ seconds: 0, centre: 0.5 }]);
		expect(follow([])).toEqual([{ seconds: 0, centre: 0.5 }]);
	});

	it.each([0.2, 0.5, 0.77])('stands still where the subject does, at %s', (middle) => {
		const [knot, ...others] = follow(looks(4, () => middle));
		expect(others).toEqual([]);
		expect(Math.abs((knot?.centre ?? 0) - middle)).toBeLessThan(0.06);
	});

	it('never leaves the picture', () => {
		expect(follow(looks(2, () => 0.02))[0]?.centre).toBe(0.15);
		expect(follow(looks(2, () => 0.98))[0]?.centre).toBe(0.85);
	});

	it('does not tremble with its subject', () => {
		expect(follow(looks(6, (t) => 0.5 + 0.04 * Math.sin(t * 9)))).toHaveLength(1);
	});

	it('pans in few straight lines', () => {
		const knots = follow(looks(8, (t) => 0.1 + t / 10));
		expect(knots.length).toBeGreaterThanOrEqual(2);
		expect(knots.length).toBeLessThanOrEqual(6);
		for (let t = 0.2; t < 7.6; t += 0.1) {
			const edge = evaluate(edgeExpression(knots, 640, 192), t);
			const middle = (0.1 + t / 10) * 640;
			expect(middle > edge && middle < edge + 192).toBe(true);
		}
	});

	it('jumps at cuts and nowhere else', () => {
		const knots = follow(looks(6, (t) => (t < 2 ? 0.2 : t < 4 ? 0.8 : 0.3)), { scenes: [0, 2, 4] });
		expect(knots.map(({ seconds, cut }) => [seconds, cut])).toEqual([[0, undefined], [2, true], [4, true]]);
		const expression = edgeExpression(knots, 640, 192);
		expect(evaluate(expression, 1.99)).toBe(evaluate(expression, 0));
		expect(evaluate(expression, 2)).toBeGreaterThan(350);
	});

	it('ignores a camera that moves and a light that flickers', () => {
		const flicker = looks(4, () => 0.25).map((one, index) => ({ ...one, pixels: one.pixels.map((value) => Math.min(255, value + (index % 2) * 10)) }));
		expect(follow(flicker)).toHaveLength(1);
		expect(Math.abs((follow(flicker)[0]?.centre ?? 0) - 0.25)).toBeLessThan(0.06);
	});

	it('keeps its expression short, whatever the video does', () => {
		const restless = looks(100, (t) => 0.5 + 0.45 * Math.sin(t * t));
		const expression = edgeExpression(follow(restless, { share: 0.1 }), 1920, 200);
		expect(expression.length).toBeLessThan(16_000);
		const scenes = Array.from({ length: 400 }, (_, index) => index / 5);
		expect(edgeExpression(follow(looks(80, (t) => Math.abs(Math.sin(t))), { scenes }), 1920, 200).length).toBeLessThan(16_000);
	});
});

describe('the expression of a crop', () => {
	it('stays inside for every path', () => {
		const knot = fc.record({ seconds: fc.double({ min: 0, max: 100, noNaN: true }), centre: fc.double({ min: -0.5, max: 1.5, noNaN: true }), cut: fc.constantFrom(undefined, true as const) });
		fc.assert(
			fc.property(fc.array(knot, { minLength: 1, maxLength: 20 }), fc.double({ min: 0, max: 120, noNaN: true }), (all, t) => {
				const knots = all.sort((a, b) => a.seconds - b.seconds).map(({ cut, ...rest }): Knot => (cut ? { ...rest, cut } : rest));
				const expression = edgeExpression(knots, 1280, 406);
				expect(expression).toMatch(/^[-+*/0-9.(),a-z]+$/);
				const edge = evaluate(expression, t);
				expect(edge >= -0.01 && edge <= 874.01).toBe(true);
			}),
		);
	});
});
