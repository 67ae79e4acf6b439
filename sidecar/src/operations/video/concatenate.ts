import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { estimate } from '../../media/codecs.ts';
import { edited, evenSize } from '../../media/edited.ts';
import type { MediaFacts, VideoFacts } from '../../media/facts.ts';
import { FIT_HELP, FITS } from '../../media/framing.ts';
import type { Size } from '../../media/geometry.ts';
import { commonRate, partOf, sequence } from '../../media/sequence.ts';
import { mediaInput } from '../media-input.ts';
import type { MediaOperation } from '../operation.ts';
import { crf } from './fields.ts';

const side = (what: string): z.ZodOptional<z.ZodInt> =>
	z.int().min(16).max(8192).multipleOf(2, 'must be an even number').optional().describe(`${what} of the result in pixels, even. Default: as \`size\` says.`);

const params = z
	.strictObject({
		clips: z.array(mediaInput).min(1).max(20).describe('What follows the source, in order: videos and pictures, 1 to 20.'),
		size: z
			.enum(['first', 'largest'])
			.default('first')
			.describe('Size of the result: that of the source, or that of the largest of all. Default first. Replaced by width and height.'),
		width: side('Width'),
		height: side('Height'),
		fit: z.enum(FITS).default('contain').describe(`What becomes of clips of another shape. ${FIT_HELP} Default contain.`),
		transition: z.enum(['none', 'fade']).default('none').describe('none: hard cuts; fade: each clip turns into the next one. Default none.'),
		fade_seconds: z.number().min(0.1).max(10).default(1).describe('Length of a fade in seconds, at most half of the shortest clip. Default 1.'),
		still_seconds: z.number().min(0.1).max(600).default(5).describe('How long a picture is shown, in seconds. Default 5.'),
		frame_rate: z.number().min(1).max(60).optional().describe('Pictures per second. Default: the highest of all, at most 60.'),
		crf,
	})
	.refine(({ width, height }) => (width === undefined) === (height === undefined), { path: ['height'], error: 'Give both width and height, or neither.' });
type Params = z.infer<typeof params>;

export const concatenate: MediaOperation<Params> = {
	kind: 'media',
	name: 'concatenate',
	version: 1,
	summary: 'Joins videos and pictures one after the other, whatever their sizes, rates and sound.',
	accepts: ['video'],
	insteadFor: { image: 'image_to_video' },
	params,
	example: { clips: [{ file_url: 'https://example.com/outro.mp4' }], fit: 'contain', transition: 'fade' },
	produces: '`width`, `height`, `frame_rate`, `duration_seconds`, `clips` (each with `start_seconds` and `duration_seconds`), `fade_seconds`. Files: `concatenated.mp4`.',
	inputs: ({ clips }) => clips,
	estimateSeconds: (facts, { clips }) => estimate(facts, { seconds: facts.durationSeconds, decode: true }) * (clips.length + 1) * 5,
	plan(facts, wanted, known) {
		const files = [facts, ...(known?.inputs ?? []).map((input) => input.facts)];
		const videos = files.map(pictureOf);
		const size = sizeOf(videos, wanted);
		const frameRate = wanted.frame_rate ?? commonRate(videos);
		const parts = files.map((file, index) => partOf(file, videos[index] ?? pictureOf(file, index), index, wanted.still_seconds));
		const wantedFade = wanted.transition === 'fade' ? wanted.fade_seconds : 0;
		const joined = sequence(parts, { size, frameRate, fit: wanted.fit, fadeSeconds: wantedFade });
		return {
			...edited(facts, { name: 'concatenated', size, seconds: joined.seconds, frameRate, graph: joined.graph, audio: joined.audio, newSound: true, crf: wanted.crf }),
			...(wantedFade - joined.fadeSeconds > 1 / frameRate ? { reason: `The fades are ${joined.fadeSeconds.toFixed(2)} s: half of the shortest clip.` } : {}),
			facts: {
				...size,
				frame_rate: frameRate,
				duration_seconds: Math.round(joined.seconds * 1000) / 1000,
				clips: parts.map(({ seconds }, index) => ({ start_seconds: joined.starts[index], duration_seconds: Math.round(seconds * 1000) / 1000 })),
				fade_seconds: joined.fadeSeconds,
			},
		};
	},
};

/** @param index 0 is the source */
function pictureOf({ video }: MediaFacts, index: number): VideoFacts {
	if (video) return video;
	const what = index === 0 ? 'The source' : `Clip ${index}`;
	throw new PipelineError('input_no_video', `${what} has only sound; all that is joined needs a picture.`, { details: index === 0 ? {} : { field: `params.clips[${index - 1}]` } });
}

function sizeOf(videos: VideoFacts[], { width, height, size }: Params): Size {
	if (width !== undefined && height !== undefined) return { width, height };
	const area = (one: Size): number => one.width * one.height;
	const [first, ...others] = videos;
	const chosen = size === 'largest' ? others.reduce((largest, one) => (area(one) > area(largest) ? one : largest), first!) : first!;
	return evenSize(chosen);
}
