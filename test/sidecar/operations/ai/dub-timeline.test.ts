import fc from 'fast-check';
import { CATCHING_UP, duckedSpans, gainAt, MAX_TEMPO, placeVoices } from '../../../../sidecar/src/operations/ai/dub-timeline.ts';

describe('the times of a dub', () => {
	it('begin with their slots, and are spoken as they are where there is room', () => {
		expect(placeVoices([{ start: 1, end: 3 }, { start: 4, end: 6 }], [1.5, 2.04], 10)).toEqual([{ start: 1, tempo: 1, most: 9 }, { start: 4, tempo: 1, most: 6 }]);
	});

	it('are spoken faster where the slot is too short, but never much', () => {
		const [fast, hurried] = placeVoices([{ start: 0, end: 2 }, { start: 4, end: 5 }], [2.5, 3], 20);
		expect(fast?.tempo).toBeCloseTo(1.25);
		expect(hurried?.tempo).toBe(MAX_TEMPO);
	});

	it('run on into the pause, and push the next one where there is none', () => {
		const placed = placeVoices([{ start: 0, end: 1 }, { start: 1, end: 2 }, { start: 9, end: 10 }], [2.7, 1, 0.5], 20);
		expect(placed[0]).toMatchObject({ start: 0, tempo: MAX_TEMPO });
		expect(placed[1]?.start).toBeCloseTo(2.06);
		expect(placed[2]?.start).toBe(9);
	});

	it('stay in step over hours of a language that takes longer', () => {
		const slots = Array.from({ length: 720 }, (_, index) => ({ start: index * 5, end: index * 5 + 5 }));
		const placed = placeVoices(slots, slots.map(() => 8), 3600);
		expect(Math.max(...placed.map(({ start }, index) => start - (slots[index]?.start ?? 0)))).toBeLessThan(3);
		expect(placed.at(-1)?.tempo).toBeGreaterThan(1.3);
	});

	it('never overlap and never reach beyond the end, whatever they are', () => {
		const slot = fc.record({ gap: fc.double({ min: 0, max: 3, noNaN: true }), length: fc.double({ min: 0.05, max: 6, noNaN: true }), spoken: fc.double({ min: 0, max: 12, noNaN: true }) });
		fc.assert(
			fc.property(fc.array(slot, { minLength: 1, maxLength: 30 }), (given) => {
				let at = 0;
				const slots = given.map(({ gap, length }) => {
					const start = at + gap;
					at = start + length;
					return { start, end: at };
				});
				const placed = placeVoices(slots, given.map(({ spoken }) => spoken), at);
				placed.forEach(({ start, tempo, most }, index) => {
					const end = start + Math.min(most, (given[index]?.spoken ?? 0) / tempo);
					expect(start).toBeGreaterThanOrEqual(slots[index]?.start ?? 0);
					expect(tempo).toBeLessThanOrEqual(start - (slots[index]?.start ?? 0) > 1.5 ? CATCHING_UP : MAX_TEMPO);
					expect(end).toBeLessThanOrEqual(Math.max(at, start) + 1e-9);
					if (placed[index + 1]) expect(placed[index + 1]?.start).toBeGreaterThanOrEqual(end);
				});
			}),
		);
	});
});

describe('the original beneath', () => {
	const spans = duckedSpans([{ start: 1, end: 2 }, { start: 2.5, end: 3 }, { start: 5, end: 6 }]);

	it('is held down over short pauses', () => {
		expect(spans).toEqual([{ start: 1, end: 3 }, { start: 5, end: 6 }]);
	});

	it('comes down before the voice, and up after it, without jumps', () => {
		const at = (seconds: number) => gainAt(seconds, spans, 0.25).gain;
		expect([at(0), at(0.87), at(1), at(2.2), at(3), at(3.31), at(4), at(5.5), at(7)]).toEqual([1, 1, 0.25, 0.25, 0.25, 1, 1, 0.25, 1]);
		expect(at(0.94)).toBeCloseTo(0.625);
		expect(at(3.15)).toBeCloseTo(0.625);
		let before = 1;
		for (let time = 0; time < 8; time += 0.001) {
			expect(Math.abs(at(time) - before)).toBeLessThan(0.01);
			before = at(time);
		}
	});

	it('is found quickly from where one was', () => {
		expect(gainAt(5.5, spans, 0.25, gainAt(4, spans, 0.25).span)).toEqual({ gain: 0.25, span: 1 });
		expect(gainAt(1, [], 0.25)).toEqual({ gain: 1, span: 0 });
	});
});
