import { thumbnail } from '../../../../sidecar/src/operations/video/thumbnail.ts';
import { audioFacts, imageFacts, picture, videoFacts } from '../../../support/facts.ts';

const planOf = (facts = videoFacts(), params: Record<string, unknown> = {}) =>
	thumbnail.plan(facts, thumbnail.params.parse(params));

describe('thumbnail', () => {
	it('takes the picture at 1 s, 1280 wide, as JPEG', () => {
		expect(planOf().outputs).toEqual([
			{
				name: 'thumbnail.jpg',
				kind: 'image',
				mime: 'image/jpeg',
				seekSeconds: 1,
				videoFilters: ['scale=1280:720', 'setsar=1'],
				options: ['-c:v', 'mjpeg', '-q:v', '3.9', '-pix_fmt', 'yuvj420p'],
				expectedSeconds: 0,
			},
		]);
	});

	it.each([
		['half of a short video', { durationSeconds: 1.6 }, {}, 0.8],
		['a number of seconds', {}, { at: 12.5 }, 12.5],
		['a share of the length', {}, { at: '25%' }, 15],
		['the last picture instead of the very end', {}, { at: '100%' }, 59.9],
		['the last picture when asked for what lies behind the end', {}, { at: 600 }, 59.9],
	])('seeks to %s', (_what, facts, params, seconds) => {
		expect(planOf(videoFacts(facts), params).outputs[0]?.seekSeconds).toBeCloseTo(seconds, 3);
	});

	it('says when the place asked for lies behind the end', () => {
		expect(planOf(videoFacts(), { at: 600 }).reason).toMatch(/ends at 60\.0 s/);
		expect(planOf(videoFacts(), { at: 60 }).reason).toBeUndefined();
	});

	it('never makes the picture larger', () => {
		expect(planOf(videoFacts({ video: picture({ width: 641, height: 361 }) })).facts).toMatchObject({
			width: 640,
			height: 360,
		});
	});

	it('does not seek in pictures, and puts transparent ones on white for JPEG', () => {
		const [output] = planOf(imageFacts({ pixelFormat: 'rgba' }, 'image/png'), { at: 5 }).outputs;
		expect(output?.seekSeconds).toBeUndefined();
		expect(output?.videoFilters?.at(-1)).toMatch(/white/);
		expect(
			planOf(imageFacts({ pixelFormat: 'rgba' }, 'image/png'), { format: 'webp' }).outputs[0]?.videoFilters,
		).toHaveLength(2);
	});

	it.each(['101%', '-1%', 'half', -1, '5'])('refuses %j as a place', (at) => {
		expect(thumbnail.params.safeParse({ at }).success).toBe(false);
	});

	it('refuses a file without a picture', () => {
		expect(() => planOf(audioFacts())).toThrow(expect.objectContaining({ code: 'input_no_video' }));
	});
});
