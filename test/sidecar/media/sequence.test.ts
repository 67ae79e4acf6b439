import fc from 'fast-check';
import { framing } from '../../../sidecar/src/media/framing.ts';
import { partOf, sequence, type SequencePart } from '../../../sidecar/src/media/sequence.ts';
import { imageFacts, picture, sound, videoFacts } from '../../support/facts.ts';

const part = (seconds: number): SequencePart => ({ picture: 'v', sound: 'a', size: { width: 1920, height: 1080 }, seconds, prepare: [] });
const FORM = { size: { width: 1280, height: 720 }, frameRate: 25, fit: 'contain' as const, fadeSeconds: 0 };

describe('a sequence', () => {
	it('holds whole pictures, and says where each part begins', () => {
		const made = sequence([part(2.01), part(1), part(3)], FORM);
		expect(made).toMatchObject({ seconds: 6, starts: [0, 2, 3], fadeSeconds: 0, audio: true });
		expect(made.graph.filters).toContain('trim=end_frame=50');
		expect(made.graph.map).toEqual(['[joined]', '[joinedsound]']);
	});

	it('overlaps where it fades, by at most half of the shortest part', () => {
		expect(sequence([part(4), part(2), part(4)], { ...FORM, fadeSeconds: 1 })).toMatchObject({ seconds: 8, starts: [0, 3, 4], fadeSeconds: 1 });
		expect(sequence([part(4), part(1)], { ...FORM, fadeSeconds: 3 }).fadeSeconds).toBe(0.48);
		expect(sequence([part(4)], { ...FORM, fadeSeconds: 3 }).fadeSeconds).toBe(0);
	});

	it('shows a picture as long as it is told, and the last one of a video until its sound ends', () => {
		const still = imageFacts({}, 'image/png');
		expect(partOf(still, picture(), 2, 7)).toMatchObject({ picture: 'v2', sound: null, seconds: 7 });
		const short = videoFacts({ video: picture({ durationSeconds: 10 }), audio: sound({ durationSeconds: 10.3 }) });
		expect(partOf(short, picture({ durationSeconds: 10 }), 0, 7)).toMatchObject({ picture: 'v', sound: 'a', seconds: 10 });
		const long = videoFacts({ audio: sound({ durationSeconds: 70 }) });
		expect(partOf(long, picture(), 1, 7).seconds).toBe(70);
	});
});

describe('a picture in a frame of another shape', () => {
	const side = fc.integer({ min: 2, max: 4000 });
	const even = fc.integer({ min: 1, max: 2000 }).map((half) => half * 2);

	it('never asks ffmpeg to crop or pad what is too small or too large', () => {
		fc.assert(
			fc.property(side, side, even, even, (width, height, frameWidth, frameHeight) => {
				const [cover = ''] = framing({ width, height }, { width: frameWidth, height: frameHeight }, 'cover');
				const [contain = ''] = framing({ width, height }, { width: frameWidth, height: frameHeight }, 'contain');
				const sizeOf = (filter: string): [number, number] => filter.replace('scale=', '').split(':').map(Number) as [number, number];
				const [coverWidth, coverHeight] = sizeOf(cover);
				const [containWidth, containHeight] = sizeOf(contain);
				expect(coverWidth >= frameWidth && coverHeight >= frameHeight).toBe(true);
				expect(containWidth <= frameWidth && containHeight <= frameHeight).toBe(true);
				expect([coverWidth, coverHeight, containWidth, containHeight].every((value) => value % 2 === 0 && value >= 2)).toBe(true);
			}),
		);
	});

	it('is only scaled where the shape is the same', () => {
		expect(framing({ width: 1920, height: 1080 }, { width: 1280, height: 720 }, 'blur')).toEqual(['scale=1280:720', 'setsar=1']);
	});
});
