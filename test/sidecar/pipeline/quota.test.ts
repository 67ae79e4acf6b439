import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { insertAssets, updateAsset } from '../../../sidecar/src/db/assets.ts';
import { holdingsOf } from '../../../sidecar/src/db/quota.ts';
import { assets, assetVersions, files, jobs, workspaces } from '../../../sidecar/src/db/schema.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { tidyUploads } from '../../../sidecar/src/pipeline/tidy-uploads.ts';
import { refuseExcess, reserveFor, withinQuota } from '../../../sidecar/src/pipeline/quota.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

describe('quotas', () => {
	let pipeline: TestPipeline;
	let app: TestApp;
	const key = `key-${randomUUID()}`;
	beforeAll(async () => {
		pipeline = await createTestPipeline();
		await createWorkspace(pipeline.database.db, 'mine', key);
		app = await startTestApp(pipeline);
	});
	afterAll(async () => {
		await app.close();
		await pipeline.close();
	});
	beforeEach(async () => {
		const { db } = pipeline.database;
		await db.delete(jobs);
		await db.delete(files);
		await db.delete(assetVersions);
		await db.delete(assets);
		await limit({ max_bytes: 1000, max_assets: 3 });
	});

	const limit = (quotas: Record<string, unknown>) => pipeline.database.db.update(workspaces).set({ settings: { quotas } }).where(eq(workspaces.id, 'mine'));
	const call = async (method: string, path: string, body?: unknown): Promise<{ status: number; body: Record<string, never> & { asset_id: string; error: { code: string; details: unknown } } }> => {
		const response = await fetch(`${app.url}${path}`, { method, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}) });
		return { status: response.status, body: (await response.json()) as never };
	};
	const sign = (size: number) => call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: size, mime_type: 'video/mp4' });

	it('gives the last byte to one of two uploads that are signed at once', async () => {
		const answers = await Promise.all([sign(600), sign(600)]);
		expect(answers.map(({ status }) => status).sort()).toEqual([201, 403]);
		expect(answers.find(({ status }) => status === 403)?.body.error).toMatchObject({ code: 'quota_exceeded', details: { quota: 'max_bytes', used: 600, limit: 1000, asked: 600 } });
		// To the byte.
		expect((await sign(401)).status).toBe(403);
		expect((await sign(400)).status).toBe(201);
		expect((await call('GET', '/api/media/quota')).body).toEqual({ bytes: { used: 1000, limit: 1000 }, assets: { used: 2, limit: 3 }, concurrent_jobs: { used: 0, limit: null } });
	});

	it('counts assets, also those that a batch makes', async () => {
		for (let index = 0; index < 2; index += 1) expect((await sign(1)).status).toBe(201);
		const items = ['a', 'b'].map((name) => ({ operation: 'ingest', source: { type: 'url', url: `https://example.com/${name}.mp4` } }));
		const refused = await call('POST', '/api/media/batch', { items });
		expect([refused.status, refused.body.error.details]).toEqual([403, { quota: 'max_assets', used: 2, limit: 3, asked: 2 }]);
		expect((await call('POST', '/api/media/batch', { items: items.slice(1) })).status).toBe(202);
		expect((await sign(1)).status).toBe(403);
	});

	it('adds up originals, what is expected, earlier versions and results; a file that results share counts once', async () => {
		const { db } = pipeline.database;
		const id = randomUUID();
		await insertAssets(db, [
			{ id, workspaceId: 'mine', source: 'url', status: 'ready', bytes: 100 },
			{ id: randomUUID(), workspaceId: 'mine', source: 'upload', status: 'uploading', expectedBytes: 20 },
			{ id: randomUUID(), workspaceId: 'mine', source: 'url', status: 'ready', bytes: 100, sameAs: id },
			{ id: randomUUID(), workspaceId: WORKSPACE, source: 'url', status: 'ready', bytes: 7 },
		]);
		await db.insert(assetVersions).values({ id: randomUUID(), workspaceId: 'mine', assetId: id, version: 1, storageKey: 'raw/mine/v1.mp4', bytes: 3 });
		for (const name of ['shared', 'shared', 'own']) await db.insert(files).values({ id: randomUUID(), workspaceId: 'mine', assetId: id, name, storageKey: `jobs/mine/j/${name}`, mime: 'video/mp4', bytes: 1000 });
		expect(await holdingsOf(db, 'mine')).toEqual({ bytes: 2123, assets: 3 });
	});

	it('lets a download bring as much as is left', async () => {
		const { db } = pipeline.database;
		const [asset] = await insertAssets(db, [{ id: randomUUID(), workspaceId: 'mine', source: 'url', status: 'queued' }]);
		await sign(900);
		await withinQuota(db, asset!, async (most) => expect(most).toBe(100));
		const tooLarge = () => Promise.reject(new PipelineError('input_too_large', 'too large', { details: { bytes: 500, max_bytes: 100 } }));
		await expect(withinQuota(db, asset!, tooLarge)).rejects.toMatchObject({ code: 'quota_exceeded', details: { asked: 500, used: 900 } });
		await reserveFor(db, asset!, 100);
		// A second try of the same asset does not stand in its own way.
		await withinQuota(db, asset!, async (most) => expect(most).toBe(100));
		await reserveFor(db, asset!, 100);
		await reserveFor(db, asset!, 100);
		await expect(reserveFor(db, asset!, 101)).rejects.toMatchObject({ code: 'quota_exceeded' });
		expect((await sign(1)).status).toBe(403);
	});

	it('knows no limit where there is none', async () => {
		expect(() => refuseExcess({ max_bytes: null, max_assets: null }, { bytes: 1e15, assets: 1e9 }, { bytes: 1e15, assets: 1 })).not.toThrow();
		await limit({});
		expect((await sign(1_000_000)).status).toBe(201);
	});

	it('gives back what an upload that never came was promised', async () => {
		const { body } = await sign(1000);
		const tidy = async (now: Date) => {
			const found = [];
			for await (const one of tidyUploads(app.deps, { workspaceId: 'mine', days: 1, now })) found.push({ what: one.what, done: await one.apply() });
			return found;
		};
		// Its links work for another day.
		expect(await tidy(new Date(Date.now() + 23 * 3_600_000))).toEqual([]);
		expect(await tidy(new Date(Date.now() + 25 * 3_600_000))).toEqual([{ what: `upload of asset ${body.asset_id}`, done: true }]);
		expect((await call('GET', `/api/media/assets/${body.asset_id}`)).body).toMatchObject({ status: 'failed', error: { code: 'expired' } });
		expect((await sign(1000)).status).toBe(201);
		await updateAsset(pipeline.database.db, body.asset_id, { bytes: null });
	});
});
