import fc from 'fast-check';
import { budgetOf, corrected } from '../../../sidecar/src/media/quality-size.ts';
import { choose, comparePlan, nextCrfs, planSearch, probePlan, qualityOf, targetOf, type Encode, type Point, type Target } from '../../../sidecar/src/media/quality.ts';
import { ENCODE_COST, estimate } from '../../../sidecar/src/media/codecs.ts';
import { picture, videoFacts } from '../../support/facts.ts';

const encode: Encode = { size: { width: 1280, height: 720 }, frameRate: 30, videoFilters: ['scale=1280:720'], preset: 'slower' };
const target = (value: number): Target => ({ metric: 'ssim', value, crf: { least: 18, most: 34 } });
/** What x264 mostly does: SSIM falls by a quarter of a decibel per step, six steps halve the bitrate. */
const curve = (crf: number, at18 = 20): Point => ({ crf, quality: 1 - 10 ** (-(at18 - 0.25 * (crf - 18)) / 10), bitsPerSecond: 4e6 * 2 ** (-(crf - 18) / 6) });

describe('the search for the least bitrate', () => {
	it('chooses the largest CRF that reaches the quality', () => {
		const found = choose([21, 26, 31].map((crf) => curve(crf)), target(curve(28.5).quality));
		expect(found.crf).toBeCloseTo(28.5, 0);
		expect(found.reached).toBe(true);
		expect(found.bitsPerSecond).toBeCloseTo(curve(found.crf).bitsPerSecond, -4);
	});

	it('goes no further than where faults or waste begin', () => {
		const points = [21, 26, 31].map((crf) => curve(crf));
		expect(choose(points, target(0.5))).toMatchObject({ crf: 34, reached: true });
		expect(choose(points, target(0.9999))).toMatchObject({ crf: 18, reached: false });
	});

	it('takes a curve that bends back for what it is: the CRF furthest down still counts', () => {
		const points = [{ ...curve(21), quality: 0.95 }, { ...curve(26), quality: 0.96 }, { ...curve(31), quality: 0.94 }];
		const { crf, quality } = choose(points, target(0.955));
		expect(crf).toBeGreaterThan(26);
		expect(quality).toBeGreaterThanOrEqual(0.955);
	});

	it('always reaches the target by its own curve, or says that it does not', () => {
		fc.assert(
			fc.property(fc.double({ min: 0.6, max: 0.999, noNaN: true }), fc.double({ min: 8, max: 30, noNaN: true }), (value, at18) => {
				const found = choose([21, 26, 31].map((crf) => curve(crf, at18)), target(value));
				expect(found.reached).toBe(found.quality >= value);
				expect(found.crf).toBeGreaterThanOrEqual(18);
				expect(found.crf).toBeLessThanOrEqual(34);
			}),
		);
	});

	it('tries again only where nothing near was tried', () => {
		expect(nextCrfs([], target(0.96))).toEqual([21, 26, 31]);
		expect(nextCrfs([21, 26, 31].map((crf) => curve(crf)), target(curve(26.4).quality))).toEqual([]);
		expect(nextCrfs([21, 26, 31].map((crf) => curve(crf)), target(curve(28.6).quality))).toHaveLength(1);
	});

	it('stays within a quarter of the time of the encode, and inside the film', () => {
		fc.assert(
			fc.property(fc.double({ min: 0.1, max: 20_000, noNaN: true }), fc.constantFrom('slower', 'medium', 'veryfast'), (durationSeconds, preset) => {
				const facts = videoFacts({ durationSeconds });
				const one = { ...encode, preset } as Encode;
				const search = planSearch(facts, one);
				if (!search) return;
				const crfs = [21, 26, 31];
				const cost = Array.from({ length: search.rounds }, (_, round) => (round === 0 ? crfs : [28])).reduce(
					(sum, some) => sum + probePlan(facts, one, search, some).estimatedCpuSeconds + comparePlan(facts, one, search, some, 'ssim').estimatedCpuSeconds,
					0,
				);
				const whole = estimate(facts, { seconds: durationSeconds, decode: true, encode: { size: one.size, frameRate: 30, cost: ENCODE_COST.x264[one.preset] } });
				expect(cost).toBeLessThanOrEqual(whole * 0.25);
				for (const [index, { start, seconds }] of search.samples.entries()) {
					expect(start).toBeGreaterThanOrEqual(0);
					expect(start + seconds).toBeLessThanOrEqual(search.samples[index + 1]?.start ?? durationSeconds);
				}
			}),
		);
	});

	it('gives up on what is over before it is found', () => {
		expect(planSearch(videoFacts({ durationSeconds: 2 }), encode)).toBeNull();
		expect(planSearch(videoFacts({ durationSeconds: 3600 }), encode)?.rounds).toBe(2);
	});

	it('decodes the samples once for all encodes, and compares like with like', () => {
		const search = { samples: [{ start: 5, seconds: 2 }, { start: 15, seconds: 2 }], rounds: 1 };
		const probes = probePlan(videoFacts(), encode, search, [21, 26]);
		expect(probes.inputOptions).toEqual([['-ss', '15.000', '-t', '2.000']]);
		expect(probes.outputs.map(({ name, seekSeconds, graph }) => [name, seekSeconds, graph?.filters])).toEqual([
			['probe-21.mp4', 5, '[v][v1]concat=n=2:v=1:a=0,scale=1280:720,setpts=N/(30*TB)[samples]'],
			['probe-26.mp4', 5, '[v][v1]concat=n=2:v=1:a=0,scale=1280:720,setpts=N/(30*TB)[samples]'],
		]);
		const compared = comparePlan(videoFacts(), encode, search, [21, 26], 'vmaf');
		expect(compared.outputs[1]?.graph?.filters).toContain('[v3]format=yuv420p,setpts=N/(30*TB)[made];[made][source]libvmaf=log_fmt=csv:log_path={text}[compared]');
	});

	it('reads what the filters write', () => {
		expect(qualityOf('n:1 Y:0.9 U:1 V:1 All:0.930000 (11.5)\nn:2 Y:0.9 U:1 V:1 All:0.950000 (13.0)\n', 'ssim')).toBeCloseTo(0.94);
		expect(qualityOf('Frame,integer_adm2,vmaf,\n0,0.9,90.5,\n1,0.9,91.5,\n', 'vmaf')).toBeCloseTo(91);
		expect(() => qualityOf('', 'ssim')).toThrow(expect.objectContaining({ code: 'processing_failed' }));
	});

	it('knows what the levels ask for', () => {
		expect(targetOf('high', 'vmaf')).toMatchObject({ metric: 'vmaf', value: 95 });
		expect(targetOf('high', 'vmaf', 0.97)).toMatchObject({ metric: 'ssim', value: 0.97 });
	});
});

describe('a size', () => {
	const wish = { targetBytes: 10e6, height: 720, audioKbps: 128, frameRate: 30 };

	it('is split between picture and sound', () => {
		const { size, videoBitrate, audioKbps } = budgetOf(videoFacts(), wish);
		expect(size).toEqual({ width: 1280, height: 720 });
		expect(audioKbps).toBe(128);
		expect(((videoBitrate + 128_000) * 60) / 8).toBeGreaterThan(9.5e6);
		expect(((videoBitrate + 128_000) * 60) / 8).toBeLessThan(9.8e6);
	});

	it('that is small makes the picture smaller, and the sound poorer', () => {
		const { size, audioKbps } = budgetOf(videoFacts(), { ...wish, targetBytes: 1.5e6 });
		expect(size.height).toBeLessThan(720);
		expect(audioKbps).toBeLessThan(64);
	});

	it('that is impossible is refused with what would be possible, which then is', () => {
		const refusal = (targetBytes: number): number => {
			try {
				budgetOf(videoFacts(), { ...wish, targetBytes });
				return 0;
			} catch (error) {
				expect(error).toMatchObject({ code: 'invalid_request', message: expect.stringMatching(/^params\.target_mb: .* is too little for 60 s of video\. At least [\d.]+ MB would be possible/) });
				return (error as { details: { least: number } }).details.least;
			}
		};
		const least = refusal(50_000);
		expect(least).toBeGreaterThan(0.05);
		expect(refusal(least * 1e6)).toBe(0);
	});

	it('that was missed is missed by less the next time', () => {
		expect(corrected(1_000_000, 10.5e6, 10e6, 60)).toBeLessThan(1_000_000 - 66_000);
	});

	it('says so where there is no picture', () => {
		expect(() => budgetOf({ ...videoFacts(), video: null }, wish)).toThrow(expect.objectContaining({ code: 'input_no_video' }));
		expect(budgetOf(videoFacts({ video: picture({ width: 640, height: 360 }) }), wish).size).toEqual({ width: 640, height: 360 });
	});
});
