import { z } from 'zod';
import type { Transformer } from '../../ai/transformer.ts';
import { writePicture } from '../../media/images.ts';
import { chooseFormat, qualityField, sameOrFormat } from '../../media/picture-formats.ts';
import type { TaskOperation } from '../operation.ts';
import { engineField, openResult, transform } from './transform.ts';

const params = z.strictObject({
	factor: z
		.union([z.literal(2), z.literal(4)])
		.default(2)
		.describe('How many times as wide and high. Default 2.'),
	format: sameOrFormat,
	quality: qualityField,
	engine: engineField,
});
type Params = z.infer<typeof params>;

export function createUpscale(transformers: readonly Transformer[]): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'upscale',
		version: 1,
		summary: 'Makes a picture 2 or 4 times as large, and keeps its edges sharp.',
		accepts: ['image'],
		params,
		example: { factor: 2 },
		produces: '`width`, `height`, `factor`, `engine`, `model`. File: `upscaled.jpg`, or in the format asked for.',
		estimateSeconds: (facts, { factor }) => 2 + ((facts?.video?.width ?? 0) * (facts?.video?.height ?? 0) * (factor / 2) ** 2) / 100_000,
		async run(context, { factor, format, quality, engine }) {
			const made = await transform(context, transformers, engine, { kind: 'upscale', factor });
			const { facts } = await context.source();
			const { picture, alpha } = await openResult(made);
			const chosen = chooseFormat({ mime: facts.mime, alpha }, format);
			const { bytes: _, frames: __, ...file } = await writePicture(picture, { format: chosen, quality }, 'upscaled', context);
			return { output: { width: file.width, height: file.height, factor, engine: made.engine, model: made.model }, files: [file], cost: made.usage };
		},
	};
}
