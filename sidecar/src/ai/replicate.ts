import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import Replicate, { type Prediction } from 'replicate';
import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { retryAfterSeconds } from '../net/download.ts';
import type { TransformRequest, TransformTask, Transformer } from './transformer.ts';

export interface ReplicateSettings {
	/** REPLICATE_API_TOKEN. Absent: nothing can be done here. */
	token: string | undefined;
	/** REPLICATE_BASE_URL; default https://api.replicate.com/v1 */
	baseUrl: string | undefined;
	/** `owner/name`, or `owner/name:version`. */
	models: Record<TransformTask['kind'], string>;
	/** Fetches a result into a file; the link comes from the provider and passes the guard. */
	download(url: string, path: string, signal: AbortSignal): Promise<void>;
	/** Between two looks at a prediction. Default 1 s. */
	pollMs?: number;
}

/** A cold model takes minutes until it begins. */
const TIMEOUT_MS = 15 * 60_000;
const CANCEL_MS = 10_000;

/** What is read of a model: its newest version, and the fields that it takes. */
const modelSchema = z.object({
	latest_version: z.object({
		id: z.string().min(1),
		openapi_schema: z.object({
			components: z.object({ schemas: z.object({ Input: z.object({ properties: z.record(z.string(), z.object({ type: z.string().optional(), format: z.string().optional() }).loose()) }) }) }),
		}),
	}),
});
type InputFields = z.infer<typeof modelSchema>['latest_version']['openapi_schema']['components']['schemas']['Input']['properties'];

/** Pictures by models on replicate.com: create a prediction, look until it has ended, fetch its result. */
export function createReplicate({ token, baseUrl, models, download, pollMs = 1000 }: ReplicateSettings): Transformer {
	const connect = (): Replicate => new Replicate({ auth: token ?? '', ...(baseUrl ? { baseUrl } : {}), useFileOutput: false });

	return {
		name: 'replicate',
		obstacle: () => (token ? null : 'For Replicate set REPLICATE_API_TOKEN of the sidecar.'),
		async transform(request) {
			const client = connect();
			const timeout = AbortSignal.timeout(TIMEOUT_MS);
			const signal = AbortSignal.any([request.signal, timeout]);
			const model = models[request.task.kind];
			let open: Prediction | null = null;
			try {
				const { version, fields } = await findModel(client, model, signal);
				const file = await client.files.create(new Blob([new Uint8Array(await readFile(request.path))], { type: 'image/png' }), {}, { signal });
				open = await client.predictions.create({ version, input: inputFor(request, fields, file.urls.get, model), signal });
				const ended = await follow(client, open, request, signal, pollMs);
				open = null;
				const path = join(request.workDir, 'replicate-result');
				await download(resultUrl(ended, model), path, signal);
				return { path, model, usage: { ai_seconds: ended.metrics?.predict_time ?? 0 } };
			} catch (error) {
				// Nobody waits for it any more, and it costs money. The job has ended: it must not wait long for this.
				if (open) await client.predictions.cancel(open.id, { signal: AbortSignal.timeout(CANCEL_MS) }).catch(() => {});
				request.signal.throwIfAborted();
				throw await providerError(error, model, timeout.aborted);
			}
		},
	} satisfies Transformer;
}

async function findModel(client: Replicate, model: string, signal: AbortSignal): Promise<{ version: string; fields: InputFields }> {
	const [name = '', pinned] = model.split(':');
	const [owner = '', short = ''] = name.split('/');
	const found = modelSchema.safeParse(pinned ? { latest_version: await client.models.versions.get(owner, short, pinned, { signal }) } : await client.models.get(owner, short, { signal }));
	if (!found.success) throw new PipelineError('provider_rejected', `The model ${model} on Replicate does not say what it takes. Choose another one.`);
	const { id, openapi_schema: schema } = found.data.latest_version;
	return { version: id, fields: schema.components.schemas.Input.properties };
}

/** Models name the same thing differently: the picture is the field of type URL, by these names first. */
function inputFor({ task }: Pick<TransformRequest, 'task'>, fields: InputFields, url: string, model: string): Record<string, unknown> {
	const isFile = (name: string): boolean => fields[name]?.format === 'uri';
	const picture = ['image', 'input_image', 'img', 'input'].find(isFile) ?? Object.keys(fields).find(isFile);
	if (!picture) throw new PipelineError('provider_rejected', `The model ${model} on Replicate takes no picture. Choose another one.`);
	const optional = Object.entries(task.kind === 'upscale' ? { scale: task.factor } : task.kind === 'style' ? { prompt_strength: task.strength } : {}).filter(([name]) => name in fields);
	if (task.kind === 'style' && !('prompt' in fields)) throw new PipelineError('provider_rejected', `The model ${model} on Replicate takes no prompt. Set REPLICATE_STYLE_MODEL to one that does.`);
	return { [picture]: url, ...(task.kind === 'style' ? { prompt: task.prompt } : {}), ...Object.fromEntries(optional) };
}

async function follow(client: Replicate, first: Prediction, { onProgress }: TransformRequest, signal: AbortSignal, pollMs: number): Promise<Prediction> {
	let prediction = first;
	while (prediction.status === 'starting' || prediction.status === 'processing') {
		onProgress(prediction.status === 'starting' ? 10 : 50);
		await wait(pollMs, undefined, { signal });
		prediction = await client.predictions.get(prediction.id, { signal });
	}
	return prediction;
}

function resultUrl({ status, output, error }: Prediction, model: string): string {
	if (status !== 'succeeded') {
		throw new PipelineError('provider_rejected', `The model ${model} on Replicate gave up: ${(typeof error === 'string' ? error : status).slice(0, 300)}`);
	}
	const url: unknown = Array.isArray(output) ? output.at(-1) : output;
	if (typeof url === 'string' && /^https?:/.test(url)) return url;
	throw new PipelineError('provider_rejected', `The model ${model} on Replicate answered no picture.`);
}

async function providerError(error: unknown, model: string, late: boolean): Promise<unknown> {
	if (error instanceof PipelineError) return error;
	if (late) return new PipelineError('provider_unavailable', `Replicate was not done with ${model} within ${TIMEOUT_MS / 60_000} minutes.`, { cause: error });
	const response = error instanceof Error && 'response' in error && error.response instanceof Response ? error.response : null;
	if (!response) return new PipelineError('provider_unavailable', 'Replicate cannot be reached.', { cause: error });
	const { status } = response;
	const said = await response.text().then(
		(text) => text.slice(0, 300),
		() => '',
	);
	const cause = new Error(`${status}: ${said}`);
	if (status === 401 || status === 403) return new PipelineError('provider_rejected', 'Replicate refuses the key. Check REPLICATE_API_TOKEN.', { cause });
	if (status === 402) return new PipelineError('provider_rejected', 'Replicate wants to be paid: add credit to the account.', { cause });
	if (status === 404) return new PipelineError('provider_rejected', `Replicate knows no model ${model}. Check the REPLICATE_…_MODEL of the sidecar.`, { cause });
	if (status === 429) {
		const seconds = retryAfterSeconds({ 'retry-after': response.headers.get('retry-after') ?? '' });
		return new PipelineError('provider_rate_limited', 'Replicate asks for a pause.', { cause, ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }) });
	}
	if (status >= 500) return new PipelineError('provider_unavailable', `Replicate has a problem (HTTP ${status}).`, { cause });
	return new PipelineError('provider_rejected', `Replicate refuses the request for ${model} (HTTP ${status}): ${said}`, { cause });
}
