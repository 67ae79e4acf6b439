import { z } from 'zod';
import { qualityField, sameOrFormat } from '../../media/picture-formats.ts';
import type { TaskOperation } from '../operation.ts';
import { fitInto, FITS, toRatio, insideOf, refuseLarge, POSITIONS, SUBJECTS, type Position } from './fit.ts';
import { applyFitting, colour, oneFile, openFor, openSource, secondsFor } from './picture.ts';

const side = (what: string) => z.int().min(1).max(8192).optional().describe(`${what} of the result in pixels. Without it, it follows from the other side.`);
const place = (what: string) => z.int().min(0).max(65_535).default(0).describe(`${what} in pixels of the source as it is shown. Default 0.`);
const extent = (what: string) => z.int().min(1).max(65_535).describe(`${what} in pixels of the source as it is shown.`);

const params = z
	.strictObject({
	width: side('Width'),
	height: side('Height'),
	ratio: z
		.string()
		.regex(/^[1-9]\d{0,3}:[1-9]\d{0,3}$/, 'Use width:height, e.g. "4:5".')
		.optional()
		.describe('Cuts to these proportions, e.g. "4:5", keeping as much as possible; with at most one of width and height, and instead of fit.'),
	fit: z
		.enum(FITS)
		.default('inside')
		.describe(
			'When both sides are given. inside: as large as fits, in its own proportions; cover: fills the size and cuts off the rest; contain: all of it, with borders; fill: stretched. Default inside.',
		),
	position: z
		.enum([...POSITIONS, ...SUBJECTS])
		.default('center')
		.describe('Which part stays with cover, and where the picture stands with contain. attention and entropy find what matters (cover, stills). Default center.'),
	background: colour.default('#ffffff').describe('Colour of the borders of contain, e.g. #ffffff, or transparent. Default #ffffff.'),
	crop: z
		.strictObject({ x: place('Left edge'), y: place('Upper edge'), width: extent('Width'), height: extent('Height') })
		.optional()
		.describe('Cuts out this rectangle first.'),
	enlarge: z.boolean().default(false).describe('Whether the picture may become larger than it is. Default false.'),
	format: sameOrFormat,
	quality: qualityField,
})
	.refine(({ ratio, width, height }) => ratio === undefined || width === undefined || height === undefined, {
		path: ['ratio'],
		error: 'With both width and height, the proportions are given already. Leave out ratio, or one of the sides.',
	});

export const imageResize: TaskOperation<z.infer<typeof params>> = {
	kind: 'task',
	name: 'image_resize',
	version: 1,
	reusable: true,
	summary: 'Changes the size of a picture, cuts it and changes its format, in one step. Animations stay animated.',
	accepts: ['image'],
	params,
	example: { width: 1080, height: 1080, fit: 'cover', position: 'attention', format: 'webp' },
	produces: '`width`, `height`, `format`, `bytes`, `frames` (of animations), sometimes `reason`. Files: `resized.<format>`, without metadata.',
	estimateSeconds: (facts) => secondsFor(facts),
	async run(context, { crop, position, background, format: wanted, quality, ratio, ...asked }) {
		const picture = await openSource(context);
		const { chain, format, animated, notes } = openFor(picture, wanted);
		const part = crop ? insideOf(picture, crop) : null;
		const cut = part ? chain.extract({ left: part.x, top: part.y, width: part.width, height: part.height }) : chain;
		const size = ratio === undefined ? asked : { ...asked, ...toRatio(part ?? picture, ratio, asked), fit: 'cover' as const };
		const subject = SUBJECTS.some((one) => one === position);
		const fitting = fitInto(part ?? picture, { ...size, position: subject ? 'center' : (position as Position) });
		refuseLarge(part ?? picture, fitting, animated ? picture.frames : 1);
		if (subject && animated && size.fit === 'cover') notes.push('What matters is looked for in stills only: the middle of the animation was kept.');
		if (!size.enlarge && isSmaller(fitting.size, size)) notes.push('The source is smaller than the size asked for, and was not enlarged.');
		return oneFile(context, applyFitting(cut, fitting, position, animated, background), { format, quality, size: fitting.size }, 'resized', notes);
	},
};

const isSmaller = (made: { width: number; height: number }, { width, height, fit }: { width?: number | undefined; height?: number | undefined; fit: string }): boolean =>
	(width === undefined || made.width < width) && (height === undefined || made.height < height) && (width ?? height) !== undefined && fit !== 'contain';
