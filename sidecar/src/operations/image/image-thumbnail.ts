import { z } from 'zod';
import { FORMAT_NAMES, qualityField } from '../../media/picture-formats.ts';
import type { TaskOperation } from '../operation.ts';
import { fitInto, POSITIONS, refuseLarge, SUBJECTS } from './fit.ts';
import { applyFitting, oneFile, openFor, openSource, secondsFor } from './picture.ts';

const side = (what: string) => z.int().min(16).max(2048).default(300).describe(`${what} in pixels. Default 300.`);

const params = z.strictObject({
	width: side('Width'),
	height: side('Height'),
	position: z.enum([...POSITIONS, ...SUBJECTS]).default('attention').describe('Which part stays. attention and entropy find what matters (in animations: the middle). Default attention.'),
	format: z.enum(FORMAT_NAMES).default('webp').describe('File format. Default webp.'),
	quality: qualityField,
});

export const imageThumbnail: TaskOperation<z.infer<typeof params>> = {
	kind: 'task',
	name: 'image_thumbnail',
	version: 1,
	reusable: true,
	summary: 'Makes a small picture of exactly one size for lists: 300 x 300 WebP unless said otherwise.',
	accepts: ['image'],
	params,
	example: { width: 300, height: 300 },
	produces: '`width`, `height`, `format`, `bytes`, `frames` (of animations), sometimes `reason`. Files: `thumbnail.<format>`, without metadata.',
	estimateSeconds: (facts) => secondsFor(facts),
	async run(context, { width, height, position, format: wanted, quality }) {
		const picture = await openSource(context);
		const { chain, format, animated, notes } = openFor(picture, wanted);
		// Lists count on the size: small pictures are enlarged.
		const fitting = fitInto(picture, { width, height, fit: 'cover', enlarge: true, position: 'center' });
		refuseLarge(picture, fitting, animated ? picture.frames : 1);
		return oneFile(context, applyFitting(chain, fitting, position, animated, '#ffffff'), { format, quality }, 'thumbnail', notes);
	},
};
