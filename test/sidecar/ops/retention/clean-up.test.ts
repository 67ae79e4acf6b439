import { randomUUID } from 'node:crypto';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { and, eq } from 'drizzle-orm';
import { insertAssets, type NewAsset } from '../../../../sidecar/src/db/assets.ts';
import { insertJobs } from '../../../../sidecar/src/db/jobs.ts';
import { assets, assetVersions, files, jobs, pipelines, workspaces } from '../../../../sidecar/src/db/schema.ts';
import { settingsOf } from '../../../../sidecar/src/contract/workspace.ts';
import { cleanUp, RULES } from '../../../../sidecar/src/ops/retention/clean-up.ts';
import type { Finding } from '../../../../sidecar/src/ops/retention/rule.ts';
import { RETENTION_RULES } from '../../../../sidecar/src/contract/retention.ts';
import { createWorkspace } from '../../../../sidecar/src/db/workspaces.ts';
import { holdingsOf } from '../../../../sidecar/src/db/quota.ts';
import { removeAsset } from '../../../../sidecar/src/pipeline/delete-asset.ts';
import { jobOfRendition } from '../../../../sidecar/src/db/renditions.ts';
import { madeBefore } from '../../../../sidecar/src/db/reuse.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import { jobKey, publicKey, rawKey } from '../../../../sidecar/src/storage/keys.ts';
import { videoFacts } from '../../../support/facts.ts';
import { createTestPipeline, type TestPipeline } from '../../../support/pipeline.ts';

const DAY = 86_400_000;

describe('the clean-up', () => {
	let pipeline: TestPipeline;
	/** A workspace for each test. */
	let workspace: string;
	beforeAll(async () => {
		pipeline = await createTestPipeline();
	});
	beforeEach(async () => {
		workspace = `w-${randomUUID()}`;
		await createWorkspace(pipeline.database.db, workspace, `key-${randomUUID()}`);
	});
	afterAll(() => pipeline.close());

	const deps = () => ({ ...pipeline.deps, uploadFolder: join(pipeline.folder, 'uploads') });
	const ago = (days: number): Date => new Date(Date.now() - days * DAY);
	const run = (options: Partial<Parameters<typeof cleanUp>[1]> = {}) => cleanUp(deps(), { dryRun: false, workspaceId: workspace, ...options });
	const counts = async (options: Partial<Parameters<typeof cleanUp>[1]> = {}) => Object.fromEntries(Object.entries((await run(options)).rules).flatMap(([name, { count }]) => (count > 0 ? [[name, count]] : [])));
	const settings = (change: Record<string, unknown>) => pipeline.database.db.update(workspaces).set({ settings: change }).where(eq(workspaces.id, workspace));

	/** As if written so many days ago. */
	async function store(key: string, daysOld = 0): Promise<string> {
		await pipeline.deps.storage.putStream(key, Readable.from(['bytes']));
		await utimes(pipeline.deps.storage.localPath(key) ?? '', ago(daysOld), ago(daysOld));
		return key;
	}
	async function asset(change: Partial<NewAsset> & { daysOld?: number } = {}): Promise<string> {
		const { daysOld = 0, ...columns } = change;
		const id = randomUUID();
		const storageKey = await store(rawKey(workspace, id, 'mp4'), daysOld);
		await insertAssets(pipeline.database.db, [{ id, workspaceId: workspace, source: 'url', status: 'ready', storageKey, bytes: 5, facts: videoFacts(), createdAt: ago(daysOld), updatedAt: ago(daysOld), ...columns }]);
		return id;
	}
	const job = async (assetId: string | null, daysOld: number, status: 'completed' | 'processing' = 'completed'): Promise<string> => {
		const id = randomUUID();
		await insertJobs(pipeline.database.db, [{ id, workspaceId: workspace, assetId, jobType: 'noop', status, params: {}, createdAt: ago(daysOld), completedAt: status === 'completed' ? ago(daysOld) : null }]);
		return id;
	};
	const exists = async (key: string): Promise<boolean> => (await pipeline.deps.storage.head(key)) !== null;
	const remaining = async (): Promise<string[]> => (await pipeline.database.db.select({ id: assets.id }).from(assets).where(eq(assets.workspaceId, workspace))).map(({ id }) => id).sort();

	it('has the rules that the contract names', () => {
		expect(RULES.map(({ name }) => name)).toEqual([...RETENTION_RULES]);
	});

	it('changes nothing in a dry run, and then does exactly what that said', async () => {
		const old = await asset({ daysOld: 400 });
		await asset({ daysOld: 8, status: 'failed' });
		await asset();
		await store(jobKey(workspace, randomUUID(), '1/lost.mp4'), 3);
		const dry = await run({ dryRun: true });
		expect(await remaining()).toHaveLength(3);
		expect(dry.rules['old_assets']).toMatchObject({ count: 1, bytes: 5, failed: 0, examples: [{ workspace_id: workspace, what: `asset ${old}`, reason: expect.stringContaining('365 days') as string }] });
		const wet = await run();
		expect(Object.values(wet.rules).map(({ count }) => count)).toEqual(Object.values(dry.rules).map(({ count }) => count));
		expect(await remaining()).toHaveLength(1);
		expect(await counts()).toEqual({});
	});

	describe('of old assets', () => {
		it('takes those of which nobody has made or posted anything for a year, with their files', async () => {
			const old = await asset({ daysOld: 366 });
			const young = await asset({ daysOld: 364 });
			const used = await asset({ daysOld: 500 });
			await job(used, 10);
			const busy = await asset({ daysOld: 500 });
			await job(busy, 499, 'processing');
			const shown = await asset({ daysOld: 500, publicAt: ago(400) });
			expect(await counts({ rules: ['old_assets'] })).toEqual({ old_assets: 1 });
			expect(await remaining()).toEqual([young, used, busy, shown].sort());
			expect(await exists(rawKey(workspace, old, 'mp4'))).toBe(false);
			expect(await exists(rawKey(workspace, young, 'mp4'))).toBe(true);
		});

		it('leaves what is put into other media, as a logo is, and what a pipeline that is kept puts there', async () => {
			const { db } = pipeline.database;
			const [logo, intro, dropped] = [await asset({ daysOld: 500 }), await asset({ daysOld: 500 }), await asset({ daysOld: 500 })];
			await insertJobs(db, [{ id: randomUUID(), workspaceId: workspace, jobType: 'watermark', status: 'completed', params: { image: { asset_id: logo.toUpperCase() } }, createdAt: ago(3), completedAt: ago(3) }]);
			const save = (name: string, version: number, assetId: string, deletedAt: Date | null = null) => db.insert(pipelines).values({ id: randomUUID(), workspaceId: workspace, name, version, definition: { steps: [{ operation: 'concat', params: { clips: [{ asset_id: assetId }] } }] }, deletedAt });
			await save('with_intro', 1, intro.toUpperCase());
			await save('gone', 1, dropped);
			await save('gone', 2, randomUUID(), ago(1));
			expect((await run({ rules: ['old_assets'] })).rules['old_assets']?.examples.map(({ what }) => what)).toEqual([`asset ${dropped}`]);
		});

		it('leaves one that is put into other media after it was found', async () => {
			const [logo, dropped] = [await asset({ daysOld: 500 }), await asset({ daysOld: 500 })];
			const found: Finding[] = [];
			const place = { deps: deps(), workspaceId: workspace, settings: settingsOf({}), now: new Date(), force: false };
			for await (const finding of RULES.find(({ name }) => name === 'old_assets')!.find(place)) found.push(finding);
			expect(found.map(({ what }) => what).sort()).toEqual([`asset ${logo}`, `asset ${dropped}`].sort());
			await insertJobs(pipeline.database.db, [{ id: randomUUID(), workspaceId: workspace, jobType: 'watermark', status: 'pending', params: { image: { asset_id: logo } } }]);
			expect(Object.fromEntries(await Promise.all(found.map(async ({ what, apply }) => [what, await apply()])))).toEqual({ [`asset ${logo}`]: false, [`asset ${dropped}`]: true });
			expect(await remaining()).toEqual([logo]);
		});

		it('follows the settings of the workspace, and null keeps everything', async () => {
			await asset({ daysOld: 10 });
			await settings({ retention: { asset_days: null } });
			expect(await counts({ rules: ['old_assets'], now: new Date(Date.now() + 3650 * DAY) })).toEqual({});
			await settings({ retention: { asset_days: 9 } });
			expect(await counts({ rules: ['old_assets'] })).toEqual({ old_assets: 1 });
		});

		it('leaves the bytes that another asset shares', async () => {
			const first = await asset({ daysOld: 400 });
			const key = rawKey(workspace, first, 'mp4');
			const second = await asset();
			await pipeline.database.db.update(assets).set({ storageKey: key, sameAs: first }).where(eq(assets.id, second));
			expect(await counts({ rules: ['old_assets'] })).toEqual({ old_assets: 1 });
			expect(await exists(key)).toBe(true);
		});
	});

	it('of failed assets waits a week', async () => {
		await asset({ daysOld: 6, status: 'failed' });
		const old = await asset({ daysOld: 8, status: 'failed' });
		await asset({ daysOld: 8 });
		const shown = await asset({ daysOld: 8, status: 'failed', publicAt: ago(8) });
		await run({ rules: ['failed_assets'] });
		expect(await remaining()).not.toContain(old);
		expect(await remaining()).toContain(shown);
		expect(await remaining()).toHaveLength(3);
	});

	describe('of originals', () => {
		it('does what the policy says, after a week, and not while a job reads them', async () => {
			const old = await asset({ daysOld: 8 });
			const young = await asset({ daysOld: 6 });
			const busy = await asset({ daysOld: 8 });
			await job(busy, 1, 'processing');
			expect(await counts({ rules: ['originals'] })).toEqual({});
			await settings({ originals: 'delete' });
			const before = (await holdingsOf(pipeline.database.db, workspace)).bytes;
			expect(await counts({ rules: ['originals'] })).toEqual({ originals: 1 });
			expect((await holdingsOf(pipeline.database.db, workspace)).bytes).toBe(before - 5);
			expect(await Promise.all([old, young, busy].map((id) => exists(rawKey(workspace, id, 'mp4'))))).toEqual([false, true, true]);
			const [row] = await pipeline.database.db.select().from(assets).where(eq(assets.id, old));
			expect([row?.originalState, row?.storageKey, row?.status]).toEqual(['deleted', null, 'ready']);
		});
	});

	it('of versions keeps the newest three, and none that is older than a week', async () => {
		const id = await asset({ version: 6 });
		const keys: string[] = [];
		for (const [version, days] of [[1, 9], [2, 4], [3, 3], [4, 2], [5, 1]] as const) {
			const storageKey = await store(rawKey(workspace, `${id}_v${version}`, 'mp4'));
			keys.push(storageKey);
			await pipeline.database.db.insert(assetVersions).values({ id: randomUUID(), workspaceId: workspace, assetId: id, version, storageKey, bytes: 5, createdAt: ago(days) });
		}
		expect(await counts({ rules: ['versions'] })).toEqual({ versions: 2 });
		expect(await Promise.all(keys.map(exists))).toEqual([false, false, true, true, true]);
	});

	it('of a version that copies share leaves the file to them, and the first one counts for the quota', async () => {
		const { db } = pipeline.database;
		const id = await asset({ version: 2 });
		const [earlier, later] = [await store(rawKey(workspace, `${id}_v1`, 'mp4')), await store(rawKey(workspace, `${id}_v2`, 'mp4'))];
		await db.insert(assetVersions).values({ id: randomUUID(), workspaceId: workspace, assetId: id, version: 1, storageKey: earlier, bytes: 5, createdAt: ago(9) });
		const copies = [await asset({ sameAs: id, storageKey: earlier, createdAt: ago(3) }), await asset({ sameAs: id, storageKey: earlier, createdAt: ago(2) }), await asset({ sameAs: id, storageKey: later, createdAt: ago(1) })];
		const sameAs = async () => Promise.all(copies.map(async (copy) => (await db.select().from(assets).where(eq(assets.id, copy)))[0]?.sameAs));
		expect(await counts({ rules: ['versions'] })).toEqual({ versions: 1 });
		expect([await exists(earlier), await sameAs()]).toEqual([true, [null, copies[0], id]]);
		await removeAsset(deps(), db, workspace, id);
		expect(await sameAs()).toEqual([null, copies[0], null]);
		await db.update(assets).set({ sameAs: copies[2] ?? null }).where(eq(assets.id, copies[0] ?? ''));
		await db.update(assets).set({ sameAs: copies[2] ?? null, storageKey: later }).where(eq(assets.id, copies[1] ?? ''));
		await removeAsset(deps(), db, workspace, copies[2] ?? '');
		// Copies of different versions are no copies of each other.
		expect((await sameAs()).slice(0, 2)).toEqual([null, null]);
	});

	describe('of files that no row names', () => {
		it('takes those of two days and more, but never one that a row names or that a job under way may still name', async () => {
			const working = await job(null, 5, 'processing');
			const ended = await job(null, 5);
			const lost = await store(jobKey(workspace, ended, '1/lost.mp4'), 3);
			const incoming = await store(`incoming/${workspace}/${randomUUID()}`, 3);
			const young = await store(jobKey(workspace, ended, '1/young.mp4'), 1);
			const kept = await store(jobKey(workspace, working, '1/early.mp4'), 3);
			const named = await store(jobKey(workspace, ended, '1/named.mp4'), 3);
			await pipeline.database.db.insert(files).values({ id: randomUUID(), workspaceId: workspace, jobId: ended, name: 'named.mp4', storageKey: named, mime: 'video/mp4', bytes: 5 });
			const original = rawKey(workspace, await asset({ daysOld: 3 }), 'mp4');
			const aside = await store(rawKey(workspace, 'aside', 'mov'), 3);
			await asset({ originalKey: aside, originalState: 'replaced' });
			const strange = await store('raw/somebody-else/file.mp4', 3);
			expect(await counts({ rules: ['orphans'] })).toEqual({ orphans: 2 });
			expect(await Promise.all([lost, incoming].map(exists))).toEqual([false, false]);
			expect(await Promise.all([young, kept, named, original, aside, strange].map(exists))).toEqual([true, true, true, true, true, true]);
		});
	});

	describe('beside a database that is not the one of the storage', () => {
		it('takes no file when the database is empty, until somebody says that it is right', async () => {
			const keys = [];
			for (let number = 0; number < 3; number += 1) keys.push(await store(rawKey(workspace, randomUUID(), 'mp4'), 30));
			expect((await run({ rules: ['orphans'] })).rules['orphans']).toMatchObject({ count: 0, failed: 1 });
			expect((await run({ rules: ['orphans'], dryRun: true })).rules['orphans']).toMatchObject({ count: 0, failed: 1 });
			expect(await Promise.all(keys.map(exists))).toEqual([true, true, true]);
			expect(await counts({ rules: ['orphans'], force: true })).toEqual({ orphans: 3 });
		});

		it('takes none when it is an old copy, in which many are not named; but those of one job, however many', async () => {
			for (let number = 0; number < 60; number += 1) await asset({ daysOld: 30 });
			const job = randomUUID();
			for (let number = 0; number < 80; number += 1) await store(jobKey(workspace, job, `1/segment-${number}.ts`), 10);
			expect(await counts({ rules: ['orphans'] })).toEqual({ orphans: 80 });
			const lost = [];
			for (let number = 0; number < 21; number += 1) lost.push(await store(rawKey(workspace, randomUUID(), 'mp4'), 3));
			expect((await run({ rules: ['orphans'] })).rules['orphans']).toMatchObject({ count: 0, failed: 1 });
			expect(await exists(lost[0] ?? '')).toBe(true);
		});
	});

	it('of files that no row names leaves an upload whose ingest died after it had moved the bytes', async () => {
		await asset();
		const id = await asset({ daysOld: 3, status: 'queued', facts: null, storageKey: `incoming/${workspace}/x` });
		await insertJobs(pipeline.database.db, [{ id: randomUUID(), workspaceId: workspace, assetId: id, jobType: 'ingest', status: 'pending', params: {} }]);
		expect(await counts({ rules: ['orphans'] })).toEqual({});
		expect(await exists(rawKey(workspace, id, 'mp4'))).toBe(true);
	});

	it('of files that no row names takes those of an asset that is public no more, and leaves those of one that is', async () => {
		const [shown, hidden] = [await asset({ publicAt: ago(9) }), await asset()];
		const keys = await Promise.all([shown, hidden].map((id) => store(publicKey(workspace, `${id}_thumb-0123abcd.webp`), 5)));
		await pipeline.database.db.insert(files).values({ id: randomUUID(), workspaceId: workspace, assetId: shown, name: 'public/thumb', storageKey: keys[0] ?? '', mime: 'image/webp', bytes: 5, part: true });
		expect(await counts({ rules: ['orphans'] })).toEqual({ orphans: 1 });
		expect(await Promise.all(keys.map(exists))).toEqual([true, false]);
	});

	it('of one workspace takes nothing of another one whose name begins like it', async () => {
		const other = `${workspace}-2`;
		const theirs = await store(rawKey(other, randomUUID(), 'mp4'), 30);
		await asset();
		await counts({ force: true });
		expect(await exists(theirs)).toBe(true);
	});

	describe('of rows whose file is gone', () => {
		it('does not fail an asset that was given a new original meanwhile, nor forget what a scan has found', async () => {
			const { db } = pipeline.database;
			const error = { code: 'content_unsafe' as const, message: 'Blood.' };
			const [unsafe, renewed] = [await asset({ daysOld: 1, status: 'failed', error }), await asset({ daysOld: 1 })];
			for (const id of [unsafe, renewed]) await pipeline.deps.storage.delete(rawKey(workspace, id, 'mp4'));
			await asset({ daysOld: 1 });
			const later = await store(rawKey(workspace, `${renewed}_v2`, 'mp4'));
			const storage = {
				...pipeline.deps.storage,
				head: async (key: string) => {
					const found = await pipeline.deps.storage.head(key);
					if (key.includes(renewed)) await db.update(assets).set({ storageKey: later, version: 2 }).where(eq(assets.id, renewed));
					return found;
				},
			};
			const report = await cleanUp({ ...deps(), storage }, { dryRun: false, workspaceId: workspace, rules: ['missing_files'] });
			expect(report.rules['missing_files']).toMatchObject({ count: 1, failed: 0 });
			const rows = new Map((await db.select().from(assets).where(eq(assets.workspaceId, workspace))).map((row) => [row.id, row]));
			expect([rows.get(unsafe)?.storageKey, rows.get(unsafe)?.error]).toEqual([null, error]);
			expect([rows.get(renewed)?.storageKey, rows.get(renewed)?.status]).toEqual([later, 'ready']);
		});

		it('does not let a job that lost its files pass for one that made none', async () => {
			const { db } = pipeline.database;
			const id = await asset();
			const made = await job(id, 1);
			await db.update(jobs).set({ reuseKey: 'the same', renditionKey: 'a link' }).where(eq(jobs.id, made));
			await db.insert(files).values({ id: randomUUID(), workspaceId: workspace, assetId: id, jobId: made, name: 'x.mp4', storageKey: jobKey(workspace, made, '1/x.mp4'), mime: 'video/mp4', bytes: 5, createdAt: ago(1) });
			await asset({ daysOld: 1 });
			expect(await counts({ rules: ['missing_files'] })).toEqual({ missing_files: 1 });
			expect(await madeBefore(db, workspace, 'the same')).toEqual([]);
			expect(await jobOfRendition(db, workspace, 'a link')).toBeNull();
		});

		it('changes nothing where all are missing, however few, nor while the store does not answer', async () => {
			const ids = [await asset({ daysOld: 1 }), await asset({ daysOld: 1 })];
			const down = { ...pipeline.deps.storage, head: async (key: string) => { if (key.includes(ids[1] ?? '')) throw new PipelineError('storage_failed', '503'); return null; } };
			for (const storage of [down, { ...down, head: async () => null }]) {
				const report = await cleanUp({ ...deps(), storage }, { dryRun: false, workspaceId: workspace, rules: ['missing_files'] });
				expect(report.rules['missing_files']).toMatchObject({ count: 0, failed: 1 });
			}
			expect((await pipeline.database.db.select({ status: assets.status }).from(assets).where(eq(assets.workspaceId, workspace))).map(({ status }) => status)).toEqual(['ready', 'ready']);
		});

		it('forgets results, and fails assets without their original', async () => {
			const id = await asset({ daysOld: 1 });
			await pipeline.deps.storage.delete(rawKey(workspace, id, 'mp4'));
			const ended = await job(id, 1);
			await pipeline.database.db.insert(files).values({ id: randomUUID(), workspaceId: workspace, assetId: id, jobId: ended, name: 'x.mp4', storageKey: jobKey(workspace, ended, '1/x.mp4'), mime: 'video/mp4', bytes: 5, createdAt: ago(1) });
			await asset({ daysOld: 1 });
			expect(await counts({ rules: ['missing_files'] })).toEqual({ missing_files: 2 });
			const [row] = await pipeline.database.db.select().from(assets).where(eq(assets.id, id));
			expect([row?.status, row?.error?.code]).toEqual(['failed', 'input_not_found']);
			expect(await pipeline.database.db.select().from(files).where(eq(files.workspaceId, workspace))).toEqual([]);
			expect(await counts({ rules: ['missing_files'] })).toEqual({});
		});

		it('changes nothing where most are missing: that is another storage, not a loss', async () => {
			for (let number = 0; number < 30; number += 1) {
				const id = await asset({ daysOld: 1 });
				if (number > 5) await pipeline.deps.storage.delete(rawKey(workspace, id, 'mp4'));
			}
			const { rules } = await run({ rules: ['missing_files'] });
			expect(rules['missing_files']).toMatchObject({ count: 0, failed: 1 });
			expect((await pipeline.database.db.select().from(assets).where(and(eq(assets.workspaceId, workspace), eq(assets.status, 'failed')))).length).toBe(0);
		});
	});

	it('counts what could not be done, and goes on with the rest', async () => {
		await asset({ daysOld: 400 });
		const storage = { ...pipeline.deps.storage, list: () => { throw new Error('the store does not answer'); } };
		const report = await cleanUp({ ...deps(), storage }, { dryRun: false, workspaceId: workspace });
		expect(report.rules['orphans']).toMatchObject({ count: 0, failed: 1 });
		expect(report.rules['old_assets']).toMatchObject({ count: 1, failed: 0 });
	});
});
