import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readlink } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { assets, files } from '../../../sidecar/src/db/schema.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { signedUrl } from '../../../sidecar/src/storage/signed-url.ts';
import type { Storage } from '../../../sidecar/src/storage/storage.ts';
import { SIGNING_KEY, startTestApp, type TestApp } from '../../support/app.ts';
import { startNginx, type Nginx } from '../../support/nginx.ts';
import { createTestPipeline, until, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

const KEY = 'jobs/acme/4f0c/1/clip.mp4';
const PUBLIC = 'public/acme/0b1c_master-0a1b2c3d.mp4';
/** More than is read at once. */
const CONTENT = Buffer.from(Array.from({ length: 1_500_000 }, (_, index) => (index * 31 + (index >> 8)) % 251));

describe('files over HTTP', () => {
	let pipeline: TestPipeline;
	let app: TestApp;
	let remote: TestApp;
	let sent: Array<{ key: string; name: string; attachment: boolean; expiresAt: Date }>;

	beforeAll(async () => {
		pipeline = await createTestPipeline();
		const { storage, db } = pipeline.deps;
		await storage.putStream(KEY, Readable.from([CONTENT]));
		await storage.putStream(PUBLIC, Readable.from([CONTENT]));
		await storage.putStream('jobs/acme/4f0c/1/hls/master.m3u8', Readable.from(['#EXTM3U\n']));
		await storage.putStream('jobs/acme/4f0c/1/empty.txt', Readable.from([]));
		await db.insert(files).values({ id: randomUUID(), workspaceId: WORKSPACE, name: 'clip.mp4', storageKey: KEY, mime: 'video/mp4', bytes: CONTENT.length });
		const [asset] = await db.insert(assets).values({ id: randomUUID(), workspaceId: WORKSPACE, source: 'upload', status: 'ready', publicAt: new Date() }).returning();
		await db.insert(files).values({ id: randomUUID(), workspaceId: WORKSPACE, assetId: asset?.id ?? null, name: 'public/master', part: true, storageKey: PUBLIC, mime: 'video/mp4', bytes: CONTENT.length });
		app = await startTestApp(pipeline);
		sent = [];
		// A store with links of its own, and no path on this disk.
		const store: Storage = {
			...storage,
			localPath: () => null,
			direct: () => ({
				get: async (key, options) => {
					sent.push({ key, ...options });
					return `https://store.test/${key}`;
				},
				put: () => Promise.reject(new Error('nobody uploads here')),
			}),
		};
		remote = await startTestApp(pipeline, { storage: store, delivery: { mode: 'redirect', xAccelPrefix: '/stored/', corsOrigins: ['https://app.example'] } });
	});
	afterAll(async () => {
		await app.close();
		await remote.close();
		await pipeline.close();
	});

	const link = (base = app.url, key = KEY, download?: string) => signedUrl(SIGNING_KEY, base, { method: 'GET', path: `/files/${key}`, expiresAt: new Date(Date.now() + 60_000), ...(download ? { download } : {}) });
	const get = (headers: Record<string, string> = {}, url = link(), method = 'GET') => fetch(url, { headers, method, redirect: 'manual' });
	const bytes = async (response: Response) => Buffer.from(await response.arrayBuffer());

	it('come whole, and in ranges, from a disk and from a store alike', async () => {
		const proxied = await startTestApp(pipeline, { storage: { ...pipeline.deps.storage, localPath: () => null } });
		try {
			for (const base of [app.url, proxied.url]) {
				expect((await bytes(await get({}, link(base)))).equals(CONTENT)).toBe(true);
				for (const [range, start, end] of [['bytes=0-0', 0, 1], ['bytes=500000-1299999', 500_000, 1_300_000], ['bytes=-10', 1_499_990, 1_500_000]] as const) {
					const part = await get({ range }, link(base));
					expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes ${start}-${end - 1}/1500000`]);
					expect((await bytes(part)).equals(CONTENT.subarray(start, end))).toBe(true);
				}
			}
		} finally {
			await proxied.close();
		}
	});

	it('come in several ranges as parts, each with its place', async () => {
		const answer = await get({ range: 'bytes=1000-1002, 0-1,-4' });
		const [, boundary] = /^multipart\/byteranges; boundary=(\w+)$/.exec(answer.headers.get('content-type') ?? '') ?? [];
		const body = await bytes(answer);
		expect([answer.status, Number(answer.headers.get('content-length'))]).toEqual([206, body.length]);
		const part = (start: number, end: number) => Buffer.concat([Buffer.from(`\r\n--${boundary}\r\nContent-Type: video/mp4\r\nContent-Range: bytes ${start}-${end}/1500000\r\n\r\n`), CONTENT.subarray(start, end + 1)]);
		expect(body.equals(Buffer.concat([part(0, 1), part(1000, 1002), part(1_499_996, 1_499_999), Buffer.from(`\r\n--${boundary}--\r\n`)]))).toBe(true);
	});

	it('say where they end to who asks beyond', async () => {
		const answer = await get({ range: 'bytes=1500000-' });
		expect([answer.status, answer.headers.get('content-range'), (await bytes(answer)).length]).toEqual([416, 'bytes */1500000', 0]);
	});

	it('answer HEAD with all headers and no bytes, also for a range; and an empty file', async () => {
		const head = await get({ range: 'bytes=0-9' }, link(), 'HEAD');
		expect([head.status, head.headers.get('content-length'), head.headers.get('content-type'), head.headers.get('accept-ranges')]).toEqual([206, '10', 'video/mp4', 'bytes']);
		const empty = await get({}, link(app.url, 'jobs/acme/4f0c/1/empty.txt'));
		expect([empty.status, empty.headers.get('content-length'), await empty.text()]).toEqual([200, '0', '']);
	});

	it('are not sent again to who has them', async () => {
		const first = await get({}, link(), 'HEAD');
		const [etag, modified] = [first.headers.get('etag') ?? '', first.headers.get('last-modified') ?? ''];
		const known: Array<Record<string, string>> = [{ 'if-none-match': etag }, { 'if-none-match': `"other", W/${etag}` }, { 'if-none-match': '*' }, { 'if-modified-since': modified }];
		for (const headers of known) {
			const again = await get(headers);
			expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, etag, '']);
		}
		const others: Array<Record<string, string>> = [{ 'if-none-match': '"other"' }, { 'if-modified-since': new Date(0).toUTCString() }, { 'if-none-match': '"other"', 'if-modified-since': modified }];
		for (const headers of others) expect((await get(headers, link(), 'HEAD')).status).toBe(200);
	});

	it('give a range only of the content that is meant', async () => {
		const first = await get({}, link(), 'HEAD');
		const [etag, modified] = [first.headers.get('etag') ?? '', first.headers.get('last-modified') ?? ''];
		const status = async (condition: string) => (await get({ range: 'bytes=0-1', 'if-range': condition }, link(), 'HEAD')).status;
		expect([await status(etag), await status(modified)]).toEqual([206, 206]);
		expect([await status('"other"'), await status(`W/${etag}`), await status(new Date(0).toUTCString())]).toEqual([200, 200, 200]);
	});

	it('are kept by nobody where they need a link, and for ever where they are public', async () => {
		expect((await get({}, link(), 'HEAD')).headers.get('cache-control')).toBe('private, no-store');
		const open = await get({}, `${app.url}/${PUBLIC}`, 'HEAD');
		expect([open.status, open.headers.get('cache-control'), open.headers.get('content-type'), open.headers.get('x-content-type-options')]).toEqual([200, 'public, max-age=31536000, immutable', 'video/mp4', 'nosniff']);
		// The way to public files leads to no others.
		for (const path of ['/public/../jobs/acme/4f0c/1/clip.mp4', '/public/%2e%2e/jobs/acme/4f0c/1/clip.mp4', '/public/acme/..%2f..%2fjobs/acme/4f0c/1/clip.mp4']) {
			const sent = httpRequest(app.url, { path }).end();
			const [{ statusCode }] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }];
			sent.destroy();
			expect(statusCode).toBeGreaterThanOrEqual(400);
		}
	});

	it('are saved under a name where the link says so, and only then', async () => {
		expect((await get({}, link(), 'HEAD')).headers.get('content-disposition')).toBe('inline; filename="clip.mp4"');
		const named = await get({}, link(app.url, KEY, 'Grüße "1".mp4'), 'HEAD');
		expect(named.headers.get('content-disposition')).toBe(`attachment; filename="Gr__e _1_.mp4"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%221%22.mp4`);
		expect((await get({}, `${link()}&download=evil.exe`)).status).toBe(403);
	});

	it('are read by scripts of the pages that are named', async () => {
		const origin = async (name: string) => (await get({ origin: name }, link(remote.url), 'HEAD')).headers.get('access-control-allow-origin');
		expect([await origin('https://app.example'), await origin('https://other.example')]).toEqual(['https://app.example', null]);
		expect((await get({}, link(remote.url), 'HEAD')).headers.get('vary')).toContain('Origin');
		expect((await get({ origin: 'https://other.example' }, link(), 'HEAD')).headers.get('access-control-allow-origin')).toBe('*');
	});

	it('come from the store itself where it has links, but manifests from here: what they name is relative', async () => {
		const answer = await get({}, link(remote.url, KEY, 'a.mp4'));
		expect([answer.status, answer.headers.get('location'), answer.headers.get('cache-control')]).toEqual([302, `https://store.test/${KEY}`, 'no-store']);
		expect(sent).toEqual([{ key: KEY, mime: 'video/mp4', name: 'a.mp4', attachment: true, expiresAt: expect.any(Date) }]);
		// No longer than the link that led there.
		expect(sent[0]?.expiresAt.getTime()).toBeLessThanOrEqual(Date.now() + 60_000);
		const { pathname } = new URL(remote.deps.fileUrl('jobs/acme/4f0c/1/hls/master.m3u8'));
		expect((await get({}, remote.url + pathname)).status).toBe(200);
		expect((await get({}, link(remote.url), 'HEAD')).status).toBe(200);
	});

	it('do not hold a connection that its reader has left', async () => {
		const request = httpRequest(link(app.url)).end();
		const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
		await once(response, 'readable');
		request.destroy();
		expect((await bytes(await get())).equals(CONTENT)).toBe(true);
	});

	it('let go of a file whose reader left while it waited behind another one', async () => {
		const big = 'jobs/acme/4f0c/1/big.bin';
		await pipeline.deps.storage.putStream(big, Readable.from(Array.from({ length: 40 }, () => Buffer.alloc(1_000_000))));
		const open = async () => (await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))).filter((path) => path.endsWith(big)).length;
		const { pathname, search, port } = new URL(link(app.url, big));
		const socket = connect(Number(port), '127.0.0.1');
		socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(5));
		await once(socket, 'readable');
		await until(async () => (await open()) >= 3, 'several are being sent');
		socket.destroy();
		await until(async () => (await open()) === 0, 'they are closed');
	});

	it('are only sent where they are what is meant', async () => {
		const first = await get({}, link(), 'HEAD');
		const [etag, modified] = [first.headers.get('etag') ?? '', first.headers.get('last-modified') ?? ''];
		const status = async (headers: Record<string, string>) => (await get({ range: 'bytes=0-1', ...headers }, link(), 'HEAD')).status;
		expect([await status({ 'if-match': `"other", ${etag}` }), await status({ 'if-match': '*' }), await status({ 'if-unmodified-since': modified })]).toEqual([206, 206, 206]);
		expect([await status({ 'if-match': '"other"' }), await status({ 'if-match': `W/${etag}` }), await status({ 'if-unmodified-since': new Date(0).toUTCString() })]).toEqual([412, 412, 412]);
	});

	describe('from a store that does as it likes', () => {
		let sends: (range?: { start: number; end: number }) => Promise<Readable>;
		let store: TestApp;
		beforeAll(async () => {
			store = await startTestApp(pipeline, { storage: { ...pipeline.deps.storage, localPath: () => null, read: (_key, range) => sends(range) } });
		});
		afterAll(() => store.close());

		it('never run into the next answer of a connection', async () => {
			const url = link(store.url);
			for (const length of [10, 30]) {
				sends = () => Promise.resolve(Readable.from([Buffer.alloc(length / 2, 'a'), Buffer.alloc(length / 2, 'b')]));
				const { pathname, search, port } = new URL(url);
				const socket = connect(Number(port), '127.0.0.1');
				let text = '';
				socket.setEncoding('latin1').on('data', (piece: string) => (text += piece));
				socket.on('error', () => {});
				socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-19\r\n\r\n`.repeat(2));
				await once(socket, 'close');
				// The connection ends at what is wrong, and nothing is answered behind it.
				expect(text.match(/HTTP\/1.1/g)).toHaveLength(1);
				expect((text.split('\r\n\r\n')[1] ?? '').length).toBeLessThan(20);
			}
		});

		it('say nothing of a file in an error', async () => {
			sends = () => Promise.reject(new PipelineError('storage_failed', 'The store is down.'));
			const answer = await get({ range: 'bytes=0-19' }, link(store.url));
			expect([answer.status, ((await answer.json()) as { error: { code: string } }).error.code]).toEqual([500, 'storage_failed']);
			for (const name of ['last-modified', 'content-range', 'content-disposition', 'accept-ranges']) expect([name, answer.headers.get(name)]).toEqual([name, null]);
			expect([answer.headers.get('cache-control'), answer.headers.get('content-type')]).toEqual(['no-store', expect.stringContaining('application/json')]);
		});

		it('are not read on where the reader has left, before or after the first byte', async () => {
			for (const early of [true, false]) {
				let begun = () => {};
				const beginning = new Promise<void>((done) => (begun = done));
				let go = () => {};
				const released = new Promise<void>((done) => (go = done));
				const endless = new Readable({ read: () => void endless.push(Buffer.alloc(65_536)) });
				sends = async () => {
					begun();
					if (early) await released;
					return endless;
				};
				const request = httpRequest(link(store.url)).on('error', () => {}).end();
				await beginning;
				if (!early) await once(((await once(request, 'response')) as [NodeJS.ReadableStream])[0], 'readable');
				request.destroy();
				if (early) await new Promise((done) => request.once('close', done));
				go();
				await until(() => endless.destroyed, 'nobody reads it any more');
			}
		});
	});

	it('of a kind that only the asset knows have its type', async () => {
		const key = 'raw/acme/9b.mov';
		await pipeline.deps.storage.putStream(key, Readable.from(['moov']));
		await pipeline.deps.db.insert(assets).values({ id: randomUUID(), workspaceId: WORKSPACE, source: 'upload', storageKey: key, mime: 'video/quicktime', status: 'ready' });
		expect((await get({}, link(app.url, key), 'HEAD')).headers.get('content-type')).toBe('video/quicktime');
	});

	describe('behind an nginx that sends them', () => {
		let nginx: Nginx;
		let accel: TestApp;
		beforeAll(async () => {
			accel = await startTestApp(pipeline, { delivery: { mode: 'x-accel', xAccelPrefix: '/stored/', corsOrigins: ['*'] } });
			nginx = await startNginx(join(pipeline.folder, 'nginx'), `location /stored/ { internal; alias ${pipeline.folder}/files/; }\nlocation / { proxy_pass ${accel.url}; }`);
		});
		afterAll(async () => {
			await nginx.close();
			await accel.close();
		});

		it('come with ranges, types and caching as ours', async () => {
			expect((await bytes(await get({}, link(nginx.url)))).equals(CONTENT)).toBe(true);
			const part = await get({ range: 'bytes=500000-1299999' }, link(nginx.url));
			expect([part.status, part.headers.get('content-type'), part.headers.get('cache-control'), part.headers.get('server')]).toEqual([206, 'video/mp4', 'private, no-store', expect.stringContaining('nginx')]);
			expect((await bytes(part)).equals(CONTENT.subarray(500_000, 1_300_000))).toBe(true);
			// Whoever goes on with the ETag that it got is understood.
			expect((await get({ range: 'bytes=0-9', 'if-match': part.headers.get('etag') ?? '' }, link(nginx.url))).status).toBe(206);
			// The sidecar sends no byte of it.
			const own = await get({}, link(accel.url));
			expect([own.headers.get('x-accel-redirect'), (await bytes(own)).length]).toEqual([`/stored/${KEY}`, 0]);
		});

		it('need a link all the same', async () => {
			expect((await get({}, `${nginx.url}/stored/${KEY}`)).status).toBe(404);
			expect((await get({}, `${nginx.url}/files/${KEY}`)).status).toBe(401);
			expect((await get({}, link(nginx.url).replace(/signature=./, 'signature=_'))).status).toBe(403);
		});
	});
});
