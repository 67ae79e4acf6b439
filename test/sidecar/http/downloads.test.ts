import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { assets, files, jobs } from '../../../sidecar/src/db/schema.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { jobKey, rawKey } from '../../../sidecar/src/storage/keys.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

type AssetRow = typeof assets.$inferSelect;
const FACTS = { video: null, audio: null } as unknown as AssetRow['facts'];

describe('links to save a file', () => {
	let pipeline: TestPipeline;
	let app: TestApp;
	const id = randomUUID();
	const jobId = randomUUID();
	const KEY = 'key-of-acme-0123456789';

	beforeAll(async () => {
		pipeline = await createTestPipeline();
		app = await startTestApp(pipeline);
		const { db, storage } = pipeline.deps;
		await createWorkspace(db, WORKSPACE, KEY);
		await createWorkspace(db, 'other', 'key-of-other-0123456789');
		const storageKey = rawKey(WORKSPACE, id, 'mp4');
		await storage.putStream(storageKey, Readable.from(['original']));
		await db.insert(assets).values({ id, workspaceId: WORKSPACE, source: 'upload', fileType: 'video', storageKey, mime: 'video/mp4', bytes: 8, facts: FACTS, status: 'ready', title: 'Sommer\r\nX-Evil: 1 "2026"/..\u202egpj.exe' });
		await db.insert(jobs).values({ id: jobId, workspaceId: WORKSPACE, assetId: id, jobType: 'hls', status: 'completed', params: {} });
		for (const [position, name] of ['small/clip.mp4', 'words.vtt'].entries()) {
			const key = jobKey(WORKSPACE, `${jobId}/1`, name);
			await storage.putStream(key, Readable.from([name]));
			await db.insert(files).values({ id: randomUUID(), workspaceId: WORKSPACE, assetId: id, jobId, name, storageKey: key, mime: name.endsWith('mp4') ? 'video/mp4' : 'text/vtt', bytes: name.length, position });
		}
	});
	afterAll(async () => {
		await app.close();
		await pipeline.close();
	});

	const ask = async (query = '', key = KEY, asset = id) => {
		const response = await fetch(`${app.url}/api/media/assets/${asset}/download${query}`, { headers: { authorization: `Bearer ${key}` } });
		return { status: response.status, body: (await response.json()) as { url: string; name: string; bytes: number; expires_at: string; error?: { code: string; message: string } } };
	};

	it('lead to the original under the title, whatever that holds', async () => {
		const { status, body } = await ask();
		expect([status, body.bytes]).toEqual([200, 8]);
		expect(body.name).toMatch(/\.mp4$/);
		const saved = await fetch(body.url);
		expect([await saved.text(), saved.headers.get('x-evil'), saved.headers.get('content-type')]).toEqual(['original', null, 'video/mp4']);
		expect(saved.headers.get('content-disposition')).toMatch(/^attachment; filename="[^"\r\n/]+\.mp4"$/);
	});

	it('lead to what a job made, under a name of choice that keeps its kind', async () => {
		expect((await ask(`?job_id=${jobId}`)).body.name).toBe('clip.mp4');
		const { body } = await ask(`?job_id=${jobId}&file=words.vtt&name=Untertitel%20%C3%BC&expires_in_seconds=60`);
		expect(body.name).toBe('Untertitel ü.vtt');
		expect(new Date(body.expires_at).getTime()).toBeLessThanOrEqual(Date.now() + 60_000);
		const saved = await fetch(body.url);
		expect([await saved.text(), saved.headers.get('content-disposition')]).toEqual(['words.vtt', `attachment; filename="Untertitel _.vtt"; filename*=UTF-8''Untertitel%20%C3%BC.vtt`]);
	});

	it('say what is not there', async () => {
		const missing = await ask(`?job_id=${jobId}&file=nothing.mp4`);
		expect([missing.status, missing.body.error?.message]).toEqual([404, expect.stringContaining('small/clip.mp4, words.vtt')]);
		expect((await ask(`?job_id=${randomUUID()}`)).status).toBe(404);
		expect((await ask('?file=words.vtt')).status).toBe(400);
		expect((await ask('?expires_in_seconds=9999999')).status).toBe(400);
		expect((await ask('', 'key-of-other-0123456789')).status).toBe(404);
		const bare = randomUUID();
		await pipeline.deps.db.insert(assets).values({ id: bare, workspaceId: WORKSPACE, source: 'upload', status: 'pending' });
		expect((await ask('', KEY, bare)).status).toBe(409);
	});
});
