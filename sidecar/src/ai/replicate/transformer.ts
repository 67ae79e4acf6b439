import { join } from 'node:path';
import { PipelineError } from '../../errors.ts';
import type { TransformTask, Transformer } from '../transformer.ts';
import type { InputFields, ReplicateClient } from './client.ts';

export interface ReplicateTransformerOptions {
	client: ReplicateClient;
	/** `owner/name`, or `owner/name:version`. */
	models: Record<TransformTask['kind'], string>;
	/** Fetches a result into a file; the link comes from the provider and passes the guard. */
	download(url: string, path: string, signal: AbortSignal): Promise<void>;
}

/** Pictures changed by models on replicate.com. */
export function createReplicateTransformer({ client, models, download }: ReplicateTransformerOptions): Transformer {
	return {
		name: 'replicate',
		obstacle: () => client.obstacle(),
		async transform({ task, path: source, workDir, signal, onProgress }) {
			const model = models[task.kind];
			const path = join(workDir, 'replicate-result');
			const { usage } = await client.run({
				model,
				picture: { path: source, mime: 'image/png' },
				input: (fields) => inputFor(task, fields, model),
				signal,
				onProgress,
				fetch: (output, within) => download(resultUrl(output, model), path, within),
			});
			return { path, model, usage };
		},
	};
}

function inputFor(task: TransformTask, fields: InputFields, model: string): Record<string, unknown> {
	if (task.kind === 'style' && !('prompt' in fields)) throw new PipelineError('provider_rejected', `The model ${model} on Replicate takes no prompt. Set REPLICATE_STYLE_MODEL to one that does.`);
	const optional = Object.entries(task.kind === 'upscale' ? { scale: task.factor } : task.kind === 'style' ? { prompt_strength: task.strength } : {}).filter(([name]) => name in fields);
	return { ...(task.kind === 'style' ? { prompt: task.prompt } : {}), ...Object.fromEntries(optional) };
}

function resultUrl(output: unknown, model: string): string {
	const url: unknown = Array.isArray(output) ? output.at(-1) : output;
	if (typeof url === 'string' && /^https?:/.test(url)) return url;
	throw new PipelineError('provider_answer_invalid', `The model ${model} on Replicate answered no picture.`);
}
