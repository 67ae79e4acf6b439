import { boundsOf, decodeText, findLines, type TextLine } from '../../../../sidecar/src/ai/local/text-lines.ts';
import { blocks } from '../../../../sidecar/src/ai/local/text-reader.ts';

/** A map of 200 x 100 on which `text` says where there is some. */
function map(text: (x: number, y: number) => boolean, probability = 0.9) {
	const [width, height] = [200, 100];
	return { values: Float32Array.from({ length: width * height }, (_, at) => (text(at % width, Math.floor(at / width)) ? probability : 0.1)), width, height };
}
const bar = (left: number, top: number, right: number, bottom: number) => (x: number, y: number) => x >= left && x < right && y >= top && y < bottom;

describe('lines of text', () => {
	it('are somewhat larger than the map shows them', () => {
		const [line, ...others] = findLines(map(bar(50, 40, 150, 50)));
		expect(others).toEqual([]);
		expect(line).toMatchObject({ x: 100, y: 45, angle: 0 });
		// 100 x 10, area x 1.5 by perimeter on each side
		expect(line!.length).toBeCloseTo(100 + (2 * 1000 * 1.5) / 220);
		expect(line!.thickness).toBeCloseTo(10 + (2 * 1000 * 1.5) / 220);
	});

	it('are read from top to bottom, and from left to right on one line', () => {
		const parts = [bar(120, 12, 180, 22), bar(10, 60, 60, 70), bar(10, 10, 60, 20)];
		expect(findLines(map((x, y) => parts.some((part) => part(x, y)))).map(({ x, y }) => [x, y])).toEqual([
			[35, 15],
			[150, 17],
			[35, 65],
		]);
	});

	it('may be tilted', () => {
		const tilt = (20 * Math.PI) / 180;
		const [line] = findLines(map((x, y) => Math.abs((x - 100) * Math.cos(tilt) + (y - 50) * Math.sin(tilt)) < 50 && Math.abs((y - 50) * Math.cos(tilt) - (x - 100) * Math.sin(tilt)) < 6));
		expect(line!.angle).toBeCloseTo(tilt, 1);
		expect(line!.length / line!.thickness).toBeGreaterThan(3.5);
	});

	it('are read upwards where they are much higher than wide', () => {
		expect(findLines(map(bar(90, 10, 100, 90)))[0]).toMatchObject({ angle: -Math.PI / 2 });
	});

	it('are none where there are only specks, or where it is not sure', () => {
		expect(findLines(map(bar(10, 10, 60, 12)))).toEqual([]);
		expect(findLines(map(bar(10, 10, 60, 30), 0.5))).toEqual([]);
		expect(findLines(map(() => false))).toEqual([]);
	});

	it('have upright bounds', () => {
		const line: TextLine = { x: 50, y: 40, length: 20, thickness: 10, angle: -Math.PI / 2 };
		const { left, top, right, bottom } = boundsOf(line);
		for (const [value, wanted] of [[left, 45], [top, 30], [right, 55], [bottom, 50]] as const) expect(value).toBeCloseTo(wanted);
	});
});

describe('letters', () => {
	const letters = ['', 'a', 'b', ' '];
	const steps = (...best: number[]): Float32Array => Float32Array.from(best.flatMap((one) => letters.map((_, index) => (index === one ? 0.7 : 0.1))));

	it('are counted once while they last, and again after a blank', () => {
		expect(decodeText(steps(1, 1, 0, 1, 2, 3, 0, 2), letters)).toEqual({ text: 'aab b', score: expect.closeTo(0.7) as number });
	});

	it('are none in a blank line', () => {
		expect(decodeText(steps(0, 0), letters)).toEqual({ text: '', score: 0 });
	});

	it('are kept where they are surely text', () => {
		const at = { left: 0, top: 0, right: 10, bottom: 10 };
		const read = (text: string, score: number): string[] => blocks({ lines: [{ text, score, ...at }] }, { width: 100, height: 100 }).map((block) => block.text);
		expect([read(' 50% off ', 0.7), read('7', 0.95), read('福', 0.95)]).toEqual([['50% off'], ['7'], ['福']]);
		expect([read('50% off', 0.5), read('米*', 0.8), read('--', 0.99)]).toEqual([[], [], []]);
	});
});
