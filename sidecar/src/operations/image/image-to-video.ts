import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { aac, estimate, FAST_START, h264, hasAlpha, ON_WHITE } from '../../media/codecs.ts';
import { evenNear, type Size } from '../../media/geometry.ts';
import { mediaInput } from '../media-input.ts';
import type { MediaOperation } from '../operation.ts';

const MOVEMENTS = ['zoom_in', 'zoom_out', 'pan_left', 'pan_right', 'pan_up', 'pan_down', 'none'] as const;
type Movement = (typeof MOVEMENTS)[number];

const side = (what: string) => z.int().min(64).max(3840).optional().describe(`${what} of the video in pixels, made even. Without both: 1920 x 1080, 1080 x 1920 or 1080 x 1080, whichever is nearest to the picture.`);

const params = z.strictObject({
	seconds: z.number().min(0.5).max(60).default(5).describe('Length of the video, 0.5 to 60 seconds. Default 5.'),
	movement: z.enum(MOVEMENTS).default('zoom_in').describe('How the view moves over the picture: pan_left moves it to the left, and so on. Default zoom_in.'),
	strength: z.number().min(1.02).max(2).default(1.2).describe('How much of a movement: at the nearest, the picture is this many times as large as at the farthest. Default 1.2.'),
	width: side('Width'),
	height: side('Height'),
	fps: z.int().min(10).max(60).default(30).describe('Pictures per second. Default 30.'),
	music: mediaInput.optional().describe('Sound for the video: `{ "asset_id": … }` or `{ "file_url": … }`. It is repeated where it is too short, and fades out at the end.'),
	crf: z.int().min(0).max(51).default(20).describe('Quality of x264: 0 (lossless) to 51 (worst). Default 20.'),
});
type Params = z.infer<typeof params>;

/** CPU seconds per million pixels made: moving the view, scaling and x264 (measured on ffmpeg 5.1). */
const COST = 0.03;
const FADE_SECONDS = 1.5;

export const imageToVideo: MediaOperation<Params> = {
	kind: 'media',
	name: 'image_to_video',
	version: 2,
	summary: 'Makes a video of a picture, with a slow movement over it (Ken Burns), on request with music.',
	accepts: ['image'],
	params,
	example: { seconds: 5, movement: 'zoom_in' },
	produces: '`width`, `height`, `duration_seconds`. Files: `video.mp4` (H.264, with music also AAC).',
	inputs: ({ music }) => (music ? [music] : []),
	estimateSeconds: ({ video }, { seconds, fps, ...wanted }) => Math.ceil(0.5 + (area(sizeOf(video ?? SQUARE, wanted)) * seconds * fps * COST) / 1e6),
	plan(facts, wanted, known) {
		const { video } = facts;
		if (!video) throw new PipelineError('input_no_video', 'A picture is needed; this file has only sound.');
		const sound = known?.inputs[0]?.facts.audio;
		if (wanted.music && known && !sound) throw new PipelineError('input_no_audio', 'params.music: this file has no sound.', { details: { field: 'params.music' } });
		const { seconds, fps, crf } = wanted;
		const size = sizeOf(video, wanted);
		const frames = Math.max(2, Math.round(seconds * fps));
		const length = frames / fps;
		const picture = `[v]${movingPicture(size, frames, { ...wanted, alpha: hasAlpha(video) }).join(',')}[moving]`;
		return {
			outputs: [
				{
					name: 'video.mp4',
					kind: 'video',
					mime: 'video/mp4',
					graph: sound
						? { filters: `${picture};[a1]${fadingSound(length).join(',')}[music]`, map: ['[moving]', '[music]'] }
						: { filters: picture, map: ['[moving]'] },
					options: [...h264(crf), ...(sound ? aac(sound, 160) : []), ...FAST_START],
					expectedSeconds: length,
				},
			],
			...(sound ? { inputOptions: [['-stream_loop', '-1']] } : {}),
			estimatedCpuSeconds: estimate(facts, { seconds: length, decode: true, encode: { size, frameRate: fps, cost: COST }, audio: Boolean(sound) }),
			facts: { ...size, duration_seconds: Math.round(length * 1000) / 1000 },
		};
	},
};

const SQUARE: Size = { width: 1, height: 1 };
const area = ({ width, height }: Size): number => width * height;

/** Pictures up to a fifth from square become square. */
const NEARLY_SQUARE = 1.2;

/** Of the video: as asked for; with one side, in the proportions of the picture; without any, one of the usual three. */
export function sizeOf(picture: Size, { width, height }: { width?: number | undefined; height?: number | undefined }): Size {
	const ratio = picture.width / picture.height;
	if (width !== undefined && height !== undefined) return { width: evenNear(width), height: evenNear(height) };
	if (width !== undefined) return { width: evenNear(width), height: evenNear(Math.min(width / ratio, 3840)) };
	if (height !== undefined) return { width: evenNear(Math.min(height * ratio, 3840)), height: evenNear(height) };
	if (ratio > NEARLY_SQUARE) return { width: 1920, height: 1080 };
	if (ratio < 1 / NEARLY_SQUARE) return { width: 1080, height: 1920 };
	return { width: 1080, height: 1080 };
}

/**
 * The view as a moving window. `zoompan` would round it to whole pixels in every frame, which shakes; `perspective` works
 * with 1/256 of a pixel. The picture is made as large as its nearest view needs it, once, and then repeated; what is
 * transparent becomes white, as in pictures without transparency.
 */
function movingPicture(size: Size, frames: number, { movement, strength, fps, alpha }: Pick<Params, 'movement' | 'strength' | 'fps'> & { alpha: boolean }): string[] {
	const zoom = movement === 'none' ? 1 : strength;
	const { width, height } = { width: evenNear(size.width * zoom), height: evenNear(size.height * zoom) };
	const repeated = [
		'trim=end_frame=1',
		// Cut before it is scaled: a long strip would else become larger than memory. In RGB, where every pixel can be an edge.
		`format=${alpha ? 'rgba' : 'rgb24'}`,
		`crop='max(1,min(iw,round(ih*${width}/${height})))':'max(1,min(ih,round(iw*${height}/${width})))'`,
		// Said, or ffmpeg takes BT.601, and players take BT.709 for videos of this size: greens would turn yellow.
		`scale=${width}:${height}:flags=lanczos:out_color_matrix=bt709:out_range=tv`,
		...(alpha ? [ON_WHITE] : []),
		'format=yuv420p',
		`loop=loop=${frames - 1}:size=1`,
		`settb=1/${fps}`,
		'setpts=N',
		`fps=${fps}`,
	];
	const view = movement === 'none' ? [] : [`perspective=eval=frame:interpolation=linear:${corners(movement, zoom, frames)}`, `scale=${size.width}:${size.height}:flags=bicubic`];
	return [...repeated, ...view, 'setsar=1', 'setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709'];
}

/** The corners of the window at frame `in` (from 1), as expressions of W and H, the size of the whole. */
export function corners(movement: Exclude<Movement, 'none'>, zoom: number, frames: number): string {
	const progress = `(in-1)/${frames - 1}`;
	const part = {
		zoom_in: `(1/(1+${round(zoom - 1)}*${progress}))`,
		zoom_out: `(1/(${zoom}-${round(zoom - 1)}*${progress}))`,
	}[movement as 'zoom_in' | 'zoom_out'] ?? `${round(1 / zoom)}`;
	const free = `(1-${part})`;
	const left = { pan_right: `${free}*${progress}`, pan_left: `${free}*(1-${progress})` }[movement as string] ?? `${free}/2`;
	const top = { pan_down: `${free}*${progress}`, pan_up: `${free}*(1-${progress})` }[movement as string] ?? `${free}/2`;
	const [x, right, y, bottom] = [`W*(${left})`, `W*(${left}+${part})`, `H*(${top})`, `H*(${top}+${part})`];
	return Object.entries({ x0: x, y0: y, x1: right, y1: y, x2: x, y2: bottom, x3: right, y3: bottom })
		.map(([name, expression]) => `${name}='${expression}'`)
		.join(':');
}

const round = (value: number): number => Math.round(value * 1e6) / 1e6;

function fadingSound(length: number): string[] {
	const fade = Math.min(FADE_SECONDS, length / 2);
	return [`atrim=duration=${length.toFixed(3)}`, 'asetpts=PTS-STARTPTS', `afade=t=out:st=${(length - fade).toFixed(3)}:d=${fade.toFixed(3)}`];
}
