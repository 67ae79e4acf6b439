import fc from 'fast-check';
import { lengthOf, partsToKeep, readSilences } from '../../../sidecar/src/media/silence.ts';

const KEEP = { padding: 0.1, frameRate: 0, most: 300 };

describe('silences that ffmpeg reports', () => {
	it('have a beginning and an end; one at the end of the file has the end of the file', () => {
		const text = 'frame:1 pts:1 pts_time:1\nlavfi.silence_start=-0.02\nframe:9 pts:9 pts_time:9\nlavfi.silence_end=1.5\nlavfi.silence_duration=1.52\nframe:20 pts:20 pts_time:20\nlavfi.silence_start=4\n';
		expect(readSilences(text, 6)).toEqual([
			{ start: 0, end: 1.5 },
			{ start: 4, end: 6 },
		]);
	});
});

describe('the parts that stay', () => {
	it('keep some of the silence around them, but none at the very beginning and end', () => {
		const kept = partsToKeep([{ start: 0, end: 1 }, { start: 2, end: 4 }, { start: 5, end: 6 }], 6, KEEP);
		expect(kept).toEqual([{ start: 0.9, end: 2.1 }, { start: 3.9, end: 5.1 }]);
	});

	it('are none where all is silent, and everything where nothing is, or the padding fills the pauses', () => {
		expect(partsToKeep([{ start: 0, end: 6 }], 6, KEEP)).toEqual([]);
		expect(partsToKeep([], 6, KEEP)).toEqual([{ start: 0, end: 6 }]);
		expect(partsToKeep([{ start: 2, end: 2.15 }], 6, KEEP)).toEqual([{ start: 0, end: 6 }]);
	});

	it('are no more than wanted: the longest silences go first', () => {
		const kept = partsToKeep([{ start: 1, end: 2 }, { start: 3, end: 5 }, { start: 6, end: 6.5 }], 8, { ...KEEP, padding: 0, most: 2 });
		expect(kept).toEqual([{ start: 0, end: 3 }, { start: 5, end: 8 }]);
	});

	it('are in order, inside the file, apart, on whole pictures, and never cut into what is loud', () => {
		const silences = fc
			.array(fc.tuple(fc.double({ min: 0.2, max: 3, noNaN: true }), fc.double({ min: 0.2, max: 3, noNaN: true })), { maxLength: 20 })
			.map((pairs) => {
				let at = 0;
				return pairs.map(([loud, silent]) => ({ start: (at += loud), end: (at += silent) }));
			});
		fc.assert(
			fc.property(silences, fc.constantFrom(0, 23.976, 25, 30, 60), fc.double({ min: 0, max: 0.5, noNaN: true }), (found, frameRate, padding) => {
				const duration = (found.at(-1)?.end ?? 0) + 1;
				const kept = partsToKeep(found, duration, { padding, frameRate, most: 300 });
				const half = frameRate > 0 ? 0.5 / frameRate : 0;
				kept.forEach(({ start, end }, index) => {
					expect(end).toBeGreaterThan(start);
					expect(start).toBeGreaterThanOrEqual(kept[index - 1]?.end ?? 0);
					if (frameRate > 0 && end < duration) expect(Math.abs(end * frameRate - Math.round(end * frameRate))).toBeLessThan(1e-6);
				});
				expect(lengthOf(kept)).toBeLessThanOrEqual(duration + 1e-9);
				const loud = [{ start: 0, end: 0 }, ...found].map(({ end }, index) => ({ start: end, end: found[index]?.start ?? duration }));
				for (const part of loud) {
					const covered = kept.some(({ start, end }) => start <= part.start + half + 1e-9 && end >= part.end - half - 1e-9);
					if (part.end - part.start > 2 * half) expect(covered).toBe(true);
				}
			}),
		);
	});
});
