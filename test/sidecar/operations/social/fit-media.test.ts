import { frameFor } from '../../../../sidecar/src/operations/social/fit-media.ts';
import { limitProblems } from '../../../../sidecar/src/media/platform-check.ts';
import type { MediaLimits } from '../../../../sidecar/src/media/platform-limits.ts';
import { completeFacts } from '../../../../sidecar/src/media/facts.ts';

/** A fixed sequence that looks random. */
function sequence(seed: number) {
	let state = seed;
	return (from: number, to: number): number => {
		state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
		return from + (state / 2_147_483_648) * (to - from);
	};
}

const problemsOf = (width: number, height: number, limits: MediaLimits) =>
	limitProblems(
		completeFacts({ mime: 'image/jpeg', fileType: 'image', container: 'jpeg', bytes: 1000, durationSeconds: 0, bitrate: null, audio: null, video: { codec: 'mjpeg', width, height, frameRate: 0, pixelFormat: 'yuv420p', rotation: 0, bitrate: null } }),
		limits,
	);

describe('frameFor', () => {
	it('gives every picture a frame that the limits take, with the whole picture in it and its shape kept', () => {
		const between = sequence(7);
		for (let round = 0; round < 3000; round += 1) {
			const size = { width: Math.round(between(1, 9000)), height: Math.round(between(1, 9000)) };
			const most = Math.round(between(400, 5000));
			const limits: MediaLimits = {
				mimes: ['image/jpeg'],
				count: 1,
				...(between(0, 1) > 0.5 ? { minRatio: between(0.3, 1), maxRatio: between(1, 2.5) } : {}),
				...(between(0, 1) > 0.5 ? { maxAspect: between(1.2, 3) } : {}),
				...(between(0, 1) > 0.5 ? { maxLongSide: most } : {}),
				...(between(0, 1) > 0.7 ? { maxShortSide: most } : {}),
				...(between(0, 1) > 0.7 ? { maxWidth: most } : {}),
				...(between(0, 1) > 0.7 ? { maxPixels: most * most } : {}),
				...(between(0, 1) > 0.7 ? { minSide: Math.round(between(1, 100)) } : {}),
			};
			const { frame, inner } = frameFor(size, limits);
			const about = JSON.stringify({ size, limits, frame, inner });
			expect({ about, problems: shapeable(size, limits) ? problemsOf(frame.width, frame.height, limits) : [] }).toEqual({ about, problems: [] });
			expect({ about, fits: inner.width <= frame.width && inner.height <= frame.height && inner.width >= 1 && inner.height >= 1 }).toEqual({ about, fits: true });
			// Within three pixels: sides are whole numbers, and the longer one gives way to the shape.
			const off = Math.abs(inner.width * size.height - inner.height * size.width) / Math.max(size.width, size.height);
			expect({ about, off: off <= 3 || inner.width === 1 || inner.height === 1 }).toEqual({ about, off: true });
		}
	});

	it.each([
		[{ width: 3000, height: 1000 }, { minRatio: 0.8, maxRatio: 1.91 }, { frame: { width: 3000, height: 1570 }, inner: { width: 3000, height: 1000 } }],
		[{ width: 1000, height: 3000 }, { minRatio: 0.8, maxRatio: 1.91, maxLongSide: 1500 }, { frame: { width: 1200, height: 1500 }, inner: { width: 500, height: 1500 } }],
		[{ width: 8000, height: 4000 }, { maxLongSide: 2000 }, { frame: { width: 2000, height: 1000 }, inner: { width: 2000, height: 1000 } }],
		[{ width: 50, height: 100 }, { minSide: 100 }, { frame: { width: 100, height: 200 }, inner: { width: 100, height: 200 } }],
		[{ width: 640, height: 480 }, {}, { frame: { width: 640, height: 480 }, inner: { width: 640, height: 480 } }],
	])('of %j within %j', (size, limits, result) => {
		expect(frameFor(size, { mimes: ['image/jpeg'], count: 1, ...limits })).toEqual(result);
	});
});

/** A few pixels cannot have every shape. */
const shapeable = ({ width, height }: { width: number; height: number }, limits: MediaLimits): boolean => {
	const { frame } = frameFor({ width, height }, limits);
	return Math.min(frame.width, frame.height) > 60;
};
