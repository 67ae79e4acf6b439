import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import express from 'express';
import { jsonBody, limitRequests } from '../../../sidecar/src/http/request-limits.ts';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { toError } from '../../../sidecar/src/http/process.ts';
import { createLogger } from '../../../sidecar/src/log.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, type TestPipeline } from '../../support/pipeline.ts';

let pipeline: TestPipeline;
let app: TestApp;
const KEY = 'key-of-one-0123456789';

beforeAll(async () => {
	pipeline = await createTestPipeline();
	await createWorkspace(pipeline.database.db, 'one', KEY);
	app = await startTestApp(pipeline, { publicUrl: 'https://media.example.com', apiCorsOrigins: ['https://app.example.com'] });
});
afterAll(async () => {
	await app.close();
	await pipeline.close();
});

const post = (body: string, headers: Record<string, string> = {}) => fetch(`${app.url}/api/media/batch`, { method: 'POST', headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers }, body });
const messageOf = async (response: Response): Promise<string> => ((await response.json()) as { error: { message: string } }).error.message;

describe('a request', () => {
	it('with NUL in any text is refused, with the field', async () => {
		const answer = await post(JSON.stringify({ items: [{ operation: 'noop', params: { note: 'a\0b' } }] }));
		expect([answer.status, await messageOf(answer)]).toEqual([400, expect.stringContaining('items.0.params.note')]);
	});

	it('larger than 8 MB is refused', async () => {
		const answer = await post(`"${'a'.repeat(9 * 1024 * 1024)}"`);
		expect([answer.status, await messageOf(answer)]).toEqual([413, expect.stringContaining('8 MB')]);
	});

	it('whose body does not come in time is told so, and its connection is closed', async () => {
		const reached: string[] = [];
		const slow = express().use(jsonBody(50), (sent, answer) => {
			reached.push(sent.path);
			answer.json(sent.body);
		});
		const server = createServer(slow).listen(0, '127.0.0.1');
		await once(server, 'listening');
		const port = (server.address() as AddressInfo).port;
		const socket = connect(port, '127.0.0.1');
		let text = '';
		socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
		// A byte now and then, for ever.
		const dripping = setInterval(() => socket.write('1'), 10);
		socket.on('error', () => {}).on('close', () => clearInterval(dripping));
		socket.write('POST /slow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"a":"');
		// Not `once`: what is still sent to a closed connection is reset, which is an error of the socket.
		await new Promise((resolve) => socket.on('close', resolve));
		expect(text).toMatch(/^HTTP\/1\.1 408 .*Connection: close.*\{"error":\{"code":"invalid_request","message":"The body did not come within/s);
		expect(reached).toEqual([]);
		// One that does is not cut off afterwards.
		const agent = new Agent({ keepAlive: true, maxSockets: 1 });
		const ask = () => new Promise<number>((resolve) => request({ port, agent, path: '/quick', method: 'POST', headers: { 'content-type': 'application/json' } }, (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0))).end('{"a":1}'));
		expect([await ask(), await new Promise((resolve) => setTimeout(resolve, 100)), await ask()]).toEqual([200, undefined, 200]);
		agent.destroy();
		server.close();
	});

	it.each([['text/plain'], ['application/json; charset=utf-16']])('of type %s is not read', async (type) => expect((await post('{}', { 'content-type': type })).status).toBe(400));

	it.each([
		['too long an address', `/api/media/jobs?a=${'x'.repeat(9000)}`, 'too long'],
		['too many parameters', `/api/media/jobs?${'a=1&'.repeat(200)}`, 'parameters'],
		['NUL in a parameter', '/api/media/jobs?status=%00', 'status: must not hold'],
		['NUL in the path', '/api/media/jobs/a%00b', 'NUL'],
		['a broken escape', '/api/media/jobs/%ff', 'no UTF-8'],
	])('with %s is refused', async (_, path, message) => {
		const answer = await fetch(`${app.url}${path}`, { headers: { authorization: `Bearer ${KEY}` } });
		expect([answer.status, await messageOf(answer)]).toEqual([400, expect.stringContaining(message)]);
	});

	it('has its address in the log without the permission of a link', async () => {
		const lines: string[] = [];
		const log = createLogger('info', new Writable({ write: (chunk: Buffer, _encoding, done) => (lines.push(chunk.toString()), done()) }));
		const logged = await startTestApp(pipeline, { log });
		const permission = `1795000000.${'s'.repeat(43)}`;
		expect((await fetch(`${logged.url}/packages/${permission}/jobs/one/x/master.m3u8`)).status).toBe(403);
		// What nobody knows is repeated to the caller, and not to the log.
		expect((await fetch(`${logged.url}/packages/${permission}/jobs/one/x/master.m3u8`, { method: 'DELETE', headers: { authorization: `Bearer ${KEY}` } })).status).toBe(404);
		await logged.close();
		expect(lines.map((line) => (JSON.parse(line) as { path?: string }).path)).toEqual(Array(2).fill('/packages/1795000000.…/jobs/one/x/master.m3u8'));
		expect(lines.join('')).not.toContain('sss');
	});

	it('reports an error with a code of its own, which is kept beside ours, whatever it is called', () => {
		expect(toError({ code: 'input_corrupt', message: 'x' })).toEqual({ code: 'input_corrupt', message: 'x' });
		for (const code of ['quota', 'constructor', 'toString', '__proto__']) expect(toError({ code, message: 'x' })).toEqual({ code: 'processing_failed', message: 'x', details: { code } });
	});

	it('with a thousand problems is told of the first ones', async () => {
		const answer = await post(JSON.stringify({ items: Array.from({ length: 1000 }, () => ({ operation: 5 })) }));
		expect(await messageOf(answer)).toContain('and 970 more problems');
	});
});

describe('headers', () => {
	it('of the API let nobody frame, sniff or load anything', async () => {
		const { headers } = await fetch(`${app.url}/api/media/whoami`, { headers: { authorization: `Bearer ${KEY}` } });
		expect(headers.get('content-security-policy')).toContain("default-src 'none'");
		expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
		expect(headers.get('x-content-type-options')).toBe('nosniff');
		expect(headers.get('referrer-policy')).toBe('no-referrer');
		expect(headers.get('cache-control')).toBe('private, no-store');
		expect(headers.get('x-powered-by')).toBeNull();
		expect(headers.get('access-control-allow-origin')).toBeNull();
	});

	it('promise TLS only where there is TLS', async () => {
		expect((await fetch(`${app.url}/healthz`)).headers.get('strict-transport-security')).toBe('max-age=31536000');
		const plain = await startTestApp(pipeline);
		expect((await fetch(`${plain.url}/healthz`)).headers.get('strict-transport-security')).toBeNull();
		await plain.close();
	});

	it('of the page of the API let its own scripts run, and no others', async () => {
		const policy = (await fetch(`${app.url}/docs/`)).headers.get('content-security-policy') ?? '';
		expect(policy).toContain("script-src 'self';");
		expect(policy).not.toMatch(/script-src[^;]*unsafe/);
	});

	it('let the pages call that the operator names, and no others', async () => {
		const from = (origin: string) => fetch(`${app.url}/api/media/whoami`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'GET' } });
		const allowed = await from('https://app.example.com');
		expect([allowed.status, allowed.headers.get('access-control-allow-origin'), allowed.headers.get('vary')]).toEqual([204, 'https://app.example.com', expect.stringContaining('Origin')]);
		const other = await from('https://evil.example.com');
		expect([other.status, other.headers.get('access-control-allow-origin')]).toEqual([401, null]);
	});
});

describe('the server', () => {
	it('ends connections whose headers do not come', async () => {
		const server = createServer({ connectionsCheckingInterval: 50 }, (_, response) => response.end()).listen(0, '127.0.0.1');
		server.requestTimeout = 300;
		limitRequests(server);
		await once(server, 'listening');
		const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
		socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ');
		let text = '';
		socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
		await once(socket, 'close');
		server.close();
		expect(text).toMatch(/^HTTP\/1\.1 408 .*\r\n\r\n\{"error":\{"code":"invalid_request"/s);
	});

	it('answers an expectation that it does not know', async () => {
		const server = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
		limitRequests(server);
		await once(server, 'listening');
		const sent = request({ port: (server.address() as AddressInfo).port, headers: { expect: 'miracles' } }).end();
		const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }];
		response.resume();
		server.close();
		expect(response.statusCode).toBe(417);
	});
});
