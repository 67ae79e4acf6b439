import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { download, retryAfterSeconds, type DownloadOptions } from '../../../sidecar/src/net/download.ts';
import { createGuard } from '../../../sidecar/src/net/guard.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';

const CONTENT = randomBytes(300_000);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const guard = createGuard({ allowedPrivateHosts: ['127.0.0.1'] });

/** A server like any static one: ranges, If-Range, ETag. Breaks the connection after `cut` bytes of each answer. */
const fileServer =
	({ cut = Infinity, etag = '"v1"' as string | null, changeAfter = Infinity, length = true } = {}) =>
	() => {
		let answers = 0;
		return (request: IncomingMessage, response: ServerResponse) => {
			const version = answers++ >= changeAfter ? 2 : 1;
			const tag = etag === null ? null : version === 1 ? etag : '"v2"';
			const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? NaN);
			const matches = !Number.isNaN(from) && (request.headers['if-range'] ?? tag) === tag;
			const content = version === 1 ? CONTENT : Buffer.from('another file');
			const body = matches ? content.subarray(from) : content;
			response.writeHead(matches ? 206 : 200, {
				'Content-Type': 'video/mp4; codecs="avc1"',
				...(length ? { 'Content-Length': body.length } : {}),
				...(tag ? { ETag: tag } : {}),
				...(matches ? { 'Content-Range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
			});
			if (body.length <= cut) return void response.end(body);
			response.write(body.subarray(0, cut), () => response.destroy());
		};
	};

describe('download', () => {
	let folder: string;
	let server: TestServer | undefined;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'download-'));
	});
	afterEach(async () => {
		await server?.close();
		await rm(folder, { recursive: true, force: true });
	});
	const serve = async (handler: Parameters<typeof startServer>[0]) => (server = await startServer(handler));
	const answer = (status: number, headers: Record<string, string> = {}, body: string | Buffer = 'x') =>
		serve((_request, response) => response.writeHead(status, headers).end(body));
	const fetchFile = (path = '/clip.mp4', more: Partial<DownloadOptions> = {}) =>
		download({
			url: `${server?.url}${path}`,
			destPath: join(folder, 'file'),
			maxBytes: 1_000_000,
			guard,
			retryDelayMs: 1,
			...more,
		});
	const written = () => readFile(join(folder, 'file'));

	it('brings the file, its hash, its type and a name', async () => {
		await serve(fileServer()());
		const progress: Array<[number, number | null]> = [];
		const result = await fetchFile('/some/clip%20one.mp4?signature=1', {
			onProgress: (bytes, total) => progress.push([bytes, total]),
		});
		expect(result).toEqual({ bytes: 300_000, sha256: SHA256, contentType: 'video/mp4', fileName: 'clip one.mp4' });
		expect(await written()).toEqual(CONTENT);
		expect(progress.at(-1)).toEqual([300_000, 300_000]);
		expect(server?.requests[0]?.headers['accept-encoding']).toBe('identity');
	});

	it('goes on where a broken connection stopped', async () => {
		await serve(fileServer({ cut: 100_000 })());
		expect(await fetchFile()).toMatchObject({ bytes: 300_000, sha256: SHA256 });
		expect(await written()).toEqual(CONTENT);
		const [first, ...later] = server?.requests ?? [];
		expect(first?.headers.range).toBeUndefined();
		expect(later.length).toBeGreaterThan(1);
		// How much of the last answer arrived before the break is up to the sockets.
		for (const { headers } of later) {
			expect(headers.range).toMatch(/^bytes=[1-9]\d*-$/);
			expect(headers['if-range']).toBe('"v1"');
		}
	});

	it('begins anew when the file changed meanwhile', async () => {
		await serve(fileServer({ cut: 100_000, changeAfter: 1 })());
		const expected = createHash('sha256').update('another file').digest('hex');
		expect(await fetchFile()).toMatchObject({ bytes: 12, sha256: expected });
		expect((await written()).toString()).toBe('another file');
	});

	it('begins anew when the server gives no way to tell whether the file is the same', async () => {
		let first = true;
		await serve((request, response) => {
			const broken = first;
			first = false;
			fileServer({ etag: null, ...(broken ? { cut: 100_000 } : {}) })()(request, response);
		});
		expect(await fetchFile()).toMatchObject({ bytes: 300_000, sha256: SHA256 });
		expect(server?.requests.map((request) => request.headers.range)).toEqual([undefined, undefined]);
	});

	it('does not trust a weak ETag with a range', async () => {
		let first = true;
		await serve((request, response) => {
			const broken = first;
			first = false;
			fileServer({ etag: 'W/"v1"', ...(broken ? { cut: 100_000 } : {}) })()(request, response);
		});
		expect(await fetchFile()).toMatchObject({ sha256: SHA256 });
		expect(server?.requests[1]?.headers.range).toBeUndefined();
	});

	it('does not append an answer that begins elsewhere', async () => {
		let first = true;
		await serve((request, response) => {
			if (!first && request.headers.range) {
				response.writeHead(206, { 'Content-Range': 'bytes 5-9/300000', ETag: '"v1"' }).end('wrong');
				return;
			}
			fileServer(first ? { cut: 100_000 } : {})()(request, response);
			first = false;
		});
		expect(await fetchFile()).toMatchObject({ bytes: 300_000, sha256: SHA256 });
	});

	it('gives up when no connection brings anything any more', async () => {
		let asked = 0;
		await serve((request, response) => {
			if (asked++ === 0) fileServer({ cut: 100_000 })()(request, response);
			else response.destroy();
		});
		await expect(fetchFile()).rejects.toMatchObject({
			code: 'input_unreachable',
			message: expect.stringMatching(/broke after \d+ bytes/),
		});
		expect(asked).toBe(5);
		expect(await readdir(folder)).toEqual([]);
	});

	it('takes silence for a broken connection, and goes on', async () => {
		let first = true;
		await serve((request, response) => {
			if (!first) return void fileServer()()(request, response);
			first = false;
			response.writeHead(200, { 'Content-Length': 300_000, ETag: '"v1"' }).write(CONTENT.subarray(0, 50_000));
		});
		expect(await fetchFile('/clip.mp4', { stallMs: 150 })).toMatchObject({ sha256: SHA256 });
		expect(server?.requests[1]?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
	});

	it('leaves a slow connection alone as long as something comes', async () => {
		await serve((_request, response) => {
			let left = 15;
			const drip = setInterval(() => {
				response.write('x');
				if (--left > 0) return;
				clearInterval(drip);
				response.end();
			}, 100);
		});
		expect(await fetchFile('/slow', { stallMs: 1000 })).toMatchObject({ bytes: 15 });
		expect(server?.requests).toHaveLength(1);
	});

	it('does not wait for ever for the first byte', async () => {
		await serve(() => undefined);
		await expect(fetchFile('/clip.mp4', { stallMs: 100 })).rejects.toMatchObject({ code: 'input_unreachable' });
	});

	it('refuses a file that is too large before it comes, when its length is known', async () => {
		await serve((_request, response) => {
			response.writeHead(200, { 'Content-Length': String(600 * 1024 * 1024) });
			response.write(Buffer.alloc(65_536));
		});
		const progress: number[] = [];
		await expect(
			fetchFile('/big.mp4', { maxBytes: 500 * 1024 * 1024, onProgress: (bytes) => progress.push(bytes) }),
		).rejects.toMatchObject({
			code: 'input_too_large',
			message: expect.stringMatching(/600 MB.*500 MB.*MAX_FILE_BYTES/),
		});
		expect(progress).toEqual([]);
		expect(await readdir(folder)).toEqual([]);
	});

	it('cuts a file off that turns out too large', async () => {
		await serve((_request, response) => {
			const pump = () => {
				while (response.write(Buffer.alloc(10_000)));
			};
			response.on('drain', pump);
			pump();
		});
		await expect(fetchFile('/endless', { maxBytes: 100_000 })).rejects.toMatchObject({
			code: 'input_too_large',
			message: expect.stringContaining('MAX_FILE_BYTES=100000'),
		});
		expect(await readdir(folder)).toEqual([]);
	});

	it('cuts a file off that is one byte too large', async () => {
		await serve(fileServer({ length: false })());
		await expect(fetchFile('/clip.mp4', { maxBytes: 299_999 })).rejects.toMatchObject({ code: 'input_too_large' });
	});

	it('takes a file of exactly the limit', async () => {
		await serve(fileServer({ length: false })());
		expect(await fetchFile('/clip.mp4', { maxBytes: 300_000 })).toMatchObject({ bytes: 300_000 });
	});

	it('never unpacks what a server compressed against its word', async () => {
		await answer(200, { 'Content-Encoding': 'gzip', 'Content-Type': 'video/mp4' }, gzipSync(Buffer.alloc(5_000_000)));
		await expect(fetchFile()).rejects.toMatchObject({
			code: 'input_unsupported',
			message: expect.stringContaining('gzip'),
		});
	});

	it('refuses an empty file', async () => {
		await answer(200, { 'Content-Type': 'video/mp4' }, '');
		await expect(fetchFile()).rejects.toMatchObject({ code: 'input_empty' });
	});

	it('explains a web page in place of the file', async () => {
		await answer(200, { 'Content-Type': 'text/html; charset=utf-8' }, '<!doctype html>');
		await expect(fetchFile('/file/d/1/view')).rejects.toMatchObject({
			code: 'input_not_media',
			message: expect.stringContaining('web page'),
		});
	});

	it.each([
		[404, 'input_not_found', false],
		[410, 'input_not_found', false],
		[400, 'input_not_found', false],
		[204, 'input_not_found', false],
		[401, 'input_forbidden', false],
		[403, 'input_forbidden', false],
		[429, 'input_unreachable', true],
		[500, 'input_unreachable', true],
		[503, 'input_unreachable', true],
	])('a %i is %s', async (status, code, retryable) => {
		await answer(status, { 'Retry-After': '7' });
		await expect(fetchFile('/x.mp4?token=secret')).rejects.toMatchObject({
			code,
			retryable,
			message: expect.not.stringContaining('secret'),
			retryAfterSeconds: retryable ? 7 : undefined,
		});
		expect(server?.requests).toHaveLength(1);
		expect(await readdir(folder)).toEqual([]);
	});

	it('says input_unreachable when nobody listens', async () => {
		await (await serve(() => undefined)).close();
		await expect(fetchFile()).rejects.toMatchObject({ code: 'input_unreachable', retryable: true });
	});

	it('keeps its headers from another origin, and follows to it', async () => {
		await serve(fileServer()());
		const front = await startServer((_request, response) =>
			response.writeHead(302, { Location: `${server?.url}/real.mp4` }).end(),
		);
		const options = { url: `${front.url}/go`, destPath: join(folder, 'file'), maxBytes: 1e6, guard };
		expect(await download({ ...options, headers: { Authorization: 'Bearer t' } })).toMatchObject({
			fileName: 'real.mp4',
		});
		expect(front.requests[0]?.headers.authorization).toBe('Bearer t');
		expect(server?.requests[0]?.headers.authorization).toBeUndefined();
		await front.close();
	});

	it('leaves the address of the guard unconnected', async () => {
		await serve(fileServer()());
		await expect(fetchFile('/x', { guard: createGuard({ allowedPrivateHosts: [] }) })).rejects.toMatchObject({
			code: 'input_forbidden',
		});
		expect(server?.connections()).toBe(0);
	});

	it('stops at once when it is told to, and throws the reason it was given', async () => {
		const stop = new AbortController();
		const reason = new Error('cancelled by the user');
		await serve((_request, response) => void response.writeHead(200).write(CONTENT, () => stop.abort(reason)));
		await expect(fetchFile('/x', { signal: stop.signal })).rejects.toBe(reason);
		expect(await readdir(folder)).toEqual([]);
	});

	it('never puts parts of two versions together, also where a server does not heed If-Range', async () => {
		const other = randomBytes(300_000);
		let answers = 0;
		await serve((request, response) => {
			const first = answers++ === 0;
			const content = first ? CONTENT : other;
			const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
			const part = from > 0 ? { 'Content-Range': `bytes ${from}-${content.length - 1}/${content.length}` } : {};
			response.writeHead(from > 0 ? 206 : 200, { 'Content-Type': 'video/mp4', ETag: first ? '"one"' : '"two"', 'Content-Length': content.length - from, ...part });
			if (first) return void response.write(content.subarray(0, 100_000), () => response.destroy());
			response.end(content.subarray(from));
		});
		expect(await fetchFile()).toMatchObject({ bytes: 300_000, sha256: createHash('sha256').update(other).digest('hex') });
	});
});

describe('Retry-After', () => {
	it('is read in both of its forms', () => {
		const now = Date.parse('2026-01-01T00:00:00Z');
		expect(retryAfterSeconds({ 'retry-after': '120' }, now)).toBe(120);
		expect(retryAfterSeconds({ 'retry-after': 'Thu, 01 Jan 2026 00:01:30 GMT' }, now)).toBe(90);
		expect(retryAfterSeconds({ 'retry-after': 'Thu, 01 Jan 2020 00:00:00 GMT' }, now)).toBe(0);
		expect(retryAfterSeconds({ 'retry-after': 'soon' }, now)).toBeUndefined();
		expect(retryAfterSeconds({ 'retry-after': '7.2' }, now)).toBe(8);
		expect(retryAfterSeconds({ 'retry-after': '2026-01-01T00:02:00Z' }, now)).toBe(120);
		for (const odd of ['-1', '1e3', '12 34', '0x10']) expect(retryAfterSeconds({ 'retry-after': odd }, now)).toBeUndefined();
		for (const far of ['9'.repeat(400), '1735689600000', 'Fri, 31 Dec 9999 23:59:59 GMT']) expect(retryAfterSeconds({ 'retry-after': far }, now)).toBe(86_400);
		expect(retryAfterSeconds({}, now)).toBeUndefined();
	});
});
