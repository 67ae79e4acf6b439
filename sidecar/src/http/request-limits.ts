import type { ServerResponse, Server } from 'node:http';
import express, { type RequestHandler } from 'express';
import { readJson } from '../contract/json.ts';
import { PipelineError } from '../errors.ts';

/** Requests carry references and texts, never media: a batch of 1000 items with transcripts fits. */
export const MAX_JSON_BYTES = 8 * 1024 * 1024;

/** Answered within it or not at all: 8 MB over a slow mobile line take less. */
const JSON_WITHIN_MS = 60_000;

/** Rendition links have up to 4000 characters of parameters; RFC 9110 4.1 asks servers for 8000. */
const MAX_ADDRESS = 8192;

/** The longest list of parameters that an endpoint has is twenty. */
const MAX_QUERY_PARAMETERS = 100;

/** Headers that do not come are a connection that is held for nothing (slowloris). Node's default is 60 s. */
const HEADERS_WITHIN_MS = 20_000;

const invalid = (message: string) => new PipelineError('invalid_request', message);

/** The address: its length, its escapes, how many parameters. Before any route, so that each can rely on it. */
export const checkAddress: RequestHandler = (request, _response, next) => {
	const { url } = request;
	if (url.length > MAX_ADDRESS) throw invalid(`The address is too long: ${url.length} characters, at most ${MAX_ADDRESS} are read. Send texts in the body.`);
	const mark = url.indexOf('?');
	const [path, query] = mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
	let decoded: string;
	try {
		decoded = decodeURIComponent(path);
	} catch {
		throw invalid('The path of the address holds an escape (%…) that is no UTF-8.');
	}
	if (decoded.includes('\0')) throw invalid('The path of the address holds the character NUL (%00).');
	const parameters = query.split('&');
	if (parameters.length > MAX_QUERY_PARAMETERS) throw invalid(`The address has ${parameters.length} parameters: at most ${MAX_QUERY_PARAMETERS} are read.`);
	const withNul = parameters.find((one) => one.includes('%00'));
	if (withNul !== undefined) throw invalid(`${withNul.split('=')[0]?.slice(0, 60)}: must not hold the character NUL (%00).`);
	next();
};

/** `request.body` of a request with JSON; others have none. Type and charset are checked, and the time that it may take. */
export function jsonBody(withinMs = JSON_WITHIN_MS): RequestHandler {
	const read = express.raw({ type: ['application/json', 'application/*+json'], limit: MAX_JSON_BYTES });
	return (request, response, next) => {
		const charset = /charset\s*=\s*"?([^\s;"]*)/i.exec(request.get('content-type') ?? '')?.[1];
		if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset)) throw invalid('Content-Type: the charset of JSON must be UTF-8.');
		let isLate = false;
		const late = setTimeout(() => {
			isLate = true;
			// After the answer, which may wait for its line in the audit log: nobody would see it otherwise.
			response.once('finish', () => request.destroy());
			response.status(408).set('Connection', 'close').json({ error: { code: 'invalid_request', message: `The body did not come within ${Math.ceil(withinMs / 1000)} s.` } });
		}, withinMs);
		read(request, response, (error?: unknown) => {
			clearTimeout(late);
			if (isLate) return;
			if (error) return next(error);
			if (Buffer.isBuffer(request.body)) {
				try {
					// Nothing at all is an everyday mistake of HTTP clients, and means no fields.
					request.body = request.body.length === 0 ? {} : readJson(request.body);
				} catch (unfit) {
					return next(unfit);
				}
			}
			next();
		});
	};
}

/** Errors of express and its body parser as ours; null: it is none of theirs. Their words may repeat what was sent, and are not used. */
export function fromExpress(thrown: unknown): PipelineError | null {
	if (!(thrown instanceof Error) || thrown instanceof PipelineError || !('status' in thrown) || typeof thrown.status !== 'number') return null;
	if (thrown.status < 400 || thrown.status > 499) return null;
	const type = 'type' in thrown ? thrown.type : '';
	if (type === 'entity.too.large') return new PipelineError('input_too_large', `The body is larger than ${MAX_JSON_BYTES / 1024 / 1024} MB. Send links instead of content.`);
	if (type === 'encoding.unsupported') return invalid('Content-Encoding: only gzip, deflate and br are read.');
	if (type === 'request.aborted' || type === 'request.size.invalid') return invalid('The request was cut off.');
	if (thrown instanceof URIError) return invalid('The path of the address holds an escape (%…) that is no UTF-8.');
	return new PipelineError('invalid_request', 'The request could not be read.', { cause: thrown });
}

/**
 * What is no HTTP request, or too large or slow to become one, is answered in the form of every error; node would send an empty
 * answer. The time of whole requests is not set here: uploads take as long as their link is valid.
 */
export function limitRequests(server: Server): void {
	server.headersTimeout = Math.min(HEADERS_WITHIN_MS, server.requestTimeout || HEADERS_WITHIN_MS);
	server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
		if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
		const { status, message } = REFUSALS[error.code ?? ''] ?? { status: '400 Bad Request', message: 'This is not a request of HTTP/1.1.' };
		const body = JSON.stringify({ error: { code: 'invalid_request', message } });
		socket.end(`HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
	});
	server.on('checkExpectation', (_request, response: ServerResponse) => {
		response.writeHead(417, { 'content-type': 'application/json; charset=utf-8', connection: 'close' });
		response.end(JSON.stringify({ error: { code: 'invalid_request', message: 'Expect: only 100-continue is known.' } }));
	});
}

const REFUSALS: Record<string, { status: string; message: string }> = {
	HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', message: 'The headers and the address are longer than 16 kB together.' },
	HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: '413 Content Too Large', message: 'The extensions of the chunks are too long.' },
	ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', message: 'The request did not come in time.' },
};
