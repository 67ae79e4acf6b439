import { eq } from 'drizzle-orm';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { openPostgres } from '../../../sidecar/src/db/open.ts';
import { callbacks, jobs } from '../../../sidecar/src/db/schema.ts';
import { startWorker } from '../../../sidecar/src/pipeline/worker.ts';
import { createTestPipeline, until, type TestPipeline } from '../../support/pipeline.ts';
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

	it('keep schemas apart: an installation sees nothing of another in the same database', async () => {
		const other = await openPostgres({ url: server.url, schemaName: 'second' });
		expect(await other.db.select().from(jobs)).toEqual([]);
		await other.close();
	});
});
