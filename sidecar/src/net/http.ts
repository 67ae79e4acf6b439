import * as http from 'node:http';
import * as https from 'node:https';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import axios from 'axios';
import { PipelineError } from '../errors.ts';
import type { Guard } from './guard.ts';
import { NetError, toNetError } from './net-error.ts';

export type Headers = Record<string, string>;

export interface HopRequest {
	guard: Guard;
	url: string;
	/** Default GET. */
	method?: string;
	headers?: Headers;
	body?: Buffer | string;
	signal?: AbortSignal;
}

export interface Hop {
	status: number;
	/** Lower-case names; several values of one header are joined by a comma. */
	headers: Headers;
	stream: Readable;
	url: URL;
}

/**
 * One request, no redirect followed. The body comes as it was sent over the wire: never decompressed, so that a small
 * answer cannot become a large one. Throws PipelineError (the guard refused) or NetError.
 */
export async function openHop({ guard, url, method = 'GET', headers = {}, body, signal }: HopRequest): Promise<Hop> {
	const target = guard.check(url);
	let sent = false;
	const transport = {
		request(options: https.RequestOptions, done: (response: http.IncomingMessage) => void) {
			const request = (target.protocol === 'https:' ? https : http).request(options, done);
			request.on('socket', (socket) => {
				// Nothing leaves before this event: over TLS the request is written only to an accepted certificate.
				socket.once((socket as TLSSocket).encrypted ? 'secureConnect' : 'connect', () => (sent = true));
			});
			return request;
		},
	};
	try {
		const response = await axios.request<Readable>({
			url: target.href,
			method,
			headers: { Accept: '*/*', 'User-Agent': 'media-pipeline', ...headers, 'Accept-Encoding': 'identity' },
			// A buffer: axios would re-format JSON that it is given as text, and break its signature.
			...(body === undefined ? {} : { data: Buffer.from(body) }),
			responseType: 'stream',
			decompress: false,
			maxRedirects: 0,
			maxBodyLength: Infinity,
			maxContentLength: Infinity,
			validateStatus: () => true,
			// HTTP_PROXY and its siblings would make the guard look at the proxy's address instead of the target's.
			proxy: false,
			httpAgent: guard.httpAgent,
			httpsAgent: guard.httpsAgent,
			transport,
			...(signal ? { signal } : {}),
		});
		return { status: response.status, headers: flatten(response.headers), stream: response.data, url: target };
	} catch (error) {
		if (signal?.aborted) throw abortError(signal, target.host, sent);
		throw toNetError(error, target.host, sent);
	}
}

/** RFC 9110, section 15.4; browsers and curl stop far later, but a file is not behind more than a few. */
const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];
/** Never carried to another origin: they were meant for the first one. */
const PRIVATE_HEADERS = ['authorization', 'cookie', 'proxy-authorization'];

/** Follows redirects, each one checked by the guard like the first URL. Throws as `openHop`, and `input_forbidden` after too many. */
export async function openFollowing(request: HopRequest, maxRedirects = MAX_REDIRECTS): Promise<Hop> {
	let current = request;
	for (let followed = 0; ; followed++) {
		const hop = await openHop(current);
		const location = hop.headers.location;
		if (!REDIRECTS.includes(hop.status) || !location || maxRedirects === 0) return hop;
		hop.stream.destroy();
		if (followed >= maxRedirects) {
			throw new PipelineError(
				'input_forbidden',
				`${hop.url.host} redirects more than ${maxRedirects} times. Use the final URL.`,
			);
		}
		current = nextRequest(current, hop, location);
	}
}

function nextRequest(request: HopRequest, hop: Hop, location: string): HopRequest {
	if (!URL.canParse(location, hop.url.href)) {
		throw new PipelineError('input_forbidden', `${hop.url.host} redirects to something that is not a URL.`);
	}
	const next = new URL(location, hop.url);
	// RFC 9110, sections 15.4.2 to 15.4.4: after 303, and in practice after 301 and 302, a POST becomes a GET.
	const keepsBody = hop.status === 307 || hop.status === 308 || ['GET', 'HEAD'].includes(request.method ?? 'GET');
	const dropped = [
		...(next.origin === hop.url.origin ? [] : PRIVATE_HEADERS),
		...(keepsBody ? [] : ['content-type', 'content-length']),
	];
	return {
		...request,
		url: next.href,
		headers: Object.fromEntries(
			Object.entries(request.headers ?? {}).filter(([name]) => !dropped.includes(name.toLowerCase())),
		),
		...(keepsBody ? {} : { method: 'GET', body: undefined }),
	};
}

export interface GuardedRequest extends HopRequest {
	/** Whole request, answer included. */
	timeoutMs: number;
	/** More of the answer is not read. Default 64 KiB. */
	maxResponseBytes?: number;
	/** Default 0: a redirect is returned as the answer. */
	maxRedirects?: number;
}

export interface GuardedResponse {
	status: number;
	headers: Headers;
	body: Buffer;
	/** The answer was longer than `maxResponseBytes`. */
	truncated: boolean;
	/** Where the answer came from, after redirects. */
	url: URL;
}

/** A small request with a bounded answer, of any status. Throws PipelineError (the guard refused) or NetError (no answer). */
export async function guardedRequest(request: GuardedRequest): Promise<GuardedResponse> {
	const { timeoutMs, maxResponseBytes = 65_536, maxRedirects = 0 } = request;
	const host = URL.canParse(request.url) ? new URL(request.url).host : 'the URL';
	const timeout = AbortSignal.timeout(timeoutMs);
	const signal = request.signal ? AbortSignal.any([request.signal, timeout]) : timeout;
	try {
		const { status, headers, stream, url } = await openFollowing({ ...request, signal }, maxRedirects);
		const { body, truncated } = await readBounded(stream, maxResponseBytes, signal);
		return { status, headers, body, truncated, url };
	} catch (error) {
		if (request.signal?.aborted || !timeout.aborted) throw toNetError(error, host, true);
		const sent = error instanceof NetError ? error.sent : true;
		throw new NetError('timeout', sent, `${host} did not answer within ${timeoutMs / 1000} s.`, error);
	}
}

async function readBounded(
	stream: Readable,
	limit: number,
	signal: AbortSignal,
): Promise<{ body: Buffer; truncated: boolean }> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	const stop = () => stream.destroy(abortError(signal, 'the server', true));
	signal.addEventListener('abort', stop, { once: true });
	try {
		if (signal.aborted) stop();
		for await (const chunk of stream as AsyncIterable<Buffer>) {
			chunks.push(chunk);
			bytes += chunk.length;
			if (bytes > limit) break;
		}
	} finally {
		signal.removeEventListener('abort', stop);
		stream.destroy();
	}
	return { body: Buffer.concat(chunks).subarray(0, limit), truncated: bytes > limit };
}

const abortError = (signal: AbortSignal, host: string, sent: boolean) =>
	new NetError('aborted', sent, `The request to ${host} was stopped.`, signal.reason);

function flatten(headers: unknown): Headers {
	const entries = Object.entries(headers as Record<string, unknown>).filter(
		([, value]) => value !== undefined && value !== null,
	);
	return Object.fromEntries(
		entries.map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value.join(', ') : String(value)]),
	);
}
