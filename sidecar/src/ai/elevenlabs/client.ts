import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import axios from 'axios';
import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { retryAfterSeconds } from '../../net/download.ts';

export interface ElevenLabsConnection {
	/** ELEVENLABS_API_KEY. Absent: nothing can be asked here. */
	apiKey: string | undefined;
	/** Default https://api.elevenlabs.io. */
	baseUrl?: string | undefined;
	/** Setting that holds the key, for messages. Default ELEVENLABS_API_KEY. */
	keyName?: string | undefined;
	/** Whole time of one call. Default 20 min: it writes hours of speech down in one call. */
	timeoutMs?: number | undefined;
	/** Most of one sound that is answered. Default 1 GB: as much as may be sent there. */
	maxFileBytes?: number | undefined;
	/** Waits until a call may be made. Default: at once. */
	gate?: (<T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>) | undefined;
}

export interface ElevenLabsRequest {
	/** What is being done, for people: "speak". */
	action: string;
	method: 'GET' | 'POST' | 'DELETE';
	/** From `/v1/` on. */
	path: string;
	query?: Record<string, string>;
	/** JSON, or a form with files that stream from disk. */
	body?: Record<string, unknown> | FormData;
	/** Whole time of this call. Default: that of the connection. */
	timeoutMs?: number | undefined;
	signal: AbortSignal;
}

/** The few calls that are used of https://elevenlabs.io/docs/api-reference; nothing is repeated here. */
export interface ElevenLabsClient {
	obstacle(): string | null;
	/** An answer of the documented form. */
	json<T>(request: ElevenLabsRequest, schema: z.ZodType<T>): Promise<T>;
	/** An answer that is sound, written to `path`. `begun` gets its headers, in lower case, before the sound is there: from then on it is paid. */
	file(request: ElevenLabsRequest, path: string, begun?: (headers: Record<string, string>) => void): Promise<void>;
}

const HOME = 'https://api.elevenlabs.io';
const TIMEOUT_MS = 20 * 60_000;
/** The words of ten hours of speech are some 20 MB. */
const MAX_JSON_BYTES = 64 * 1024 * 1024;
/** Far more than any error says. */
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_FILE_BYTES = 1_000_000_000;

export function createElevenLabsClient({ apiKey, baseUrl, keyName = 'ELEVENLABS_API_KEY', timeoutMs: usualTimeoutMs = TIMEOUT_MS, maxFileBytes = MAX_FILE_BYTES, gate = (work) => work() }: ElevenLabsConnection): ElevenLabsClient {
	// People copy addresses with the version; one of a gateway may have a path of its own.
	const base = (baseUrl ?? HOME).replace(/(?:\/v1)?\/*$/, '');
	const obstacle = (): string | null => (apiKey ? null : `Set ${keyName} of the sidecar.`);
	const hide = (text: string): string => (apiKey ? text.replaceAll(apiKey, '***') : text);

	async function send<T>({ action, method, path, query, body, timeoutMs = usualTimeoutMs, signal }: ElevenLabsRequest, read: (status: Answer) => Promise<T>): Promise<T> {
		const why = obstacle();
		if (why) throw new PipelineError('provider_not_configured', why);
		signal.throwIfAborted();
		return gate(async () => {
			const timeout = AbortSignal.timeout(timeoutMs);
			const both = AbortSignal.any([signal, timeout]);
			try {
				const { status, headers, data } = await axios.request<Readable>({
					url: `${base}${path}${query ? `?${new URLSearchParams(query).toString()}` : ''}`,
					method,
					headers: { 'xi-api-key': apiKey, 'User-Agent': 'media-pipeline', ...(body && !(body instanceof FormData) ? { 'Content-Type': 'application/json' } : {}) },
					...(body ? { data: body } : {}),
					responseType: 'stream',
					// A redirect would carry the key elsewhere; the API has none.
					maxRedirects: 0,
					maxBodyLength: Infinity,
					maxContentLength: Infinity,
					validateStatus: () => true,
					signal: both,
				});
				const flat = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
				try {
					if (status >= 200 && status < 300) return await read({ headers: flat, stream: data, signal: both });
					throw refusal(action, status, flat, hide(await textOf(data, MAX_ERROR_BYTES)), keyName);
				} finally {
					data.destroy();
				}
			} catch (error) {
				signal.throwIfAborted();
				if (error instanceof PipelineError) throw error;
				if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw new PipelineError('storage_full', 'The disk of the scratch folder is full.', { cause: error });
				// The error of axios carries the whole request, key included.
				const cause = new Error(hide(error instanceof Error ? error.message : String(error)));
				if (timeout.aborted) throw new PipelineError('provider_unavailable', `ElevenLabs did not answer in time (${action}).`, { cause });
				throw new PipelineError('provider_unavailable', `ElevenLabs was not reached (${action}). Check the network of the sidecar and the address of the provider.`, { cause });
			}
		}, signal);
	}

	return {
		obstacle,
		json: (request, schema) =>
			send(request, async ({ stream }) => {
				const parsed = schema.safeParse(parse(await textOf(stream, MAX_JSON_BYTES)));
				if (parsed.success) return parsed.data;
				throw new PipelineError('provider_answer_invalid', `ElevenLabs answered something that is not documented (${request.action}). Check the address of the provider.`, {
					cause: new Error(z.prettifyError(parsed.error)),
				});
			}),
		file: (request, path, begun) =>
			send(request, async ({ stream, headers, signal }) => {
				if (/json|html/.test(headers['content-type'] ?? '')) throw new PipelineError('provider_answer_invalid', `ElevenLabs answered no sound (${request.action}). Check the address of the provider.`);
				begun?.(headers);
				try {
					await pipeline(stream, upTo(maxFileBytes), createWriteStream(path), { signal });
				} catch (error) {
					await rm(path, { force: true });
					throw error;
				}
			}),
	};
}

interface Answer {
	headers: Record<string, string>;
	stream: Readable;
	signal: AbortSignal;
}

/** Ends a stream that has no end, before the disk is full. */
const upTo = (most: number) =>
	async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
		let bytes = 0;
		for await (const part of source) {
			bytes += part.length;
			if (bytes > most) throw new PipelineError('provider_answer_invalid', `ElevenLabs answered more than ${most} bytes of sound. Check the address of the provider.`);
			yield part;
		}
	};

async function textOf(stream: Readable, most: number): Promise<string> {
	const parts: Buffer[] = [];
	let bytes = 0;
	for await (const part of stream as AsyncIterable<Buffer>) {
		bytes += part.length;
		if (bytes > most) throw new PipelineError('provider_answer_invalid', 'ElevenLabs answered more than is expected.');
		parts.push(part);
	}
	return Buffer.concat(parts).toString('utf8');
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

/** `code` took the place of `status` in 2025; 422 of the framework has a list. */
const errorSchema = z.object({
	detail: z.union([
		z.object({ code: z.string().nullish(), status: z.union([z.string(), z.number()]).nullish(), message: z.string().nullish() }),
		z.array(z.object({ loc: z.array(z.union([z.string(), z.number()])).optional(), msg: z.string() })),
		z.string(),
	]),
});

function readError(body: string): { code: string; message: string } {
	const detail = errorSchema.safeParse(parse(body)).data?.detail;
	if (detail === undefined) return { code: '', message: body.slice(0, 300) };
	if (typeof detail === 'string') return { code: '', message: detail.slice(0, 300) };
	if (Array.isArray(detail)) return { code: 'validation', message: detail.map(({ loc = [], msg }) => `${loc.join('.')}: ${msg}`).join('; ').slice(0, 300) };
	return { code: String(detail.code ?? detail.status ?? ''), message: (detail.message ?? '').slice(0, 300) };
}

/** https://elevenlabs.io/docs/eleven-api/resources/errors */
function refusal(action: string, status: number, headers: Record<string, string>, body: string, keyName: string): PipelineError {
	const { code, message } = readError(body);
	const options = { details: { status, ...(code ? { code } : {}) }, cause: new Error(`${status} ${code}: ${message}`) };
	const seconds = retryAfterSeconds({ 'retry-after': headers['retry-after'] ?? '' });
	const later = { ...options, ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }) };
	const rejected = (text: string): PipelineError => new PipelineError('provider_rejected', text, options);
	// Without credit it answers 401, too.
	if (code === 'quota_exceeded' || status === 402) return rejected(`The account of ${keyName} has no credit left for this (${action}). Check plan and usage at ElevenLabs.`);
	if (code === 'voice_not_found') return rejected('ElevenLabs does not know this voice. Give the ID or the name of one of the voices of the account.');
	// Also 403, which a key is refused with.
	if (code === 'content_against_policy') return new PipelineError('provider_content_refused', `ElevenLabs refused this content (${action}): ${message}`, options);
	if (code === 'missing_permissions') return new PipelineError('provider_key_refused', `The key in ${keyName} may not do this (${action}): ${message}`, options);
	if (status === 401 || status === 403) return new PipelineError('provider_key_refused', `ElevenLabs refused ${keyName} (${status}). Check the key. ${message}`.trim(), options);
	if (status === 429) return new PipelineError('provider_rate_limited', 'ElevenLabs asks to slow down (429).', later);
	if (status === 408 || status === 409 || status === 425 || status >= 500) return new PipelineError('provider_unavailable', `ElevenLabs has a problem at the moment (${status}).`, later);
	if (status === 404) return rejected(`ElevenLabs does not know what was asked for (404, ${action}). Check the address of the provider and the name of the model. ${message}`.trim());
	return rejected(`ElevenLabs refused the request (${status}, ${action}): ${message}`);
}
