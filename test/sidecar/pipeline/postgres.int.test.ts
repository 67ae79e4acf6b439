import { eq, inArray } from 'drizzle-orm';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { openPostgres } from '../../../sidecar/src/db/open.ts';
import { callbacks, jobs } from '../../../sidecar/src/db/schema.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { createMediaOperations } from '../../../sidecar/src/operations/registry.ts';
import { submitBatch } from '../../../sidecar/src/pipeline/submit.ts';
import { takeJobs } from '../../../sidecar/src/pipeline/take.ts';
import { startWorker } from '../../../sidecar/src/pipeline/worker.ts';
import { createTestPipeline, until, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';
import { storedVideo } from '../../support/renditions.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';

describe('several workers on one Postgres', () => {
	let server: TestPostgres;
	let databases: OpenDatabase[];
	let pipelines: TestPipeline[];

	beforeAll(async () => {
		server = await startPostgres();
		databases = [await openPostgres({ url: server.url }), await openPostgres({ url: server.url })];
		pipelines = [];
		for (const database of databases) pipelines.push(await createTestPipeline({ database }));
	});
	afterAll(async () => {
		for (const pipeline of pipelines) await pipeline.close();
		for (const database of databases) await database.close();
		await server.stop();
	});

	it('work every job of a batch once and write one callback, whoever ends last', async () => {
		const [first] = pipelines as [TestPipeline];
		const submitted = await Promise.all(
			[1, 2, 3].map((n) => first.submit({ items: Array.from({ length: 60 }, () => ({ operation: 'noop', params: {} })), callbackUrl: `http://receiver.test/${n}` })),
		);
		const workers = pipelines.map(({ deps }) => startWorker(deps));
		for (const { batchId } of submitted) {
			await until(async () => (await first.deps.db.select().from(callbacks).where(eq(callbacks.batchId, batchId))).length > 0, 'the callback is written');
		}
		await Promise.all(workers.map((worker) => worker.stop()));
		for (const { batchId } of submitted) {
			const rows = await first.deps.db.select().from(jobs).where(eq(jobs.batchId, batchId));
			expect(rows.map(({ status, attempts }) => `${status} ${attempts}`)).toEqual(Array.from({ length: 60 }, () => 'completed 1'));
			expect(await first.deps.db.select().from(callbacks).where(eq(callbacks.batchId, batchId))).toHaveLength(1);
			expect(new Set(rows.map(({ workerId }) => workerId)).size).toBe(2);
		}
	});

	it('that take jobs on one source at the same moment share them out, each once, and give jobs turns of their own', async () => {
		const [first, second] = pipelines as [TestPipeline, TestPipeline];
		const operations = new Map(createMediaOperations().map((operation) => [operation.name, operation]));
		const asset_id = await storedVideo(first.deps.db, WORKSPACE);
		const submitted = await Promise.all(
			[first, second, first, second].map((pipeline) =>
				transact(pipeline.deps.db, (tx) =>
					submitBatch({ ...pipeline.deps, operations }, tx, {
						workspaceId: WORKSPACE,
						kind: 'batch',
						deadlineSeconds: 3600,
						priority: 0,
						items: Array.from({ length: 5 }, (_, index) => ({ operation: 'compress', params: { height: 144 + 16 * index }, asset_id })),
					}),
				),
			),
		);
		const ids = submitted.flatMap(({ jobs: made }) => made.map(({ id }) => id));
		const rows = await first.deps.db.select().from(jobs).where(inArray(jobs.id, ids));
		expect(new Set(rows.map(({ rank }) => rank)).size).toBe(20);

		const taken = await Promise.all([first, second, first, second].map(({ deps }, index) => takeJobs({ ...deps, operations }, index < 2 ? ids : [...ids].reverse())));
		const groups = taken.flat().map((group) => group.map(({ id }) => id));
		expect(groups.flat().sort()).toEqual([...ids].sort());
		expect(groups.some(({ length }) => length > 1)).toBe(true);
	});

	it('keep schemas apart: an installation sees nothing of another in the same database', async () => {
		const other = await openPostgres({ url: server.url, schemaName: 'second' });
		expect(await other.db.select().from(jobs)).toEqual([]);
		await other.close();
	});
});
