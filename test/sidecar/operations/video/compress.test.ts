import fc from 'fast-check';
import { compress } from '../../../../sidecar/src/operations/video/compress.ts';
import { audioFacts, picture, sound, videoFacts } from '../../../support/facts.ts';

const planOf = (facts = videoFacts(), params: Record<string, unknown> = {}) =>
	compress.plan(facts, compress.params.parse(params));
const optionsOf = (...args: Parameters<typeof planOf>): string => planOf(...args).outputs[0]?.options.join(' ') ?? '';
/** Already what compress would make. */
const compliant = videoFacts({ video: picture({ width: 1280, height: 720, bitrate: 2_000_000 }) });

describe('compress', () => {
	it('scales to the height and encodes H.264 that plays everywhere', () => {
		expect(planOf(videoFacts(), { crf: 28, preset: 'fast' })).toMatchObject({
			outputs: [
				{
					name: 'compressed.mp4',
					videoFilters: ['scale=1280:720', 'setsar=1'],
					options: [
						'-c:v',
						'libx264',
						'-preset',
						'fast',
						'-crf',
						'28',
						'-profile:v',
						'high',
						'-pix_fmt',
						'yuv420p',
						'-c:a',
						'copy',
						'-movflags',
						'+faststart',
					],
					expectedSeconds: 60,
				},
			],
			facts: { width: 1280, height: 720, copied: { video: false, audio: true } },
		});
	});

	it('copies everything when nothing needs to be done, and says so', () => {
		const plan = planOf(compliant);
		expect(plan.outputs[0]).toMatchObject({
			videoFilters: [],
			options: ['-c:v', 'copy', '-c:a', 'copy', '-movflags', '+faststart'],
		});
		expect(plan.reason).toMatch(/already H.264 of 1280 x 720.*copied/);
		expect(plan.estimatedCpuSeconds).toBeLessThan(planOf().estimatedCpuSeconds / 20);
	});

	it.each([
		['too high a bitrate', videoFacts({ video: picture({ width: 1280, height: 720, bitrate: 9_000_000 }) }), {}],
		['too high a bitrate for the limit', compliant, { max_bitrate_kbps: 1000 }],
		[
			'10-bit colour',
			videoFacts({ video: picture({ width: 1280, height: 720, bitrate: 2e6, pixelFormat: 'yuv420p10le' }) }),
			{},
		],
		['another codec', videoFacts({ video: picture({ width: 1280, height: 720, bitrate: 2e6, codec: 'hevc' }) }), {}],
		['an odd size', videoFacts({ video: picture({ width: 641, height: 360, bitrate: 2e5 }) }), {}],
		['too many pictures a second', compliant, { frame_rate: 24 }],
		['a container without time stamps', { ...compliant, container: 'avi' }, {}],
		[
			'an unknown bitrate',
			videoFacts({ bitrate: null, video: picture({ width: 1280, height: 720, bitrate: null }) }),
			{},
		],
	])('encodes because of %s', (_why, facts, params) => {
		expect(optionsOf(facts, params)).toContain('libx264');
	});

	it('limits the bitrate when asked', () => {
		expect(optionsOf(videoFacts(), { max_bitrate_kbps: 1500 })).toContain('-maxrate 1500k -bufsize 3000k');
	});

	it('never raises the frame rate', () => {
		expect(planOf(videoFacts(), { frame_rate: 24 }).outputs[0]?.videoFilters?.[0]).toBe('fps=24');
		expect(planOf(videoFacts(), { frame_rate: 60 }).outputs[0]?.videoFilters).toEqual(['scale=1280:720', 'setsar=1']);
	});

	it('encodes sound that is not AAC or too rich, to stereo, and leaves none out', () => {
		expect(optionsOf(videoFacts({ audio: sound({ codec: 'ac3', channels: 6, sampleRate: 96_000 }) }))).toContain(
			'-c:a aac -b:a 128k -ar 48000 -ac 2',
		);
		expect(optionsOf(videoFacts({ audio: sound({ bitrate: 320_000 }) }))).toContain('-c:a aac -b:a 128k');
		expect(optionsOf(videoFacts({ audio: null }))).not.toContain('-c:a');
	});

	it('refuses a file without a picture', () => {
		expect(() => planOf(audioFacts())).toThrow(expect.objectContaining({ code: 'input_no_video' }));
	});

	it('refuses an unknown parameter and one out of range', () => {
		expect(compress.params.safeParse({ heigth: 480 }).success).toBe(false);
		expect(compress.params.safeParse({ height: 100 }).success).toBe(false);
	});

	it('makes even sizes, never larger than the source', () => {
		const side = fc.integer({ min: 16, max: 4320 });
		fc.assert(
			fc.property(side, side, fc.integer({ min: 144, max: 4320 }), (width, height, limit) => {
				const { facts } = planOf(videoFacts({ video: picture({ width, height, codec: 'vp9' }) }), { height: limit });
				const made = facts as { width: number; height: number };
				expect(made.width % 2).toBe(0);
				expect(made.height % 2).toBe(0);
				expect(made.width).toBeLessThanOrEqual(width);
				expect(made.height).toBeLessThanOrEqual(Math.min(height, limit));
			}),
		);
	});
});
