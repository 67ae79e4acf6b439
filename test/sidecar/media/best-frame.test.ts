import { bestFrame, readSamples, scoreOf, type FrameSample } from '../../../sidecar/src/media/best-frame.ts';

const sample = (changes: Partial<FrameSample> = {}): FrameSample => ({ seconds: 5, blur: 3, entropy: 0.7, brightness: 0.5, contrast: 0.6, saturation: 0.4, ...changes });

describe('the best frame', () => {
	it.each([
		['a blurred one', { blur: 9 }],
		['one without edges', { blur: null }],
		['a dark one', { brightness: 0.1 }],
		['a burnt-out one', { brightness: 0.97 }],
		['a flat one', { contrast: 0.05 }],
		['one colour', { entropy: 0.05 }],
		['a grey one', { saturation: 0 }],
	])('is not %s', (_what, changes) => {
		expect(scoreOf(sample(changes))).toBeLessThan(scoreOf(sample()) - 0.02);
		expect(bestFrame([sample({ seconds: 4.9, ...changes }), sample({ seconds: 5.2 }), sample({ seconds: 5.1, ...changes })], 10)?.seconds).toBe(5.2);
	});

	it('is worth nothing when all is black', () => {
		expect(scoreOf(sample({ brightness: 0, contrast: 0, entropy: 0, blur: null }))).toBe(0);
	});

	it('is the one in the middle, of equals', () => {
		expect(bestFrame([1, 5, 9].map((seconds) => sample({ seconds })), 10)?.seconds).toBe(5);
		expect(bestFrame([], 10)).toBeNull();
	});

	it('is chosen from what ffmpeg prints', () => {
		const text = 'frame:0    pts:0       pts_time:0.52\nlavfi.blur=-nan\nlavfi.entropy.normalized_entropy.normal.Y=0.5\nlavfi.signalstats.YLOW=16\nlavfi.signalstats.YAVG=125.5\nlavfi.signalstats.YHIGH=235\nlavfi.signalstats.SATAVG=30\nframe:1 pts:1 pts_time:nan\n';
		expect(readSamples(text)).toEqual([{ seconds: 0.52, blur: null, entropy: 0.5, brightness: 0.5, contrast: 1, saturation: 0.5 }]);
	});
});
