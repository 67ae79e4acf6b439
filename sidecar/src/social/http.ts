import * as nodeHttp from 'node:http';
import * as nodeHttps from 'node:https';
import { pipeline } from 'node:stream/promises';
import { PipelineError } from '../errors.ts';
import { encode, type Body } from './body.ts';
import { classify, codeOf, describeBody, HttpFailure, redact, retryAt, type Decision, type Effect, type Judgement, type Seen } from './outcome.ts';

export interface HttpRequest {
	/** What is being done, for people; appears in errors: "upload part 3". */
	action: string;
	effect: Effect;
	method: 'GET' | 'POST' | 'PUT' | 'DELETE';
	url: string | URL;
	/** Sent as `Authorization: Bearer`, and taken out of every error. Null: sent without. */
	token: string | null;
	/** How the token is sent. Default: Bearer. Meta's upload hosts want OAuth (platforms.md 5.2). */
	scheme?: 'Bearer' | 'OAuth';
	/** Further texts that are taken out of every error. */
	secrets?: readonly string[];
	headers?: Record<string, string>;
	body?: Body;
	/** Whole time of the call. Default: none, only the idle limit. */
	timeoutSeconds?: number;
	signal?: AbortSignal;
	/** Whether a 2xx answer is of the documented form. If not, it counts as lost: what it was to tell did not arrive. */
	expects?(body: unknown): boolean;
	/** Statuses beyond 2xx that are answers and no failures: 308 of a resumable upload. */
	accepts?: readonly number[];
	/**
	 * A platform's own reading of an answer, where it knows better than its status; undefined: as usual. Asked of every answer,
	 * also of a 2xx one: some platforms send errors with HTTP 200.
	 */
	judge?(status: number, body: unknown): Decision | Judgement | undefined;
	/** Shown the head of every answer, before it is judged. */
	seen?(status: number, headers: nodeHttp.IncomingHttpHeaders): void;
}

export interface HttpAnswer {
	status: number;
	headers: nodeHttp.IncomingHttpHeaders;
	/** Parsed JSON; integers that a double cannot hold are strings. Text where it is not JSON. */
	body: unknown;
}

export interface Http {
	/** Resolves with a 2xx answer; throws HttpFailure otherwise. Follows no redirects, repeats nothing. */
	send(request: HttpRequest): Promise<HttpAnswer>;
}

export interface HttpOptions {
	/** For hosts named by users: the SSRF guard (net/guard.ts). Absent: the host is a setting of the operator. */
	guard?: { check(url: string | URL): URL; httpAgent: nodeHttp.Agent; httpsAgent: nodeHttps.Agent };
	/** Longest silence on the connection. Default 60. A server that answers drop by drop has twice as long for the whole of its answer. */
	idleSeconds?: number;
	/** Largest answer. Default 2 MiB: 100 posts with all their fields. */
	maxAnswerBytes?: number;
	userAgent?: string;
	now?: () => Date;
}

/** What a header cannot hold, and no token has. */
const NO_TOKEN = /[^\x21-\x7e]/;

/** The codes of platforms are names and numbers. */
const CODE_LENGTH = 100;

/**
 * The one way to a platform. Bodies stream with a Content-Length, answers are bounded, and every failure says whether
 * anything can have happened.
 */
export function createHttp(options: HttpOptions = {}): Http {
	const { guard, idleSeconds = 60, maxAnswerBytes = 2 * 1024 * 1024, userAgent = 'media-pipeline', now = () => new Date() } = options;
	// Uploads in many parts reuse a connection. A publishing call never does: a reused connection that the server has
	// just closed could not be told from a lost answer.
	const kept = { http: new nodeHttp.Agent({ keepAlive: true }), https: new nodeHttps.Agent({ keepAlive: true }) };
	const fresh = { http: new nodeHttp.Agent({ keepAlive: false }), https: new nodeHttps.Agent({ keepAlive: false }) };

	function agentFor(url: URL, effect: Effect): nodeHttp.Agent {
		const secure = url.protocol === 'https:';
		if (guard) return secure ? guard.httpsAgent : guard.httpAgent;
		const agents = effect === 'publish' ? fresh : kept;
		return secure ? agents.https : agents.http;
	}

	return {
		async send(request) {
			const url = guard ? guard.check(request.url) : new URL(request.url);
			// Sent as it is, it would be an error of ours, without a word of what to do.
			if (request.token !== null && NO_TOKEN.test(request.token)) {
				throw new PipelineError('needs_reauth', `${request.action}: the access token has a blank, a line break or another character that no token has. Copy it into the credential once more, whole and alone. Nothing was sent.`);
			}
			const secrets = [...(request.token ? [request.token] : []), ...(request.secrets ?? [])];
			/** A code is what the platform says it is: a server can write anything there. */
			const clean = (code: string | null) => (code === null ? null : redact(code, secrets).slice(0, CODE_LENGTH));
			const fail = (seen: Seen, detail: string, more: { body?: unknown; retryAt?: Date | null; judged?: Judgement | undefined } = {}) =>
				new HttpFailure({
					action: request.action,
					decision: more.judged?.decision ?? classify(seen, request.effect),
					status: seen.kind === 'status' ? seen.status : null,
					detail: redact(more.judged?.detail ?? detail, secrets),
					body: more.body,
					retryAt: more.judged?.retryAt ?? more.retryAt ?? null,
					platformCode: clean(more.judged?.platformCode ?? codeOf(more.body)),
					hint: more.judged?.hint ?? null,
				});
			const raw = await exchange(request, url, { agent: agentFor(url, request.effect), idleSeconds, maxAnswerBytes, userAgent }, fail);
			const body = parseAnswer(raw.text);
			request.seen?.(raw.status, raw.headers);
			const judged = asJudgement(request.judge?.(raw.status, body));
			const good = (raw.status >= 200 && raw.status < 300) || request.accepts?.includes(raw.status) === true;
			if (good && !judged) {
				if (request.expects?.(body) === false) throw fail({ kind: 'lost' }, `HTTP ${raw.status}, but not in the documented form`);
				return { status: raw.status, headers: raw.headers, body };
			}
			const redirects = raw.status >= 300 && raw.status < 400;
			throw fail({ kind: 'status', status: raw.status }, redirects ? 'the server redirects elsewhere; check the base URL' : describeBody(body), {
				body,
				retryAt: retryAt(raw.headers, now()),
				judged,
			});
		},
	};
}

const asJudgement = (judged: Decision | Judgement | undefined): Judgement | undefined => (typeof judged === 'string' ? { decision: judged } : judged);

interface Wire {
	agent: nodeHttp.Agent;
	idleSeconds: number;
	maxAnswerBytes: number;
	userAgent: string;
}

interface RawAnswer {
	status: number;
	headers: nodeHttp.IncomingHttpHeaders;
	text: string;
}

function exchange(request: HttpRequest, url: URL, wire: Wire, fail: (seen: Seen, detail: string) => HttpFailure): Promise<RawAnswer> {
	const body = request.body ? encode(request.body) : null;
	return new Promise((resolve, reject) => {
		let connected = false;
		let answered = false;
		let settled = false;
		let unreadable: unknown = null;
		const outgoing = (url.protocol === 'https:' ? nodeHttps : nodeHttp).request(url, {
			method: request.method,
			agent: wire.agent,
			headers: {
				accept: 'application/json',
				'accept-language': 'en',
				'user-agent': wire.userAgent,
				...(request.token === null ? {} : { authorization: `${request.scheme ?? 'Bearer'} ${request.token}` }),
				...(body ? { ...(body.contentType ? { 'content-type': body.contentType } : {}), 'content-length': body.length } : {}),
				...request.headers,
			},
		});
		const abort = () => outgoing.destroy();
		const timer = request.timeoutSeconds ? setTimeout(() => outgoing.destroy(timedOut()), request.timeoutSeconds * 1000) : null;
		let answerTimer: NodeJS.Timeout | null = null;
		/** From the end of the request on: a byte now and then keeps a connection from being idle, for as long as a server likes. */
		const awaitAnswer = () => (answerTimer ??= setTimeout(() => outgoing.destroy(timedOut()), wire.idleSeconds * 2000));
		const end = () => {
			settled = true;
			if (timer) clearTimeout(timer);
			if (answerTimer) clearTimeout(answerTimer);
			request.signal?.removeEventListener('abort', abort);
		};
		const failed = (error: Error) => {
			end();
			if (request.signal?.aborted) return reject(request.signal.reason as Error);
			if (error instanceof PipelineError) return reject(error);
			if (unreadable) return reject(new PipelineError('internal', 'A file could not be read while it was being uploaded.', { cause: unreadable }));
			reject(fail({ kind: connected ? 'lost' : 'not_sent' }, (error as NodeJS.ErrnoException).code ?? 'connection broken'));
		};

		outgoing.on('socket', (socket) => {
			const isConnected = () => (connected = true);
			if (outgoing.reusedSocket || !socket.connecting) isConnected();
			else socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', isConnected);
		});
		outgoing.setTimeout(wire.idleSeconds * 1000, () => outgoing.destroy(timedOut()));
		outgoing.on('error', (error) => {
			// The server may answer (413, 401) and close before the body has been sent: the answer counts.
			if (!answered) failed(error);
		});
		outgoing.on('finish', () => void (settled || awaitAnswer()));
		outgoing.on('response', (incoming) => {
			answered = true;
			awaitAnswer();
			const chunks: Buffer[] = [];
			let size = 0;
			incoming.on('data', (chunk: Buffer) => {
				size += chunk.length;
				if (size > wire.maxAnswerBytes) incoming.destroy(Object.assign(new Error('answer too large'), { code: 'ANSWER_TOO_LARGE' }));
				else chunks.push(chunk);
			});
			incoming.on('error', failed);
			incoming.on('end', () => {
				if (!incoming.complete) return failed(new Error('answer cut off'));
				end();
				resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text: Buffer.concat(chunks).toString('utf8') });
				if (!outgoing.writableFinished) outgoing.destroy();
			});
		});
		request.signal?.addEventListener('abort', abort, { once: true });
		if (request.signal?.aborted) return void abort();
		if (!body) return void outgoing.end();
		pipeline(watched(body.chunks(), (error) => (unreadable = error)), outgoing).catch((error: Error) => {
			if (!answered) failed(error);
		});
	});
}

const timedOut = () => Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' });

/** Tells a failure of reading from a failure of sending, which the stream mixes up. */
async function* watched(chunks: AsyncIterable<Buffer>, failed: (error: unknown) => void): AsyncIterable<Buffer> {
	const iterator = chunks[Symbol.asyncIterator]();
	try {
		for (;;) {
			const next = await iterator.next().catch((error: unknown) => {
				failed(error);
				throw error;
			});
			if (next.done) return;
			yield next.value;
		}
	} finally {
		await iterator.return?.();
	}
}

/** JSON with ids kept whole: an integer beyond 2^53 becomes the string of its digits. */
export function parseAnswer(text: string): unknown {
	try {
		return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
			typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source ? context.source : value,
		) as unknown;
	} catch {
		return text;
	}
}
