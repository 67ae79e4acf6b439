import { randomUUID } from 'node:crypto';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { and, eq } from 'drizzle-orm';
import { insertAssets, type NewAsset } from '../../../../sidecar/src/db/assets.ts';
import { insertJobs } from '../../../../sidecar/src/db/jobs.ts';
import { assets, assetVersions, files, workspaces } from '../../../../sidecar/src/db/schema.ts';
import { cleanUp, RULES } from '../../../../sidecar/src/ops/retention/clean-up.ts';
import { RETENTION_RULES } from '../../../../sidecar/src/contract/retention.ts';
import { createWorkspace } from '../../../../sidecar/src/db/workspaces.ts';
import { jobKey, rawKey } from '../../../../sidecar/src/storage/keys.ts';
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
		await run({ rules: ['failed_assets'] });
		expect(await remaining()).not.toContain(old);
		expect(await remaining()).toHaveLength(2);
	});

	describe('of originals', () => {
		it('does what the policy says, after a week, and not while a job reads them', async () => {
			const old = await asset({ daysOld: 8 });
			const young = await asset({ daysOld: 6 });
			const busy = await asset({ daysOld: 8 });
			await job(busy, 1, 'processing');
			expect(await counts({ rules: ['originals'] })).toEqual({});
			await settings({ originals: 'delete' });
			expect(await counts({ rules: ['originals'] })).toEqual({ originals: 1 });
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

	describe('of rows whose file is gone', () => {
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
