import { randomUUID } from 'node:crypto';
import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { createOutbox } from '../../../sidecar/src/callbacks/outbox.ts';
import { processRequestSchema } from '../../../sidecar/src/contract/requests.ts';
import { findAsset, insertAssets, updateAsset } from '../../../sidecar/src/db/assets.ts';
import { insertJobs, type JobRow, type NewJob } from '../../../sidecar/src/db/jobs.ts';
import { callbacks, jobs } from '../../../sidecar/src/db/schema.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import type { PublicError } from '../../../sidecar/src/errors.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { mediaInput } from '../../../sidecar/src/operations/media-input.ts';
import type { Operation, TaskOperation } from '../../../sidecar/src/operations/operation.ts';
import { submitProcess } from '../../../sidecar/src/pipeline/process.ts';
import { createRefusePublishing } from '../../../sidecar/src/pipeline/publishable.ts';
import { acceptExternalResult, cancelJob, retryJob } from '../../../sidecar/src/pipeline/steer.ts';
import { startWorker, type Worker } from '../../../sidecar/src/pipeline/worker.ts';
import { imageFacts } from '../../support/facts.ts';
import { createTestPipeline, task, until, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

const STOPPED: PublicError = {
	code: 'content_unsafe',
	message: 'The safety scan found violence content at 4.2 s.',
	details: { findings: [{ category: 'violence', moments: [{ at_seconds: 4.2, score: 0.9 }] }] },
};

describe('what a scan has stopped', () => {
	let pipeline: TestPipeline;
	let worker: Worker;
	let begun: string[];
	/** What scans answer; a string is the code of an error. */
	let verdict: Record<string, unknown> | 'content_unsafe' | 'provider_unavailable';

	const scan: TaskOperation<{ action: 'stop' | 'report' }> = {
		...task('safety_scan', async () => ({})),
		guards: ({ action }) => action === 'stop',
		params: z.strictObject({ action: z.enum(['stop', 'report']).default('stop') }),
		run: async () => {
			begun.push('safety_scan');
			if (verdict === 'content_unsafe') throw new PipelineError('content_unsafe', STOPPED.message, { details: STOPPED.details ?? {} });
			if (typeof verdict === 'string') throw new PipelineError('processing_failed', 'Nobody answered.');
			return { output: verdict };
		},
	};
	const join: Operation = { ...task('join', async () => (begun.push('join'), {})), params: z.strictObject({ clips: z.array(mediaInput) }) };

	beforeAll(async () => {
		pipeline = await createTestPipeline({
			triggers: { process: null, distribute: 'http://n8n.test/distribute' },
			send: async () => ({ status: 404, contentType: 'application/json', body: '{"message":"not registered"}' }),
			operations: [scan, join, task('quick', async () => (begun.push('quick'), {}))],
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
		verdict = { safe: true };
	});

	const newAsset = async (change: { error?: PublicError; sha256?: string; workspaceId?: string } = {}) => {
		const id = randomUUID();
		await insertAssets(pipeline.deps.db, [
			{ id, workspaceId: WORKSPACE, source: 'url', status: change.error ? 'failed' : 'ready', facts: imageFacts(), fileType: 'image', storageKey: `raw/${id}`, ...change },
		]);
		return id;
	};
	const scanned = async (assetId: string, change: Partial<NewJob>, minutesAgo = 0) => {
		const completedAt = new Date(Date.now() - minutesAgo * 60_000);
		const [row] = await insertJobs(pipeline.deps.db, [
			{ id: randomUUID(), workspaceId: WORKSPACE, assetId, jobType: 'safety_scan', status: 'completed', params: { action: 'stop' }, completedAt, ...change },
		]);
		return row as JobRow;
	};
	const asset = async (id: string) => (await findAsset(pipeline.deps.db, WORKSPACE, id))!;
	const row = async (id: string) => (await pipeline.deps.db.select().from(jobs).where(eq(jobs.id, id)))[0]!;
	const ended = (id: string) => until(async () => (await row(id)).completedAt !== null, 'the job has ended');
	const status = (id: string, wanted: string) => until(async () => (await asset(id)).status === wanted, `the asset is ${wanted}`);
	const posting = (assetId: string) => createRefusePublishing(pipeline.deps.db)({ assetId, workspaceId: WORKSPACE });
	const submit = async (...items: Array<{ operation: string; asset_id: string; params?: Record<string, unknown> }>) => {
		const { jobs: made } = await pipeline.submit({ items: items.map((item) => ({ params: {}, ...item })) });
		worker.wake();
		return made;
	};
	const process = async (assetId: string, operations: unknown[], triggers = pipeline.deps.triggers) => {
		const made = await transact(pipeline.deps.db, (tx) => submitProcess({ ...pipeline.deps, triggers }, tx, WORKSPACE, processRequestSchema.parse({ asset_id: assetId, operations })));
		worker.wake();
		return made;
	};
	const distributed = async (assetId: string) => (await pipeline.deps.db.select().from(callbacks).where(and(eq(callbacks.assetId, assetId), eq(callbacks.kind, 'distribute')))).length;

	describe('may be posted', () => {
		it('where nobody wanted a scan, and where the last one let it pass', async () => {
			const id = await newAsset();
			await expect(posting(id)).resolves.toBeUndefined();
			await scanned(id, { status: 'failed', error: { code: 'provider_unavailable', message: 'Down.' } }, 2);
			await scanned(id, { output: { safe: true } }, 1);
			await expect(posting(id)).resolves.toBeUndefined();
			// One that was only to report says nothing where it could not.
			await scanned(id, { status: 'failed', params: { action: 'report' }, error: { code: 'provider_unavailable', message: 'Down.' } });
			await expect(posting(id)).resolves.toBeUndefined();
		});

		it('not where it stopped the asset, whoever asks', async () => {
			await expect(posting(await newAsset({ error: STOPPED }))).rejects.toMatchObject({ code: 'content_unsafe', message: expect.stringMatching(/a provider that looks for violence/) });
			await expect(posting(randomUUID())).resolves.toBeUndefined();
		});

		it.each([
			['failed', { code: 'provider_unavailable' as const, message: 'Nobody answered.' }, 'Nobody answered.'],
			['failed', { code: 'worker_lost' as const, message: 'The worker is gone.' }, 'The worker is gone.'],
			['cancelled', { code: 'cancelled' as const, message: 'Cancelled on request.' }, 'Cancelled on request.'],
		] as const)('not where the last scan %s: nobody has looked at it (%j)', async (state, error, why) => {
			const id = await newAsset();
			await scanned(id, { output: { safe: true } }, 2);
			const { id: failed } = await scanned(id, { status: state, error });
			await expect(posting(id)).rejects.toMatchObject({ code: 'dependency_failed', message: expect.stringContaining(why), details: { failed_job_id: failed } });
		});

		it('not where its bytes are those of one that was stopped, unless a scan of its own let it pass; other workspaces do not count', async () => {
			const sha256 = randomUUID();
			const stopped = await newAsset({ error: STOPPED, sha256 });
			const again = await newAsset({ sha256 });
			await expect(posting(again)).rejects.toMatchObject({ code: 'content_unsafe', details: { same_as: stopped } });
			await scanned(again, { output: { safe: true } });
			await expect(posting(again)).resolves.toBeUndefined();
			const other = `w-${randomUUID()}`;
			await createWorkspace(pipeline.deps.db, other, `key-${other}`);
			const elsewhere = randomUUID();
			await newAsset({ error: STOPPED, sha256: elsewhere, workspaceId: other });
			await expect(posting(await newAsset({ sha256: elsewhere }))).resolves.toBeUndefined();
		});
	});

	describe('keeps its mark', () => {
		it('when it is ingested once more, cancelled and tried again', async () => {
			const id = await newAsset({ error: STOPPED });
			const [ingest] = await insertJobs(pipeline.deps.db, [{ id: randomUUID(), workspaceId: WORKSPACE, assetId: id, jobType: 'ingest', status: 'cancelled', params: {}, completedAt: new Date() }]);
			await transact(pipeline.deps.db, (tx) => retryJob(pipeline.deps, tx, WORKSPACE, ingest!.id, null));
			expect(await asset(id)).toMatchObject({ status: 'failed', error: { code: 'content_unsafe' } });
			worker.wake();
			await ended(ingest!.id);
			expect(await asset(id)).toMatchObject({ status: 'failed', error: { code: 'content_unsafe' } });
		});

		it('when n8n cannot be told to scan it again', async () => {
			const id = await newAsset({ error: STOPPED });
			await process(id, ['safety_scan', 'quick'], { process: 'http://n8n.test/process', distribute: null });
			const outbox = createOutbox(pipeline.deps);
			await until(async () => {
				await pipeline.deps.db.update(callbacks).set({ nextAt: new Date(0), createdAt: new Date(0) }).where(eq(callbacks.assetId, id));
				await outbox.round();
				await outbox.settled();
				return (await pipeline.deps.db.select().from(callbacks).where(eq(callbacks.assetId, id)))[0]?.status === 'dead';
			}, 'the callback is dead');
			expect(await asset(id)).toMatchObject({ status: 'failed', error: { code: 'content_unsafe' } });
		});

		it('when a scan passes that did not look for what was found, or looked elsewhere', async () => {
			for (const output of [
				{ safe: true, not_looked_for: ['violence'], frames: [{ at_seconds: 4.2 }] },
				{ safe: true, not_looked_for: [], frames: [{ at_seconds: 1 }, { at_seconds: 7 }] },
			]) {
				const id = await newAsset({ error: STOPPED });
				verdict = output;
				const [job] = await submit({ operation: 'safety_scan', asset_id: id });
				await ended(job!.id);
				expect(await asset(id)).toMatchObject({ status: 'failed', error: { code: 'content_unsafe' } });
			}
			const id = await newAsset({ error: STOPPED });
			verdict = { safe: true, not_looked_for: ['hate'], frames: [{ at_seconds: 1 }, { at_seconds: 4.2 }] };
			await submit({ operation: 'safety_scan', asset_id: id });
			await status(id, 'ready');
			expect((await asset(id)).error).toBeNull();
		});

		it('and gives it to nobody: no other asset may be made of it, nor becomes unsafe by asking', async () => {
			const [stopped, clean] = [await newAsset({ error: STOPPED }), await newAsset()];
			await process(clean, [{ operation: 'join', params: { clips: [{ asset_id: stopped }] } }, 'quick']);
			await status(clean, 'failed');
			expect(begun).toEqual(['quick']);
			expect(await asset(clean)).toMatchObject({ error: { code: 'dependency_failed', message: expect.stringContaining('violence') } });
			await expect(posting(clean)).resolves.toBeUndefined();
			// To look into it is allowed.
			const [own] = await submit({ operation: 'join', asset_id: stopped, params: { clips: [{ asset_id: stopped }] } });
			await ended(own!.id);
			expect((await row(own!.id)).status).toBe('completed');
		});
	});

	it.each([
		['', 1],
		[' after what was told has been cleaned up', 0],
	])('is not published a second time when the verdict is lifted%s', async (_, kept) => {
		const id = await newAsset();
		await process(id, ['quick']);
		await status(id, 'processed');
		expect(await distributed(id)).toBe(1);
		if (kept === 0) await pipeline.deps.db.delete(callbacks).where(eq(callbacks.assetId, id));
		verdict = 'content_unsafe';
		await submit({ operation: 'safety_scan', asset_id: id });
		await status(id, 'failed');
		verdict = { safe: true };
		await submit({ operation: 'safety_scan', asset_id: id });
		await status(id, 'processed');
		expect(await distributed(id)).toBe(kept);
	});

	it('is published once when the work ended while it was stopped', async () => {
		const id = await newAsset();
		await updateAsset(pipeline.deps.db, id, { error: { code: 'content_unsafe', message: 'found' }, status: 'failed' });
		await insertJobs(pipeline.deps.db, [{ id: randomUUID(), workspaceId: WORKSPACE, assetId: id, jobType: 'quick', status: 'completed', process: true, params: {}, output: {}, completedAt: new Date() }]);
		await submit({ operation: 'safety_scan', asset_id: id });
		await status(id, 'processed');
		expect(await distributed(id)).toBe(1);
	});

	it('is stopped by an external scan as well, told once or twice', async () => {
		const id = await newAsset();
		const { jobs: made } = await process(id, ['safety_scan', 'quick'], { process: 'http://n8n.test/process', distribute: null });
		const guard = made.find(({ jobType }) => jobType === 'safety_scan')!;
		const report = () => transact(pipeline.deps.db, (tx) => acceptExternalResult(pipeline.deps, tx, WORKSPACE, guard.id, { status: 'completed', output: { safe: false, reason: 'blood' }, error: null }));
		expect(await report()).toMatchObject({ status: 'failed', error: { code: 'content_unsafe', details: { reason: 'blood' } } });
		expect(await report()).toMatchObject({ status: 'failed' });
		expect(await asset(id)).toMatchObject({ status: 'failed', error: { code: 'content_unsafe' } });
		expect(begun).toEqual([]);
	});

	it('is not stopped in silence by an external scan that comes after the scan has failed', async () => {
		const id = await newAsset();
		const late = await scanned(id, { status: 'failed', error: { code: 'deadline_exceeded', message: 'Too late.' } });
		const report = transact(pipeline.deps.db, (tx) => acceptExternalResult(pipeline.deps, tx, WORKSPACE, late.id, { status: 'completed', output: { safe: false }, error: null }));
		await expect(report).rejects.toMatchObject({ code: 'conflict' });
	});

	describe('in a batch', () => {
		it('holds up what else is asked of the same asset, and nothing of others', async () => {
			const [one, other] = [await newAsset(), await newAsset()];
			verdict = 'content_unsafe';
			const made = await submit({ operation: 'quick', asset_id: one }, { operation: 'quick', asset_id: other }, { operation: 'safety_scan', asset_id: one });
			for (const { id } of made) await ended(id);
			expect(await Promise.all(made.map(async ({ id }) => [(await row(id)).status, (await row(id)).error?.code ?? null]))).toEqual([
				['failed', 'dependency_failed'],
				['completed', null],
				['failed', 'content_unsafe'],
			]);
			expect(begun.filter((name) => name === 'quick')).toHaveLength(1);
		});

		it('lets it pass when the scan does, and ends it when the scan is cancelled', async () => {
			const id = await newAsset();
			const made = await submit({ operation: 'quick', asset_id: id }, { operation: 'safety_scan', asset_id: id });
			for (const job of made) await ended(job.id);
			expect(begun).toEqual(['safety_scan', 'quick']);
			const { jobs: later } = await pipeline.submit({ items: [{ operation: 'quick', asset_id: id, params: {} }, { operation: 'safety_scan', asset_id: id, params: {} }] });
			await transact(pipeline.deps.db, (tx) => cancelJob(pipeline.deps, tx, WORKSPACE, later[1]!.id));
			await ended(later[0]!.id);
			expect((await row(later[0]!.id)).status).toBe('failed');
			await expect(posting(id)).rejects.toMatchObject({ code: 'dependency_failed' });
		});
	});
});
