import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createS3Storage, type S3Options } from '../../../sidecar/src/storage/s3.ts';

/** What a healthy server cannot be made to do; everything else is in the contract, against a real one. */
describe('a store that speaks S3, badly', () => {
	let server: Server;
	let endpoint: string;
	let answer: (request: IncomingMessage, response: ServerResponse, call: number) => void;
	let asked: Array<[method: string | undefined, range: string | undefined, ifMatch: string | undefined]>;
	beforeEach(async () => {
		asked = [];
		server = createServer((request, response) => void request.resume().on('end', () => {
			asked.push([request.method, request.headers.range, request.headers['if-match']]);
			answer(request, response, asked.length);
		}));
		await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
		endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	});
	afterEach(async () => {
		server.closeAllConnections();
		await new Promise((done) => server.close(done));
	});
	const open = (more: Partial<S3Options> = {}) => createS3Storage({ bucket: 'b', endpoint, credentials: { accessKeyId: 'key', secretAccessKey: 's3cr3t' }, forcePathStyle: true, silenceMs: 500, ...more });

	it('goes on with a file where the store fell silent, of the same version', async () => {
		answer = (_request, response, call) => {
			if (call === 1) response.writeHead(200, { 'content-length': '8', etag: '"1"' }).write('abcd');
			else response.writeHead(206, { 'content-length': '4', 'content-range': 'bytes 4-7/8', etag: '"1"' }).end('efgh');
		};
		expect(await text(await open().read('raw/a/b'))).toBe('abcdefgh');
		expect(asked).toEqual([['GET', undefined, undefined], ['GET', 'bytes=4-', '"1"']]);
	});

	it('does not join two versions where the store names none', async () => {
		answer = (_request, response, call) => {
			if (call === 1) response.writeHead(200, { 'content-length': '8' }).write('abcd', () => response.destroy());
			else response.writeHead(206, { 'content-length': '4', 'content-range': 'bytes 4-7/8' }).end('EFGH');
		};
		await expect(text(await open().read('raw/a/b'))).rejects.toMatchObject({ code: 'storage_failed' });
	});

	it('does not take the whole file for a range of it', async () => {
		answer = (_request, response) => response.writeHead(200, { 'content-length': '8', etag: '"1"' }).end('abcdefgh');
		await expect(open().read('raw/a/b', { start: 2, end: 3 })).rejects.toMatchObject({ code: 'storage_failed' });
	});

	it('does not follow the store to another host', async () => {
		answer = (_request, response) => response.writeHead(301, { location: 'http://169.254.169.254/b/raw/a/b' }).end();
		await expect(open().read('raw/a/b')).rejects.toMatchObject({ code: 'storage_failed' });
		expect(asked).toHaveLength(1);
	});
});
