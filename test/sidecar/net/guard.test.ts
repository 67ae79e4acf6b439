import * as http from 'node:http';
import type { LookupAddress } from 'node:dns';
import { createGuard, describeUrl } from '../../../sidecar/src/net/guard.ts';
import { guardedRequest } from '../../../sidecar/src/net/http.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';

const forbidden = expect.objectContaining({ code: 'input_forbidden' });
const resolveTo =
	(...answers: string[][]) =>
	async (): Promise<LookupAddress[]> =>
		((answers.length > 1 ? answers.shift() : answers[0]) ?? []).map((address) => ({
			address,
			family: address.includes(':') ? 6 : 4,
		}));

describe('the guard', () => {
	let server: TestServer;
	beforeEach(async () => {
		server = await startServer((_request, response) => response.end('reached'));
	});
	afterEach(() => server.close());

	const get = (url: string, guard = createGuard({ allowedPrivateHosts: [] })) =>
		guardedRequest({ guard, url, timeoutMs: 5000 });

	it('opens no connection to any spelling of a loopback address', async () => {
		const p = server.port;
		const spellings = [
			'127.0.0.1',
			'localhost',
			'2130706433',
			'0x7f000001',
			'0x7f.1',
			'0177.0.0.1',
			'127.1',
			'0',
			'0.0.0.0',
		];
		const v6 = [
			'[::1]',
			'[::ffff:127.0.0.1]',
			'[::ffff:7f00:1]',
			'[64:ff9b::7f00:1]',
			'[2002:7f00:1::]',
			'[::]',
			'[::127.0.0.1]',
		];
		for (const host of [...spellings, ...v6, '127.0.0.1.', 'LOCALHOST', '①②⑦.⓪.⓪.①']) {
			for (const scheme of ['http', 'https']) {
				const refused = get(`${scheme}://${host}:${p}/`);
				await expect(refused).rejects.toMatchObject({
					code: 'input_forbidden',
					message: expect.stringContaining('ALLOWED_PRIVATE_HOSTS'),
				});
			}
		}
		expect(server.connections()).toBe(0);
	});

	it('checks an address for later with DNS: one refused answer refuses the name, none is said so', async () => {
		const at = (addresses: string[]) => createGuard({ allowedPrivateHosts: ['10.1.1.1'], resolve: resolveTo(addresses) }).checkAddress('https://name.test/hook');
		expect((await at(['93.184.215.14'])).host).toBe('name.test');
		expect((await at(['10.1.1.1'])).host).toBe('name.test');
		await expect(at(['93.184.215.14', '10.0.0.1'])).rejects.toMatchObject(forbidden);
		await expect(at([])).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('name.test has no address') });
		const guard = createGuard({ allowedPrivateHosts: [], resolve: resolveTo(['93.184.215.14']) });
		for (const url of ['http://name.test/', 'https://[::1]/', 'https://a:b@name.test/', 'file:///etc/passwd']) await expect(guard.checkAddress(url)).rejects.toMatchObject(forbidden);
	});

	it('names the host and the reason', async () => {
		await expect(get(`http://169.254.169.254/latest`)).rejects.toMatchObject({
			message: expect.stringMatching(/169\.254\.169\.254 may not be reached: it is a cloud metadata service/),
			details: { host: '169.254.169.254' },
		});
		const guard = createGuard({ allowedPrivateHosts: [], resolve: resolveTo(['10.0.0.7']) });
		await expect(get('https://intern.example/', guard)).rejects.toMatchObject({
			message: expect.stringMatching(
				/intern\.example may not be reached: its address 10\.0\.0\.7 is a private address/,
			),
		});
	});

	it('decides by the resolved address, so a name that points inwards is refused', async () => {
		const guard = createGuard({ allowedPrivateHosts: [], allowHttp: true, resolve: resolveTo(['127.0.0.1']) });
		await expect(get(`http://public.example:${server.port}/`, guard)).rejects.toEqual(forbidden);
		expect(server.connections()).toBe(0);
	});

	it('refuses a name with one public and one private address', async () => {
		const guard = createGuard({
			allowedPrivateHosts: [],
			allowHttp: true,
			resolve: resolveTo(['8.8.8.8', '127.0.0.1']),
		});
		await expect(get(`http://mixed.example:${server.port}/`, guard)).rejects.toEqual(forbidden);
		expect(server.connections()).toBe(0);
	});

	it('looks again at every connection, so a second DNS answer (rebinding) changes nothing', async () => {
		// Allow-listed by address for the first answer; the second one is loopback under another address.
		const guard = createGuard({ allowedPrivateHosts: ['127.0.0.1'], resolve: resolveTo(['127.0.0.1'], ['127.0.0.2']) });
		expect((await get(`http://rebind.example:${server.port}/`, guard)).status).toBe(200);
		await expect(get(`http://rebind.example:${server.port}/`, guard)).rejects.toEqual(forbidden);
		expect(server.connections()).toBe(1);
	});

	it('lets through what is allow-listed, and nothing beside it', async () => {
		const byHost = createGuard({ allowedPrivateHosts: [`localhost:${server.port}`] });
		expect((await get(`http://localhost:${server.port}/`, byHost)).body.toString()).toBe('reached');
		await expect(get(`http://127.0.0.1:${server.port}/`, byHost)).rejects.toEqual(forbidden);
		const byPort = createGuard({ allowedPrivateHosts: [`127.0.0.1:${server.port + 1}`] });
		await expect(get(`${server.url}/`, byPort)).rejects.toEqual(forbidden);
		const byRange = createGuard({ allowedPrivateHosts: ['127.0.0.0/8'] });
		expect((await get(`${server.url}/`, byRange)).status).toBe(200);
		expect(server.connections()).toBe(2);
	});

	it('can be widened for hosts that the operator configured', async () => {
		const narrow = createGuard({ allowedPrivateHosts: [] });
		expect((await get(server.url, narrow.withAllowed([server.host]))).status).toBe(200);
		await expect(get(server.url, narrow)).rejects.toEqual(forbidden);
	});

	it('asks for https at public hosts, unless plain http is allowed', async () => {
		const refused = get(
			'http://public.example/video.mp4',
			createGuard({ allowedPrivateHosts: [], resolve: resolveTo(['8.8.8.8']) }),
		);
		await expect(refused).rejects.toMatchObject({
			code: 'input_forbidden',
			message: expect.stringContaining('https://'),
		});
		expect(() => createGuard({ allowedPrivateHosts: [] }).check('http://8.8.8.8/')).toThrow(forbidden);
		expect(createGuard({ allowedPrivateHosts: [], allowHttp: true }).check('http://8.8.8.8/').host).toBe('8.8.8.8');
		expect(createGuard({ allowedPrivateHosts: [] }).check('https://8.8.8.8/').host).toBe('8.8.8.8');
	});

	it.each([
		'file:///etc/passwd',
		'gopher://127.0.0.1/x',
		'ftp://example.com/a',
		'data:text/plain,x',
		'javascript:1',
		'concat:a|b',
	])('refuses the scheme of %s', (url) => {
		expect(() => createGuard({ allowedPrivateHosts: [] }).check(url)).toThrow(forbidden);
	});

	it('refuses user names and passwords in a URL, and does not repeat them', () => {
		const check = () => createGuard({ allowedPrivateHosts: [] }).check('https://me:hunter2@example.com/x');
		expect(check).toThrow(forbidden);
		expect(check).toThrow(expect.not.objectContaining({ message: expect.stringContaining('hunter2') }));
	});

	it('says so when something is no URL', () => {
		expect(() => createGuard({ allowedPrivateHosts: [] }).check('video.mp4')).toThrow(
			expect.objectContaining({ code: 'invalid_request' }),
		);
	});

	it('protects whoever uses its agents, without calling check', async () => {
		const { httpAgent } = createGuard({ allowedPrivateHosts: [] });
		for (const url of [server.url, `http://localhost:${server.port}`]) {
			await expect(
				new Promise((resolve, reject) => http.get(url, { agent: httpAgent }, resolve).on('error', reject)),
			).rejects.toMatchObject({ code: 'input_forbidden' });
		}
		expect(server.connections()).toBe(0);
	});

	it('is not led astray by proxy variables', async () => {
		process.env.HTTP_PROXY = process.env.http_proxy = server.url;
		try {
			const guard = createGuard({
				allowedPrivateHosts: [server.host],
				allowHttp: true,
				resolve: resolveTo(['10.0.0.1']),
			});
			await expect(get('http://inside.example/', guard)).rejects.toEqual(forbidden);
			expect(server.connections()).toBe(0);
		} finally {
			delete process.env.HTTP_PROXY;
			delete process.env.http_proxy;
		}
	});

	it('describes a URL without its query', () => {
		expect(describeUrl('https://a.example/v.mp4?X-Amz-Signature=secret#x')).toBe('https://a.example/v.mp4');
		expect(describeUrl('nonsense')).toBe('the URL');
	});
});
