import { z } from 'zod';
import { FORMAT_NAMES, qualityField } from '../../media/picture-formats.ts';
import type { TaskOperation } from '../operation.ts';
import { fitInto } from './fit.ts';
import { applyFitting, oneFile, openFor, openSource, secondsFor } from './picture.ts';

const params = z.strictObject({
	max_side: z.int().min(64).max(4096).default(1080).describe('Length of the longer side in pixels, at most. Default 1080. Smaller pictures are not enlarged.'),
	format: z.enum(FORMAT_NAMES).default('webp').describe('File format. Default webp.'),
	quality: qualityField,
});

export const imagePreview: TaskOperation<z.infer<typeof params>> = {
	kind: 'task',
	name: 'image_preview',
	version: 1,
	reusable: true,
	summary: 'Makes a copy for looking at: at most 1080 pixels on the longer side, WebP, in its own proportions.',
	accepts: ['image'],
	params,
	example: { max_side: 1080 },
	produces: '`width`, `height`, `format`, `bytes`, `frames` (of animations), sometimes `reason`. Files: `preview.<format>`, without metadata.',
	estimateSeconds: (facts) => secondsFor(facts),
	async run(context, { max_side: side, format: wanted, quality }) {
		const picture = await openSource(context);
		const { chain, format, animated, notes } = openFor(picture, wanted);
		const fitting = fitInto(picture, { width: side, height: side, fit: 'inside', enlarge: false, position: 'center' });
		return oneFile(context, applyFitting(chain, fitting, 'center', animated, '#ffffff'), { format, quality }, 'preview', notes);
	},
};
