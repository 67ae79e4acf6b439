import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { createGuard } from '../../../sidecar/src/net/guard.ts';
import { guardedRequest } from '../../../sidecar/src/net/http.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';

const guard = createGuard({ allowedPrivateHosts: ['127.0.0.1'] });
const ask = (url: string, more: Partial<Parameters<typeof guardedRequest>[0]> = {}) =>
	guardedRequest({ guard, url, timeoutMs: 5000, ...more });

describe('a guarded request', () => {
	let server: TestServer | undefined;
	const serve = async (handler: Parameters<typeof startServer>[0]) => (server = await startServer(handler));
	afterEach(() => server?.close());

	it('sends method, headers and body as they are', async () => {
		const bodies: string[] = [];
		const { url, requests } = await serve((request, response) => {
			request.setEncoding('utf8').on('data', (text: string) => bodies.push(text));
			request.on('end', () => response.writeHead(201, { 'X-Answer': 'yes' }).end('created'));
		});
		const body = '{ "b": 1,\n  "a": 2 }  ';
		const answer = await ask(url, {
			method: 'POST',
			headers: { 'Content-Type': 'application/json', 'webhook-id': '1' },
			body,
		});
		expect(answer).toMatchObject({ status: 201, headers: { 'x-answer': 'yes' }, truncated: false });
		expect(answer.body.toString()).toBe('created');
		expect(bodies.join('')).toBe(body);
		expect(requests[0]).toMatchObject({
			method: 'POST',
			headers: { 'webhook-id': '1', 'content-type': 'application/json' },
		});
	});

	it.each([404, 409, 429, 500])('returns the status %i as an answer, not as an error', async (status) => {
		const { url } = await serve((_request, response) => response.writeHead(status).end('why'));
		expect(await ask(url)).toMatchObject({ status, body: Buffer.from('why') });
	});

	it('reads no more of the answer than it may', async () => {
		const { url } = await serve((_request, response) => {
			const pump = () => {
				while (response.write('x'.repeat(10_000)));
			};
			response.on('drain', pump);
			pump();
		});
		const answer = await ask(url, { maxResponseBytes: 1000 });
		expect(answer).toMatchObject({ truncated: true });
		expect(answer.body).toHaveLength(1000);
	});

	it('does not follow redirects on its own', async () => {
		const { url, requests } = await serve((_request, response) =>
			response.writeHead(302, { Location: '/elsewhere' }).end(),
		);
		expect(await ask(url, { method: 'POST', body: 'x' })).toMatchObject({ status: 302 });
		expect(requests).toHaveLength(1);
	});

	it('says that nothing was sent when nobody listens', async () => {
		const { url, close } = await serve(() => undefined);
		await close();
		await expect(ask(url, { method: 'POST', body: 'x' })).rejects.toMatchObject({
			name: 'NetError',
			kind: 'refused',
			sent: false,
		});
	});

	it('says that nothing was sent when the host has no address', async () => {
		const nowhere = createGuard({
			allowedPrivateHosts: [],
			resolve: async () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })),
		});
		await expect(ask('https://nowhere.invalid/', { guard: nowhere })).rejects.toMatchObject({
			kind: 'dns',
			sent: false,
		});
	});

	it('says that nothing was sent when the certificate is not accepted', async () => {
		const folder = mkdtempSync(join(tmpdir(), 'cert-'));
		try {
			const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
			const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
			execFileSync(
				'openssl',
				[
					'req',
					'-x509',
					'-newkey',
					'ec',
					'-pkeyopt',
					'ec_paramgen_curve:prime256v1',
					'-nodes',
					'-keyout',
					key,
					'-out',
					cert,
					...subject,
				],
				{ stdio: 'pipe' },
			);
			server = await startServer((_request, response) => response.end('x'), {
				key: readFileSync(key),
				cert: readFileSync(cert),
			});
			await expect(ask(server.url, { method: 'POST', body: 'x' })).rejects.toMatchObject({ kind: 'tls', sent: false });
			expect(server.requests).toHaveLength(0);
		} finally {
			rmSync(folder, { recursive: true, force: true });
		}
	});

	it('keeps tokens of the request out of the error, causes included', async () => {
		const { url, close } = await serve(() => undefined);
		await close();
		const error: unknown = await ask(`${url}/?token=hunter2`, { headers: { Authorization: 'Bearer hunter2' } }).catch(
			(caught: unknown) => caught,
		);
		expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('hunter2');
		expect(inspect(error)).toContain('ECONNREFUSED');
	});

	it('says that the outcome is unknown when the connection breaks after the request', async () => {
		const { url } = await serve((request) =>
			request.on('data', () => undefined).on('end', () => request.socket.destroy()),
		);
		await expect(ask(url, { method: 'POST', body: 'x' })).rejects.toMatchObject({ kind: 'reset', sent: true });
	});

	it('says that the outcome is unknown when no answer comes in time', async () => {
		const { url } = await serve(() => undefined);
		await expect(ask(url, { method: 'POST', body: 'x', timeoutMs: 100 })).rejects.toMatchObject({
			kind: 'timeout',
			sent: true,
		});
	});

	it('says that the outcome is unknown when the answer stops half-way', async () => {
		const { url } = await serve((_request, response) => {
			response.writeHead(200, { 'Content-Length': '100' });
			response.write('half', () => response.destroy());
		});
		await expect(ask(url)).rejects.toMatchObject({ kind: 'reset', sent: true });
		const slow = await startServer(
			(_request, response) => void response.writeHead(200, { 'Content-Length': '100' }).write('half'),
		);
		await expect(ask(slow.url, { timeoutMs: 200 })).rejects.toMatchObject({ kind: 'timeout', sent: true });
		await slow.close();
	});

	it('says that the outcome is unknown when the answer is not HTTP', async () => {
		const raw = createServer((socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH\r\n')));
		await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
		const { port } = raw.address() as { port: number };
		await expect(ask(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ kind: 'protocol', sent: true });
		await new Promise((resolve) => raw.close(resolve));
	});

	it('stops when it is told to', async () => {
		const stop = new AbortController();
		const { url } = await serve(() => stop.abort(new Error('cancelled')));
		await expect(ask(url, { signal: stop.signal })).rejects.toMatchObject({
			kind: 'aborted',
			sent: true,
			cause: { message: 'cancelled' },
		});
	});

	it('does not send at all when it was told to stop before', async () => {
		const { url, connections } = await serve(() => undefined);
		await expect(ask(url, { signal: AbortSignal.abort(new Error('cancelled')) })).rejects.toMatchObject({
			kind: 'aborted',
			sent: false,
		});
		expect(connections()).toBe(0);
	});
});

describe('redirects', () => {
	let servers: TestServer[] = [];
	const serve = async (handler: Parameters<typeof startServer>[0]) => {
		const server = await startServer(handler);
		servers.push(server);
		return server;
	};
	afterEach(async () => {
		await Promise.all(servers.map((server) => server.close()));
		servers = [];
	});

	it('are each checked before anything is connected', async () => {
		const secret = await serve((_request, response) => response.end('secret'));
		const open = await serve((request, response) => {
			const targets: Record<string, string> = {
				'/metadata': 'http://169.254.169.254/latest/meta-data',
				'/loopback': `http://127.0.0.1:${secret.port}/`,
				'/decimal': `http://2130706433:${secret.port}/`,
				'/file': 'file:///etc/passwd',
				'/gopher': 'gopher://127.0.0.1/',
				'/credentials': `http://a:b@127.0.0.1:${open.port}/`,
			};
			response.writeHead(302, { Location: targets[request.url ?? ''] ?? '' }).end();
		});
		const narrow = createGuard({ allowedPrivateHosts: [open.host] });
		for (const path of ['/metadata', '/loopback', '/decimal', '/file', '/gopher', '/credentials']) {
			await expect(ask(open.url + path, { guard: narrow, maxRedirects: 5 })).rejects.toMatchObject({
				code: 'input_forbidden',
			});
		}
		expect(secret.connections()).toBe(0);
	});

	it('are followed five times, not six', async () => {
		const { url, requests } = await serve((request, response) => {
			const left = Number(new URL(request.url ?? '', 'http://x').searchParams.get('left'));
			if (left > 0) response.writeHead(302, { Location: `/?left=${left - 1}` }).end();
			else response.end('there');
		});
		expect((await ask(`${url}/?left=5`, { maxRedirects: 5 })).body.toString()).toBe('there');
		expect(requests).toHaveLength(6);
		await expect(ask(`${url}/?left=6`, { maxRedirects: 5 })).rejects.toMatchObject({ code: 'input_forbidden' });
	});

	it('do not carry credentials to another origin', async () => {
		const other = await serve((_request, response) => response.end());
		const first = await serve((request, response) =>
			response.writeHead(302, { Location: request.url === '/same' ? '/end' : other.url }).end(),
		);
		const headers = { Authorization: 'Bearer secret', Cookie: 'a=b', 'X-Plain': 'kept' };
		await ask(`${first.url}/away`, { headers, maxRedirects: 1 });
		expect(other.requests[0]?.headers).toMatchObject({ 'x-plain': 'kept' });
		expect(other.requests[0]?.headers.authorization).toBeUndefined();
		expect(other.requests[0]?.headers.cookie).toBeUndefined();
		await ask(`${first.url}/same`, { headers, maxRedirects: 1 }).catch(() => undefined);
		expect(first.requests.at(-1)?.headers.authorization).toBe('Bearer secret');
	});

	it.each([
		[303, 'GET'],
		[302, 'GET'],
		[307, 'POST'],
		[308, 'POST'],
	])('after %i a POST goes on as %s', async (status, method) => {
		const { url, requests } = await serve((request, response) => {
			request
				.resume()
				.on('end', () =>
					request.url === '/' ? response.writeHead(status, { Location: '/end' }).end() : response.end(),
				);
		});
		await ask(url, { method: 'POST', body: 'x', maxRedirects: 5 });
		expect(requests.map((request) => request.method)).toEqual(['POST', method]);
	});
});
