import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { uploads } from '../../../sidecar/src/db/schema.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { tidyUploads, type TidyUpload } from '../../../sidecar/src/pipeline/tidy-uploads.ts';
import { uploadPath } from '../../../sidecar/src/storage/upload-link.ts';
import { SIGNING_KEY, startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, until, type TestPipeline } from '../../support/pipeline.ts';

const TUS = { 'Tus-Resumable': '1.0.0' };
const SIZE = 1000;
const HOUR_MS = 3_600_000;

interface Signed {
	asset_id: string;
	upload_url: string;
	expires_at: string;
	tus: { endpoint: string; expires_at: string; upload_url: string | null } | null;
	error: { code: string };
}

describe('an upload that takes longer than its link', () => {
	let pipeline: TestPipeline;
	let app: TestApp;
	const key = `key-${randomUUID()}`;
	const foreign = `key-${randomUUID()}`;
	beforeAll(async () => {
		pipeline = await createTestPipeline();
		await createWorkspace(pipeline.database.db, 'mine', key);
		await createWorkspace(pipeline.database.db, 'other', foreign);
		app = await startTestApp(pipeline);
	});
	afterAll(async () => {
		await app.close();
		await pipeline.close();
	});

	const post = async (path: string, body: unknown, as = key): Promise<{ status: number; body: Signed }> => {
		const response = await fetch(`${app.url}/api/media/${path}`, { method: 'POST', headers: { authorization: `Bearer ${as}`, 'content-type': 'application/json' }, body: JSON.stringify(body) });
		return { status: response.status, body: (await response.json()) as Signed };
	};
	const sign = async (protocol = 'tus') => (await post('sign', { file_name: 'a.mp4', file_size: SIZE, mime_type: 'video/mp4', protocol })).body;
	const renew = (id: string, body: unknown = {}, as = key) => post(`sign/${id}`, body, as);
	const begin = async (endpoint: string) => (await fetch(endpoint, { method: 'POST', headers: { ...TUS, 'Upload-Length': String(SIZE) } })).headers.get('location')!;
	const patch = (url: string, offset: number, bytes: number) => fetch(url, { method: 'PATCH', headers: { ...TUS, 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': String(offset) }, body: new Uint8Array(bytes) });
	const offsetOf = async (url: string) => (await fetch(url, { method: 'HEAD', headers: TUS })).headers.get('upload-offset');
	const row = async (id: string) => (await pipeline.database.db.select().from(uploads).where(eq(uploads.assetId, id)))[0];
	const statusOf = async (id: string) => ((await (await fetch(`${app.url}/api/media/assets/${id}`, { headers: { authorization: `Bearer ${key}` } })).json()) as { status: string }).status;
	const found = async (now: Date): Promise<TidyUpload[]> => {
		const all: TidyUpload[] = [];
		for await (const one of tidyUploads(app.deps, { workspaceId: 'mine', days: 1, now })) all.push(one);
		return all;
	};

	it('goes on with a new one where it was', async () => {
		const signed = await sign();
		expect(signed.tus?.upload_url).toBeNull();
		const url = await begin(signed.tus!.endpoint);
		expect((await patch(url, 0, 400)).status).toBe(204);
		// As if a day had passed.
		await pipeline.database.db.update(uploads).set({ expiresAt: new Date(Date.now() - HOUR_MS) }).where(eq(uploads.assetId, signed.asset_id));
		const old = `${app.url}/tus/${uploadPath(SIGNING_KEY, 'tus', signed.asset_id, new Date(Date.now() - HOUR_MS))}/${url.split('/').at(-1)}`;
		expect((await patch(old, 400, 600)).status).toBe(410);
		const { status, body } = await renew(signed.asset_id, { expires_in_seconds: 7200 });
		expect(status).toBe(201);
		expect(Math.abs(Date.parse(body.tus!.expires_at) - Date.now() - 2 * HOUR_MS)).toBeLessThan(60_000);
		expect(await offsetOf(body.tus!.upload_url!)).toBe('400');
		expect((await patch(body.tus!.upload_url!, 400, 600)).status).toBe(204);
		expect(await statusOf(signed.asset_id)).toBe('queued');
		expect((await renew(signed.asset_id)).status).toBe(409);
	});

	it('is not taken for abandoned, also not by a clean-up that found it before', async () => {
		const { asset_id: id } = await sign();
		const later = new Date(Date.now() + 25 * HOUR_MS);
		const [abandoned] = (await found(later)).filter(({ what }) => what.includes(id));
		// Signed anew a little before the clean-up gets to it.
		await pipeline.database.db.update(uploads).set({ expiresAt: new Date(later.getTime() + HOUR_MS) }).where(eq(uploads.assetId, id));
		expect(await abandoned?.apply()).toBe(false);
		expect(await statusOf(id)).toBe('uploading');
		expect((await found(later)).filter(({ what }) => what.includes(id))).toEqual([]);
		// A shorter link takes nothing from a longer one.
		const { expiresAt } = (await row(id))!;
		await renew(id, { expires_in_seconds: 900 });
		expect((await row(id))?.expiresAt).toEqual(expiresAt);
	});

	it('is not taken for abandoned while its bytes are coming', async () => {
		const { asset_id: id, tus } = await sign();
		const url = await begin(tus!.endpoint);
		await pipeline.database.executeSql(`update assets set created_at = now() - interval '2 days' where id = $1`, [id]);
		await pipeline.database.db.update(uploads).set({ expiresAt: new Date(Date.now() - 1000) }).where(eq(uploads.assetId, id));
		expect((await found(new Date())).filter(({ what }) => what.includes(id))).toEqual([]);
		const later = new Date(Date.now() + 2 * HOUR_MS);
		expect((await found(later)).filter(({ what }) => what.includes(id))).toHaveLength(1);
		// All of it is here; only the store does not answer.
		await writeFile(join(app.deps.uploadFolder, url.split('/').at(-1)!), Buffer.alloc(SIZE));
		expect((await found(new Date(later.getTime() + 48 * HOUR_MS))).filter(({ what }) => what.includes(id))).toEqual([]);
	});

	it('gets a new link for one request, too, and none from others', async () => {
		const { asset_id: id } = await sign('put');
		const { body } = await renew(id);
		expect((await renew(id, {}, foreign)).status).toBe(404);
		expect((await renew(randomUUID())).status).toBe(404);
		expect((await renew('nonsense')).status).toBe(404);
		expect((await renew(id, { expires_in_seconds: 86_400 })).status).toBe(400);
		expect((await fetch(body.upload_url, { method: 'PUT', body: new Uint8Array(SIZE) })).status).toBe(201);
	});

	it('tells the sender when it was given up while its last bytes came', async () => {
		const { asset_id: id, tus } = await sign();
		const url = await begin(tus!.endpoint);
		const sent = request(url, { method: 'PATCH', headers: { ...TUS, 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': '0', 'Content-Length': String(SIZE) } });
		const answer = once(sent, 'response');
		sent.write(Buffer.alloc(900));
		const part = join(app.deps.uploadFolder, url.split('/').at(-1)!);
		await until(async () => (await stat(part)).size === 900, 'the request has been let in, and its first bytes are there');
		await pipeline.database.db.delete(uploads).where(eq(uploads.assetId, id));
		sent.end(Buffer.alloc(100));
		expect(((await answer) as [{ statusCode: number }])[0].statusCode).toBe(404);
	});
});
