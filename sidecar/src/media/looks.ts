import { z } from 'zod';
import { inRgb } from './colours.ts';
import { MAX_CUBE_BYTES, readCube } from './cube.ts';
import type { VideoFacts } from './facts.ts';
import type { Size } from './geometry.ts';
import { rateFraction } from './ladder.ts';

/** The filters that users choose by name, and what each is in ffmpeg. Pure. */

const share = (what: string, preset: number): z.ZodDefault<z.ZodNumber> => z.number().min(0).max(1).default(preset).describe(`${what}, 0 to 1. Default ${preset}.`);
const factor = (what: string, preset: number): z.ZodDefault<z.ZodNumber> =>
	z.number().min(0).max(3).default(preset).describe(`${what}, 0 to 3; 1 changes nothing. Default ${preset}.`);
const named = <Name extends string>(name: Name, what: string): z.ZodLiteral<Name> => z.literal(name).describe(what);

export const lookSchema = z.discriminatedUnion('name', [
	z.strictObject({ name: named('grayscale', 'Black and white.') }),
	z.strictObject({ name: named('sepia', 'Brown, like an old photograph.'), strength: share('How brown', 1) }),
	z.strictObject({ name: named('blur', 'Softens the picture.'), strength: share('How soft', 0.5) }),
	z.strictObject({ name: named('sharpen', 'Makes edges crisper.'), strength: share('How crisp', 0.5) }),
	z.strictObject({ name: named('brightness', 'Lighter or darker.'), amount: z.number().min(-1).max(1).default(0.1).describe('-1 (darkest) to 1 (lightest); 0 changes nothing. Default 0.1.') }),
	z.strictObject({ name: named('contrast', 'More or less difference between light and dark.'), amount: factor('Factor', 1.2) }),
	z.strictObject({ name: named('saturation', 'More or less colour.'), amount: factor('Factor', 1.3) }),
	z.strictObject({ name: named('denoise', 'Removes grain.'), strength: share('How much', 0.5) }),
	z.strictObject({ name: named('speed', 'Faster or slower; the sound keeps its pitch.'), factor: z.number().min(0.25).max(4).default(2).describe('0.25 to 4; 2 is twice as fast. Default 2.') }),
	z.strictObject({ name: named('rotate', 'Turns the picture clockwise.'), degrees: z.union([z.literal(90), z.literal(180), z.literal(270)]).default(90).describe('90, 180 or 270. Default 90.') }),
	z.strictObject({ name: named('flip', 'Mirrors the picture.'), direction: z.enum(['horizontal', 'vertical']).default('horizontal').describe('horizontal: left becomes right; vertical: up becomes down. Default horizontal.') }),
	z.strictObject({
		name: named('fade', 'Picture and sound come out of nothing, or go into it.'),
		direction: z.enum(['in', 'out']).default('in').describe('in: at the beginning; out: at the end. Default in.'),
		seconds: z.number().min(0.1).max(60).default(1).describe('Length in seconds, at most that of the video. Default 1.'),
		colour: z.enum(['black', 'white']).default('black').describe('Colour of the nothing. Default black.'),
	}),
	z.strictObject({
		name: named('lut', 'Changes colours by a table of three dimensions.'),
		cube: z
			.string()
			.max(MAX_CUBE_BYTES)
			.superRefine((text, context) => {
				const cube = readCube(text);
				if ('problem' in cube) context.addIssue({ code: 'custom', message: `must be the text of a .cube file. ${cube.problem}` });
			})
			.describe('The text of a `.cube` file, at most 1 MB.'),
	}),
]);
export type Look = z.infer<typeof lookSchema>;

/** What has become of a video after some filters. */
export interface Looked {
	size: Size;
	seconds: number;
	videoFilters: string[];
	audioFilters: string[];
	attachments: Record<string, string>;
	/** CPU seconds per million pixels that the filters take, roughly. */
	cost: number;
}

/** Applied in order: a fade out that follows a change of speed is at the new end. */
export function applyLooks(video: VideoFacts, seconds: number, looks: Look[]): Looked {
	const start: Looked = { size: video, seconds, videoFilters: [], audioFilters: [], attachments: {}, cost: 0 };
	return looks.reduce((state, look, index) => addLook(state, look, video, index), start);
}

function addLook(state: Looked, look: Look, video: VideoFacts, index: number): Looked {
	const add = (picture: string[], cost: number, changes: Partial<Looked> = {}): Looked => ({
		...state,
		...changes,
		videoFilters: [...state.videoFilters, ...picture],
		audioFilters: [...state.audioFilters, ...(changes.audioFilters ?? [])],
		cost: state.cost + cost,
	});
	switch (look.name) {
		case 'grayscale':
			return add(['hue=s=0'], 0.0005);
		case 'sepia':
			return add(inRgb(video, [sepia(look.strength)]), 0.004);
		case 'blur':
			return add([`gblur=sigma=${number(look.strength * STRONGEST_BLUR * Math.min(state.size.width, state.size.height))}`], 0.003);
		case 'sharpen':
			return add([`unsharp=luma_msize_x=5:luma_msize_y=5:luma_amount=${number(look.strength * 2)}`], 0.003);
		case 'brightness':
			return add([`eq=brightness=${number(look.amount)}`], 0.001);
		case 'contrast':
		case 'saturation':
			return add([`eq=${look.name}=${number(look.amount)}`], 0.001);
		case 'denoise': {
			// The filter's own defaults (4:3:6:4.5) are the middle.
			const strengths = [8, 6, 12, 9].map((strongest) => number(look.strength * strongest));
			return add([`hqdn3d=${strengths.join(':')}`], 0.006);
		}
		case 'speed':
			return look.factor === 1
				? state
				: // What begins late stays as late: picture and sound of a file need not begin together.
					add([`setpts=PTS/${number(look.factor)}`, `fps=${rateFraction(video.frameRate || 25)}:start_time=0`], 0, {
						seconds: state.seconds / look.factor,
						audioFilters: ['aresample=async=1:first_pts=0', ...tempo(look.factor)],
					});
		case 'rotate': {
			const { width, height } = state.size;
			const filter = { 90: ['transpose=clock'], 180: ['hflip', 'vflip'], 270: ['transpose=cclock'] }[look.degrees];
			return add(filter, 0.001, look.degrees === 180 ? {} : { size: { width: height, height: width } });
		}
		case 'flip':
			return add([look.direction === 'horizontal' ? 'hflip' : 'vflip'], 0.0005);
		case 'fade': {
			const length = Math.min(look.seconds, state.seconds);
			const from = look.direction === 'in' ? 0 : state.seconds - length;
			const times = `t=${look.direction}:st=${number(from)}:d=${number(length)}`;
			return add([`fade=${times}:color=${look.colour}`], 0.0005, { audioFilters: [`afade=${times}`] });
		}
		case 'lut': {
			const cube = readCube(look.cube);
			const file = `look${index}.cube`;
			return add(inRgb(video, [`lut3d=file={file:${file}}`]), 0.006, { attachments: { ...state.attachments, [file]: 'text' in cube ? cube.text : '' } });
		}
	}
}

/** Standard deviation of the strongest blur, as a share of the shorter side: shapes can still be guessed. */
const STRONGEST_BLUR = 0.02;
/** Never `1e-7`, which ffmpeg would not read. */
const number = (value: number): string => String(Math.round(value * 1e6) / 1e6);

/** The usual sepia matrix (that of the CSS filter), mixed with the picture as it is. */
function sepia(strength: number): string {
	const rows = { r: [0.393, 0.769, 0.189], g: [0.349, 0.686, 0.168], b: [0.272, 0.534, 0.131] };
	const entries = Object.entries(rows).flatMap(([out, row]) =>
		row.map((value, index) => {
			const from = 'rgb'[index] ?? 'r';
			return `${out}${from}=${number(value * strength + (from === out ? 1 - strength : 0))}`;
		}),
	);
	return `colorchannelmixer=${entries.join(':')}`;
}

/** Beyond 2, atempo leaves out samples instead of blending them; below 0.5 older versions refuse. */
function tempo(wanted: number): string[] {
	const steps: string[] = [];
	let left = wanted;
	for (; left > 2; left /= 2) steps.push('atempo=2');
	for (; left < 0.5; left *= 2) steps.push('atempo=0.5');
	return left === 1 ? steps : [...steps, `atempo=${number(left)}`];
}
