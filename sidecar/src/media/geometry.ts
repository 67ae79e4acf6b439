/** Sizes and rectangles, in pixels as shown. Pure. */
export interface Size {
	width: number;
	height: number;
}
export interface Rectangle extends Size {
	x: number;
	y: number;
}

/** The even number at or below `value`, at least 2: H.264 with 4:2:0 colour knows no odd sizes and nothing smaller. */
export const evenDown = (value: number): number => Math.max(2, Math.floor(value / 2) * 2);
/** The even number nearest to `value`, at least 2. */
export const evenNear = (value: number): number => Math.max(2, Math.round(value / 2) * 2);
export const isEven = ({ width, height }: Size): boolean => width % 2 === 0 && height % 2 === 0;

/** `source` made at most `maxHeight` high, even, in its own proportions (to a pixel). Never larger than it was. */
export function fitHeight(source: Size, maxHeight: number): Size {
	const height = evenDown(Math.min(source.height, maxHeight));
	return { width: scaled(source.width, height / source.height), height };
}

/** `source` made at most `maxWidth` wide, even, in its own proportions (to a pixel). Never larger than it was. */
export function fitWidth(source: Size, maxWidth: number): Size {
	const width = evenDown(Math.min(source.width, maxWidth));
	return { width, height: scaled(source.height, width / source.width) };
}

/** Rounding up by one could make it larger than the source. */
const scaled = (length: number, factor: number): number => Math.min(evenNear(length * factor), evenDown(length));

export const GRAVITIES = ['center', 'top', 'bottom', 'left', 'right'] as const;
export type Gravity = (typeof GRAVITIES)[number];

/** The largest rectangle of the proportions `ratio` (width / height) inside `source`, at the side that gravity names. */
export function cropToRatio(
	source: Size,
	ratio: number,
	gravity: Gravity,
	round: (value: number) => number,
): Rectangle {
	const wide = source.width / source.height > ratio;
	const width = Math.min(source.width, round(wide ? source.height * ratio : source.width));
	const height = Math.min(source.height, round(wide ? source.height : source.width / ratio));
	const place = (free: number, first: Gravity, last: Gravity): number =>
		gravity === first ? 0 : gravity === last ? free : Math.floor(free / 2);
	return {
		x: place(source.width - width, 'left', 'right'),
		y: place(source.height - height, 'top', 'bottom'),
		width,
		height,
	};
}

/** Square pixels of exactly this size. Without setsar a rounding of the size would be kept as slightly oblong pixels. */
export const scaleTo = ({ width, height }: Size): string[] => [`scale=${width}:${height}`, 'setsar=1'];
