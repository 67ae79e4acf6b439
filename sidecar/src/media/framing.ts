import { evenDown, evenNear, type Size } from './geometry.ts';

/** How a picture gets into a frame of another shape. Pure. */

export const FITS = ['cover', 'contain', 'blur'] as const;
export type Fit = (typeof FITS)[number];

/** For descriptions of parameters. */
export const FIT_HELP = 'cover: fills the frame and cuts off the rest; contain: shows all on black; blur: shows all on a blurred copy.';

/** `source` as large as the frame allows, inside it or covering it, with even sides. */
function scaled(source: Size, frame: Size, how: 'inside' | 'covering'): Size {
	const factors = [frame.width / source.width, frame.height / source.height];
	const factor = how === 'inside' ? Math.min(...factors) : Math.max(...factors);
	const side = (length: number, limit: number): number => {
		const even = evenNear(length * factor);
		return how === 'inside' ? Math.min(even, evenDown(limit)) : Math.max(even, limit);
	};
	return { width: side(source.width, frame.width), height: side(source.height, frame.height) };
}

/**
 * Filters that make exactly `frame` of `source`, with square pixels.
 * @param source as shown
 * @param frame even sides
 * @param prefix of the labels inside; unique in the graph
 */
export function framing(source: Size, frame: Size, how: Fit, prefix = 'fit'): string[] {
	const { width, height } = frame;
	const inside = scaled(source, frame, 'inside');
	const around = scaled(source, frame, 'covering');
	const exact = inside.width === width && inside.height === height;
	if (exact) return [`scale=${width}:${height}`, 'setsar=1'];
	if (how === 'cover') return [`scale=${around.width}:${around.height}`, `crop=${width}:${height}`, 'setsar=1'];
	if (how === 'contain') return [`scale=${inside.width}:${inside.height}`, `pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2:color=black`, 'setsar=1'];
	// The blurred copy is made small first: blurring is dear, and nobody sees the difference.
	const small = { width: evenDown(width / 4), height: evenDown(height / 4) };
	const under = scaled(source, small, 'covering');
	const blurred = `scale=${under.width}:${under.height},crop=${small.width}:${small.height},gblur=sigma=8,eq=brightness=-0.08,scale=${width}:${height},setsar=1`;
	const [a, b, c, d] = ['under', 'over', 'soft', 'sharp'].map((name) => `[${prefix}${name}]`);
	return [`split${a}${b};${a}${blurred}${c};${b}scale=${inside.width}:${inside.height},setsar=1${d};${c}${d}overlay=(W-w)/2:(H-h)/2`, 'setsar=1'];
}
