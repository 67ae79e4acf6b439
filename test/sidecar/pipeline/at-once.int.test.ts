import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { and, eq, inArray, isNull } from 'drizzle-orm';
import { processRequestSchema } from '../../../sidecar/src/contract/requests.ts';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { openPostgres } from '../../../sidecar/src/db/open.ts';
import { assets, batches, callbacks, jobs } from '../../../sidecar/src/db/schema.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { startSidecar, type Sidecar } from '../../../sidecar/src/main.ts';
import { submitProcess } from '../../../sidecar/src/pipeline/process.ts';
import { reconcile } from '../../../sidecar/src/pipeline/reconcile.ts';
import { runJob } from '../../../sidecar/src/pipeline/run.ts';
import { cancelJob, retryJob } from '../../../sidecar/src/pipeline/steer.ts';
import { createTestPipeline, noop, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';

const never = new AbortController().signal;
const NOOP = { operation: 'noop', params: {} };

/** What PGlite, with its one connection, cannot show. */
describe('at the same moment, on Postgres', () => {
	let server: TestPostgres;
	let database: OpenDatabase;
	let pipeline: TestPipeline;
	beforeAll(async () => {
		server = await startPostgres();
		database = await openPostgres({ url: server.url, schemaName: 'at_once' });
		pipeline = await createTestPipeline({ database, operations: [noop()], queueSchema: 'at_once_queue' });
	});
	afterAll(async () => {
		await pipeline.close();
		await database.close();
		await server.stop();
	});

	const batch = async (id: string) => (await database.db.select().from(batches).where(eq(batches.id, id)))[0]!;
	const callbacksOf = async (ids: string[]) => (await database.db.select().from(callbacks).where(inArray(callbacks.batchId, ids))).length;
	const failedAsset = async (count: number) => {
		const request = processRequestSchema.parse({ original_url: 'https://a.test/b', operations: Array.from({ length: count }, () => 'noop') });
		const { asset } = await transact(database.db, (tx) => submitProcess(pipeline.deps, tx, WORKSPACE, request));
		await database.db.update(jobs).set({ status: 'failed', error: { code: 'input_corrupt', message: 'no' } }).where(eq(jobs.assetId, asset.id));
		await database.db.update(assets).set({ status: 'failed' }).where(eq(assets.id, asset.id));
		return asset.id;
	};

	it('many requests take over the same jobs: each job is in one batch, and every batch ends and is called back once', async () => {
		const made = await pipeline.submit({ items: Array.from({ length: 6 }, () => NOOP), callbackUrl: 'http://app.test/made' });
		const ids = made.jobs.map(({ id }) => id);
		const taking = await Promise.all(
			Array.from({ length: 8 }, (_, index) => {
				const items = (index % 2 ? [...ids].reverse() : ids).map((id) => ({ ...NOOP, job_id: id }));
				return pipeline.submit({ items, callbackUrl: `http://app.test/${index}` });
			}),
		);
		await Promise.all(ids.map((id) => runJob(pipeline.deps, id, never)));
		const all = [made, ...taking].map(({ batchId }) => batchId);
		for (const id of all) expect((await batch(id)).completedAt).not.toBeNull();
		expect(await callbacksOf(all)).toBe(9);
	});

	it('jobs of several batches end, are cancelled and run out of time: one callback each', async () => {
		const submitted = await Promise.all(Array.from({ length: 6 }, (_, index) => pipeline.submit({ items: Array.from({ length: 8 }, () => NOOP), callbackUrl: `http://app.test/e${index}` })));
		const all = submitted.map(({ batchId }) => batchId);
		await database.db.update(batches).set({ deadlineAt: new Date(0) }).where(inArray(batches.id, all.slice(0, 3)));
		const ids = submitted.flatMap((one) => one.jobs.map(({ id }) => id));
		await Promise.all([
			...ids.map((id) => runJob(pipeline.deps, id, never)),
			...[...ids].reverse().map((id) => transact(database.db, (tx) => cancelJob(pipeline.deps, tx, WORKSPACE, id)).catch((error: { code?: string }) => expect(error.code).toBe('conflict'))),
			reconcile(pipeline.deps),
			reconcile(pipeline.deps),
		]);
		const open = await database.db.select().from(batches).where(and(inArray(batches.id, all), isNull(batches.completedAt)));
		expect(open).toEqual([]);
		expect(await callbacksOf(all)).toBe(6);
	});

	it('retry_failed_only, several times: each failed job is queued once', async () => {
		const assetId = await failedAsset(5);
		const request = processRequestSchema.parse({ asset_id: assetId, retry_failed_only: true });
		const answers = await Promise.all(Array.from({ length: 6 }, () => transact(database.db, (tx) => submitProcess(pipeline.deps, tx, WORKSPACE, request))));
		const queued = answers.flatMap((answer) => answer.jobs.map(({ id }) => id));
		expect(queued).toHaveLength(5);
		expect(new Set(queued).size).toBe(5);
	});

	it('retries of jobs that wait for the same failed ingest: it is tried once, and all wait for it', async () => {
		const assetId = await failedAsset(6);
		const rows = await database.db.select().from(jobs).where(eq(jobs.assetId, assetId));
		await Promise.all(rows.filter(({ process }) => process).map(({ id }) => transact(database.db, (tx) => retryJob(pipeline.deps, tx, WORKSPACE, id, null))));
		const after = await database.db.select().from(jobs).where(eq(jobs.assetId, assetId));
		expect(after.map(({ status }) => status)).toEqual(Array.from({ length: 7 }, () => 'pending'));
		const ingest = after.find(({ jobType }) => jobType === 'ingest')!;
		const messages = await pipeline.deps.queue.fetch(1000);
		expect(messages.filter(({ jobId }) => jobId === ingest.id).length).toBe(2);
		await pipeline.deps.queue.done(messages);
	});

	it('a worker with keys of its own does not lock out the callers of the API', async () => {
		const folder = await mkdtemp(join(tmpdir(), 'roles-'));
		const environment = { DATABASE_URL: server.url, DATABASE_SCHEMA: 'roles', PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'silent', ENCRYPTION_KEY: 'the-same-for-all-processes', PUBLIC_URL: 'http://127.0.0.1:9' };
		const running: Sidecar[] = [];
		try {
			running.push(await startSidecar({ ...environment, ROLE: 'api', DATA_DIR: join(folder, 'api') }));
			running.push(await startSidecar({ ...environment, ROLE: 'worker', DATA_DIR: join(folder, 'worker') }));
			const [api] = running;
			expect((await fetch(`${api!.url}/api/media/whoami`, { headers: { authorization: `Bearer ${api!.apiKey}` } })).status).toBe(200);
		} finally {
			for (const sidecar of running) await sidecar.stop();
			await rm(folder, { recursive: true, force: true });
		}
	});
});
