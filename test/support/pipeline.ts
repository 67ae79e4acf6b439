import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { z } from 'zod';
import { createOutbox, type OutboxDeps, type Send } from '../../sidecar/src/callbacks/outbox.ts';
import { createSigner } from '../../sidecar/src/callbacks/sign.ts';
import type { OpenDatabase } from '../../sidecar/src/db/database.ts';
import { createWorkspace } from '../../sidecar/src/db/workspaces.ts';
import { transact } from '../../sidecar/src/db/transact.ts';
import { PipelineError } from '../../sidecar/src/errors.ts';
import type { Operation, TaskContext, TaskOperation } from '../../sidecar/src/operations/operation.ts';
import { submitBatch, type Submission, type Submitted } from '../../sidecar/src/pipeline/submit.ts';
import type { WorkerDeps } from '../../sidecar/src/pipeline/worker-deps.ts';
import { createPgBossQueue } from '../../sidecar/src/queue/pg-boss.ts';
import { createVault } from '../../sidecar/src/secrets.ts';
import { createDiskStorage } from '../../sidecar/src/storage/disk.ts';
import { openTestDatabase } from './pglite.ts';

export const WORKSPACE = 'acme';

export type PipelineDepsForTests = WorkerDeps & OutboxDeps;

export interface TestPipeline {
	deps: PipelineDepsForTests;
	database: OpenDatabase;
	folder: string;
	submit(change: Partial<Submission> & Pick<Submission, 'items'>): Promise<Submitted>;
	close(): Promise<void>;
}

export interface TestPipelineOptions {
	/** Default: a fresh embedded database in memory. */
	database?: OpenDatabase;
	operations?: Operation[];
	send?: Send;
	triggers?: WorkerDeps['triggers'];
	concurrency?: number;
	queueSchema?: string;
}

/** The real pipeline on a real database, with operations of the test's own: what is under test is everything around them. */
export async function createTestPipeline(options: TestPipelineOptions = {}): Promise<TestPipeline> {
	const folder = await mkdtemp(join(tmpdir(), 'pipeline-'));
	const database = options.database ?? (await openTestDatabase());
	await createWorkspace(database.db, WORKSPACE, `key-${randomUUID()}`);
	const log = pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });
	const queue = createPgBossQueue({ database, ...(options.queueSchema ? { schemaName: options.queueSchema } : {}), onError: (error) => log.error({ err: error }) });
	await queue.start();
	const workRoot = join(folder, 'work');
	await mkdir(workRoot);
	const sign = createSigner('whsec_dGVzdC1zZWNyZXQtdGVzdC1zZWNyZXQ=');
	const unavailable = (what: string) => () => {
		throw new Error(`this test works without ${what}`);
	};
	const deps: PipelineDepsForTests = {
		db: database.db,
		queue,
		vault: createVault('a key for tests'),
		operations: new Map((options.operations ?? [noop()]).map((operation) => [operation.name, operation])),
		triggers: options.triggers ?? { process: null, distribute: null },
		wake: { jobs: () => {}, callbacks: () => {}, events: () => {} },
		log,
		storage: createDiskStorage({ root: join(folder, 'files') }),
		fetchSource: unavailable('downloads'),
		probe: unavailable('ffprobe'),
		runPlan: unavailable('ffmpeg'),
		reportProgress: () => {},
		mergeJobs: true,
		reuseResults: true,
		workRoot,
		workerId: `test-${randomUUID()}`,
		concurrency: options.concurrency ?? 4,
		jobTimeoutSeconds: 60,
		send: options.send ?? (async () => ({ status: 200, contentType: 'application/json', body: '{}' })),
		sign,
		signTrigger: sign,
		fileUrl: (key) => `http://files.test/${key}`,
	};
	await deps.storage.prepare();
	return {
		deps,
		database,
		folder,
		// As requests do it: as the workspace, with its policies.
		submit: (change) => transact(database.forWorkspace(change.workspaceId ?? WORKSPACE), (tx) => submitBatch(deps, tx, { workspaceId: WORKSPACE, kind: 'batch', deadlineSeconds: 3600, priority: 0, ...change })),
		close: async () => {
			await queue.stop();
			if (!options.database) await database.close();
			await rm(folder, { recursive: true, force: true });
		},
	};
}

/** Delivers the callbacks that are due, and waits for it. */
export async function deliverDue(deps: OutboxDeps): Promise<void> {
	const outbox = createOutbox(deps);
	await outbox.round();
	await outbox.settled();
}

/** An operation that needs no media; `run` is the test's. */
export function task(name: string, run: (context: TaskContext) => Promise<Record<string, unknown>>): TaskOperation {
	return {
		kind: 'task',
		name,
		version: 1,
		summary: 'An operation of a test.',
		accepts: 'none',
		params: z.strictObject({ note: z.string().optional() }),
		example: {},
		estimateSeconds: () => 0,
		run: async (context) => ({ output: await run(context) }),
	};
}

export const noop = (): Operation => task('noop', async () => ({ ok: true }));

/** Fails with `code` the first `times` times. */
export function failing(name: string, code: ConstructorParameters<typeof PipelineError>[0], times = Infinity): Operation {
	let failed = 0;
	return task(name, async () => {
		if (failed < times) {
			failed += 1;
			throw new PipelineError(code, `failure ${failed}`);
		}
		return { failed_before: failed };
	});
}

/** Resolves once `check` answers true; asks every 10 ms. Fails loudly after a time that only something stuck needs. */
export async function until(check: () => Promise<boolean> | boolean, what: string, withinMs = 45_000): Promise<void> {
	const end = Date.now() + withinMs;
	while (!(await check())) {
		if (Date.now() > end) throw new Error(`waited ${withinMs / 1000} s in vain: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}
