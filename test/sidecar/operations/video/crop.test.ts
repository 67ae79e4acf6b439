import fc from 'fast-check';
import { refuseOtherKinds } from '../../../../sidecar/src/operations/operation.ts';
import { crop } from '../../../../sidecar/src/operations/video/crop.ts';
import { audioFacts, imageFacts, picture, videoFacts } from '../../../support/facts.ts';

const planOf = (params: Record<string, unknown>, facts = videoFacts()) => crop.plan(facts, crop.params.parse(params));

describe('crop', () => {
	it('cuts the largest part of the proportions, in the middle', () => {
		expect(planOf({ mode: 'ratio', ratio: '9:16' }).outputs[0]).toMatchObject({
			name: 'cropped.mp4',
			videoFilters: ['scale=1920:1080', 'setsar=1', 'crop=606:1080:657:0'],
		});
		expect(planOf({ mode: 'ratio', ratio: '9:16', gravity: 'left' }).outputs[0]?.videoFilters?.at(-1)).toBe(
			'crop=606:1080:0:0',
		);
	});

	it('cuts the rectangle that is named, to even sizes', () => {
		const params = { mode: 'pixels', x: 10, y: 21, width: 301, height: 201 };
		expect(planOf(params).outputs[0]?.videoFilters?.at(-1)).toBe('crop=300:200:10:21');
	});

	it.each([
		[{ mode: 'pixels', x: 1900, width: 100, height: 100 }, 'params.width', 'at most 20'],
		[{ mode: 'pixels', y: 1000, width: 100, height: 100 }, 'params.height', 'at most 80'],
		[{ mode: 'pixels', x: 5000, width: 100, height: 100 }, 'params.x', 'at most 1918'],
		[{ mode: 'fit', width: 301, height: 200 }, 'params.width', 'an even number, e.g. 300 or 302'],
	])('refuses %j, naming %s and what is allowed', (params, field, allowed) => {
		expect(() => planOf(params)).toThrow(
			expect.objectContaining({ code: 'invalid_request', details: expect.objectContaining({ field, allowed }) }),
		);
	});

	it('copies a video that already is what was asked for', () => {
		const plan = planOf({ mode: 'ratio', ratio: '16:9' });
		expect(plan.outputs[0]).toMatchObject({
			videoFilters: [],
			options: ['-c:v', 'copy', '-c:a', 'copy', '-movflags', '+faststart'],
		});
		expect(plan.reason).toMatch(/copied/);
	});

	it('makes exactly the size of fit, whatever the source', () => {
		for (const fit of ['cover', 'contain', 'blur'])
			expect(planOf({ mode: 'fit', width: 1080, height: 1920, fit }).facts).toEqual({ width: 1080, height: 1920 });
	});

	it('sends pictures to the operation that is made for them', () => {
		expect(() => refuseOtherKinds(crop, imageFacts())).toThrow(expect.objectContaining({ code: 'input_unsupported', message: expect.stringContaining('image_resize') }));
		expect(() => refuseOtherKinds(crop, videoFacts({ mime: 'image/gif' }))).not.toThrow();
	});

	it('stays inside the source for every ratio, with even sizes', () => {
		const side = fc.integer({ min: 16, max: 4320 });
		const part = fc.integer({ min: 1, max: 30 });
		fc.assert(
			fc.property(side, side, part, part, (width, height, across, down) => {
				const plan = planOf(
					{ mode: 'ratio', ratio: `${across}:${down}` },
					videoFacts({ video: picture({ width, height }) }),
				);
				const made = plan.facts as { width: number; height: number };
				expect(made.width <= width && made.height <= height).toBe(true);
				expect(made.width % 2 === 0 && made.height % 2 === 0).toBe(true);
			}),
		);
	});

	it.each(['9x16', '0:16', '9:', '16:9:1'])('refuses %j as a ratio', (ratio) => {
		expect(crop.params.safeParse({ mode: 'ratio', ratio }).success).toBe(false);
	});

	it('refuses parameters of another mode', () => {
		expect(crop.params.safeParse({ mode: 'ratio', ratio: '1:1', width: 100 }).success).toBe(false);
	});

	it('refuses sound, and a video of one pixel', () => {
		expect(() => planOf({ mode: 'ratio', ratio: '1:1' }, audioFacts())).toThrow(
			expect.objectContaining({ code: 'input_no_video' }),
		);
		expect(() =>
			planOf({ mode: 'ratio', ratio: '1:1' }, videoFacts({ video: picture({ width: 1, height: 1 }) })),
		).toThrow(/too small/);
	});
});
