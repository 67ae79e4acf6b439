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

/** Pure: those that can, the first choice first. Throws `provider_not_configured` with every reason where none can. */
export function chooseTransformers(transformers: readonly Transformer[], engine: Engine, task: TransformTask): [Transformer, ...Transformer[]] {
	const asked = transformers.filter(({ name }) => engine === 'auto' || name === engine);
	const [first, ...others] = asked.filter((transformer) => transformer.obstacle(task) === null);
	if (first) return [first, ...others];
	throw new PipelineError('provider_not_configured', asked.map((transformer) => transformer.obstacle(task)).join(' '));
}

/** An engine says this of pictures that are nothing for it; another one may take them. */
const isForOthers = (error: unknown): boolean => error instanceof PipelineError && (error.code === 'input_unsupported' || error.code === 'input_too_large');

/** Gives the picture, upright and in sRGB, to the engine. */
export async function transform(context: TaskContext, transformers: readonly Transformer[], engine: Engine, task: TransformTask): Promise<Transformed & { engine: string; width: number; height: number }> {
	const [first, ...others] = chooseTransformers(transformers, engine, task);
	const { workDir, signal } = context;
	const picture = await openPicture(await context.source(), context);
	const path = join(workDir, 'upright.png');
	const { width, height } = await picture.open({ still: true }).toColourspace('srgb').png({ compressionLevel: 3 }).toFile(path);
	const onProgress = (percent: number): void => context.progress(percent * 0.95);
	const by = async (transformer: Transformer): Promise<Transformed & { engine: string; width: number; height: number }> => {
		const made = await context.step(transformer.name, () => transformer.transform({ task, path, width, height, workDir, signal, onProgress }));
		return { ...made, engine: transformer.name, width, height };
	};
	return others.reduce(
		(made, next) =>
			made.catch((error: unknown) => {
				if (!isForOthers(error)) throw error;
				context.log.info({ err: error, next: next.name }, 'the next engine tries');
				return by(next);
			}),
		by(first),
	);
}
