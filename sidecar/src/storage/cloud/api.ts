import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import axios from 'axios';
import { PipelineError } from '../../errors.ts';
import { retryAfterSeconds } from '../../net/download.ts';

export interface ApiCall {
	/** What is being done, for people; part of errors: "write raw/default/a.mp4". */
	action: string;
	method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
	url: string | URL;
	headers?: Record<string, string>;
	body?: Buffer | string;
	/** Statuses beyond 2xx that are answers and no failures: 404 of a look, 308 of a resumable upload. */
	accepts?: readonly number[];
	/** Default 5. 1: a lost answer of this call must be looked into before it may be made again. */
	tries?: number;
	/** Without the key of the store: the address carries its own permission, or needs none. */
	open?: boolean;
}

export interface ApiAnswer {
	status: number;
	/** Lower-case names. */
	headers: Record<string, string>;
	/** Parsed JSON; null where the body is none. */
	body: unknown;
}

export interface ApiStream extends Omit<ApiAnswer, 'body'> {
	stream: Readable;
}

/** The one way to a store over HTTP: passing failures are tried again, the others become errors in our words. */
export interface Api {
	send(call: ApiCall): Promise<ApiAnswer>;
	/** The body as it comes. */
	stream(call: ApiCall): Promise<ApiStream>;
	/** Those of such a body: the timeout of a request ends with its headers, and a body that stops coming would be waited for for ever. */
	pieces(stream: Readable): AsyncIterable<Buffer>;
	/** Pauses before try `attempt + 1`, or throws `error` when that was the last one. */
	again(error: unknown, attempt: number, tries?: number): Promise<void>;
}

export interface ApiOptions {
	/** Name of the store, for people. */
	where: string;
	/** Headers that every call carries; `anew`: those of the call before were refused. */
	authorize(anew: boolean): Promise<Record<string, string>>;
	/** A store's own reading of a refusal, where it says more than its status. */
	explain?(status: number, text: string): PipelineError | undefined;
	/** Tests do not wait. Default: real time. */
	sleep?: ((ms: number) => Promise<unknown>) | undefined;
	/** Silence on a connection, ms, after which it counts as broken. Default: five minutes. */
	idleMs?: number | undefined;
}

/** 408, 429 and 5xx, as the documentation of Google Cloud Storage advises; 420: how Cloudinary says 429; 423: tus, somebody else is writing. */
const isPassingStatus = (status: number): boolean => [408, 420, 423, 429].includes(status) || (status >= 500 && status !== 501);
const TRIES = 5;
const FIRST_PAUSE_MS = 500;
/** A store that wants a longer pause gets it, but from the queue: the job is put back for that long. */
const LONGEST_PAUSE_SECONDS = 30;
/** Errors of stores are short; more of one is not read. */
const LONGEST_ERROR = 4096;
/** A page of a list has 1000 entries of 2 KB at most. */
const LONGEST_ANSWER = 8 * 1024 * 1024;
/** Silence on a connection. Rewrites and last chunks of large files take their time. */
const IDLE_MS = 300_000;
/** Parts of one upload go over one connection. */
const AGENTS = { httpAgent: new HttpAgent({ keepAlive: true }), httpsAgent: new HttpsAgent({ keepAlive: true }) };

export function createApi({ where, authorize, explain, sleep = pause, idleMs = IDLE_MS }: ApiOptions): Api {
	async function once(call: ApiCall, anew = false): Promise<ApiStream> {
		const headers = { accept: '*/*', 'user-agent': 'media-pipeline', ...(call.open ? {} : await authorize(anew)), ...call.headers, 'accept-encoding': 'identity' };
		const answer = await axios
			.request<Readable>({
				url: String(call.url),
				method: call.method,
				headers,
				// Bytes are sent as they are: the global fetch would copy each chunk.
				...(call.body === undefined ? {} : { data: typeof call.body === 'string' ? Buffer.from(call.body) : call.body }),
				responseType: 'stream',
				decompress: false,
				maxRedirects: 0,
				maxBodyLength: Infinity,
				// None: with one, axios hands out a wrapper that is only closed when the next bytes have come.
				maxContentLength: -1,
				validateStatus: () => true,
				timeout: idleMs,
				...AGENTS,
			})
			.catch((error: unknown) => {
				throw unreached(where, call.action, error);
			});
		const response: ApiStream = { status: answer.status, headers: plain(answer.headers), stream: answer.data };
		if ((response.status >= 200 && response.status < 300) || call.accepts?.includes(response.status)) return response;
		if (response.status === 401 && !anew && !call.open) {
			response.stream.destroy();
			return once(call, true);
		}
		throw refused(where, call.action, response, await text(pieces(response.stream, idleMs), LONGEST_ERROR).catch(() => ''), explain);
	}

	async function again(error: unknown, attempt: number, tries = TRIES): Promise<void> {
		if (!(error instanceof PipelineError) || error.code !== 'storage_failed' || !isPassing(error) || attempt >= tries) throw error;
		const wanted = error.retryAfterSeconds ?? 0;
		if (wanted > LONGEST_PAUSE_SECONDS) throw error;
		await sleep(Math.max(wanted * 1000, FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random())));
	}

	async function tried<T>(call: ApiCall, use: (response: ApiStream) => Promise<T>): Promise<T> {
		for (let attempt = 1; ; attempt++) {
			try {
				return await use(await once(call));
			} catch (error) {
				await again(error, attempt, call.tries);
			}
		}
	}

	return {
		again,
		send: (call) =>
			tried(call, async ({ status, headers, stream }) => {
				const body = await text(pieces(stream, idleMs), LONGEST_ANSWER).catch((error: unknown) => {
					throw unreached(where, call.action, error);
				});
				return { status, headers, body: parsed(body) };
			}),
		stream: (call) => tried(call, (response) => Promise.resolve(response)),
		pieces: (stream) => pieces(stream, idleMs),
	};
}

/** Marked in the details: `storage_failed` also stands for refusals, which no second try helps. */
const isPassing = (error: PipelineError): boolean => error.details?.passing === true;

/**
 * An address that a store answered, at the host that was configured, whatever host it names: behind a proxy that is another one, and
 * what is sent there (keys, files) is for ours only.
 */
export function atHost(base: string, answered: string): URL {
	const at = new URL(base);
	const { pathname, search } = new URL(answered, at);
	// Set one by one: a path that begins with two slashes would be read as a host.
	at.pathname = pathname;
	at.search = search;
	return at;
}

/** The connection failed or broke: another one may do. */
export function unreached(where: string, action: string, error: unknown): PipelineError {
	if (error instanceof PipelineError) return error;
	const code = codeOf(error);
	// Not the error itself: those of axios hold the whole request, with its keys, and addresses that carry a permission.
	const cause = new Error(error instanceof Error ? error.message : String(error));
	return new PipelineError('storage_failed', `${where} was not reached to ${action}${code ? ` (${code})` : ''}.`, { cause, details: { passing: true } });
}

/** The pieces of a body. Silence breaks it, but only while somebody waits for bytes: who reads slowly may take any time. */
async function* pieces(stream: Readable, idleMs: number): AsyncGenerator<Buffer, undefined> {
	const source = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
	try {
		for (;;) {
			const silent = setTimeout(() => stream.destroy(Object.assign(new Error('the store has stopped sending'), { code: 'ETIMEDOUT' })), idleMs);
			const next = await source.next().finally(() => clearTimeout(silent));
			if (next.done) return;
			yield next.value;
		}
	} finally {
		stream.destroy();
	}
}

/** Of the error, or of what caused it. */
function codeOf(error: unknown): string {
	for (let at = error; at instanceof Error; at = at.cause) if ('code' in at && typeof at.code === 'string') return at.code;
	return '';
}

function refused(where: string, action: string, { status, headers }: ApiStream, text: string, explain: ApiOptions['explain']): PipelineError {
	const known = explain?.(status, text);
	if (known) return known;
	const details = { status, passing: isPassingStatus(status) };
	if (status === 404) return new PipelineError('not_found', `There is no such file in ${where} (${action}).`, { details });
	if (isPassingStatus(status)) {
		// The second is how Cloudinary says it ("Usage limits", Admin API).
		const again = headers['retry-after'] ?? headers['x-featureratelimit-reset'];
		const seconds = again === undefined ? undefined : retryAfterSeconds({ 'retry-after': again });
		return new PipelineError('storage_failed', `${where} could not ${action} at the moment (${status}).`, {
			details,
			cause: new Error(text),
			...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
		});
	}
	const hint = status === 401 || status === 403 ? ' Check the credentials and their permissions.' : '';
	return new PipelineError('storage_failed', `${where} refuses to ${action} (${status}).${hint}`, { details, cause: new Error(text) });
}

/** No more than `limit` of it. */
async function text(stream: AsyncIterable<Buffer>, limit: number): Promise<string> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	for await (const chunk of stream) {
		chunks.push(chunk);
		bytes += chunk.length;
		if (bytes > limit) break;
	}
	return Buffer.concat(chunks).toString('utf8', 0, limit);
}

function plain(headers: object): Record<string, string> {
	const entries = Object.entries(headers as Record<string, unknown>).filter(([, value]) => value !== undefined && value !== null);
	return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]));
}

export function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}
