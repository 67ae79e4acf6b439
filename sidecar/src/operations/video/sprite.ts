import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { estimate, IMAGE_FORMATS } from '../../media/codecs.ts';
import { fitWidth, scaleTo, type Size } from '../../media/geometry.ts';
import type { PlannedOutput } from '../../media/plan.ts';
import type { MediaOperation } from '../operation.ts';

const params = z
	.strictObject({
		interval_seconds: z.number().min(0.1).max(3600).optional().describe('One tile for every so many seconds. Default: 100 tiles in all, but none for less than a second.'),
		count: z.int().min(1).max(2000).optional().describe('Number of tiles, evenly over the video; instead of interval_seconds.'),
		columns: z.int().min(1).max(20).default(10).describe('Tiles side by side; as many below each other, at most, in one sheet. Default 10.'),
		width: z.int().min(16).max(480).default(160).describe('Width of a tile in pixels; the height follows. Default 160.'),
		format: z.enum(['jpeg', 'webp']).default('jpeg').describe('File format of the sheets. Default jpeg.'),
		quality: z.int().min(1).max(100).default(75).describe('1 (smallest file) to 100 (best picture). Default 75.'),
	})
	.refine(({ interval_seconds: interval, count }) => interval === undefined || count === undefined, {
		path: ['count'],
		message: 'Give interval_seconds or count, not both.',
	});
type Params = z.infer<typeof params>;

const DEFAULT_TILES = 100;
/** At four tiles a screen that is more than anybody scrolls through, and each sheet is a file to load. */
const MAX_TILES = 3600;
/** WebP knows no side above 16,383 pixels; browsers of phones give up on sheets of more than about 16 megapixels. */
const MAX_SIDE = 16_000;
const MAX_SHEET_PIXELS = 16e6;

export const sprite: MediaOperation<Params> = {
	kind: 'media',
	name: 'sprite',
	version: 1,
	summary: 'Makes sheets of small pictures all along a video, with the WebVTT file that players show them by.',
	accepts: ['video'],
	params,
	example: { count: 20, columns: 5, width: 160, format: 'jpeg' },
	produces:
		'`tiles`, `interval_seconds`, `tile` (`width`, `height`), `sheets` (each with `name`, `columns`, `rows`), `vtt`. Files: `sprite.jpg` or `sprite.webp`, `sprite-01.jpg`, `sprite-02.jpg` … where one would be too large, and `sprite.vtt`.',
	plan(facts, wanted) {
		const { video } = facts;
		if (!video) throw new PipelineError('input_no_video', 'A sprite sheet needs a video; this file has only sound.');
		const seconds = video.durationSeconds || facts.durationSeconds;
		const tile = fitWidth(video, wanted.width);
		const { interval, count } = tiles(seconds, wanted);
		const sheets = arrange(count, tile, wanted);
		const { mime, options } = IMAGE_FORMATS[wanted.format];
		// Of each interval its middle: ffmpeg's fps filter takes the last picture before it.
		const rate = `fps=1000/${Math.round(interval * 1000)}:start_time=0`;
		return {
			outputs: [
				...sheets.map(
					(sheet): PlannedOutput => ({
						name: sheet.name,
						kind: 'image',
						mime,
						videoFilters: [
							// Where the picture ends before the file does, its last one stays.
							'tpad=stop_mode=clone:stop=-1',
							rate,
							`trim=start_frame=${sheet.first}:end_frame=${sheet.first + sheet.tiles}`,
							...scaleTo(tile),
							`tile=${sheet.columns}x${sheet.rows}:nb_frames=${sheet.tiles}`,
						],
						options: options(wanted.quality),
						expectedSeconds: 0,
					}),
				),
				// A sheet is written when its last tile is there, perhaps after minutes: this one shows that ffmpeg is at work.
				{ name: 'clock', kind: 'text', mime: 'text/plain', videoFilters: ['fps=1', 'scale=16:16'], options: [], expectedSeconds: seconds },
			],
			estimatedCpuSeconds: estimate(facts, { seconds, decode: true }),
			texts: [{ name: 'sprite.vtt', mime: 'text/vtt', content: webvtt(sheets, tile, interval, seconds) }],
			facts: {
				tiles: count,
				interval_seconds: interval,
				tile,
				sheets: sheets.map(({ name, columns, rows }) => ({ name, columns, rows })),
				vtt: 'sprite.vtt',
			},
		};
	},
};

/** Pure: how many, and how far apart, in whole milliseconds. What is left over at the end belongs to the last one. */
function tiles(seconds: number, { interval_seconds: given, count }: Params): { interval: number; count: number } {
	const round = (value: number): number => Math.max(1, Math.round(value * 1000)) / 1000;
	if (count !== undefined) return { interval: round(Math.max(seconds, 0.001) / count), count };
	const interval = given ?? round(Math.max(1, seconds / DEFAULT_TILES));
	const made = Math.max(1, Math.round(seconds / interval));
	if (made <= MAX_TILES) return { interval, count: made };
	throw new PipelineError(
		'invalid_request',
		`params.interval_seconds is ${given}: a video of ${Math.round(seconds)} s would have ${made} tiles. At most ${MAX_TILES} are made; use ${Math.ceil(seconds / MAX_TILES)} s or more.`,
		{ details: { field: 'params.interval_seconds', given, allowed: `at least ${Math.ceil(seconds / MAX_TILES)}` } },
	);
}

interface Sheet {
	name: string;
	/** Number of its first tile, from 0. */
	first: number;
	tiles: number;
	columns: number;
	rows: number;
}

/** Pure: full sheets, and a last one of as many rows as it needs. */
function arrange(count: number, tile: Size, { columns: wanted, format }: Params): Sheet[] {
	const columns = Math.min(wanted, count);
	const most = Math.min(MAX_SIDE, MAX_SHEET_PIXELS / (columns * tile.width));
	const rows = Math.max(1, Math.min(wanted, Math.floor(most / tile.height)));
	const perSheet = columns * rows;
	const sheets = Math.ceil(count / perSheet);
	return Array.from({ length: sheets }, (_, index) => {
		const first = index * perSheet;
		const own = Math.min(perSheet, count - first);
		const name = `sprite${sheets > 1 ? `-${String(index + 1).padStart(2, '0')}` : ''}.${IMAGE_FORMATS[format].extension}`;
		return { name, first, tiles: own, columns, rows: Math.ceil(own / columns) };
	});
}

function webvtt(sheets: Sheet[], { width, height }: Size, interval: number, seconds: number): string {
	const cues = sheets.flatMap(({ name, first, tiles: own, columns }, sheet) =>
		Array.from({ length: own }, (_, place) => {
			const number = first + place;
			const last = sheet === sheets.length - 1 && place === own - 1;
			const end = last ? Math.max(seconds, (number + 0.001) * interval) : (number + 1) * interval;
			const area = [(place % columns) * width, Math.floor(place / columns) * height, width, height].join(',');
			return `${clock(number * interval)} --> ${clock(end)}\n${name}#xywh=${area}\n`;
		}),
	);
	return `WEBVTT\n\n${cues.join('\n')}`;
}

/** `01:02:03.004` */
function clock(seconds: number): string {
	const milliseconds = Math.round(seconds * 1000);
	const part = (size: number, of: number): string => String(Math.floor(milliseconds / size) % of).padStart(2, '0');
	return `${part(3_600_000, 100)}:${part(60_000, 60)}:${part(1000, 60)}.${String(milliseconds % 1000).padStart(3, '0')}`;
}
