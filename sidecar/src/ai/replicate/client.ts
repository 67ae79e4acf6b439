import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import Replicate, { type Prediction } from 'replicate';
import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { retryAfterSeconds } from '../../net/download.ts';
import { spend } from '../meter.ts';

export interface ReplicateConnection {
	/** REPLICATE_API_TOKEN. Absent: nothing can be done here. */
	token: string | undefined;
	/** Default https://api.replicate.com/v1 */
	baseUrl?: string | undefined;
	/** Setting that holds the token, for messages. Default REPLICATE_API_TOKEN. */
	keyName?: string | undefined;
	/** Between two looks at a prediction. Default 1 s. */
	pollMs?: number | undefined;
	/** Waits until a prediction may begin. Default: at once. */
	gate?: (<T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>) | undefined;
}

/** Fields that a model takes, by name, as its own schema says. */
export type InputFields = Record<string, { type?: string | undefined; format?: string | undefined }>;

export interface RunModel {
	/** `owner/name`, or `owner/name:version`. */
	model: string;
	picture: { path: string; mime: string };
	/** What goes in beside the picture, for the fields that the model has. Throws `provider_rejected` where it cannot serve. */
	input(fields: InputFields): Record<string, unknown>;
	signal: AbortSignal;
	/** 0 to 100 */
	onProgress?(percent: number): void;
	/** Works on the result before the time is up; the link of a result ends after an hour. Default: it is answered as it is. */
	fetch?(output: unknown, signal: AbortSignal): Promise<void>;
}

export interface Ran {
	output: unknown;
	/** `ai_seconds`: what is charged. */
	usage: Record<string, number>;
}

export interface ReplicateClient {
	obstacle(): string | null;
	/**
	 * Uploads the picture, creates a prediction, and looks until it has ended. Cancels it when nobody waits any more. What it took is
	 * told to the meter as soon as it is known, also where it gave up. Once a prediction is under way, no error asks for a pause: who
	 * waited and called again would pay for a second one.
	 */
	run(request: RunModel): Promise<Ran>;
}

/** A cold model takes minutes until it begins. */
const TIMEOUT_MS = 15 * 60_000;
/**
 * https://replicate.com/changelog/2025-10-16-prediction-deadlines: ended there by then, also where nobody is left to cancel it: when
 * the sidecar was killed, or the answer that names the prediction was lost.
 */
const CANCEL_AFTER = { 'Cancel-After': `${TIMEOUT_MS / 60_000}m` };
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

export function createReplicateClient({ token, baseUrl, keyName = 'REPLICATE_API_TOKEN', pollMs = 1000, gate = (work) => work() }: ReplicateConnection): ReplicateClient {
	const obstacle = (): string | null => (token ? null : `For Replicate set ${keyName} of the sidecar.`);

	async function predict({ model, picture, input, signal: outer, onProgress, fetch = () => Promise.resolve() }: RunModel): Promise<Ran> {
		const calls = onceEach();
		const client = new Replicate({ auth: token ?? '', ...(baseUrl ? { baseUrl } : {}), useFileOutput: false, fetch: calls.fetch });
		const timeout = AbortSignal.timeout(TIMEOUT_MS);
		const signal = AbortSignal.any([outer, timeout]);
		let open: Prediction | null = null;
		try {
			const { version, fields } = await findModel(client, model, signal);
			const field = pictureField(fields, model);
			const values = input(fields);
			const file = await client.files.create(new Blob([new Uint8Array(await readFile(picture.path))], { type: picture.mime }), {}, { signal });
			open = await client.predictions.create({ version, input: { [field]: file.urls.get, ...values }, signal });
			while (open.status === 'starting' || open.status === 'processing') {
				onProgress?.(open.status === 'starting' ? 10 : 50);
				open = await look(client, open, { signal, pollMs, calls });
			}
			const { status, metrics } = open;
			const output: unknown = open.output;
			const error: unknown = open.error;
			open = null;
			const usage = { ai_seconds: metrics?.predict_time ?? 0 };
			if (usage.ai_seconds > 0) spend(usage);
			if (status !== 'succeeded') throw gaveUp(model, typeof error === 'string' ? error : status);
			await fetch(output, signal);
			return { output, usage };
		} catch (error) {
			// Nobody waits for it any more, and it costs money. The job has ended: it must not wait long for this.
			calls.reset();
			if (open) await client.predictions.cancel(open.id, { signal: AbortSignal.timeout(CANCEL_MS) }).catch(() => {});
			outer.throwIfAborted();
			const failure = await providerError(error, { model, keyName, late: timeout.aborted, secret: token ?? '' });
			if (open && failure instanceof PipelineError && failure.code === 'provider_rate_limited') {
				throw new PipelineError('provider_unavailable', `Replicate did not say what became of the prediction of ${model}: it asked to slow down each time it was asked. The prediction was called off.`, { cause: failure });
			}
			throw failure;
		}
	}

	return {
		obstacle,
		run(request) {
			const why = obstacle();
			if (why) return Promise.reject(new PipelineError('provider_not_configured', why));
			if (request.signal.aborted) return Promise.reject(request.signal.reason as Error);
			return gate(() => predict(request), request.signal);
		},
	};
}

/** What models, and the filters before them, say of content that they do not want; there is no field for it. */
const CONTENT = /\bNSFW\b|\bE005\b|flagged as (?:sensitive|inappropriate|unsafe)|content (?:policy|moderation)/i;

const gaveUp = (model: string, why: string): PipelineError =>
	new PipelineError(CONTENT.test(why) ? 'provider_content_refused' : 'provider_rejected', `The model ${model} on Replicate ${CONTENT.test(why) ? 'refused this content' : 'gave up'}: ${why.slice(0, 300)}`);

interface Calls {
	fetch: typeof fetch;
	/** Lets the next call through after one that failed. */
	reset(): void;
}

/**
 * The library repeats failed calls up to five times, at once and without regard for Retry-After, and even those that create a
 * prediction: one that broke off would be made, and paid, twice. Here the first failure is what every repetition gets.
 */
function onceEach(): Calls {
	let failure: Error | null = null;
	return {
		reset: () => (failure = null),
		async fetch(url, init) {
			if (failure) throw failure;
			try {
				const creates = init?.method === 'POST' && (url instanceof Request ? url.url : url.toString()).endsWith('/predictions');
				const response = await fetch(url, creates ? { ...init, headers: { ...Object.fromEntries(new Headers(init.headers)), ...CANCEL_AFTER } } : init);
				if (response.status !== 429 && response.status < 500) return response;
				failure = Object.assign(new Error(`HTTP ${response.status}`), { response });
			} catch (error) {
				failure = error instanceof Error ? error : new Error(String(error));
			}
			throw failure;
		},
	};
}

/** Looks that fail in a row before the prediction is given up, with pauses of 1, 2, 4 … times the usual one. */
const MAX_FAILED_LOOKS = 5;

/** A prediction that runs is not lost because one look at it failed. */
async function look(client: Replicate, prediction: Prediction, { signal, pollMs, calls }: { signal: AbortSignal; pollMs: number; calls: Calls }): Promise<Prediction> {
	for (let failed = 0; ; failed++) {
		await wait(pollMs * 2 ** failed, undefined, { signal });
		try {
			return await client.predictions.get(prediction.id, { signal });
		} catch (error) {
			const status = error instanceof Error && 'response' in error && error.response instanceof Response ? error.response.status : null;
			if (signal.aborted || failed >= MAX_FAILED_LOOKS || (status !== null && status !== 429 && status < 500)) throw error;
			calls.reset();
		}
	}
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
function pictureField(fields: InputFields, model: string): string {
	const isFile = (name: string): boolean => fields[name]?.format === 'uri';
	const found = ['image', 'input_image', 'img', 'input'].find(isFile) ?? Object.keys(fields).find(isFile);
	if (found) return found;
	throw new PipelineError('provider_rejected', `The model ${model} on Replicate takes no picture. Choose another one.`);
}

async function providerError(error: unknown, { model, keyName, late, secret }: { model: string; keyName: string; late: boolean; secret: string }): Promise<unknown> {
	if (error instanceof PipelineError) return error;
	const hide = (text: string): string => (secret ? text.replaceAll(secret, '***') : text);
	if (late) return new PipelineError('provider_unavailable', `Replicate was not done with ${model} within ${TIMEOUT_MS / 60_000} minutes.`, { cause: error });
	const response = error instanceof Error && 'response' in error && error.response instanceof Response ? error.response : null;
	if (!response) return new PipelineError('provider_unavailable', 'Replicate cannot be reached.', { cause: new Error(hide(error instanceof Error ? error.message : String(error))) });
	const { status } = response;
	const said = await response.text().then(
		(text) => hide(text).slice(0, 300),
		() => '',
	);
	const cause = new Error(`${status}: ${said}`);
	if (status === 401 || status === 403) return new PipelineError('provider_key_refused', `Replicate refuses the key. Check ${keyName}.`, { cause });
	if (status === 402) return new PipelineError('provider_rejected', 'Replicate wants to be paid: add credit to the account.', { cause });
	if (status === 404) return new PipelineError('provider_rejected', `Replicate knows no model ${model}. Check the name of the model in the settings of the sidecar.`, { cause });
	if (status === 429) {
		const seconds = retryAfterSeconds({ 'retry-after': response.headers.get('retry-after') ?? '' });
		return new PipelineError('provider_rate_limited', 'Replicate asks for a pause.', { cause, ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }) });
	}
	if (status >= 500) return new PipelineError('provider_unavailable', `Replicate has a problem (HTTP ${status}).`, { cause });
	return new PipelineError('provider_rejected', `Replicate refuses the request for ${model} (HTTP ${status}): ${said}`, { cause });
}
