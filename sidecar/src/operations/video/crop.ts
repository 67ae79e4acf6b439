import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { aac, canRemux, DEFAULT_PRESET, ENCODE_COST, estimate, FAST_START, h264 } from '../../media/codecs.ts';
import type { MediaFacts, VideoFacts } from '../../media/facts.ts';
import { cropToRatio, evenDown, GRAVITIES, scaleTo, type Rectangle, type Size } from '../../media/geometry.ts';
import type { MediaPlan } from '../../media/plan.ts';
import { edgeExpression, type Knot } from '../../media/subject.ts';
import type { MediaOperation } from '../operation.ts';
import { measureSubject } from './smart-crop.ts';

const crf = z
	.int()
	.min(0)
	.max(51)
	.default(20)
	.describe('Quality of x264: 0 (lossless) to 51 (worst). Default 20.');
const pixels = (what: string): z.ZodInt =>
	z.int().min(0).max(16_384).describe(`${what} in pixels of the source as it is shown.`);
const size = (what: string): z.ZodInt =>
	z.int().min(2).max(8192).describe(`${what} of the result in pixels, an even number.`);

const params = z.discriminatedUnion('mode', [
	z.strictObject({
		mode: z.literal('pixels').describe('Cuts out the rectangle that you name.'),
		x: pixels('Left edge').default(0),
		y: pixels('Upper edge').default(0),
		width: pixels('Width').min(2),
		height: pixels('Height').min(2),
		crf,
	}),
	z.strictObject({
		mode: z.literal('ratio').describe('Cuts out the largest part that has these proportions.'),
		ratio: z
			.string()
			.regex(/^[1-9]\d{0,3}:[1-9]\d{0,3}$/, 'Use width:height, e.g. "9:16".')
			.describe('Proportions as width:height, e.g. "9:16", "1:1", "4:5".'),
		gravity: z
			.enum([...GRAVITIES, 'smart'])
			.default('center')
			.describe('Which part stays; smart: the crop follows what moves and stands out, scene by scene. Default center.'),
		crf,
	}),
	z.strictObject({
		mode: z.literal('fit').describe('Makes a picture of exactly this size.'),
		width: size('Width'),
		height: size('Height'),
		fit: z
			.enum(['cover', 'contain', 'blur'])
			.default('cover')
			.describe(
				'cover: fills the frame and cuts off the rest; contain: shows all on black; blur: shows all on a blurred copy. Default cover.',
			),
		crf,
	}),
]);
type Params = z.infer<typeof params>;
type PixelsParams = Extract<Params, { mode: 'pixels' }>;
type FitParams = Extract<Params, { mode: 'fit' }>;

export const crop: MediaOperation<Params, Knot[] | null> = {
	kind: 'media',
	name: 'crop',
	version: 1,
	summary: 'Cuts a video to a rectangle, to proportions such as 9:16, or to an exact size.',
	accepts: ['video'],
	insteadFor: { image: 'image_resize' },
	params,
	example: { mode: 'ratio', ratio: '9:16', gravity: 'center' },
	produces: '`width`, `height`; with smart also `path` (each with `seconds`, and `x`, `y` of the upper left corner in pixels). Files: `cropped.mp4`.',
	measures: isSmart,
	measure: (tools, wanted) => (isSmart(wanted) && tools.facts.video ? measureSubject(tools, rectangle(tools.facts.video, wanted)) : Promise.resolve(null)),
	estimateSeconds: (facts, wanted) => crop.plan(facts, wanted).estimatedCpuSeconds * (isSmart(wanted) ? 1.3 : 1),
	plan(facts, wanted, known) {
		const { video } = facts;
		if (!video) throw new PipelineError('input_no_video', 'There is nothing to crop; this file has only sound.');
		if (video.width < 2 || video.height < 2)
			throw new PipelineError(
				'input_unsupported',
				`A video of ${video.width} x ${video.height} pixels is too small to crop.`,
			);
		const { filters, made } = wanted.mode === 'fit' ? fit(video, wanted) : cut(video, rectangle(video, wanted));
		const knots = known?.measured;
		if (!knots || filters.length === 0) return videoPlan(facts, filters, made, wanted.crf);
		const followed = follow(video, made, knots);
		const plan = videoPlan(facts, followed.filters, made, wanted.crf);
		return { ...plan, facts: { ...plan.facts, path: followed.path } };
	},
};

type RatioParams = Extract<Params, { mode: 'ratio' }>;
function isSmart(wanted: Params): wanted is RatioParams {
	return wanted.mode === 'ratio' && wanted.gravity === 'smart';
}

/** A crop that moves along one side. */
function follow(video: VideoFacts, { width, height }: Size, knots: Knot[]): { filters: string[]; path: Array<Record<string, number>> } {
	const across = width < video.width;
	const edge = across ? edgeExpression(knots, video.width, width) : edgeExpression(knots, video.height, height);
	const place = (centre: number, side: number, length: number): number => Math.round(Math.min(side - length, Math.max(0, centre * side - length / 2)));
	return {
		filters: [...scaleTo(video), `crop=w=${width}:h=${height}:x='${across ? edge : 0}':y='${across ? 0 : edge}'`],
		path: knots.map(({ seconds, centre }) => ({
			seconds: Math.round(seconds * 1000) / 1000,
			x: across ? place(centre, video.width, width) : 0,
			y: across ? 0 : place(centre, video.height, height),
		})),
	};
}

function rectangle(video: VideoFacts, wanted: Exclude<Params, FitParams>): Rectangle {
	if (wanted.mode === 'pixels') return inside(video, wanted);
	const [across = 1, down = 1] = wanted.ratio.split(':').map(Number);
	return cropToRatio(video, across / down, wanted.gravity === 'smart' ? 'center' : wanted.gravity, evenDown);
}

/** Videos are cut to even numbers, down to the next one. */
function inside(video: VideoFacts, { x, y, width, height }: PixelsParams): Rectangle {
	refuseOutside('x', x, video.width - 2, video);
	refuseOutside('y', y, video.height - 2, video);
	refuseOutside('width', width, video.width - x, video);
	refuseOutside('height', height, video.height - y, video);
	return { x, y, width: evenDown(width), height: evenDown(height) };
}

function refuseOutside(name: string, given: number, largest: number, video: Size): void {
	if (given <= largest) return;
	const allowed = largest < 0 ? 'nothing: the picture is too small' : `at most ${largest}`;
	throw new PipelineError(
		'invalid_request',
		`params.${name} is ${given}, outside of the source (${video.width} x ${video.height} pixels): ${allowed}.`,
		{
			details: { field: `params.${name}`, given, allowed, source: { width: video.width, height: video.height } },
		},
	);
}

interface Cut {
	filters: string[];
	made: Size;
}

function cut(video: VideoFacts, { x, y, width, height }: Rectangle): Cut {
	const whole = width === video.width && height === video.height;
	return {
		filters: whole ? [] : [...scaleTo(video), `crop=${width}:${height}:${x}:${y}`],
		made: { width, height },
	};
}

function fit(video: VideoFacts, { width, height, fit: how }: FitParams): Cut {
	const made = { width, height };
	refuseOdd(made);
	if (video.width === width && video.height === height) return { filters: [], made };
	const cover = `scale=${width}:${height}:force_original_aspect_ratio=increase,crop=${width}:${height}`;
	const contain = `scale=${width}:${height}:force_original_aspect_ratio=decrease`;
	const filters = {
		cover: [cover],
		contain: [contain, `pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2:color=black`],
		// The blurred copy is made small first: blurring is dear, and nobody sees the difference.
		blur: [
			`split[under][over];[under]${blurred(made)}[soft];[over]${contain}[sharp];[soft][sharp]overlay=(W-w)/2:(H-h)/2`,
		],
	}[how];
	return { filters: [...scaleTo(video), ...filters, 'setsar=1'], made };
}

function blurred({ width, height }: Size): string {
	const small = { width: evenDown(width / 4), height: evenDown(height / 4) };
	return `scale=${small.width}:${small.height}:force_original_aspect_ratio=increase,crop=${small.width}:${small.height},gblur=sigma=8,eq=brightness=-0.08,scale=${width}:${height}`;
}

function refuseOdd(made: Size): void {
	for (const name of ['width', 'height'] as const) {
		const given = made[name];
		if (given % 2 === 0) continue;
		const allowed = `an even number, e.g. ${given - 1} or ${given + 1}`;
		throw new PipelineError('invalid_request', `params.${name} is ${given}; a video needs ${allowed}.`, {
			details: { field: `params.${name}`, given, allowed },
		});
	}
}

function videoPlan(facts: MediaFacts, filters: string[], made: Size, quality: number): MediaPlan {
	const { video, audio } = facts;
	const copyVideo =
		filters.length === 0 && video?.codec === 'h264' && video.pixelFormat === 'yuv420p' && canRemux(facts);
	const copyAudio = audio?.codec === 'aac' && canRemux(facts);
	return {
		outputs: [
			{
				name: 'cropped.mp4',
				kind: 'video',
				mime: 'video/mp4',
				videoFilters: filters,
				options: [
					...(copyVideo ? ['-c:v', 'copy'] : h264(quality)),
					...(!audio ? [] : copyAudio ? ['-c:a', 'copy'] : aac(audio, 160)),
					...FAST_START,
				],
				expectedSeconds: facts.durationSeconds,
			},
		],
		estimatedCpuSeconds: estimate(facts, {
			seconds: facts.durationSeconds,
			decode: !copyVideo,
			...(copyVideo
				? {}
				: { encode: { size: made, frameRate: video?.frameRate ?? 25, cost: ENCODE_COST.x264[DEFAULT_PRESET] } }),
			audio: audio !== null && !copyAudio,
		}),
		...(copyVideo ? { reason: 'The video already has this size and format: its streams are copied.' } : {}),
		facts: { ...made },
	};
}
