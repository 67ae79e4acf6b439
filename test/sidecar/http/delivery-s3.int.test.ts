import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { assets, files } from '../../../sidecar/src/db/schema.ts';
import { createS3Storage } from '../../../sidecar/src/storage/s3.ts';
import { signedUrl } from '../../../sidecar/src/storage/signed-url.ts';
import { SIGNING_KEY, startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, until, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';
import { startS3, type TestS3 } from '../../support/s3.ts';

const KEY = 'jobs/acme/4f0c/1/clip.mp4';
const PUBLIC = `public/acme/${randomUUID()}_master-0a1b2c3d.mp4`;
/** More than fits into the buffers of all connections on the way. */
const BYTES = 48_000_000;
const CONTENT = Buffer.alloc(BYTES);
for (let index = 0; index < BYTES; index += 4) CONTENT.writeUInt32LE(index, index);

describe('files that lie in an S3 store', () => {
	let s3: TestS3;
	let pipeline: TestPipeline;
	let proxied: TestApp;
	let redirecting: TestApp;
	/** Connections of the sidecar to the store, and how much came on each. */
	const upstream = new Map<Socket, number>();
	const between = createServer((socket) => {
		upstream.set(socket, 0);
		const store = connect(Number(new URL(s3.endpoint).port), '127.0.0.1');
		store.on('data', (chunk) => upstream.set(socket, (upstream.get(socket) ?? 0) + chunk.length));
		socket.pipe(store).pipe(socket);
		for (const [one, other] of [[socket, store], [store, socket]] as const) one.on('error', () => {}).on('close', () => other.destroy());
		socket.on('close', () => upstream.delete(socket));
	});

	beforeAll(async () => {
		s3 = await startS3();
		between.listen(0, '127.0.0.1');
		await once(between, 'listening');
		const bucket = await s3.bucket();
		const storage = createS3Storage({ ...bucket, endpoint: `http://127.0.0.1:${(between.address() as AddressInfo).port}` });
		for (const key of [KEY, PUBLIC]) await storage.putStream(key, Readable.from([CONTENT]), { bytes: BYTES, mime: 'video/mp4' });
		await storage.putStream('jobs/acme/4f0c/1/hls/master.m3u8', Readable.from(['#EXTM3U\n']));
		await storage.putStream('jobs/acme/4f0c/1/hls/0.m4s', Readable.from(['segment']));
		pipeline = await createTestPipeline();
		const { db } = pipeline.deps;
		const assetId = randomUUID();
		await db.insert(assets).values({ id: assetId, workspaceId: WORKSPACE, source: 'upload', status: 'ready', publicAt: new Date() });
		await db.insert(files).values([
			{ id: randomUUID(), workspaceId: WORKSPACE, assetId, name: 'clip.mp4', storageKey: KEY, mime: 'video/mp4', bytes: BYTES },
			{ id: randomUUID(), workspaceId: WORKSPACE, assetId, name: 'public/master', part: true, storageKey: PUBLIC, mime: 'video/mp4', bytes: BYTES },
		]);
		proxied = await startTestApp(pipeline, { storage });
		redirecting = await startTestApp(pipeline, { storage, delivery: { mode: 'redirect', xAccelPrefix: '/stored/', corsOrigins: ['*'] } });
	});
	afterAll(async () => {
		await proxied?.close();
		await redirecting?.close();
		await pipeline?.close();
		between.close();
		for (const socket of upstream.keys()) socket.destroy();
		await s3?.stop();
	});

	const link = (base: string, download?: string) => signedUrl(SIGNING_KEY, base, { method: 'GET', path: `/files/${KEY}`, expiresAt: new Date(Date.now() + 60_000), ...(download ? { download } : {}) });
	const bytes = async (response: Response) => Buffer.from(await response.arrayBuffer());

	it('come through the sidecar, whole and in ranges, without a byte more', async () => {
		for (const url of [link(proxied.url), `${proxied.url}/${PUBLIC}`]) {
			const head = await fetch(url, { method: 'HEAD' });
			expect([head.status, head.headers.get('content-length'), head.headers.get('content-type')]).toEqual([200, String(BYTES), 'video/mp4']);
			const part = await fetch(url, { headers: { range: 'bytes=1000000-1999999', 'if-range': head.headers.get('etag') ?? '' } });
			expect([part.status, (await bytes(part)).equals(CONTENT.subarray(1_000_000, 2_000_000))]).toEqual([206, true]);
			const several = await fetch(url, { headers: { range: 'bytes=0-1,1000-1001,-2' } });
			expect([several.status, (await bytes(several)).length]).toEqual([206, Number(several.headers.get('content-length'))]);
			expect((await fetch(url, { headers: { 'if-none-match': head.headers.get('etag') ?? '' } })).status).toBe(304);
		}
		expect((await bytes(await fetch(link(proxied.url)))).equals(CONTENT)).toBe(true);
	});

	it('are not fetched on when the reader has left', async () => {
		const before = new Map(upstream);
		for (let reader = 0; reader < 5; reader += 1) {
			const request = httpRequest(link(proxied.url)).on('error', () => {}).end();
			const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
			await once(response, 'readable');
			request.destroy();
		}
		const busy = () => [...upstream].filter(([socket, came]) => came - (before.get(socket) ?? 0) > 100_000);
		await until(() => busy().length === 0, 'the connections on which they came are closed');
		expect((await fetch(link(proxied.url), { method: 'HEAD' })).status).toBe(200);
	});

	it('are handed to the store where that is wanted: under their type and name, for as long as the link lasts', async () => {
		const answer = await fetch(link(redirecting.url, 'Grüße "1"\r\n.mp4'), { redirect: 'manual' });
		const location = new URL(answer.headers.get('location') ?? '');
		expect([answer.status, answer.headers.get('cache-control'), Number(location.searchParams.get('X-Amz-Expires')) <= 60]).toEqual([302, 'no-store', true]);
		const came = await fetch(location, { headers: { range: 'bytes=4-11' } });
		expect([came.status, came.headers.get('content-type'), (await bytes(came)).equals(CONTENT.subarray(4, 12))]).toEqual([206, 'video/mp4', true]);
		expect(came.headers.get('content-disposition')).toMatch(/^attachment; filename="[^"\r\n]*\.mp4"/);
		location.searchParams.set('response-content-type', 'text/html');
		expect((await fetch(location)).status).toBe(403);
		// Players follow on their own, also for ranges.
		const open = await fetch(`${redirecting.url}/${PUBLIC}`, { headers: { range: 'bytes=0-3' } });
		expect([open.redirected, open.status, (await bytes(open)).equals(CONTENT.subarray(0, 4))]).toEqual([true, 206, true]);
	});

	it('are handed on segment by segment, while manifests keep their address', async () => {
		const manifest = new URL(redirecting.deps.fileUrl('jobs/acme/4f0c/1/hls/master.m3u8'));
		const at = (path: string) => fetch(redirecting.url + new URL(path, manifest).pathname);
		const first = await at('');
		expect([first.redirected, await first.text()]).toEqual([false, '#EXTM3U\n']);
		const segment = await at('0.m4s');
		expect([segment.redirected, await segment.text()]).toEqual([true, 'segment']);
	});

	it('that nobody has there are not found, by either way', async () => {
		const gone = signedUrl(SIGNING_KEY, '', { method: 'GET', path: '/files/jobs/acme/none.mp4', expiresAt: new Date(Date.now() + 60_000) });
		for (const { url } of [proxied, redirecting]) expect((await fetch(url + gone, { redirect: 'manual' })).status).toBe(404);
	});
});
