import { PipelineError } from '../../errors.ts';
import { MAX_PIXELS } from '../../media/ffmpeg-input.ts';
import type { Rectangle, Size } from '../../media/geometry.ts';

/** Where a picture goes when its size changes. Pure; sizes in pixels as shown. */

export const FITS = ['cover', 'contain', 'inside', 'fill'] as const;
export type Fit = (typeof FITS)[number];
export const POSITIONS = ['center', 'top', 'right', 'bottom', 'left', 'top_left', 'top_right', 'bottom_left', 'bottom_right'] as const;
export type Position = (typeof POSITIONS)[number];
/** Parts that are looked for: what draws the eye (skin, bright colours), or where the most detail is. */
export const SUBJECTS = ['attention', 'entropy'] as const;
export type Subject = (typeof SUBJECTS)[number];

export interface Fitting {
	/** The picture is made this large; with `cover` what sticks out is cut off. */
	scaled: Size;
	fit: 'cover' | 'fill';
	/** Borders around it. */
	pad: { left: number; top: number; right: number; bottom: number };
	/** Of the result. */
	size: Size;
}

/** How a picture becomes the wanted size. Without `enlarge`, no pixel of the source is made larger than it is. */
export function fitInto(
	source: Size,
	wanted: { width?: number | undefined; height?: number | undefined; fit: Fit; enlarge: boolean; position: Position },
): Fitting {
	const { width, height } = wanted;
	if (width === undefined || height === undefined) {
		const factor = width === undefined && height === undefined ? 1 : Math.min((width ?? Infinity) / source.width, (height ?? Infinity) / source.height);
		return plain(scale(source, limited(factor, wanted.enlarge)));
	}
	const across = width / source.width;
	const down = height / source.height;
	switch (wanted.fit) {
		case 'inside':
			return plain(scale(source, limited(Math.min(across, down), wanted.enlarge)));
		case 'fill':
			return plain({ width: wanted.enlarge ? width : Math.min(width, source.width), height: wanted.enlarge ? height : Math.min(height, source.height) });
		case 'cover': {
			// The largest frame of these proportions that the source fills with its own pixels.
			const shrink = wanted.enlarge ? 1 : Math.min(1, 1 / Math.max(across, down));
			return { ...plain(scale({ width, height }, shrink)), fit: 'cover' };
		}
		case 'contain': {
			const scaled = scale(source, limited(Math.min(across, down), wanted.enlarge));
			const inner = { width: Math.min(scaled.width, width), height: Math.min(scaled.height, height) };
			const { x, y } = place({ width, height }, inner, wanted.position);
			return { scaled: inner, fit: 'fill', pad: { left: x, top: y, right: width - inner.width - x, bottom: height - inner.height - y }, size: { width, height } };
		}
	}
}

/**
 * Throws `invalid_request` where the result would be larger than any picture that is accepted, or where cutting needs the
 * picture to be that large in between: a line of 8192 x 1 that shall fill a square is enlarged to millions of pixels first.
 * @param frames they count together
 */
export function refuseLarge(source: Size, { scaled, fit, size }: Pick<Fitting, 'scaled' | 'fit' | 'size'>, frames = 1): void {
	const factor = Math.max(scaled.width / source.width, scaled.height / source.height);
	const between = fit === 'cover' ? source.width * factor * source.height * factor : 0;
	const most = frames > 1 ? 2 * MAX_PIXELS : MAX_PIXELS;
	const pixels = frames * Math.max(between, size.width * size.height);
	if (pixels <= most) return;
	const what = `${source.width} x ${source.height}${frames > 1 ? ` and ${frames} frames` : ''}`;
	throw new PipelineError(
		'invalid_request',
		`A picture of ${what} would become ${Math.round(pixels / 1e6)} megapixels on the way to ${size.width} x ${size.height}; at most ${Math.floor(most / 1e6)} are made. Choose a smaller size, or (image_resize) the fit inside or contain.`,
		{ details: { field: 'params.width', given: size.width, made: size } },
	);
}

/** A size of these proportions (`4:5`): as large as the source allows, or with the side that was asked for. */
export function toRatio(source: Size, ratio: string, { width, height }: { width?: number | undefined; height?: number | undefined }): Size {
	const [across = 1, down = 1] = ratio.split(':').map(Number);
	const proportion = across / down;
	const whole = (value: number): number => Math.min(8192, Math.max(1, Math.round(value)));
	if (width !== undefined) return { width, height: whole(width / proportion) };
	if (height !== undefined) return { width: whole(height * proportion), height };
	return source.width / source.height > proportion ? { width: whole(source.height * proportion), height: source.height } : { width: source.width, height: whole(source.width / proportion) };
}

const limited = (factor: number, enlarge: boolean): number => (enlarge ? factor : Math.min(1, factor));
const scale = ({ width, height }: Size, factor: number): Size => ({ width: Math.max(1, Math.round(width * factor)), height: Math.max(1, Math.round(height * factor)) });
const plain = (size: Size): Fitting => ({ scaled: size, fit: 'fill', pad: { left: 0, top: 0, right: 0, bottom: 0 }, size });

/** Where `inner` stands in `outer`, `margin` pixels from the edges. May be negative where it is larger. */
export function place(outer: Size, inner: Size, position: Position, margin = 0): { x: number; y: number } {
	const along = (free: number, first: boolean, last: boolean): number => (first ? margin : last ? free - margin : Math.floor(free / 2));
	return {
		x: along(outer.width - inner.width, position.includes('left'), position.includes('right')),
		y: along(outer.height - inner.height, position.includes('top'), position.includes('bottom')),
	};
}

/** The rectangle, when it lies inside the picture. Throws `invalid_request` where it does not. */
export function insideOf(source: Size, { x, y, width, height }: Rectangle): Rectangle {
	const refuse = (name: string, given: number, largest: number): void => {
		if (given <= largest) return;
		const allowed = `at most ${largest}`;
		throw new PipelineError('invalid_request', `params.crop.${name} is ${given}, but the picture has ${source.width} x ${source.height} pixels: ${allowed}.`, {
			details: { field: `params.crop.${name}`, given, allowed },
		});
	};
	refuse('x', x, source.width - 1);
	refuse('y', y, source.height - 1);
	refuse('width', width, source.width - x);
	refuse('height', height, source.height - y);
	return { x, y, width, height };
}

/** sharp's words for the nine places. */
export const gravityOf = (position: Position): string =>
	({
		center: 'centre',
		top: 'north',
		right: 'east',
		bottom: 'south',
		left: 'west',
		top_left: 'northwest',
		top_right: 'northeast',
		bottom_left: 'southwest',
		bottom_right: 'southeast',
	})[position];
