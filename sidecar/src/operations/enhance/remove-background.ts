import { z } from 'zod';
import type { Transformer } from '../../ai/transformer.ts';
import { writePicture } from '../../media/images.ts';
import type { TaskOperation } from '../operation.ts';
import { engineField, openResult, transform } from './transform.ts';

const params = z.strictObject({
	background: z
		.union([z.literal('transparent'), z.string().regex(/^#[0-9a-f]{6}$/i, 'Use "transparent" or a colour such as #ffffff.')])
		.default('transparent')
		.describe('What is put behind the subject: transparent, or a colour such as #ffffff. Default transparent.'),
	format: z.enum(['png', 'webp']).default('png').describe('File format. Default png.'),
	engine: engineField,
});
type Params = z.infer<typeof params>;

export function createRemoveBackground(transformers: readonly Transformer[]): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'remove_background',
		version: 1,
		summary: 'Cuts the subject of a picture out of its background. The local engine knows people only.',
		accepts: ['image'],
		params,
		example: { background: 'transparent', format: 'png' },
		produces: '`width`, `height`, `engine`, `model`. File: `cut-out.png` or `cut-out.webp`.',
		estimateSeconds: () => 5,
		async run(context, { background, format, engine }) {
			const made = await transform(context, transformers, engine, { kind: 'remove_background' });
			const { picture } = await openResult(made);
			const chain = background === 'transparent' ? picture : picture.flatten({ background });
			const { bytes: _, frames: __, ...file } = await writePicture(chain, { format }, 'cut-out', context);
			return { output: { width: file.width, height: file.height, engine: made.engine, model: made.model }, files: [file], cost: made.usage };
		},
	};
}
