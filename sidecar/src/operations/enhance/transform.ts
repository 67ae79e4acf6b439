import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { z } from 'zod';
import type { Transformed, Transformer, TransformTask } from '../../ai/transformer.ts';
import { PipelineError } from '../../errors.ts';
import { MAX_PIXELS } from '../../media/ffmpeg-input.ts';
import { explainSharp, openPicture } from '../../media/images.ts';
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

/** Throws `input_too_large` before anybody works, or is paid, for a result that could not be stored. */
function refuseLarge({ width, height }: { width: number; height: number }, task: TransformTask): void {
	if (task.kind !== 'upscale' || width * height * task.factor ** 2 <= MAX_PIXELS) return;
	throw new PipelineError(
		'input_too_large',
		`${task.factor} times as large, this picture of ${width} x ${height} pixels would have ${Math.round((width * height * task.factor ** 2) / 1e6)} megapixels; at most ${Math.floor(MAX_PIXELS / 1e6)} are made. Choose a smaller factor, or make the picture smaller first (image_resize).`,
		{ details: { width, height, max_pixels: MAX_PIXELS } },
	);
}

/** What an engine made. It may come from the internet: throws `provider_answer_invalid` where it is no picture. */
export async function openResult({ path, model }: Pick<Transformed, 'path' | 'model'>): Promise<{ picture: Sharp; alpha: boolean }> {
	const picture = sharp(path, { limitInputPixels: MAX_PIXELS });
	const { hasAlpha } = await picture.metadata().catch((error: unknown) => {
		throw new PipelineError('provider_answer_invalid', `The result of ${model} is no picture that can be read. Choose another engine or model.`, { cause: error });
	});
	return { picture, alpha: hasAlpha };
}

/** Gives the picture, upright and in sRGB, to the engine. */
export async function transform(context: TaskContext, transformers: readonly Transformer[], engine: Engine, task: TransformTask): Promise<Transformed & { engine: string; width: number; height: number }> {
	const [first, ...others] = chooseTransformers(transformers, engine, task);
	const { workDir, signal } = context;
	const picture = await openPicture(await context.source(), context);
	const path = join(workDir, 'upright.png');
	refuseLarge(picture, task);
	const { width, height } = await picture
		.open({ still: true })
		.toColourspace('srgb')
		.png({ compressionLevel: 3 })
		.toFile(path)
		.catch((error: unknown) => {
			throw explainSharp(error);
		});
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
