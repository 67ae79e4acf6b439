import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { canvas, openPicture, readPixels, type Picture } from '../../media/images.ts';
import { MAX_PIXELS } from '../../media/ffmpeg-input.ts';
import type { Rectangle, Size } from '../../media/geometry.ts';
import { FORMAT_NAMES, qualityField } from '../../media/picture-formats.ts';
import { mediaInput } from '../media-input.ts';
import type { TaskOperation } from '../operation.ts';
import { LAYOUTS, layOutCollage } from './collage-layout.ts';
import { refuseLarge, SUBJECTS } from './fit.ts';
import { background, colour, oneFile, openSource } from './picture.ts';

const MAX_SIDE = 4096;

const params = z.strictObject({
	pictures: z.array(mediaInput).min(1).max(19).describe('The pictures after the first one, which is the source: 1 to 19, each `{ "asset_id": … }` or `{ "file_url": … }`.'),
	layout: z
		.enum(LAYOUTS)
		.default('grid')
		.describe('grid: cells of one size; row and column: side by side or below each other, uncut where no height is given; masonry: columns with pictures of their own heights. Default grid.'),
	width: z.int().min(64).max(MAX_SIDE).default(1600).describe('Of the collage in pixels. Default 1600.'),
	height: z.int().min(64).max(MAX_SIDE).optional().describe('Of the collage in pixels. Without it: square cells for grid, else what the pictures need.'),
	columns: z.int().min(1).max(10).optional().describe('Of grid and masonry. Without it: about as many as rows.'),
	gap: z.int().min(0).max(200).default(16).describe('Between the pictures and around them, in pixels. Default 16.'),
	background: colour.default('#ffffff').describe('Colour of the gaps, e.g. #ffffff, or transparent. Default #ffffff.'),
	position: z.enum(['center', ...SUBJECTS]).default('attention').describe('Which part of a picture stays where it is cut. attention and entropy find what matters. Default attention.'),
	format: z.enum(FORMAT_NAMES).default('jpeg').describe('File format. Default jpeg.'),
	quality: qualityField,
});

export const collage: TaskOperation<z.infer<typeof params>> = {
	kind: 'task',
	name: 'collage',
	version: 1,
	reusable: true,
	summary: 'Puts 2 to 20 pictures into one: as a grid, a row, a column or in the manner of masonry.',
	accepts: ['image'],
	params,
	example: { pictures: [{ file_url: 'https://example.com/second.jpg' }, { file_url: 'https://example.com/third.jpg' }], layout: 'grid', width: 1600 },
	produces: '`width`, `height`, `format`, `bytes`, `cells` (`x`, `y`, `width`, `height` of each picture, in their order). Files: `collage.<format>`. Of animations the first picture is used.',
	estimateSeconds: (_facts, { pictures }) => Math.round(2 + 0.5 * pictures.length),
	async run(context, { pictures: more, position, background: colourOfGaps, format, quality, ...wish }) {
		const pictures: Picture[] = [await openSource(context)];
		for (const input of more) pictures.push(await openPicture(await context.open(input), context));
		const { size, cells } = layOutCollage(pictures, wish);
		refuseTooLarge(size);
		refuseTooTight(size, cells, wish.gap);
		pictures.forEach((picture, index) => {
			const cell = cells[index] ?? size;
			refuseLarge(picture, { scaled: cell, fit: 'cover', size: cell });
		});
		const overlays = [];
		for (const [index, picture] of pictures.entries()) {
			const { x, y, width, height } = cells[index] ?? { x: 0, y: 0, width: 1, height: 1 };
			const pixels = await readPixels(picture.open({ still: true }).resize({ width, height, fit: 'cover', position: position === 'center' ? 'centre' : position }), context);
			overlays.push({ input: pixels.data, raw: { width: pixels.width, height: pixels.height, channels: pixels.channels }, left: x, top: y });
			context.progress((80 * (index + 1)) / pictures.length);
		}
		const chain = canvas(size.width, size.height, background(colourOfGaps)).composite(overlays);
		const { output, ...result } = await oneFile(context, chain, { format, quality, size }, 'collage');
		return { output: { ...output, cells }, ...result };
	},
};

/** Gaps can take more room than there is: the pictures would then stand outside. */
function refuseTooTight(size: Size, cells: readonly Rectangle[], gap: number): void {
	if (cells.every(({ x, y, width, height }) => x + width + gap <= size.width && y + height + gap <= size.height)) return;
	throw new PipelineError('invalid_request', `Gaps of ${gap} pixels leave no room for ${cells.length} pictures in ${size.width} x ${size.height}. Choose a smaller gap, or a larger size.`, {
		details: { field: 'params.gap', given: gap, made: size },
	});
}

/** Twenty pictures below each other can become very long. A quarter of what one picture may have is held twice here. */
function refuseTooLarge({ width, height }: { width: number; height: number }): void {
	if (height <= 4 * MAX_SIDE && width * height <= MAX_PIXELS / 2) return;
	throw new PipelineError('invalid_request', `The collage would have ${width} x ${height} pixels. Choose a smaller width, more columns, or name a height.`, {
		details: { field: 'params.width', given: width, made: { width, height } },
	});
}
