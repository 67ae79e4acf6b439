import { sprite } from '../../../../sidecar/src/operations/video/sprite.ts';
import { audioFacts, picture, videoFacts } from '../../../support/facts.ts';
import { cuesOf, type Cue } from '../../../support/webvtt.ts';

const planOf = (params: Record<string, unknown> = {}, facts = videoFacts()) => sprite.plan(facts, sprite.params.parse(params));
const lasting = (durationSeconds: number, changes: Parameters<typeof picture>[0] = {}) =>
	videoFacts({ durationSeconds, video: picture({ durationSeconds, ...changes }) });

const cues = (...args: Parameters<typeof planOf>): Cue[] => cuesOf(planOf(...args).texts?.[0]?.content ?? '');

describe('sprite', () => {
	it('makes 100 tiles of a long video, and one a second of a short one', () => {
		expect(planOf({}, lasting(600)).facts).toMatchObject({ tiles: 100, interval_seconds: 6, sheets: [{ name: 'sprite.jpg', columns: 10, rows: 10 }] });
		expect(planOf().facts).toMatchObject({ tiles: 60, interval_seconds: 1, tile: { width: 160, height: 90 } });
		expect(planOf({}, lasting(0.4)).facts).toMatchObject({ tiles: 1, sheets: [{ columns: 1, rows: 1 }] });
	});

	it('covers the whole video without a gap', () => {
		for (const params of [{ interval_seconds: 7 }, { count: 13 }, { interval_seconds: 0.3, columns: 3 }]) {
			const all = cues(params);
			expect([all[0]?.start, all.at(-1)?.end]).toEqual([0, 60]);
			for (const [index, cue] of all.entries()) if (index > 0) expect(cue.start).toBe(all[index - 1]?.end);
		}
	});

	it('fills several sheets where one would be too large', () => {
		const plan = planOf({ interval_seconds: 2, columns: 3, format: 'webp' });
		expect(plan.outputs.map(({ name }) => name)).toEqual(['sprite-01.webp', 'sprite-02.webp', 'sprite-03.webp', 'sprite-04.webp', 'clock']);
		expect(plan.outputs[3]?.videoFilters).toEqual(expect.arrayContaining(['trim=start_frame=27:end_frame=30', 'tile=3x1:nb_frames=3']));
		expect(cues({ interval_seconds: 2, columns: 3 })[29]).toEqual({ start: 58, end: 60, sheet: 'sprite-04.jpg', area: [320, 0, 160, 90] });
	});

	it('keeps the sheets of tall pictures within what phones open', () => {
		const { facts } = planOf({ count: 400, columns: 20, width: 480 }, lasting(400, { width: 1080, height: 1920 }));
		const [sheet] = facts?.['sheets'] as Array<{ columns: number; rows: number }>;
		expect(sheet).toMatchObject({ columns: 20, rows: 1 });
	});

	it('refuses more tiles than anybody looks at, two ways of counting, and sound alone', () => {
		expect(() => planOf({ interval_seconds: 0.1 }, lasting(7200))).toThrow(expect.objectContaining({ code: 'invalid_request', message: expect.stringMatching(/use 2 s or more/) }));
		expect(sprite.params.safeParse({ interval_seconds: 1, count: 3 }).success).toBe(false);
		expect(() => planOf({}, audioFacts())).toThrow(expect.objectContaining({ code: 'input_no_video' }));
	});
});
