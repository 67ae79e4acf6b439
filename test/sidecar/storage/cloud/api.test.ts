import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { atHost, createApi } from '../../../../sidecar/src/storage/cloud/api.ts';
import { readWithResume } from '../../../../sidecar/src/storage/cloud/reading.ts';

describe('the way to a store over HTTP', () => {
	let server: Server;
	let base: string;
	let answer: (response: ServerResponse, call: number) => void;
	let calls: number;
	beforeEach(async () => {
		calls = 0;
		server = createServer((request, response) => void request.resume().on('end', () => answer(response, ++calls)));
		await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
		base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	});
	afterEach(async () => {
		server.closeAllConnections();
		await new Promise((done) => server.close(done));
	});
	const open = (idleMs = 50) => createApi({ where: 'The store', authorize: () => Promise.resolve({ authorization: 'Bearer s3cr3t-key' }), sleep: () => Promise.resolve(), idleMs });

	it('does not wait for ever for an answer that stops in the middle', async () => {
		answer = (response) => response.writeHead(200, { 'content-length': '100' }).write('{"half":');
		await expect(open().send({ action: 'look', method: 'GET', url: base, tries: 2 })).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringContaining('ETIMEDOUT') as string });
		expect(calls).toBe(2);
	});

	it('takes up a file where the store fell silent', async () => {
		answer = (response, call) => {
			if (call === 1) response.writeHead(200, { 'content-length': '8', etag: '"1"' }).write('abcd');
			else response.writeHead(206, { 'content-length': '4', etag: '"1"' }).end('efgh');
		};
		const api = open();
		const asked: Array<Record<string, string>> = [];
		const stream = await readWithResume({
			api,
			where: 'The store',
			key: 'raw/a/b',
			open: (headers) => {
				asked.push(headers);
				return api.stream({ action: 'read', method: 'GET', url: base, headers });
			},
			validatorOf: ({ etag }) => etag ?? null,
		});
		expect(String(await buffer(stream))).toBe('abcdefgh');
		expect(asked).toEqual([{}, { range: 'bytes=4-' }]);
	});

	it('ends an answer that comes when nobody reads any more', async () => {
		answer = (response, call) => {
			if (call === 1) response.writeHead(200, { 'content-length': '8', etag: '"1"' }).write('abcd');
			else response.writeHead(206, { 'content-length': '4', etag: '"1"' }).write('e');
		};
		const api = open();
		const answers: Readable[] = [];
		const late = await new Promise<Readable>((done, failed) => {
			const reading = readWithResume({
				api,
				where: 'The store',
				key: 'raw/a/b',
				open: async (headers) => {
					const answered = await api.stream({ action: 'read', method: 'GET', url: base, headers });
					// Its reader leaves while it is being opened.
					if (answers.push(answered.stream) === 2) (await reading).destroy();
					if (answers.length === 2) setImmediate(() => done(answered.stream));
					return answered;
				},
				validatorOf: ({ etag }) => etag ?? null,
			});
			reading.then((stream) => stream.on('error', failed).resume(), failed);
		});
		expect(late.destroyed).toBe(true);
	});

	it.each([
		['the whole file', 200],
		['nothing', 204],
	])('does not take %s for a range of it', async (_name, status) => {
		answer = (response) => response.writeHead(status, status === 200 ? { 'content-length': '8' } : {}).end(status === 200 ? 'abcdefgh' : undefined);
		const api = open();
		const reading = readWithResume({ api, where: 'The store', key: 'raw/a/b', range: { start: 2, end: 3 }, open: (headers) => api.stream({ action: 'read', method: 'GET', url: base, headers }), validatorOf: () => null });
		await expect(reading).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringMatching(/parts of raw\/a\/b/) as string });
	});

	it('does not follow redirects, whoever they name', async () => {
		answer = (response) => response.writeHead(307, { location: `${base}/elsewhere` }).end();
		await expect(open().send({ action: 'look', method: 'GET', url: base })).rejects.toMatchObject({ code: 'storage_failed' });
		expect(calls).toBe(1);
	});

	it('has no key in its errors', async () => {
		answer = (response) => response.destroy();
		const error: unknown = await open().send({ action: 'look', method: 'GET', url: `${base}/?token=s3cr3t-token`, tries: 1 }).catch((thrown: unknown) => thrown);
		expect(error).toMatchObject({ code: 'storage_failed' });
		expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/s3cr3t/);
	});

	it.each([
		['https://evil.example/upload?id=1', 'https://store.example:8443/upload?id=1'],
		['https://store.example//evil.example/upload', 'https://store.example:8443//evil.example/upload'],
		['//evil.example/upload', 'https://store.example:8443/upload'],
		['https://user:pass@evil.example/a', 'https://store.example:8443/a'],
		['/upload/1', 'https://store.example:8443/upload/1'],
	])('goes to no other host than its own when the store answers %s', (answered, expected) => {
		expect(atHost('https://store.example:8443/storage/v1', answered).href).toBe(expected);
	});
});
