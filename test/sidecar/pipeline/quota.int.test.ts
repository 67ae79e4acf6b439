import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { hostile } from '../../fixtures/hostile.ts';
import { fixture } from '../../fixtures/media.ts';
import { until } from '../../support/pipeline.ts';
import { startTestSidecar, type TestSidecar } from '../../support/sidecar.ts';

describe('a workspace that is nearly full', () => {
	let sidecar: TestSidecar;
	let site: Server;
	let base: string;
	let video: Buffer;
	beforeAll(async () => {
		sidecar = await startTestSidecar({ ALLOWED_PRIVATE_HOSTS: '127.0.0.1' });
		video = await readFile(fixture('landscape'));
		site = createServer((request, response) => {
			response.writeHead(200, { 'content-type': 'video/mp4', ...(request.url?.startsWith('/sized') ? { 'content-length': String(video.length) } : {}) });
			response.end(request.method === 'HEAD' ? undefined : video);
		}).listen(0, '127.0.0.1');
		await once(site, 'listening');
		base = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
	});
	afterAll(async () => {
		site.close();
		site.closeAllConnections();
		await sidecar.close();
	});
	afterEach(async () => {
		await limit(null);
		for (const { id } of (await sidecar.call('GET', '/api/media/assets')).body['assets' as 'jobs']) await sidecar.call('DELETE', `/api/media/assets/${id}`);
	});

	const limit = async (bytes: number | null, more: Record<string, unknown> = {}) => expect((await sidecar.call('PATCH', '/api/media/workspace/settings', { quotas: { max_bytes: bytes }, ...more })).status).toBe(200);
	const used = async () => ((await sidecar.call('GET', '/api/media/quota')).body as unknown as { bytes: { used: number } }).bytes.used;
	const jobOf = async (id: string) => (await sidecar.call('GET', `/api/media/jobs/${id}`)).body;
	const ended = async (id: string) => {
		await until(async () => ['completed', 'failed'].includes((await jobOf(id)).status), 'the job has ended');
		return jobOf(id);
	};
	const ingest = async (path: string) => ended((await sidecar.call('POST', '/ingest', { file_url: `${base}${path}` })).body.job_id);
	const upload = async (path: string, mime: string) => {
		const bytes = await readFile(path);
		const { body: link } = await sidecar.call('POST', '/api/media/sign', { file_name: 'a', file_size: bytes.length, mime_type: mime });
		expect((await fetch(link.upload_url, { method: 'PUT', headers: link.headers, body: new Uint8Array(bytes) })).status).toBe(201);
		const asset = async () => (await sidecar.call('GET', `/api/media/assets/${link.asset_id}`)).body;
		await until(async () => ['ready', 'failed'].includes((await asset()).status), 'the asset has been looked at');
		return { ...(await asset()), id: String(link.asset_id) };
	};
	const stored = async (folder: string) => readdir(join(sidecar.folder, 'files', folder, 'default'), { recursive: true }).catch(() => []);

	it.each(['/sized.mp4', '/unsized.mp4'])('takes a download (%s) of what is left to the byte, and none of a byte more', async (path) => {
		await limit(video.length - 1);
		expect(await ingest(path)).toMatchObject({ status: 'failed', error: { code: 'quota_exceeded', details: { quota: 'max_bytes', used: 0, limit: video.length - 1 } } });
		expect([await used(), await stored('raw')]).toEqual([0, []]);
		await limit(video.length);
		expect(await ingest(path)).toMatchObject({ status: 'completed' });
		expect(await used()).toBe(video.length);
	});

	it('stores no results that do not fit', async () => {
		const { id } = await upload(fixture('landscape'), 'video/mp4');
		await limit(video.length + 10);
		const job = await ended((await sidecar.call('POST', '/thumbnail', { asset_id: id, params: { width: 64 } })).body.job_id);
		expect(job).toMatchObject({ status: 'failed', error: { code: 'quota_exceeded', details: { used: video.length, limit: video.length + 10 } } });
		expect([await used(), await stored('jobs')]).toEqual([video.length, []]);
	});

	it('counts what takes the place of an original, and forgets what was refused', async () => {
		const { length } = await readFile(hostile('hevc'));
		await limit(length + 10, { originals: 'replace' });
		expect(await upload(hostile('hevc'), 'video/mp4')).toMatchObject({ status: 'failed', error: { code: 'quota_exceeded' } });
		expect([await used(), await stored('raw'), await stored('incoming')]).toEqual([0, [], []]);
		await limit(null, { originals: 'replace' });
		expect((await upload(hostile('hevc'), 'video/mp4')).status).toBe('ready');
		expect(await used()).toBeGreaterThan(length);
	});

	it('forgets an upload that is no media', async () => {
		await limit(1000);
		const { body: link } = await sidecar.call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: 900, mime_type: 'video/mp4' });
		await fetch(link.upload_url, { method: 'PUT', headers: link.headers, body: new Uint8Array(900) });
		await until(async () => (await sidecar.call('GET', `/api/media/assets/${link.asset_id}`)).body.status === 'failed', 'it is refused');
		expect(await used()).toBe(0);
	});
});
