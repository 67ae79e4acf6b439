/**
 * Jobs per second through the whole pipeline (submit in one transaction, queue, claim, run, finish, callback row) with an
 * operation that does nothing. Usage: npm run bench:queue [-- --postgres]
 * First what row-level security costs a request: the same work as the owner of the tables and as a workspace, in turns.
 * Bars (docs/architecture.md): embedded ≥ 100/s, Postgres ≥ 300/s.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { count, eq, sql } from 'drizzle-orm';
import type { Database } from '../sidecar/src/db/database.ts';
import { openPglite, openPostgres } from '../sidecar/src/db/open.ts';
import { jobs } from '../sidecar/src/db/schema.ts';
import { submitBatch } from '../sidecar/src/pipeline/submit.ts';
import { startWorker } from '../sidecar/src/pipeline/worker.ts';
import { createTestPipeline, WORKSPACE } from '../test/support/pipeline.ts';
import { startPostgres } from '../test/support/postgres.ts';

const JOBS = 500;
const ROUNDS = 5;

async function measure(kind: 'pglite' | 'postgres'): Promise<void> {
	const folder = await mkdtemp(join(tmpdir(), 'bench-queue-'));
	const server = kind === 'postgres' ? await startPostgres() : null;
	const database = server ? await openPostgres({ url: server.url }) : await openPglite(join(folder, 'database'));
	const pipeline = await createTestPipeline({ database, concurrency: kind === 'pglite' ? 4 : 8 });
	const rates: number[] = [];
	for (let round = 0; round <= ROUNDS; round += 1) {
		const start = performance.now();
		await pipeline.submit({ items: Array.from({ length: JOBS }, () => ({ operation: 'noop', params: {} })), callbackUrl: 'http://127.0.0.1:9/callback' });
		const submitted = performance.now();
		const worker = startWorker(pipeline.deps);
		for (;;) {
			const [open] = await database.db.select({ n: count() }).from(jobs).where(sql`${jobs.status} <> 'completed'`);
			if (open?.n === 0) break;
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
		const end = performance.now();
		await worker.stop();
		await database.db.delete(jobs).where(eq(jobs.status, 'completed'));
		// The first round warms up prepared plans and the JIT.
		if (round === 0) continue;
		rates.push(JOBS / ((end - start) / 1000));
		console.log(`${kind} round ${round}: submit ${(submitted - start).toFixed(0)} ms, drain ${(end - submitted).toFixed(0)} ms, ${rates.at(-1)?.toFixed(0)} jobs/s`);
	}
	rates.sort((a, b) => a - b);
	console.log(`${kind}: median ${rates[Math.floor(rates.length / 2)]?.toFixed(0)} jobs/s (bar: ${kind === 'pglite' ? 100 : 300})`);
	await pipeline.close();
	await database.close();
	await server?.stop();
	await rm(folder, { recursive: true, force: true });
}

/** Jobs that are submitted one by one, as the owner of the tables and as a workspace, in turns. */
const SINGLE = 100;

async function compare(kind: 'pglite' | 'postgres'): Promise<void> {
	const server = kind === 'postgres' ? await startPostgres() : null;
	const database = server ? await openPostgres({ url: server.url }) : await openPglite('memory://');
	const pipeline = await createTestPipeline({ database });
	const each = async (db: Database, work: (db: Database) => Promise<unknown>): Promise<number> => {
		const start = performance.now();
		for (let index = 0; index < SINGLE; index += 1) await work(db);
		return (performance.now() - start) / SINGLE;
	};
	const submit = (db: Database): Promise<unknown> =>
		db.transaction((tx) => submitBatch(pipeline.deps, tx, { workspaceId: WORKSPACE, kind: 'batch', deadlineSeconds: 3600, priority: 0, items: [{ operation: 'noop', params: {} }] }));
	const read = (db: Database): Promise<unknown> => db.select().from(jobs).where(eq(jobs.workspaceId, WORKSPACE)).limit(1);
	for (const [what, work] of [['submit', submit], ['read', read]] as const) {
		const owner: number[] = [];
		const workspace: number[] = [];
		for (let round = 0; round <= ROUNDS; round += 1) {
			const one = await each(database.db, work);
			const other = await each(database.forWorkspace(WORKSPACE), work);
			if (round === 0) continue;
			owner.push(one);
			workspace.push(other);
		}
		const median = (list: number[]): number => list.sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
		console.log(`${kind} ${what}: ${median(owner).toFixed(2)} ms as owner, ${median(workspace).toFixed(2)} ms as a workspace (row-level security), ratio ${(median(workspace) / median(owner)).toFixed(2)}`);
	}
	await pipeline.close();
	await database.close();
	await server?.stop();
}

await compare('pglite');
await compare('postgres');
await measure('pglite');
await measure('postgres');
