import fc from 'fast-check';
import { longestPiece, planPieces, SKIP_SECONDS } from '../../../sidecar/src/ai/long-audio-plan.ts';
import type { Span } from '../../../sidecar/src/ai/voice-activity.ts';

const wav = (maxSeconds: number) => ({ format: 'wav' as const, maxBytes: Infinity, maxSeconds });

/** Speech and pauses in turn, in hundredths of a second, as voice activity finds them. */
const speech = fc
	.array(fc.record({ pause: fc.integer({ min: 1, max: 1200 }), said: fc.integer({ min: 25, max: 9000 }) }), { maxLength: 40 })
	.map((turns) => {
		let at = 0;
		const spans = turns.map(({ pause, said }): Span => {
			const start = at + pause;
			at = start + said;
			return { start: start / 100, end: at / 100 };
		});
		return { spans, durationSeconds: (at + 70) / 100 };
	});
const limits = fc.record({
	format: fc.constantFrom('wav' as const, 'mp3' as const),
	maxSeconds: fc.integer({ min: 3, max: 120 }),
	maxBytes: fc.integer({ min: 110_000, max: 4_000_000 }),
});
const EPSILON = 1e-6;

describe('the plan of pieces', () => {
	it('holds all speech, in order, without overlap, within the sound', () => {
		fc.assert(
			fc.property(speech, limits, ({ spans, durationSeconds }, takes) => {
				const pieces = planPieces(spans, durationSeconds, takes);
				let before = 0;
				for (const { start, end } of pieces) {
					expect(start).toBeGreaterThanOrEqual(before - EPSILON);
					expect(end).toBeGreaterThan(start);
					before = end;
				}
				expect(before).toBeLessThanOrEqual(durationSeconds + EPSILON);
				for (const span of spans) {
					const covered = pieces.reduce(
						(sum, { start, end }) => sum + Math.max(0, Math.min(end, span.end) - Math.max(start, span.start)),
						0,
					);
					expect(covered).toBeCloseTo(span.end - span.start, 5);
				}
			}),
		);
	});

	it('never exceeds what the transcriber takes', () => {
		fc.assert(
			fc.property(speech, limits, ({ spans, durationSeconds }, takes) => {
				for (const { start, end } of planPieces(spans, durationSeconds, takes)) {
					expect(end - start).toBeLessThanOrEqual(takes.maxSeconds);
					const bytes = takes.format === 'wav' ? 44 + (end - start) * 32_000 : (end - start) * 4000;
					expect(bytes).toBeLessThanOrEqual(takes.maxBytes);
				}
			}),
		);
	});

	it('cuts speech only where it lasts longer than a piece may, and then as seldom as can be', () => {
		fc.assert(
			fc.property(speech, limits, ({ spans, durationSeconds }, takes) => {
				const pieces = planPieces(spans, durationSeconds, takes);
				for (const span of spans) {
					const cuts = pieces.filter(({ end }) => end > span.start + EPSILON && end < span.end - EPSILON).length;
					expect(cuts).toBeLessThanOrEqual(Math.ceil((span.end - span.start) / longestPiece(takes) - EPSILON) - 1);
				}
			}),
		);
	});

	it('leaves long silences out', () => {
		fc.assert(
			fc.property(speech, limits, ({ spans, durationSeconds }, takes) => {
				const pieces = planPieces(spans, durationSeconds, takes);
				spans.slice(1).forEach((span, index) => {
					const { end } = spans[index]!;
					const middle = (end + span.start) / 2;
					if (span.start - end > SKIP_SECONDS) {
						expect(pieces.some((piece) => piece.start < middle && piece.end > middle)).toBe(false);
					}
				});
			}),
		);
	});

	it('is empty where nobody speaks', () => {
		expect(planPieces([], 3600, wav(600))).toEqual([]);
	});

	it('takes short speech as one piece, with some silence around it', () => {
		const spans = [{ start: 2, end: 4 }, { start: 5, end: 8 }];
		expect(planPieces(spans, 10, wav(600))).toEqual([{ start: 1.75, end: 8.25 }]);
	});

	it('begins and ends with the sound where speech does', () => {
		expect(planPieces([{ start: 0, end: 10 }], 10, wav(Infinity))).toEqual([{ start: 0, end: 10 }]);
	});

	it('cuts at the longest pause of the second half', () => {
		const spans = [
			{ start: 0, end: 8 },
			{ start: 10, end: 14 },
			{ start: 15, end: 19 },
			{ start: 19.2, end: 30 },
		];
		expect(planPieces(spans, 30, wav(20)).map(({ end }) => end)).toEqual([14.25, 30]);
	});

	it('cuts three hours without a pause evenly', () => {
		const pieces = planPieces([{ start: 0, end: 10_800 }], 10_800, wav(1400));
		expect(pieces).toHaveLength(8);
		expect(new Set(pieces.map(({ start, end }) => Math.round(end - start)))).toEqual(new Set([1350]));
	});

	it('plans three hours of talk with a breath every two seconds', () => {
		const spans = Array.from({ length: 5400 }, (_, index) => ({ start: index * 2, end: index * 2 + 1.7 }));
		const pieces = planPieces(spans, 10_800, { format: 'mp3', maxBytes: 25 * 1024 * 1024, maxSeconds: 1400 });
		expect(pieces).toHaveLength(8);
		expect(pieces.every(({ end }) => spans.every((span) => end <= span.start || end >= span.end))).toBe(true);
	});

	it('refuses limits under which nothing can be sent', () => {
		expect(() => planPieces([{ start: 0, end: 10 }], 10, { format: 'wav', maxBytes: 20_000, maxSeconds: 600 })).toThrow(RangeError);
	});
});
