import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGuard } from '../../../sidecar/src/net/guard.ts';
import { createHttp, parseAnswer, type HttpRequest } from '../../../sidecar/src/social/http.ts';
import { HttpFailure } from '../../../sidecar/src/social/outcome.ts';

let server: Server;
let url: string;
let requests: number;
let handle: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
	requests = 0;
	server = createServer((request, response) => {
		requests += 1;
		handle(request, response);
	});
	await once(server.listen(0, '127.0.0.1'), 'listening');
	url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/path/secret-handle?sig=signature`;
});
afterEach(async () => {
	server.closeAllConnections();
	await new Promise((resolve) => server.close(resolve));
});

const request = (more: Partial<HttpRequest> = {}): HttpRequest => ({ action: 'try', effect: 'publish', method: 'POST', url, token: 'token-1234567890', ...more });
const failure = async (work: Promise<unknown>): Promise<HttpFailure> => {
	const error = await work.then(
		() => null,
		(thrown: unknown) => thrown,
	);
	expect(error).toBeInstanceOf(HttpFailure);
	return error as HttpFailure;
};
const answer = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
	response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

describe('createHttp', () => {
	it('sends the token and reads the answer', async () => {
		handle = (incoming, response) => answer(response, 201, { authorization: incoming.headers.authorization, length: incoming.headers['content-length'] });
		const { status, body } = await createHttp().send(request({ body: { kind: 'json', value: { a: 'ü' } } }));
		expect({ status, body }).toEqual({ status: 201, body: { authorization: 'Bearer token-1234567890', length: '10' } });
	});

	it.each(['two words', 'a\nb', 'tökén', 'a\u200bb'])('says so when a token is none: %j', async (token) => {
		const error = await createHttp().send(request({ token })).catch((thrown: unknown) => thrown);
		expect(error).toMatchObject({ code: 'needs_reauth', message: expect.stringContaining('Copy it into the credential once more') });
		expect((error as Error).message).not.toContain(token);
		expect(requests).toBe(0);
	});

	it('knows that nothing was sent when nobody listens', async () => {
		const free = createTcpServer();
		await once(free.listen(0, '127.0.0.1'), 'listening');
		const { port } = free.address() as AddressInfo;
		await new Promise((resolve) => free.close(resolve));
		expect(await failure(createHttp().send(request({ url: `http://127.0.0.1:${port}/` })))).toMatchObject({ decision: 'retry', status: null, detail: 'ECONNREFUSED' });
	});

	it('knows that nothing was sent when TLS fails', async () => {
		expect(await failure(createHttp().send(request({ url: url.replace('http:', 'https:') })))).toMatchObject({ decision: 'retry', status: null });
		expect(requests).toBe(0);
	});

	it.each([
		['the connection breaks without an answer', (incoming: IncomingMessage) => void incoming.socket.destroy()],
		['the answer breaks off', (_: IncomingMessage, response: ServerResponse) => void response.writeHead(200, { 'content-length': '100' }).write('{', () => response.socket?.destroy())],
		['the answer never ends', (_: IncomingMessage, response: ServerResponse) => void response.writeHead(200).write('x'.repeat(3000))],
		['the answer is not of the documented form', (_: IncomingMessage, response: ServerResponse) => void answer(response, 200, { surprise: true })],
		['the server says 503', (_: IncomingMessage, response: ServerResponse) => void answer(response, 503, {})],
	])('does not know the outcome of publishing when %s', async (_, handler) => {
		handle = handler;
		const http = createHttp({ idleSeconds: 0.2, maxAnswerBytes: 2000 });
		expect(await failure(http.send(request({ expects: (body) => typeof body === 'object' && body !== null && 'id' in body })))).toMatchObject({ decision: 'unknown' });
		expect(await failure(http.send(request({ effect: 'upload', expects: () => false })))).toMatchObject({ decision: 'retry' });
	});

	it('gives a silent server up', async () => {
		handle = () => {};
		expect(await failure(createHttp({ idleSeconds: 0.1 }).send(request()))).toMatchObject({ decision: 'unknown', detail: 'ETIMEDOUT' });
		expect(await failure(createHttp().send(request({ timeoutSeconds: 0.1 })))).toMatchObject({ decision: 'unknown', detail: 'ETIMEDOUT' });
	});

	it.each([
		['its body', (response: ServerResponse) => void response.writeHead(200, { 'content-length': '100000' }).flushHeaders()],
		['its head', (response: ServerResponse) => void response.socket!.write('HTTP/1.1 200 OK\r\nx-padding: ')],
	])('gives a server up that sends %s drop by drop', async (_, begin) => {
		let drops: NodeJS.Timeout | undefined;
		handle = (_incoming, response) => {
			begin(response);
			const drop = () => void response.socket?.write(' ');
			drops = setInterval(drop, 20);
			response.on('close', () => clearInterval(drops));
		};
		try {
			expect(await failure(createHttp({ idleSeconds: 0.2 }).send(request({ effect: 'upload' })))).toMatchObject({ decision: 'retry', status: null });
		} finally {
			clearInterval(drops);
		}
	});

	it('takes an answer that comes before the body has been sent', async () => {
		handle = (incoming, response) => {
			answer(response, 413, { error: 'too large' }, { connection: 'close' });
			incoming.socket.end();
		};
		const folder = await mkdtemp(join(tmpdir(), 'http-'));
		const path = join(folder, 'large');
		await writeFile(path, Buffer.alloc(8 * 1024 * 1024));
		const file = { path, start: 0, end: 8 * 1024 * 1024, fileName: 'f', mime: 'a/b' };
		const error = await failure(createHttp().send(request({ effect: 'upload', body: { kind: 'form', fields: [{ name: 'file', file }] } })));
		// The kernel may still lose the answer when the peer resets the connection: then it is tried again.
		expect([413, null]).toContain(error.status);
		await rm(folder, { recursive: true });
	});

	it('says that a file could not be read, and does not blame the network', async () => {
		handle = (incoming) => void incoming.resume();
		const file = { path: '/nowhere/file', start: 0, end: 10, fileName: 'f', mime: 'a/b' };
		await expect(createHttp().send(request({ effect: 'upload', body: { kind: 'form', fields: [{ name: 'file', file }] } }))).rejects.toMatchObject({ code: 'internal' });
	});

	it('follows no redirect', async () => {
		handle = (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
		expect(await failure(createHttp().send(request()))).toMatchObject({ decision: 'stop', status: 302 });
		expect(requests).toBe(1);
	});

	it('tells no secret in an error, even when the server repeats it', async () => {
		handle = (incoming, response) => answer(response, 400, { error: `bad ${incoming.headers.authorization} at ${url}` });
		const error = await failure(createHttp().send(request()));
		const everything = `${error.message} ${error.detail} ${error.stack}`;
		for (const secret of ['token-1234567890', 'secret-handle', 'signature']) expect(everything).not.toContain(secret);
		expect(error.status).toBe(400);
	});

	it('tells no secret in the code of an error, nor where an error is logged or copied', async () => {
		handle = (incoming, response) => answer(response, 400, { code: `${incoming.headers.authorization} ${'x'.repeat(5000)}`, upload_url: url });
		const error = await failure(createHttp().send(request()));
		expect(error.platformCode).not.toContain('token-1234567890');
		expect(error.platformCode!.length).toBeLessThanOrEqual(100);
		expect(error.body).toMatchObject({ upload_url: url });
		const logged = JSON.stringify({ ...error });
		for (const secret of ['token-1234567890', 'secret-handle', 'signature']) expect(logged).not.toContain(secret);
	});

	it('keeps the hint of a throttle, and lets a platform judge', async () => {
		handle = (_, response) => answer(response, 429, { type: 'x/usage-capped' }, { 'retry-after': '10' });
		const now = () => new Date(0);
		expect(await failure(createHttp({ now }).send(request()))).toMatchObject({ decision: 'wait', retryAt: new Date(10_000) });
		expect(await failure(createHttp({ now }).send(request({ judge: () => 'stop' })))).toMatchObject({ decision: 'stop' });
	});

	it('stops when it is aborted, with the reason', async () => {
		const abort = new AbortController();
		handle = () => abort.abort(new Error('stopped by the user'));
		await expect(createHttp().send(request({ effect: 'read', signal: abort.signal }))).rejects.toThrow('stopped by the user');
		await expect(createHttp().send(request({ effect: 'read', signal: abort.signal }))).rejects.toThrow('stopped by the user');
	});

	it('reaches no private host behind the guard', async () => {
		handle = (_, response) => answer(response, 200, {});
		const guarded = createHttp({ guard: createGuard({ allowedPrivateHosts: [] }) });
		await expect(guarded.send(request())).rejects.toMatchObject({ code: 'input_forbidden' });
		await expect(guarded.send(request({ url: url.replace('127.0.0.1', 'localhost') }))).rejects.toMatchObject({ code: 'input_forbidden' });
		expect(requests).toBe(0);
		const allowed = createHttp({ guard: createGuard({ allowedPrivateHosts: ['127.0.0.1'] }) });
		expect((await allowed.send(request())).status).toBe(200);
	});
});

describe('parseAnswer', () => {
	it('keeps ids whole that a double cannot hold', () => {
		expect(parseAnswer('{"id":1987654321098765433,"list":[7512345678901234567],"n":12,"f":1.5,"e":1e3}')).toEqual({
			id: '1987654321098765433',
			list: ['7512345678901234567'],
			n: 12,
			f: 1.5,
			e: 1000,
		});
	});
	it('gives text back as it is', () => expect(parseAnswer('<html>')).toBe('<html>'));
});
