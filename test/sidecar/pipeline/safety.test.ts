import { randomUUID } from 'node:crypto';
import { and, asc, eq } from 'drizzle-orm';
import { z } from 'zod';
import { processRequestSchema } from '../../../sidecar/src/contract/requests.ts';
import { findAsset, insertAssets } from '../../../sidecar/src/db/assets.ts';
import { processJobs, type JobRow } from '../../../sidecar/src/db/jobs.ts';
import { callbacks, events, jobs } from '../../../sidecar/src/db/schema.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import type { TaskOperation } from '../../../sidecar/src/operations/operation.ts';
import { triggerDistribute } from '../../../sidecar/src/pipeline/distribute.ts';
import { submitProcess } from '../../../sidecar/src/pipeline/process.ts';
import { createRefusePublishing } from '../../../sidecar/src/pipeline/publishable.ts';
import { retryJob, cancelJob } from '../../../sidecar/src/pipeline/steer.ts';
import { startWorker, type Worker } from '../../../sidecar/src/pipeline/worker.ts';
import { imageFacts } from '../../support/facts.ts';
import { createTestPipeline, task, until, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

interface ScanParams {
	limit: number;
	action: 'stop' | 'report';
}

describe('an asset that a scan stops', () => {
	let pipeline: TestPipeline;
	let worker: Worker;
	/** Jobs of the operation `gated` wait here. */
	let open: () => void;
	let gate: Promise<void>;
	/** What the scan finds. */
	let found: number | 'down';
	let begun: string[];

	const scan: TaskOperation<ScanParams> = {
		...task('safety_scan', async () => ({})),
		analyses: true,
		guards: ({ action }) => action === 'stop',
		params: z.strictObject({ limit: z.number().default(0.5), action: z.enum(['stop', 'report']).default('stop') }),
		run: async ({ assetId }, { limit, action }) => {
			begun.push(`safety_scan ${assetId}`);
			await gate;
			if (found === 'down') throw new PipelineError('provider_not_configured', 'Nobody can scan.');
			const safe = found <= limit;
			if (!safe && action === 'stop') throw new PipelineError('content_unsafe', `found ${found}`, { details: { score: found, limit } });
			return { output: { safe } };
		},
	};

	beforeAll(async () => {
		pipeline = await createTestPipeline({
			triggers: { process: null, distribute: 'http://n8n.test/distribute' },
			operations: [
				scan,
				{ ...task('look', async () => gate.then(() => ({ seen: true }))), analyses: true },
				task('quick', async ({ assetId }) => {
					begun.push(`quick ${assetId}`);
					return { done: true };
				}),
				task('endless', ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))),
				{ ...task('post', async ({ assetId }) => (begun.push(`post ${assetId}`), {})), buildsOn: ['safety_scan'] },
			],
		});
		pipeline.deps.wake.jobs = () => worker?.wake();
		worker = startWorker(pipeline.deps);
	});
	afterAll(async () => {
		await worker.stop();
		await pipeline.close();
	});
	beforeEach(() => {
		begun = [];
		found = 0.9;
		gate = Promise.resolve();
		open = () => {};
	});
	const shut = () => {
		gate = new Promise((resolve) => (open = resolve));
	};

	const newAsset = async (id = randomUUID()) => {
		await insertAssets(pipeline.deps.db, [
			{ id, workspaceId: WORKSPACE, source: 'url', status: 'ready', facts: imageFacts(), fileType: 'image', storageKey: `raw/${id}`, callbackUrl: null },
		]);
		return id;
	};
	const process = async (assetId: string, operations: unknown[], more: Record<string, unknown> = {}) => {
		const made = await transact(pipeline.deps.db, (tx) =>
			submitProcess(pipeline.deps, tx, WORKSPACE, processRequestSchema.parse({ asset_id: assetId, operations, callback_url: 'https://user.test/done', ...more })),
		);
		worker.wake();
		return made;
	};
	const submit = async (assetId: string, operation: string, params: Record<string, unknown> = {}) => {
		const made = await pipeline.submit({ items: [{ operation, asset_id: assetId, params }] });
		worker.wake();
		return made.jobs[0] as JobRow;
	};
	const asset = async (id: string) => (await findAsset(pipeline.deps.db, WORKSPACE, id))!;
	const row = async (id: string) => (await pipeline.deps.db.select().from(jobs).where(eq(jobs.id, id)))[0]!;
	const ended = (id: string) => until(async () => (await row(id)).completedAt !== null, 'the job has ended');
	const status = (id: string, wanted: string) => until(async () => (await asset(id)).status === wanted, `the asset is ${wanted}`);
	const states = async (assetId: string) => (await processJobs(pipeline.deps.db, assetId)).map((job) => [job.jobType, job.status, job.error?.code ?? null]);
	const told = async (assetId: string, kind: 'asset' | 'distribute') =>
		pipeline.deps.db.select().from(callbacks).where(and(eq(callbacks.assetId, assetId), eq(callbacks.kind, kind)));
	const history = async (assetId: string) =>
		(await pipeline.deps.db.select().from(events).where(eq(events.assetId, assetId)).orderBy(asc(events.id))).map(({ type }) => type).filter((type) => type.startsWith('asset.'));
	const publishing = (assetId: string) => createRefusePublishing(pipeline.deps.db)({ assetId, workspaceId: WORKSPACE });

	it('is looked at first: nothing is made before the scan has let it pass', async () => {
		const id = await newAsset();
		shut();
		found = 0.1;
		await process(id, ['quick', 'safety_scan', 'look']);
		await status(id, 'analyzing');
		expect(begun).toEqual([`safety_scan ${id}`]);
		open();
		await status(id, 'processed');
		expect(begun).toEqual([`safety_scan ${id}`, `quick ${id}`]);
		expect(await states(id)).toEqual([['quick', 'completed', null], ['safety_scan', 'completed', null], ['look', 'completed', null]]);
		expect(await told(id, 'distribute')).toHaveLength(1);
		expect(await told(id, 'asset')).toHaveLength(1);
	});

	it('is analyzing for as long as anything looks at it, and processing again while the rest goes on', async () => {
		const id = await newAsset();
		shut();
		const { jobs: made } = await process(id, ['look', 'endless', 'look']);
		await until(async () => (await states(id)).every(([, state]) => state === 'processing'), 'all of them run');
		await status(id, 'analyzing');
		open();
		await status(id, 'processing');
		expect((await states(id)).map(([, state]) => state)).toEqual(['completed', 'processing', 'completed']);
		const endless = made.find(({ jobType }) => jobType === 'endless')!;
		await transact(pipeline.deps.db, (tx) => cancelJob(pipeline.deps, tx, WORKSPACE, endless.id));
		await status(id, 'failed');
		expect(await history(id)).toEqual(expect.arrayContaining(['asset.analyzing', 'asset.failed']));
	});

	it('fails with the reason, and takes everything with it that is asked of it', async () => {
		const id = await newAsset();
		const running = await submit(id, 'endless');
		await until(async () => (await row(running.id)).status === 'processing', 'it runs');
		shut();
		await process(id, ['safety_scan', 'quick', 'look']);
		await status(id, 'analyzing');
		const waiting = await submit(id, 'post');
		open();
		await status(id, 'failed');
		await ended(running.id);
		await ended(waiting.id);
		expect(begun).toEqual([`safety_scan ${id}`]);
		expect(await states(id)).toEqual([
			['safety_scan', 'failed', 'content_unsafe'],
			['quick', 'failed', 'dependency_failed'],
			['look', 'failed', 'dependency_failed'],
		]);
		expect(await row(running.id)).toMatchObject({ status: 'cancelled', error: { code: 'dependency_failed' } });
		expect(await row(waiting.id)).toMatchObject({ error: { code: 'dependency_failed', message: expect.stringContaining('found 0.9') } });
		expect(await asset(id)).toMatchObject({ error: { code: 'content_unsafe', message: 'found 0.9', details: { score: 0.9, limit: 0.5 } } });
		expect((await history(id)).filter((type) => type === 'asset.failed')).toHaveLength(1);
		expect(await told(id, 'asset')).toHaveLength(1);
		expect(await told(id, 'distribute')).toHaveLength(0);
	});

	it('is published by no way', async () => {
		const id = await newAsset();
		await process(id, ['safety_scan']);
		await status(id, 'failed');
		await expect(publishing(id)).rejects.toMatchObject({ code: 'content_unsafe', message: expect.stringMatching(/found 0\.9.*run safety_scan/) });
		await expect(transact(pipeline.deps.db, (tx) => triggerDistribute(pipeline.deps, tx, WORKSPACE, { asset_id: id }))).rejects.toMatchObject({ code: 'content_unsafe' });
		await expect(process(id, ['quick'])).rejects.toMatchObject({ code: 'content_unsafe', message: expect.stringMatching(/^asset_id: /) });
		await expect(process(id, ['quick', { operation: 'safety_scan', params: { action: 'report' } }])).rejects.toMatchObject({ code: 'content_unsafe' });
	});

	it('stays stopped, whatever else ends or is tried again', async () => {
		const id = await newAsset();
		await process(id, ['safety_scan', 'quick']);
		await status(id, 'failed');
		// Somebody looks into it: allowed, and no sign that it is fine.
		const other = await submit(id, 'quick');
		await ended(other.id);
		expect((await row(other.id)).status).toBe('completed');
		const again = await pipeline.submit({ items: [{ operation: 'ingest', asset_id: id, params: {} }] });
		worker.wake();
		await ended(again.jobs[0]!.id);
		expect(await asset(id)).toMatchObject({ status: 'failed', error: { code: 'content_unsafe' } });
		shut();
		begun = [];
		await process(id, [], { retry_failed_only: true });
		await until(() => begun.length === 1, 'the scan is tried again');
		expect(begun).toEqual([`safety_scan ${id}`]);
		await expect(publishing(id)).rejects.toMatchObject({ code: 'content_unsafe' });
		open();
		await status(id, 'failed');
		expect(await states(id)).toEqual([['safety_scan', 'failed', 'content_unsafe'], ['quick', 'failed', 'dependency_failed']]);
		// A report that finds the same lifts nothing either.
		await ended((await submit(id, 'safety_scan', { action: 'report' })).id);
		expect(await asset(id)).toMatchObject({ status: 'failed', error: { code: 'content_unsafe' } });
	});

	it('can be used again once a scan with a higher threshold passes, and what was stopped goes on', async () => {
		const id = await newAsset();
		await process(id, ['safety_scan', 'quick']);
		await status(id, 'failed');
		const [stopped] = await processJobs(pipeline.deps.db, id);
		const passing = await submit(id, 'safety_scan', { limit: 0.95 });
		await status(id, 'ready');
		expect(await asset(id)).toMatchObject({ error: null });
		await expect(publishing(id)).resolves.toBeUndefined();
		// It takes the place of the one that failed.
		expect(await states(id)).toEqual([['quick', 'failed', 'dependency_failed'], ['safety_scan', 'completed', null]]);
		expect(await row(stopped!.id)).toMatchObject({ process: false, status: 'failed' });
		const { message } = await process(id, [], { retry_failed_only: true });
		expect(message).toBe('1 failed job queued again');
		await status(id, 'processed');
		expect(begun.filter((one) => one.startsWith('safety'))).toHaveLength(2);
		expect((await row(passing.id)).process).toBe(true);
		expect(await told(id, 'distribute')).toHaveLength(1);
	});

	it('that was asked for nothing else is processed when it passes', async () => {
		const id = await newAsset();
		const { jobs: [failed] } = await process(id, ['safety_scan']);
		await status(id, 'failed');
		// The provider has been changed: the same scan finds less now.
		found = 0.2;
		await transact(pipeline.deps.db, (tx) => retryJob(pipeline.deps, tx, WORKSPACE, failed!.id, null));
		worker.wake();
		await status(id, 'processed');
		expect(await asset(id)).toMatchObject({ error: null });
		expect(await told(id, 'distribute')).toHaveLength(1);
	});

	it('found by a scan outside of a process request fails as well', async () => {
		const id = await newAsset();
		await process(id, ['quick']);
		await status(id, 'processed');
		await submit(id, 'safety_scan');
		await status(id, 'failed');
		expect(await asset(id)).toMatchObject({ error: { code: 'content_unsafe' } });
		await submit(id, 'safety_scan', { limit: 1 });
		await status(id, 'processed');
		expect(await history(id)).toEqual(['asset.processed', 'asset.failed', 'asset.ready', 'asset.processed']);
	});

	it('does not pass when the scan itself cannot be done', async () => {
		const id = await newAsset();
		found = 'down';
		await process(id, ['quick', 'safety_scan']);
		await status(id, 'failed');
		expect(await states(id)).toEqual([['quick', 'failed', 'provider_not_configured'], ['safety_scan', 'failed', 'provider_not_configured']]);
		expect(begun).toEqual([`safety_scan ${id}`]);
		expect(await told(id, 'asset')).toHaveLength(1);
		found = 0;
		await process(id, [], { retry_failed_only: true });
		await status(id, 'processed');
	});

	it('is only told of with action report: nobody waits, nothing stops', async () => {
		const id = await newAsset();
		shut();
		await process(id, [{ operation: 'safety_scan', params: { action: 'report' } }, 'quick']);
		await until(() => begun.includes(`quick ${id}`), 'the other one does not wait');
		open();
		await status(id, 'processed');
		const [job] = await processJobs(pipeline.deps.db, id);
		expect(job?.output).toEqual({ safe: false });
	});

	it('is not posted while a scan is under way', async () => {
		const id = await newAsset();
		shut();
		found = 0.1;
		await submit(id, 'safety_scan');
		const post = await submit(id, 'post');
		await until(async () => (await row(post.id)).attempts > 0 && (await row(post.id)).status === 'pending', 'the post waits');
		expect(begun).toEqual([`safety_scan ${id}`]);
		open();
		await ended(post.id);
		expect(begun).toEqual([`safety_scan ${id}`, `post ${id}`]);
	});

	it('is scanned as soon as n8n starts any job that waits for it', async () => {
		const id = await newAsset();
		found = 0.1;
		const held = { ...pipeline.deps, triggers: { process: 'http://n8n.test/process', distribute: null } };
		const { jobs: made } = await transact(pipeline.deps.db, (tx) =>
			submitProcess(held, tx, WORKSPACE, processRequestSchema.parse({ asset_id: id, operations: ['safety_scan', 'quick'] })),
		);
		const quick = made.find(({ jobType }) => jobType === 'quick')!;
		await pipeline.submit({ items: [{ operation: 'quick', job_id: quick.id, params: {} }] });
		worker.wake();
		await status(id, 'processed');
		expect(begun).toEqual([`safety_scan ${id}`, `quick ${id}`]);
	});
});
