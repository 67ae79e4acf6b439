import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sprite } from '../../../../sidecar/src/operations/video/sprite.ts';
import { fixture } from '../../../fixtures/media.ts';
import { packageFixture } from '../../../fixtures/package.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { audioFacts, picture, videoFacts } from '../../../support/facts.ts';

const planOf = (params: Record<string, unknown> = {}, facts = videoFacts()) => sprite.plan(facts, sprite.params.parse(params));
const lasting = (durationSeconds: number, changes: Parameters<typeof picture>[0] = {}) =>
	videoFacts({ durationSeconds, video: picture({ durationSeconds, ...changes }) });

interface Cue {
	start: number;
	end: number;
	sheet: string;
	area: number[];
}
function cuesOf(vtt: string): Cue[] {
	const seconds = (text = ''): number => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
	return [...vtt.matchAll(/^(\S+) --> (\S+)\n(\S+)#xywh=(\S+)$/gm)].map(([, start, end, sheet = '', area = '']) => ({
		start: seconds(start),
		end: seconds(end),
		sheet,
		area: area.split(',').map(Number),
	}));
}
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

/** Mean colours: of every picture of a video, or of every cell of a sheet. */
const colours = (path: string, columns = 1, rows = 1): number[][] => {
	const bytes = execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-vf', `format=rgb24,scale=${columns}:${rows}:flags=area`, '-pix_fmt', 'rgb24', '-f', 'rawvideo', '-']);
	return Array.from({ length: bytes.length / 3 }, (_, index) => [...bytes.subarray(index * 3, index * 3 + 3)]);
};
const distance = (a: number[] = [], b: number[] = []): number => Math.max(...[0, 1, 2].map((index) => Math.abs((a[index] ?? NaN) - (b[index] ?? NaN))));

describe('sprite, for real', () => {
	// The fixture has another colour in every second: a tile that is half a second off has the wrong one.
	it.each([
		[
			'one tile a second',
			{ interval_seconds: 1, columns: 4, width: 64 },
			[
				['sprite-01.jpg', 4, 4],
				['sprite-02.jpg', 4, 4],
				['sprite-03.jpg', 4, 2],
			],
		],
		['tiles far apart', { interval_seconds: 7, width: 64, format: 'webp' }, [['sprite.webp', 6, 1]]],
		['a last row that is not full', { count: 9, columns: 4, width: 64 }, [['sprite.jpg', 4, 3]]],
	] as Array<[string, object, Array<[string, number, number]>]>)('shows in each tile what is seen in the middle of its time: %s', async (_what, params, sheets) => {
		const source = packageFixture('longColours');
		const seen = colours(source);
		await runOperationOn(sprite, source, params, async ({ files }) => {
			const vtt = files.find(({ name }) => name === 'sprite.vtt')?.path ?? '';
			const all = cuesOf(readFileSync(vtt, 'utf8'));
			expect(files).toHaveLength(sheets.length + 1);
			const shown = new Map(sheets.map(([name, columns, rows]) => [name, { columns, colours: colours(join(dirname(vtt), name), columns, rows) }]));
			for (const { start, sheet, area } of all) {
				const [x = 0, y = 0, width = 1, height = 1] = area;
				// At 10 pictures a second: the last one before the middle.
				const there = seen[Math.ceil((start + (all[0]?.end ?? 0) / 2) * 10) - 1];
				const cells = shown.get(sheet);
				const cell = cells?.colours[(y / height) * cells.columns + x / width];
				expect([start, distance(cell, there) < 12]).toEqual([start, true]);
			}
		});
	});

	it.each([
		['short', 1],
		['longSound', 1],
		['rotated', 3],
		['webmWithoutDuration', 2],
	] as const)('makes a sheet of %s', async (name, tiles) => {
		await runOperationOn(sprite, fixture(name), { width: 64 }, async ({ files, output }) => {
			expect(output['tiles']).toBe(tiles);
			const { tile } = output as { tile: { width: number; height: number } };
			expect(files.map((file) => file.name)).toEqual(['sprite.jpg', 'sprite.vtt']);
			expect(files[0]).toMatchObject({ width: tile.width * tiles, height: tile.height });
		});
	});
});
