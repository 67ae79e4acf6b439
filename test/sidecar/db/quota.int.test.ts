import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { insertAssets } from '../../../sidecar/src/db/assets.ts';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { openPostgres } from '../../../sidecar/src/db/open.ts';
import { holdingsOf, runningJobs } from '../../../sidecar/src/db/quota.ts';
import { jobs, workspaces } from '../../../sidecar/src/db/schema.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { reserve, reserveFor } from '../../../sidecar/src/pipeline/quota.ts';
import { claimAlong, claimWithinSlots } from '../../../sidecar/src/pipeline/slots.ts';
import { createTestPipeline, WORKSPACE } from '../../support/pipeline.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';

describe('quotas on Postgres', () => {
	let server: TestPostgres;
	let database: OpenDatabase;
	beforeAll(async () => {
		server = await startPostgres();
		database = await openPostgres({ url: server.url });
		await createWorkspace(database.db, 'mine', 'a key of a test');
		await database.db.update(workspaces).set({ settings: { quotas: { max_bytes: 1000 } } }).where(eq(workspaces.id, 'mine'));
	}, 120_000);
	afterAll(async () => {
		await database.close();
		await server.stop();
	});

	it('of twenty requests on as many connections, as many pass as fit', async () => {
		const ask = () =>
			transact(database.db, async (tx) => {
				await reserve(tx, 'mine', { bytes: 300 });
				await insertAssets(tx, [{ id: randomUUID(), workspaceId: 'mine', source: 'upload', status: 'uploading', expectedBytes: 300 }]);
			});
		const answers = await Promise.allSettled(Array.from({ length: 20 }, ask));
		expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
		expect(await holdingsOf(database.db, 'mine')).toEqual({ bytes: 900, assets: 3 });
	});

	it('of twenty downloads that end at once, as many pass as fit', async () => {
		await createWorkspace(database.db, 'loads', 'a key of a test too');
		await database.db.update(workspaces).set({ settings: { quotas: { max_bytes: 1000 } } }).where(eq(workspaces.id, 'loads'));
		const loading = await insertAssets(database.db, Array.from({ length: 20 }, () => ({ id: randomUUID(), workspaceId: 'loads', source: 'url' as const, status: 'queued' as const })));
		const answers = await Promise.allSettled(loading.map((asset) => reserveFor(database.db, asset, 300)));
		expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
		expect((await holdingsOf(database.db, 'loads')).bytes).toBe(900);
	});

	it('of ten workers at once, as many begin a job as there are slots', async () => {
		const pipeline = await createTestPipeline({ database });
		try {
			await database.db.update(workspaces).set({ settings: { quotas: { max_concurrent_jobs: 2 } } }).where(eq(workspaces.id, WORKSPACE));
			await pipeline.submit({ items: Array.from({ length: 20 }, () => ({ operation: 'noop', params: {} })) });
			const ids = (await database.db.select({ id: jobs.id }).from(jobs).where(eq(jobs.workspaceId, WORKSPACE))).map(({ id }) => id);
			const claimed = (await Promise.all(ids.slice(0, 10).map((id) => claimWithinSlots(pipeline.deps, [id])))).flat();
			expect(claimed.filter((one) => one.status === 'fulfilled' && one.value !== null)).toHaveLength(2);
			// Along with another one.
			await database.db.update(workspaces).set({ settings: { quotas: { max_concurrent_jobs: 5 } } }).where(eq(workspaces.id, WORKSPACE));
			const along = await Promise.all(Array.from({ length: 5 }, (_, index) => claimAlong(pipeline.deps, ids.slice(10 + index * 2, 12 + index * 2))));
			expect(along.flat()).toHaveLength(3);
			expect(await runningJobs(database.db, WORKSPACE)).toBe(5);
		} finally {
			await pipeline.close();
		}
	});
});
