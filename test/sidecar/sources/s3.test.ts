import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { createFetchSource } from '../../../sidecar/src/sources/fetch-source.ts';
import { createListSource } from '../../../sidecar/src/sources/list-source.ts';
import type { Place } from '../../../sidecar/src/sources/source.ts';
import { startServer } from '../../support/http-server.ts';
import { startS3, type TestS3 } from '../../support/s3.ts';
import { live, sourceSettings } from '../../support/sources.ts';

const CONTENT = randomBytes(300_000);

describe('a bucket as a source', () => {
	let folder: string;
	let s3: TestS3;
	let bucket: string;
	beforeAll(async () => {
		s3 = await startS3();
		({ bucket } = await s3.bucket());
		for (const key of ['films/a.mp4', 'films/ü b.mp4', 'films/notes.txt', 'films/', 'other/c.mp4']) {
			await s3.client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: key.endsWith('/') ? Buffer.alloc(0) : CONTENT, ContentType: 'video/mp4' }));
		}
	});
	afterAll(() => s3.stop());
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 's3-source-'));
	});
	afterEach(() => rm(folder, { recursive: true, force: true }));
	const keys = () => ({ access_key_id: s3.credentials.accessKeyId, secret_access_key: s3.credentials.secretAccessKey });
	const settings = (allowed = [new URL(s3.endpoint).host], maxBytes = 1_000_000) => sourceSettings({ allowed, maxBytes });
	const fetchFile = (key: string, { of = bucket, secrets = keys() as Record<string, string>, use = settings(), endpoint = s3.endpoint } = {}) =>
		createFetchSource(use)({ place: { type: 's3', bucket: of, key, endpoint }, secrets, destPath: join(folder, 'file'), signal: live(), onProgress: () => {} });
	const list = (prefix: string, limit = 100, cursor: string | null = null) =>
		createListSource(settings())({ place: { type: 's3_prefix', bucket, prefix, endpoint: s3.endpoint }, secrets: keys(), cursor, limit, signal: live() });

	it('brings an object', async () => {
		expect(await fetchFile('films/ü b.mp4')).toEqual({ bytes: 300_000, sha256: createHash('sha256').update(CONTENT).digest('hex'), contentType: 'video/mp4', fileName: 'ü b.mp4' });
	});

	it('says what is wrong: no such object or bucket, wrong keys, too large; keys are never shown', async () => {
		await expect(fetchFile('films/none.mp4')).rejects.toMatchObject({ code: 'input_not_found' });
		await expect(fetchFile('x.mp4', { of: 'no-such-bucket' })).rejects.toMatchObject({ code: 'input_not_found' });
		await expect(fetchFile('films/a.mp4', { use: settings(undefined, 1000) })).rejects.toMatchObject({ code: 'input_too_large' });
		const error: unknown = await fetchFile('films/a.mp4', { secrets: { ...keys(), secret_access_key: 'wrong-secret-key' } }).catch((caught: unknown) => caught);
		expect(error).toMatchObject({ code: expect.stringMatching(/^(needs_reauth|input_forbidden)$/) });
		expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('wrong-secret-key');
	});

	it('does not use the keys of the sidecar when the request has none', async () => {
		process.env['AWS_ACCESS_KEY_ID'] = s3.credentials.accessKeyId;
		process.env['AWS_SECRET_ACCESS_KEY'] = s3.credentials.secretAccessKey;
		try {
			await expect(fetchFile('films/a.mp4', { secrets: {} })).rejects.toMatchObject({ code: 'needs_reauth' });
		} finally {
			delete process.env['AWS_ACCESS_KEY_ID'];
			delete process.env['AWS_SECRET_ACCESS_KEY'];
		}
	});

	it('goes through the guard: an inner endpoint is refused before anything is sent', async () => {
		const server = await startServer((_request, response) => response.end());
		try {
			for (const endpoint of [server.url, server.url.replace('127.0.0.1', 'localhost')]) await expect(fetchFile('a.mp4', { use: settings([]), endpoint })).rejects.toMatchObject({ code: 'input_forbidden' });
			expect(server.connections()).toBe(0);
		} finally {
			await server.close();
		}
	});

	it('goes on where a broken connection stopped, as long as it is the same object', async () => {
		const ranges: Array<string | undefined> = [];
		const server = await startServer((request, response) => {
			const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
			const start = Number(range?.[1] ?? 0);
			if (request.method === 'GET') ranges.push(request.headers.range);
			response.writeHead(range ? 206 : 200, { etag: '"one"', 'content-length': CONTENT.length - start, ...(range ? { 'content-range': `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}` } : {}) });
			if (request.method === 'HEAD') return void response.end();
			if (start === 0) return void response.write(CONTENT.subarray(0, 100_000), () => response.destroy());
			expect(request.headers['if-match']).toBe('"one"');
			response.end(CONTENT.subarray(start));
		});
		try {
			expect(await fetchFile('a.mp4', { use: settings([server.host]), endpoint: server.url })).toMatchObject({ sha256: createHash('sha256').update(CONTENT).digest('hex') });
			expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d+-$/)]);
		} finally {
			await server.close();
		}
	});

	it('does not read an endless list, or an endless error, into memory', async () => {
		let sent = 0;
		let status = 200;
		const piece = Buffer.alloc(1_000_000, '<Key>x</Key>');
		const server = await startServer((request, response) => {
			if (request.method === 'HEAD') return void response.writeHead(200, { 'content-length': 10 }).end();
			response.writeHead(status, { 'content-type': 'application/xml' });
			const more = (): void => {
				while (!response.destroyed && sent < 200_000_000) {
					sent += piece.length;
					if (!response.write(piece)) return void response.once('drain', more);
				}
				response.end();
			};
			more();
		});
		try {
			const place = { type: 's3_prefix' as const, bucket: 'some', prefix: '', endpoint: server.url };
			const listing = createListSource(settings([server.host]))({ place, secrets: keys(), cursor: null, limit: 10, signal: live() });
			await expect(listing).rejects.toMatchObject({ code: 'input_unreachable' });
			expect(sent).toBeLessThan(100_000_000);
			[sent, status] = [0, 500];
			await expect(fetchFile('a.mp4', { use: settings([server.host]), endpoint: server.url })).rejects.toBeInstanceOf(PipelineError);
			expect(sent).toBeLessThan(100_000_000);
		} finally {
			await server.close();
		}
	});

	it('compares the checksum that the store names, where it is one of the whole object', async () => {
		let sum = createHash('sha256').update('another').digest('base64');
		const server = await startServer((request, response) => {
			response.writeHead(200, { etag: '"one"', 'content-length': CONTENT.length, 'x-amz-checksum-sha256': sum });
			response.end(request.method === 'HEAD' ? undefined : CONTENT);
		});
		try {
			const fetched = () => fetchFile('a.mp4', { use: settings([server.host]), endpoint: server.url });
			await expect(fetched()).rejects.toMatchObject({ code: 'input_unreachable', message: expect.stringContaining('checksum') });
			sum = `${sum}-2`;
			expect(await fetched()).toMatchObject({ bytes: CONTENT.length });
			sum = createHash('sha256').update(CONTENT).digest('base64');
			expect(await fetched()).toMatchObject({ bytes: CONTENT.length });
		} finally {
			await server.close();
		}
	});

	it('does not follow an endpoint that sends it to an inner address', async () => {
		const inner = await startServer((_request, response) => response.end('secret'));
		const server = await startServer((_request, response) => response.writeHead(302, { location: `${inner.url}/some/a.mp4` }).end());
		try {
			await expect(fetchFile('a.mp4', { use: settings([server.host]), endpoint: server.url })).rejects.toBeInstanceOf(PipelineError);
			expect(inner.connections()).toBe(0);
		} finally {
			await server.close();
			await inner.close();
		}
	});

	it('is listed by prefix in pages, ready to be fetched', async () => {
		const names: string[] = [];
		const places: Place[] = [];
		let cursor: string | null = null;
		for (let more = true; more; ) {
			const page = await list('films/', 2, cursor);
			names.push(...page.entries.map(({ name }) => name));
			places.push(...page.entries.map(({ place }) => place));
			({ cursor, hasMore: more } = page);
		}
		expect(names).toEqual(['a.mp4', 'ü b.mp4']);
		expect(places[0]).toEqual({ type: 's3', bucket, key: 'films/a.mp4', endpoint: s3.endpoint });
		expect((await list('')).entries).toHaveLength(3);
	});
});
