import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { DEFAULT_PRESET, ENCODE_COST, estimate, FAST_START, h264 } from '../../media/codecs.ts';
import { fitWidth, scaleTo } from '../../media/geometry.ts';
import type { PlannedOutput } from '../../media/plan.ts';
import type { MediaOperation } from '../operation.ts';

const params = z.strictObject({
	start: z
		.union([z.literal('auto'), z.number().min(0)])
		.default('auto')
		.describe('Place in the video in seconds, or "auto": several short parts from all over the video. Default auto.'),
	seconds: z.number().min(0.5).max(30).default(4).describe('Length of the clip. Default 4; a shorter video is shown whole.'),
	width: z.int().min(16).max(1280).default(400).describe('Width in pixels; the height follows. Default 400. Never larger than the source.'),
	fps: z.number().min(1).max(30).default(10).describe('Pictures per second. Default 10. Never more than the source has.'),
	format: z
		.enum(['gif', 'webp', 'mp4'])
		.default('gif')
		.describe('gif is shown everywhere, webp has half its size or less, mp4 (without sound) a fifth or less. Default gif.'),
	loop: z.boolean().default(true).describe('Whether a GIF or WebP plays again and again. Default true. An mp4 leaves that to the player.'),
});
type Params = z.infer<typeof params>;

/** Shorter parts are a flicker, longer ones show less of the video. */
const PART_SECONDS = 1;
/** The very beginning and end are often black, or titles. */
const MARGIN = 0.05;

export const previewClip: MediaOperation<Params> = {
	kind: 'media',
	name: 'preview_clip',
	version: 1,
	summary: 'Makes a silent moving picture of a few seconds, as GIF, WebP or MP4.',
	accepts: ['video'],
	params,
	example: { start: 'auto', seconds: 4, width: 400, fps: 10, format: 'gif' },
	plan(facts, wanted) {
		const { video } = facts;
		if (!video) throw new PipelineError('input_no_video', 'A clip needs a video; this file has only sound.');
		const size = fitWidth(video, wanted.width);
		const fps = Math.min(wanted.fps, video.frameRate || wanted.fps);
		const excerpts = choose(video.durationSeconds || facts.durationSeconds, wanted);
		const seconds = excerpts.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
		// Of what is shorter than one of the new pictures, fps would make none.
		const steady = `fps=${fps}:start_time=0${seconds * fps < 1 ? ':eof_action=pass' : ''}`;
		const parts = excerpts.map((_, index) => `[x${index + 1}]${steady},${scaleTo(size).join(',')}[part${index}]`);
		const joined = `${excerpts.map((_, index) => `[part${index}]`).join('')}concat=n=${excerpts.length}:v=1:a=0`;
		return {
			outputs: [
				{
					...format(wanted),
					excerpts,
					graph: { filters: `${parts.join(';')};${joined}${wanted.format === 'gif' ? PALETTE : ''}[clip]`, map: ['[clip]'] },
					expectedSeconds: seconds,
				},
			],
			// Each part is decoded from the key frame before it: a second or two more.
			estimatedCpuSeconds: estimate(facts, {
				seconds: seconds + 2 * excerpts.length,
				decode: true,
				encode: { size, frameRate: fps, cost: COST[wanted.format] },
			}),
			...(seconds < wanted.seconds - 0.1 ? { reason: `The video is shorter than ${wanted.seconds} s: the clip shows all of it.` } : {}),
			facts: { ...size, fps, seconds: round(seconds), parts: excerpts.map(({ seekSeconds }) => ({ start_seconds: seekSeconds })) },
		};
	},
};

/** Pure: which parts of the video are shown. */
function choose(durationSeconds: number, { start, seconds }: Params): NonNullable<PlannedOutput['excerpts']> {
	const length = durationSeconds > 0 ? Math.min(seconds, durationSeconds) : seconds;
	const last = Math.max(0, durationSeconds - length);
	if (start !== 'auto') return [{ seekSeconds: round(Math.min(start, last)), durationSeconds: length }];
	const count = Math.max(1, Math.round(length / PART_SECONDS));
	// With less than twice as much to choose from, jumps show hardly more than the middle in one piece.
	if (count === 1 || durationSeconds < seconds * 2) return [{ seekSeconds: round(last / 2), durationSeconds: length }];
	const part = length / count;
	const from = durationSeconds * MARGIN;
	const step = (durationSeconds * (1 - 2 * MARGIN) - part) / (count - 1);
	return Array.from({ length: count }, (_, index) => ({ seekSeconds: round(from + index * step), durationSeconds: round(part) }));
}

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;

/**
 * One palette of 128 colours for the whole clip: half of the 256 saves a fifth and is seen only in gradients. An ordered dither stays
 * where it is from picture to picture, so that what does not move costs nothing.
 */
const PALETTE = ',split[seen][drawn];[seen]palettegen=max_colors=128:stats_mode=diff[palette];[drawn][palette]paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle';

/** CPU seconds per million pixels, measured with ffmpeg 5.1 on two cores of a 2020s server. */
const COST = { gif: 0.05, webp: 0.15, mp4: ENCODE_COST.x264[DEFAULT_PRESET] } as const;

function format({ format: name, loop }: Params): Pick<PlannedOutput, 'name' | 'kind' | 'mime' | 'options'> {
	switch (name) {
		case 'gif':
			return { name: 'clip.gif', kind: 'video', mime: 'image/gif', options: ['-f', 'gif', '-loop', loop ? '0' : '-1'] };
		case 'webp':
			return {
				...{ name: 'clip.webp', kind: 'image', mime: 'image/webp' },
				options: [...['-c:v', 'libwebp_anim', '-quality', '65', '-compression_level', '4', '-pix_fmt', 'yuv420p'], '-f', 'webp', '-loop', loop ? '0' : '1'],
			};
		case 'mp4':
			return { name: 'clip.mp4', kind: 'video', mime: 'video/mp4', options: [...h264(26), ...FAST_START] };
	}
}
