import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A request that came by, with what was answered. */
export interface Passed {
	method: string;
	path: string;
	headers: IncomingHttpHeaders;
	body: Buffer;
	/** Null until it was answered, or when nobody answered. */
	answer: { status: number; body: string } | null;
}

/** The request, or the answer, waits for it. */
export type Interceptor = (passed: Passed) => Promise<void> | void;

/** Stands between two parts of the system: records what they say, and lets a test hold it back. */
export interface Proxy {
	url: string;
	host: string;
	passed: Passed[];
	/** Runs before a request goes on. Replaces the former one. */
	intercept(interceptor: Interceptor): void;
	/** Runs before an answer goes back. Replaces the former one. */
	holdAnswers(interceptor: Interceptor): void;
	/** The same request once more, unchanged, as an attacker or a confused network would send it. */
	replay(passed: Passed, change?: { path?: string; headers?: Record<string, string>; body?: Buffer }): Promise<{ status: number; body: string }>;
	close(): Promise<void>;
}

/** @param target base URL to which everything goes on, with the Host header as it came */
export async function startProxy(target: () => string): Promise<Proxy> {
	const passed: Passed[] = [];
	let before: Interceptor = () => undefined;
	let after: Interceptor = () => undefined;
	const server = createServer((request, response) => {
		const handle = async () => {
			const body = await buffer(request);
			const entry: Passed = { method: request.method ?? 'GET', path: request.url ?? '/', headers: request.headers, body, answer: null };
			passed.push(entry);
			await before(entry);
			const answer = await forward(target(), entry);
			entry.answer = { status: answer.status, body: answer.body.toString('utf8') };
			await after(entry);
			response.writeHead(answer.status, answer.headers).end(answer.body);
		};
		// Nobody behind: the caller sees what it would see without the proxy.
		handle().catch(() => request.socket.destroy());
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		host: `127.0.0.1:${port}`,
		passed,
		intercept: (next) => (before = next),
		holdAnswers: (next) => (after = next),
		async replay(original, { path = original.path, headers = {}, body = original.body } = {}) {
			const again = { ...original, path, headers: { ...original.headers, ...headers, 'content-length': String(body.length) }, body };
			const answer = await forward(target(), again);
			return { status: answer.status, body: answer.body.toString('utf8') };
		},
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}

interface ForwardedAnswer {
	status: number;
	headers: IncomingHttpHeaders;
	body: Buffer;
}

function forward(target: string, { method, path, headers, body }: Passed): Promise<ForwardedAnswer> {
	return new Promise((resolve, reject) => {
		const outgoing = httpRequest(new URL(path, target), { method, headers, agent: false }, (response) => {
			buffer(response).then((bytes) => {
				// The body arrives here complete and decoded from chunks.
				const { 'transfer-encoding': _, ...kept } = response.headers;
				resolve({ status: response.statusCode ?? 502, headers: { ...kept, 'content-length': String(bytes.length) }, body: bytes });
			}, reject);
		});
		outgoing.on('error', reject);
		outgoing.end(body);
	});
}
