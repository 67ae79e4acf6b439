import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixture } from '../../fixtures/media.ts';
import { until } from '../../support/pipeline.ts';
import { startTestSidecar, type TestSidecar } from '../../support/sidecar.ts';

const TUS = { 'Tus-Resumable': '1.0.0' };
const PATCH = { ...TUS, 'Content-Type': 'application/offset+octet-stream' };

describe('uploads by the tus protocol', () => {
	let sidecar: TestSidecar;
	let video: Buffer;
	beforeAll(async () => {
		sidecar = await startTestSidecar();
		video = await readFile(fixture('landscape'));
	});
	afterAll(() => sidecar.close());

	const sign = async (change: Record<string, unknown> = {}) =>
		(await sidecar.call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: video.length, mime_type: 'video/mp4', protocol: 'tus', ...change })).body;
	const begin = async (endpoint: string, headers: Record<string, string> = {}) => fetch(endpoint, { method: 'POST', headers: { ...TUS, 'Upload-Length': String(video.length), ...headers } });
	const patch = (url: string, offset: number, bytes: Buffer) => fetch(url, { method: 'PATCH', headers: { ...PATCH, 'Upload-Offset': String(offset) }, body: new Uint8Array(bytes) });

	it('takes a file in pieces, without an API key, and makes it an asset', async () => {
		const { asset_id: id, tus } = await sign();
		const begun = await begin(tus!.endpoint);
		expect(begun.status).toBe(201);
		const url = begun.headers.get('location')!;
		expect(url.startsWith(`${tus!.endpoint}/`)).toBe(true);
		expect(Math.abs(Date.parse(begun.headers.get('upload-expires')!) - Date.parse(tus!.expires_at))).toBeLessThan(1000);
		const half = Math.floor(video.length / 2);
		expect((await patch(url, 0, video.subarray(0, half))).headers.get('upload-offset')).toBe(String(half));
		expect((await fetch(url, { method: 'HEAD', headers: TUS })).headers.get('upload-offset')).toBe(String(half));
		expect((await sidecar.call('GET', `/api/media/assets/${id}`)).body.status).toBe('uploading');
		expect((await patch(url, half, video.subarray(half))).status).toBe(204);
		await until(async () => (await sidecar.call('GET', `/api/media/assets/${id}`)).body.status === 'ready', 'the asset is ready');
		const { body: asset } = await sidecar.call('GET', `/api/media/assets/${id}`);
		const stored = Buffer.from(await (await fetch(asset.file_url!)).arrayBuffer());
		expect(createHash('sha256').update(stored).digest('hex')).toBe(createHash('sha256').update(video).digest('hex'));
		expect(await readdir(join(sidecar.folder, 'uploads'))).toEqual([]);
	});
});
