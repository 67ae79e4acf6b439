import { randomUUID } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { and, asc, eq } from 'drizzle-orm';
import { tidyChunks } from '../../../sidecar/src/pipeline/chunks.ts';
import { CHUNK } from '../../../sidecar/src/db/jobs.ts';
import { assets, batches, callbacks, jobs } from '../../../sidecar/src/db/schema.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { runPlan } from '../../../sidecar/src/media/engine.ts';
import { probe } from '../../../sidecar/src/media/probe.ts';
import { createMediaOperations } from '../../../sidecar/src/operations/registry.ts';
import { reconcile } from '../../../sidecar/src/pipeline/reconcile.ts';
import { runJob } from '../../../sidecar/src/pipeline/run.ts';
import { cancelJob } from '../../../sidecar/src/pipeline/steer.ts';
import type { WorkerDeps } from '../../../sidecar/src/pipeline/worker-deps.ts';
import { rawKey } from '../../../sidecar/src/storage/keys.ts';
import { longFixture } from '../../fixtures/long.ts';
import { createTestPipeline, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

const never = new AbortController().signal;
const PARAMS = { height: 144, crf: 30, preset: 'ultrafast' };

describe('a job that is split', () => {
	let pipeline: TestPipeline;
	let deps: WorkerDeps;
	let processes: string[];

	beforeAll(async () => {
		pipeline = await createTestPipeline({ operations: createMediaOperations() });
		deps = {
			...pipeline.deps,
			chunkSeconds: 0.01,
			probe,
			runPlan: async (request) => {
				processes.push(...request.plan.outputs.map(({ name }) => name));
				return { ...(await runPlan(request)), encoder: 'h264_test' };
			},
		};
	});
	afterAll(() => pipeline.close());
	beforeEach(() => void (processes = []));

	const newAsset = async (): Promise<string> => {
		const id = randomUUID();
		const storageKey = rawKey(WORKSPACE, id, 'mp4');
		const copy = join(pipeline.folder, id);
		await copyFile(longFixture('flashes'), copy);
		await pipeline.deps.storage.putFile(storageKey, copy);
		await deps.db.insert(assets).values({ id, workspaceId: WORKSPACE, source: 'upload', status: 'ready', storageKey, sha256: randomUUID(), facts: await probe(longFixture('flashes')) });
		return id;
	};
	const submit = async (assetId: string) => pipeline.submit({ items: [{ operation: 'compress', params: PARAMS, asset_id: assetId }], callbackUrl: 'http://receiver.test/done' });
	const row = async (id: string) => (await deps.db.select().from(jobs).where(eq(jobs.id, id)))[0]!;
	const chunksOf = (id: string) => deps.db.select().from(jobs).where(and(eq(jobs.afterJobId, id), eq(jobs.jobType, CHUNK))).orderBy(asc(jobs.itemIndex));
	const run = (id: string, how: WorkerDeps = deps) => runJob(how, id, never);
	/** Split, and parked. */
	const split = async (): Promise<{ id: string; asset: string; batchId: string }> => {
		const asset = await newAsset();
		const { batchId, jobs: [job] } = await submit(asset);
		await run(job!.id);
		expect((await chunksOf(job!.id)).length).toBeGreaterThan(2);
		expect(await row(job!.id)).toMatchObject({ status: 'processing', workerId: null });
		return { id: job!.id, asset, batchId };
	};
	const statusesOf = async (id: string) => [...new Set((await chunksOf(id)).map(({ status }) => status))];

	it('is joined by whoever comes next, and says who encoded it', async () => {
		const { id } = await split();
		for (const chunk of await chunksOf(id)) await run(chunk.id);
		await run(id);
		expect(await row(id)).toMatchObject({ status: 'completed', output: { encoder: 'h264_test' } });
	}, 90_000);

	it('fails at once, with its reason, when a chunk has failed for good; the other chunks are not made', async () => {
		const { id, batchId } = await split();
		const [chunk] = await chunksOf(id);
		const stalled = async () => {
			throw new PipelineError('processing_stalled', 'ffmpeg made no progress.');
		};
		for (let attempt = 1; attempt <= 3; attempt += 1) {
			await deps.db.update(jobs).set({ runAt: new Date(0) }).where(eq(jobs.id, chunk!.id));
			await run(chunk!.id, { ...deps, runPlan: stalled });
		}
		expect(await row(chunk!.id)).toMatchObject({ status: 'failed', attempts: 3 });
		expect(await row(id)).toMatchObject({ status: 'pending' });
		await run(id);
		expect(await row(id)).toMatchObject({ status: 'failed', error: { code: 'processing_stalled' } });
		expect((await statusesOf(id)).sort()).toEqual(['cancelled', 'failed']);
		expect(await deps.db.select().from(callbacks).where(eq(callbacks.batchId, batchId))).toHaveLength(1);
	}, 90_000);

	it('takes its chunks with it when its deadline passes, or it is cancelled right after it began', async () => {
		const late = await split();
		await deps.db.update(batches).set({ deadlineAt: new Date(0) }).where(eq(batches.id, late.batchId));
		await reconcile(deps);
		expect(await row(late.id)).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
		expect(await statusesOf(late.id)).toEqual(['cancelled']);

		const unwanted = await split();
		// However quickly that was: by this clock it has begun just now.
		await deps.db.update(jobs).set({ startedAt: new Date(Date.now() + 60_000) }).where(eq(jobs.id, unwanted.id));
		await transact(deps.db, (tx) => cancelJob(deps, tx, WORKSPACE, unwanted.id));
		expect(await statusesOf(unwanted.id)).toEqual(['cancelled']);
		await tidyChunks(deps);
		expect(await chunksOf(unwanted.id)).toEqual([]);
	}, 90_000);

	it.each([
		['no chunks', { chunkSeconds: 0 }],
		['larger chunks', { chunkSeconds: 1e6 }],
	])('is made in one piece by a sidecar that makes %s, and its chunks are called off', async (_name, change) => {
		const { id } = await split();
		// The sidecar was killed and comes back.
		await reconcile(deps, { everything: true });
		processes = [];
		let open: string[] = [];
		await run(id, {
			...deps,
			...change,
			runPlan: async (request) => {
				open = await statusesOf(id);
				return deps.runPlan(request);
			},
		});
		expect(await row(id)).toMatchObject({ status: 'completed' });
		expect(processes).toEqual(['compressed.mp4']);
		// Not only at its end: they would take slots from others meanwhile.
		expect(open).toEqual(['cancelled']);
	}, 90_000);

	it('is not made a second time by its equal while it waits to be joined', async () => {
		const { id, asset } = await split();
		const { jobs: [equal] } = await submit(asset);
		for (const chunk of await chunksOf(id)) await run(chunk.id);
		expect((await row(id)).status).toBe('pending');
		// By another worker, which leaves the first one where it is.
		await run(equal!.id, { ...deps, mergeJobs: false });
		expect(await row(equal!.id)).toMatchObject({ status: 'pending', reuseKey: null });
		expect(await row(id)).toMatchObject({ status: 'pending' });
		expect(await chunksOf(equal!.id)).toEqual([]);
		await run(id);
		await deps.db.update(jobs).set({ runAt: new Date(0) }).where(eq(jobs.id, equal!.id));
		await run(equal!.id);
		expect(await row(equal!.id)).toMatchObject({ status: 'completed', output: { reused_from: id } });
	}, 90_000);
});
