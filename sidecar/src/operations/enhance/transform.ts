import { join } from 'node:path';
import { z } from 'zod';
import type { Transformed, Transformer, TransformTask } from '../../ai/transformer.ts';
import { PipelineError } from '../../errors.ts';
import { openPicture } from '../../media/images.ts';
import type { TaskContext } from '../operation.ts';

/** What the operations of this folder share: which engine works, and how it gets the picture. */

export const engineField = z
	.enum(['auto', 'local', 'replicate'])
	.default('auto')
	.describe('Who works. local: this machine, without network and key (npm run engines); replicate: a model on replicate.com (REPLICATE_API_TOKEN); auto: local where it can, else replicate. Default auto.');
type Engine = z.infer<typeof engineField>;

/** Pure: the first that can. Throws `provider_not_configured` with every reason. */
export function chooseTransformer(transformers: readonly Transformer[], engine: Engine, task: TransformTask): Transformer {
	const asked = transformers.filter(({ name }) => engine === 'auto' || name === engine);
	const found = asked.find((transformer) => transformer.obstacle(task) === null);
	if (found) return found;
	throw new PipelineError('provider_not_configured', asked.map((transformer) => transformer.obstacle(task)).join(' '));
}

/** Gives the picture, upright and in sRGB, to the engine. */
export async function transform(context: TaskContext, transformers: readonly Transformer[], engine: Engine, task: TransformTask): Promise<Transformed & { engine: string; width: number; height: number }> {
	const transformer = chooseTransformer(transformers, engine, task);
	const { workDir, signal } = context;
	const picture = await openPicture(await context.source(), context);
	const path = join(workDir, 'upright.png');
	const { width, height } = await picture.open({ still: true }).toColourspace('srgb').png({ compressionLevel: 3 }).toFile(path);
	const made = await context.step(transformer.name, () =>
		transformer.transform({ task, path, width, height, workDir, signal, onProgress: (percent) => context.progress(percent * 0.95) }),
	);
	return { ...made, engine: transformer.name, width, height };
}
