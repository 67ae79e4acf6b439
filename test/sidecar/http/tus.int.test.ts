import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { uploadPath } from '../../../sidecar/src/storage/upload-link.ts';
import { deriveSigningKey } from '../../../sidecar/src/storage/signed-url.ts';
import { fixture } from '../../fixtures/media.ts';
import { until } from '../../support/pipeline.ts';
import { startTestSidecar, type TestSidecar } from '../../support/sidecar.ts';

const TUS = { 'Tus-Resumable': '1.0.0' };
const PATCH = { ...TUS, 'Content-Type': 'application/offset+octet-stream' };
const KEY = 'an encryption key of a test';

describe('uploads by the tus protocol', () => {
	let sidecar: TestSidecar;
	let video: Buffer;
	beforeAll(async () => {
		sidecar = await startTestSidecar({ ENCRYPTION_KEY: KEY });
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

	const statusOf = async (id: string) => (await sidecar.call('GET', `/api/media/assets/${id}`)).body.status;
	const offsetOf = async (url: string) => (await fetch(url, { method: 'HEAD', headers: TUS })).headers.get('upload-offset');
	const location = (response: Response) => response.headers.get('location') ?? '';
	/** The same link with another permission: what stands in its path behind /tus/. */
	const withPermission = (url: string, change: (permission: string) => string) => url.replace(/\/tus\/([^/]+)\//, (_, permission: string) => `/tus/${change(permission)}/`);

	it('refuses every request whose permission is missing, forged, for something else, or expired', async () => {
		const [mine, other] = [await sign(), await sign()];
		const endpoint = mine.tus!.endpoint;
		const url = location(await begin(endpoint));
		const id = url.split('/').at(-1)!;
		const expired = `${sidecar.url}/tus/${uploadPath(deriveSigningKey(KEY), 'tus', mine.asset_id as string, new Date(Date.now() - 1000))}`;
		for (const [bad, status] of [
			[withPermission(endpoint, (permission) => `${permission.slice(0, -1)}${permission.endsWith('A') ? 'B' : 'A'}`), 403],
			[withPermission(endpoint, (permission) => permission.replace(/^\d/, '9')), 403],
			// The permission for one asset opens no other.
			[other.tus!.endpoint.replace(String(other.asset_id), String(mine.asset_id)), 403],
			[withPermission(endpoint, () => 'none'), 401],
			[expired, 410],
		] as const) {
			expect((await begin(bad)).status).toBe(status);
			expect((await patch(`${bad}/${id}`, 0, video)).status).toBe(status);
			for (const method of ['HEAD', 'DELETE']) expect((await fetch(`${bad}/${id}`, { method, headers: TUS })).status).toBe(status);
		}
		// Another upload of a permission that is valid: there is none.
		expect((await patch(`${other.tus!.endpoint}/${id}`, 0, video)).status).toBe(404);
		expect(await offsetOf(url)).toBe('0');
	});

	it('takes exactly the size that was signed', async () => {
		const { tus, asset_id: id } = await sign();
		for (const length of [video.length - 1, video.length + 1]) expect([400, 413]).toContain((await begin(tus!.endpoint, { 'Upload-Length': String(length) })).status);
		expect((await fetch(tus!.endpoint, { method: 'POST', headers: { ...TUS, 'Upload-Defer-Length': '1' } })).status).toBe(501);
		const url = location(await begin(tus!.endpoint));
		expect((await patch(url, 0, Buffer.concat([video, video]))).status).toBe(413);
		// At the wrong place: nothing is written.
		expect((await patch(url, 5, video.subarray(5))).status).toBe(409);
		expect(await offsetOf(url)).toBe('0');
		expect(await statusOf(id as string)).toBe('uploading');
	});

	it('begins anew where the client does, and forgets what came before', async () => {
		const { tus } = await sign();
		const first = location(await begin(tus!.endpoint));
		await patch(first, 0, video.subarray(0, 1000));
		const second = location(await begin(tus!.endpoint));
		expect((await patch(first, 1000, video.subarray(1000))).status).toBe(404);
		expect(await offsetOf(second)).toBe('0');
		expect((await readdir(join(sidecar.folder, 'uploads'))).filter((name) => first.endsWith(name))).toEqual([]);
	});

	it('writes no more to what was begun before', async () => {
		const { tus } = await sign();
		const first = request(tus!.endpoint, { method: 'POST', headers: { ...PATCH, 'Upload-Length': String(video.length), 'Content-Length': String(video.length) } });
		first.on('error', () => {});
		const answer = once(first, 'response');
		first.write(video.subarray(0, 1000));
		const parts = async () => (await readdir(join(sidecar.folder, 'uploads'))).filter((name) => tus!.endpoint.endsWith(name.slice(0, 36)));
		await until(async () => (await parts()).length === 1, 'the first has begun');
		expect((await begin(tus!.endpoint)).status).toBe(201);
		// Not that it waits for the rest.
		expect(((await answer) as [{ statusCode: number }])[0].statusCode).toBeGreaterThanOrEqual(400);
		expect(await parts()).toHaveLength(1);
		first.destroy();
	});

	it('is thrown away by DELETE, and may be begun once more', async () => {
		const { tus, asset_id: id } = await sign();
		const url = location(await begin(tus!.endpoint));
		await patch(url, 0, video.subarray(0, 1000));
		expect((await fetch(url, { method: 'DELETE', headers: TUS })).status).toBe(204);
		expect((await fetch(url, { method: 'HEAD', headers: TUS })).status).toBe(404);
		const again = location(await begin(tus!.endpoint));
		expect((await patch(again, 0, video)).status).toBe(204);
		expect(await statusOf(id as string)).not.toBe('uploading');
	});

	it('answers a client that did not hear of the end that all is there, and takes nothing more', async () => {
		const { tus } = await sign();
		const url = location(await begin(tus!.endpoint));
		expect((await patch(url, 0, video)).status).toBe(204);
		expect(await offsetOf(url)).toBe(String(video.length));
		expect((await patch(url, 0, video)).status).toBe(409);
		expect((await begin(tus!.endpoint)).status).toBe(409);
		expect((await fetch(url, { method: 'DELETE', headers: TUS })).status).toBe(409);
	});

	it('knows PATCH in the clothes of POST, for networks that have no PATCH', async () => {
		const { tus } = await sign();
		const url = location(await begin(tus!.endpoint));
		const sent = await fetch(url, { method: 'POST', headers: { ...PATCH, 'X-HTTP-Method-Override': 'PATCH', 'Upload-Offset': '0' }, body: new Uint8Array(video.subarray(0, 1000)) });
		expect([sent.status, sent.headers.get('upload-offset')]).toEqual([204, '1000']);
	});

	it('fails an asset whose bytes are not those that were announced', async () => {
		const { tus, asset_id: id } = await sign({ sha256: 'ab'.repeat(32) });
		await patch(location(await begin(tus!.endpoint)), 0, video);
		await until(async () => (await statusOf(id as string)) === 'failed', 'the asset has failed');
		expect((await sidecar.call('GET', `/api/media/assets/${id}`)).body.error.code).toBe('input_corrupt');
		const right = await sign({ sha256: createHash('sha256').update(video).digest('hex').toUpperCase() });
		await patch(location(await begin(right.tus!.endpoint)), 0, video);
		await until(async () => (await statusOf(right.asset_id as string)) === 'ready', 'the asset is ready');
	});

	it('lets pages of other origins send what the protocol needs, and read refusals', async () => {
		const { tus } = await sign();
		const preflight = await fetch(tus!.endpoint, { method: 'OPTIONS', headers: { origin: 'https://app.example', 'access-control-request-method': 'PATCH' } });
		expect(preflight.status).toBe(204);
		expect(preflight.headers.get('access-control-allow-methods')).toContain('PATCH');
		expect(preflight.headers.get('access-control-allow-headers')).toContain('Upload-Offset');
		const refused = await fetch(withPermission(tus!.endpoint, () => 'none'), { method: 'POST', headers: { ...TUS, origin: 'https://app.example' } });
		expect(refused.headers.get('access-control-allow-origin')).toBe('*');
		const begun = await begin(tus!.endpoint, { origin: 'https://app.example' });
		expect(begun.headers.get('access-control-expose-headers')).toContain('Upload-Expires');
	});

	it('signs larger files for what can be resumed only, and warns of names that do not fit', async () => {
		const large = await sidecar.call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: 600 * 1024 ** 2, mime_type: 'video/mp4' });
		expect([large.status, large.body.error.code]).toEqual([413, 'input_too_large']);
		expect((await sidecar.call('POST', '/api/media/sign', { file_name: 'a.mov', file_size: 600 * 1024 ** 2, mime_type: 'video/mp4', protocol: 'tus' })).body.warnings).toEqual([expect.stringContaining('video/quicktime')]);
		expect((await sidecar.call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: 11 * 1024 ** 3, mime_type: 'video/mp4', protocol: 'tus' })).status).toBe(413);
		expect((await sidecar.call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: 10, mime_type: 'video/mp4', expires_in_seconds: 7200 })).status).toBe(400);
		// This store has no parts.
		expect((await sidecar.call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: 10, mime_type: 'video/mp4', protocol: 'multipart' })).status).toBe(400);
	});
});
