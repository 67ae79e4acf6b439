import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { matrixOf } from '../../media/colours.ts';
import type { MediaFacts, VideoFacts } from '../../media/facts.ts';
import type { Size } from '../../media/geometry.ts';
import { place, POSITIONS } from '../image/fit.ts';

/** A logo on a video: what can be said about it, and how it is drawn. Pure. */

/** By the same names and measures as on pictures (image_overlay). */
export const logoFields = {
	position: z.enum(POSITIONS).default('bottom_right').describe('Where it stands. Default bottom_right.'),
	scale: z.number().min(0.01).max(1).default(0.15).describe('Width of the logo as a part of the width of the video, 0.01 to 1. Default 0.15.'),
	opacity: z.number().min(0.01).max(1).default(1).describe('0.01 (hardly there) to 1 (opaque). Default 1.'),
	margin: z.number().min(0).max(0.5).default(0.04).describe('Distance to the edges as a part of the shorter side of the video, 0 to 0.5. Default 0.04.'),
};

export interface LogoWish {
	position: (typeof POSITIONS)[number];
	scale: number;
	opacity: number;
	margin: number;
	/** Seconds; absent: from the beginning. */
	from?: number;
	/** Seconds; absent: to the end. */
	to?: number;
}

export interface Logo {
	/** Options of the input. */
	inputOptions: string[];
	/** From the pads `logo` and `base` to the pad `out`. */
	chain(pads: { logo: string; base: string; out: string }): string;
	/** Where it stands, pixels. */
	area: Size & { x: number; y: number };
}

/** Of 4:2:0 colour only even places exist; a logo of odd ones would blur at its edges. */
const even = (value: number): number => Math.max(0, Math.round(value / 2) * 2);

/**
 * @param size of the video as it is drawn on
 * @param field of the request, for messages
 */
export function logoOn(video: VideoFacts, size: Size, facts: MediaFacts | undefined, wish: LogoWish, field: string): Logo {
	const picture = facts?.video;
	if (!picture) throw new PipelineError('input_no_video', 'The logo has no picture. Use a PNG, WebP, JPEG or GIF.', { details: { field } });
	const gap = Math.round(wish.margin * Math.min(size.width, size.height));
	const room = { width: Math.max(2, size.width - 2 * gap), height: Math.max(2, size.height - 2 * gap) };
	const factor = Math.min((size.width * wish.scale) / picture.width, room.width / picture.width, room.height / picture.height);
	const logo = { width: Math.max(2, even(picture.width * factor)), height: Math.max(2, even(picture.height * factor)) };
	const at = place(size, logo, wish.position, gap);
	const area = { ...logo, x: even(at.x), y: even(at.y) };
	const moving = facts.fileType === 'video';
	const prepared = [
		`scale=${logo.width}:${logo.height}`,
		'setsar=1',
		'format=rgba',
		...(wish.opacity < 1 ? [`colorchannelmixer=aa=${wish.opacity}`] : []),
		// Into the colours of the video: by itself ffmpeg would take those of BT.601.
		`scale=out_color_matrix=${matrixOf(video).scale}:out_range=tv`,
		'format=yuva420p',
	];
	const times = wish.from === undefined && wish.to === undefined ? '' : `:enable='between(t,${wish.from ?? 0},${wish.to ?? 1e6})'`;
	// One that moves plays again and again, and must not keep the video from ending.
	const end = moving ? ':shortest=1' : ':eof_action=repeat';
	return {
		inputOptions: !moving ? [] : facts.mime === 'image/gif' ? ['-ignore_loop', '0'] : ['-stream_loop', '-1'],
		chain: ({ logo: pad, base, out }) => `[${pad}]${prepared.join(',')}[${out}logo];[${base}][${out}logo]overlay=x=${area.x}:y=${area.y}:format=yuv420${end}${times}[${out}]`,
		area,
	};
}
