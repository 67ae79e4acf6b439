import fc from 'fast-check';
import { SpeechFinder } from '../../../../sidecar/src/ai/local/speech-finder.ts';
import type { Span } from '../../../../sidecar/src/ai/voice-activity.ts';

const FRAME = 0.032;
const spans = (...runs: Array<[probability: number, frames: number]>): Span[] => {
	const finder = new SpeechFinder();
	for (const [probability, frames] of runs) for (let frame = 0; frame < frames; frame++) finder.push(probability);
	return finder.end(runs.reduce((sum, [, frames]) => sum + frames, 0) * FRAME);
};

describe('the speech finder', () => {
	it('finds speech between silence', () => {
		expect(spans([0.01, 10], [0.9, 20], [0.1, 10])).toEqual([{ start: 0.32, end: 0.96 }]);
	});

	it('finds speech at the very beginning and end', () => {
		expect(spans([0.9, 20], [0, 10], [0.9, 20])).toEqual([{ start: 0, end: 0.64 }, { start: 0.96, end: 1.6 }]);
	});

	it('keeps a span whose probability only sinks a little', () => {
		expect(spans([0.9, 10], [0.4, 30], [0.9, 10], [0, 10])).toEqual([{ start: 0, end: 1.6 }]);
	});

	it('takes no click for speech, and no stop of a consonant for a pause', () => {
		expect(spans([0, 10], [0.95, 3], [0, 20])).toEqual([]);
		expect(spans([0.9, 10], [0.01, 2], [0.9, 10], [0, 10])).toEqual([{ start: 0, end: 0.704 }]);
	});

	it('gives spans in order, without overlap, within the sound', () => {
		fc.assert(
			fc.property(fc.array(fc.tuple(fc.float({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 40 })), { maxLength: 60 }), (runs) => {
				const seconds = runs.reduce((sum, [, frames]) => sum + frames, 0) * FRAME;
				let before = 0;
				for (const { start, end } of spans(...runs)) {
					expect(start).toBeGreaterThanOrEqual(before);
					expect(end - start).toBeGreaterThanOrEqual(0.249);
					before = end;
				}
				expect(before).toBeLessThanOrEqual(seconds + 0.001);
			}),
		);
	});
});
