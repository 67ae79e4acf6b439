import fc from 'fast-check';
import type { Condition } from '../../../sidecar/src/contract/pipelines.ts';
import { whyNot } from '../../../sidecar/src/pipeline/condition.ts';
import { audioFacts, imageFacts, videoFacts } from '../../support/facts.ts';

describe('the condition of a step', () => {
	const video = videoFacts({ durationSeconds: 60 });
	it.each<[name: string, condition: Condition, reason: RegExp]>([
		['another kind', { file_type: 'image' }, /the source is video, not image/],
		['none of several kinds', { file_type: ['image', 'audio'] }, /not image or audio/],
		['sound where there shall be none', { has_audio: false }, /has sound/],
		['another orientation', { orientation: 'portrait' }, /landscape, not portrait/],
		['no high dynamic range', { hdr: true }, /no high dynamic range/],
		['too short', { min_duration_seconds: 61 }, /length of 60 s is below 61/],
		['too long', { max_duration_seconds: 59.5 }, /length of 60 s is above 59.5/],
		['too small', { min_height: 4000 }, /height of \d+ px is below 4000/],
	])('says why it does not hold: %s', (_name, condition, reason) => {
		expect(whyNot(condition, video)).toMatch(reason);
	});

	it('holds where everything it asks for is there', () => {
		expect(whyNot({}, video)).toBeNull();
		expect(whyNot({ file_type: ['video', 'audio'], has_audio: true, orientation: 'landscape', min_duration_seconds: 60, max_duration_seconds: 60, hdr: false }, video)).toBeNull();
		expect(whyNot({ has_audio: true }, audioFacts())).toBeNull();
	});

	it('takes sound for no picture of any orientation', () => {
		expect(whyNot({ orientation: 'square' }, audioFacts())).toMatch(/no picture, not square/);
		expect(whyNot({ has_audio: true }, imageFacts())).toMatch(/no sound/);
	});

	it('holds for exactly the lengths between its bounds', () => {
		fc.assert(
			fc.property(fc.double({ min: 0, max: 1e5, noNaN: true }), fc.double({ min: 0, max: 1e5, noNaN: true }), fc.double({ min: 0, max: 1e5, noNaN: true }), (least, most, seconds) => {
				const holds = whyNot({ min_duration_seconds: least, max_duration_seconds: most }, videoFacts({ durationSeconds: seconds })) === null;
				expect(holds).toBe(seconds >= least && seconds <= most);
			}),
		);
	});
});
