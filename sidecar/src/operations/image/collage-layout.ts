import type { Rectangle, Size } from '../../media/geometry.ts';

/** Where the pictures of a collage stand. Pure; all in whole pixels. */

export const LAYOUTS = ['grid', 'row', 'column', 'masonry'] as const;
export type Layout = (typeof LAYOUTS)[number];

export interface CollageWish {
	layout: Layout;
	/** Of the whole. */
	width: number;
	/** Absent: what the pictures need. */
	height?: number | undefined;
	/** Between pictures, and around them. */
	gap: number;
	/** Of grid and masonry. Absent: about as many as rows. */
	columns?: number | undefined;
}

/** Cells in the order of the pictures; each is filled (what sticks out is cut off), except where proportions fit exactly. */
export function layOutCollage(pictures: readonly Size[], wish: CollageWish): { size: Size; cells: Rectangle[] } {
	const columns = Math.min(pictures.length, wish.columns ?? Math.ceil(Math.sqrt(pictures.length)));
	switch (wish.layout) {
		case 'row':
			return row(pictures, wish);
		case 'column':
			return masonry(pictures, { ...wish, columns: 1 });
		case 'masonry':
			return masonry(pictures, { ...wish, columns });
		case 'grid':
			return grid(pictures, { ...wish, columns });
	}
}

/** All as high as the others, as wide as they are. */
function row(pictures: readonly Size[], { width, height, gap }: CollageWish): { size: Size; cells: Rectangle[] } {
	const ratios = pictures.map((picture) => picture.width / picture.height);
	const room = Math.max(pictures.length, width - gap * (pictures.length + 1));
	const cellHeight = height === undefined ? Math.max(1, Math.round(room / sum(ratios))) : Math.max(1, height - 2 * gap);
	const cells = share(room, ratios, gap).map(([x, across]) => ({ x, y: gap, width: across, height: cellHeight }));
	return { size: { width, height: cellHeight + 2 * gap }, cells };
}

/** Cells of one size; the last line is as wide as the others, with fewer, wider cells. */
function grid(pictures: readonly Size[], { width, height, gap, columns }: CollageWish & { columns: number }): { size: Size; cells: Rectangle[] } {
	const lines = Math.ceil(pictures.length / columns);
	// Without a height, cells are squares.
	const square = Math.max(1, Math.round((width - gap * (columns + 1)) / columns));
	const whole = height ?? square * lines + gap * (lines + 1);
	const rows = share(Math.max(lines, whole - gap * (lines + 1)), Array.from({ length: lines }, () => 1), gap);
	const cells = rows.flatMap(([y, down], line) => {
		const inLine = Math.min(columns, pictures.length - line * columns);
		const across = share(Math.max(inLine, width - gap * (inLine + 1)), Array.from({ length: inLine }, () => 1), gap);
		return across.map(([x, cellWidth]) => ({ x, y, width: cellWidth, height: down }));
	});
	return { size: { width, height: whole }, cells };
}

/** Columns of one width; each picture goes where the column is shortest; then all columns are made equally long. */
function masonry(pictures: readonly Size[], { width, height, gap, columns }: CollageWish & { columns: number }): { size: Size; cells: Rectangle[] } {
	const across = share(Math.max(columns, width - gap * (columns + 1)), Array.from({ length: columns }, () => 1), gap);
	const members: number[][] = across.map(() => []);
	const lengths = across.map(() => 0);
	const wantedHeight = (picture: number, column: number): number => ((across[column]?.[1] ?? 1) * (pictures[picture]?.height ?? 1)) / (pictures[picture]?.width ?? 1);
	pictures.forEach((_, picture) => {
		const shortest = lengths.indexOf(Math.min(...lengths));
		members[shortest]?.push(picture);
		lengths[shortest] = (lengths[shortest] ?? 0) + wantedHeight(picture, shortest) + gap;
	});
	const most = Math.max(...members.map(({ length }) => length));
	const whole = height ?? Math.max(most * (gap + 1) + gap, Math.round(sum(lengths) / columns) + gap);
	const cells: Rectangle[] = [];
	members.forEach((column, index) => {
		const [x, cellWidth] = across[index] ?? [0, 1];
		const heights = column.map((picture) => wantedHeight(picture, index));
		share(Math.max(column.length, whole - gap * (column.length + 1)), heights, gap).forEach(([y, down], place) => {
			cells[column[place] ?? 0] = { x, y, width: cellWidth, height: down };
		});
	});
	return { size: { width, height: whole }, cells };
}

/** Divides `room` by `weights`: start and length of each, every one at least a pixel, with gaps before, between and after. */
function share(room: number, weights: readonly number[], gap: number): Array<[number, number]> {
	const total = sum(weights);
	// The room beyond one pixel for each.
	const free = room - weights.length;
	const places: Array<[number, number]> = [];
	let before = 0;
	let from = 0;
	weights.forEach((weight, index) => {
		before += weight;
		const to = Math.round((free * before) / total) + index + 1;
		places.push([gap * (index + 1) + from, to - from]);
		from = to;
	});
	return places;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
