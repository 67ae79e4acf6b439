import { z } from 'zod';
import type { Transformer } from '../../ai/transformer.ts';
import { writePicture } from '../../media/images.ts';
import { qualityField } from '../../media/picture-formats.ts';
import type { TaskOperation } from '../operation.ts';
import { engineField, openResult, transform } from './transform.ts';

const params = z.strictObject({
	prompt: z.string().trim().min(3).max(1000).describe('The style in words, e.g. "watercolour on rough paper".'),
	strength: z.number().min(0).max(1).default(0.6).describe('0: hardly changed, 1: freely drawn anew. Default 0.6. Models without such a setting ignore it.'),
	format: z.enum(['jpeg', 'png', 'webp']).default('jpeg').describe('File format. Default jpeg.'),
	quality: qualityField,
	engine: engineField,
});
type Params = z.infer<typeof params>;

export function createStyleTransfer(transformers: readonly Transformer[]): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'style_transfer',
		version: 1,
		summary: 'Draws a picture anew in a style that you describe. Needs Replicate: no local model is known.',
		accepts: ['image'],
		params,
		example: { prompt: 'watercolour on rough paper', strength: 0.6 },
		produces: '`width`, `height`, `engine`, `model`. File: `styled.jpg`, or in the format asked for.',
		estimateSeconds: () => 30,
		async run(context, { prompt, strength, format, quality, engine }) {
			const made = await transform(context, transformers, engine, { kind: 'style', prompt, strength });
			const { picture } = await openResult(made);
			const { bytes: _, frames: __, ...file } = await writePicture(picture, { format, quality }, 'styled', context);
			return { output: { width: file.width, height: file.height, engine: made.engine, model: made.model }, files: [file], cost: made.usage };
		},
	};
}
