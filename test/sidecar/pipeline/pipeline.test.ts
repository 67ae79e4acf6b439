import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import type { Attempt } from '../../../sidecar/src/callbacks/classify.ts';
import type { SendRequest } from '../../../sidecar/src/callbacks/outbox.ts';
import { assets, batches, callbacks, jobs } from '../../../sidecar/src/db/schema.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import type { ErrorCode } from '../../../sidecar/src/errors.ts';
import { reconcile } from '../../../sidecar/src/pipeline/reconcile.ts';
import { runJob } from '../../../sidecar/src/pipeline/run.ts';
import { cancelJob, retryJob } from '../../../sidecar/src/pipeline/steer.ts';
import { startWorker } from '../../../sidecar/src/pipeline/worker.ts';
import { imageFacts } from '../../support/facts.ts';
import { createTestPipeline, deliverDue, failing, noop, task, until, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

const never = new AbortController().signal;

describe('the pipeline', () => {
	let pipeline: TestPipeline;
	/** What receivers answer, by URL; else 200. */
	let answers: Record<string, Attempt[]>;
	let sent: Array<SendRequest & { json: Record<string, unknown> }>;
	let release: () => void;
	let gate: Promise<void>;

	beforeAll(async () => {
		pipeline = await createTestPipeline({
			operations: [
				noop(),
				failing('bad', 'input_corrupt'),
				failing('flaky', 'provider_unavailable', 1),
				failing('down', 'provider_unavailable'),
				task('slow', async ({ signal }) => {
					await Promise.race([gate, new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))]);
					return { done: true };
				}),
				{ ...task('reader', async ({ earlierOutput }) => ({ saw: await earlierOutput('slow') })), buildsOn: ['slow', 'bad'] },
				task('secretive', async ({ secrets }) => ({ length: secrets['access_token']?.length })),
			],
			send: async (request) => {
				sent.push({ ...request, json: JSON.parse(request.body) as Record<string, unknown> });
				return answers[request.url]?.shift() ?? { status: 200, contentType: 'application/json', body: '{}' };
			},
		});
	});
	afterAll(() => pipeline.close());
	beforeEach(() => {
		sent = [];
		answers = {};
		gate = new Promise((resolve) => (release = resolve));
	});

	const row = async (id: string) => (await pipeline.deps.db.select().from(jobs).where(eq(jobs.id, id)))[0]!;
	const callbackOf = async (batchId: string) => pipeline.deps.db.select().from(callbacks).where(eq(callbacks.batchId, batchId));
	const codeOf = async (id: string): Promise<ErrorCode | undefined> => (await row(id)).error?.code;
	/** Ignores pauses: what is pending is due now. */
	const due = (id: string) => pipeline.deps.db.update(jobs).set({ runAt: new Date(0) }).where(eq(jobs.id, id));

	it('answers many items by one signed callback, in the order of the items', async () => {
		const { batchId, jobs: [a, b, c] } = await pipeline.submit({ items: [{ operation: 'noop', params: {} }, { operation: 'bad', params: {} }, { operation: 'noop', params: {} }], callbackUrl: 'http://n8n.test/webhook-waiting/1/n?signature=s' });
		for (const job of [c, a, b]) await runJob(pipeline.deps, job!.id, never);
		await deliverDue(pipeline.deps);
		expect(sent).toHaveLength(1);
		expect(sent[0]?.headers).toMatchObject({ 'webhook-id': expect.any(String), 'webhook-signature': expect.stringMatching(/^v1,/) });
		expect(sent[0]?.json).toMatchObject({
			batch_id: batchId,
			status: 'partial',
			jobs: [
				{ job_id: a!.id, item_index: 0, status: 'completed', output_data: { ok: true } },
				{ job_id: b!.id, item_index: 1, status: 'failed', error: { code: 'input_corrupt' } },
				{ job_id: c!.id, item_index: 2, status: 'completed' },
			],
		});
		expect((await callbackOf(batchId))[0]?.status).toBe('delivered');
	});

	it('makes one asset of a source that several items bring in: the later ones wait for the first', async () => {
		const item = { operation: 'ingest', file_url: 'http://files.test/same.mp4', params: {} };
		const { jobs: [first, other, again] } = await pipeline.submit({ items: [item, { ...item, file_url: 'http://files.test/other.mp4' }, item] });
		expect([again!.assetId === first!.assetId, other!.assetId === first!.assetId, again!.afterJobId]).toEqual([true, false, first!.id]);
		await pipeline.deps.db.delete(jobs).where(eq(jobs.batchId, first!.batchId!));
	});

	it('stores neither the callback URL nor tokens readably, and erases tokens when the job ends', async () => {
		const { batchId, jobs: [job] } = await pipeline.submit({ items: [{ operation: 'secretive', params: {}, secrets: { access_token: 'very-secret' } }], callbackUrl: 'http://n8n.test/hook?signature=hidden' });
		const [batch] = await pipeline.deps.db.select().from(batches).where(eq(batches.id, batchId));
		expect(JSON.stringify([batch, await row(job!.id)])).not.toMatch(/very-secret|hidden/);
		expect((await row(job!.id)).secret).toEqual(expect.any(String));
		await runJob(pipeline.deps, job!.id, never);
		expect(await row(job!.id)).toMatchObject({ status: 'completed', output: { length: 11 }, secret: null });
	});

	it('refuses an unknown operation and a wrong parameter, naming the field, and stores nothing', async () => {
		const before = await pipeline.deps.db.select().from(jobs);
		await expect(pipeline.submit({ items: [{ operation: 'noop', params: {} }, { operation: 'nope', params: {} }] })).rejects.toMatchObject({ code: 'unknown_operation', message: expect.stringContaining('items.1.operation') });
		await expect(pipeline.submit({ items: [{ operation: 'noop', params: { note: 7 } }] })).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('items.0.params.note') });
		expect(await pipeline.deps.db.select().from(jobs)).toHaveLength(before.length);
	});

	it('tries again what can pass, and not what cannot', async () => {
		const { jobs: [flaky, bad] } = await pipeline.submit({ items: [{ operation: 'flaky', params: {} }, { operation: 'bad', params: {} }] });
		await runJob(pipeline.deps, flaky!.id, never);
		expect(await row(flaky!.id)).toMatchObject({ status: 'pending', attempts: 1, error: { code: 'provider_unavailable' } });
		await due(flaky!.id);
		await runJob(pipeline.deps, flaky!.id, never);
		expect(await row(flaky!.id)).toMatchObject({ status: 'completed', attempts: 2, error: null, output: { failed_before: 1 } });
		await runJob(pipeline.deps, bad!.id, never);
		expect(await row(bad!.id)).toMatchObject({ status: 'failed', attempts: 1 });
	});

	it('gives up after three tries and says why', async () => {
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'down', params: {} }] });
		for (let attempt = 1; attempt <= 3; attempt += 1) {
			await due(job!.id);
			await runJob(pipeline.deps, job!.id, never);
		}
		expect(await row(job!.id)).toMatchObject({ status: 'failed', attempts: 3, error: { code: 'provider_unavailable' } });
		await due(job!.id);
		expect(await runJob(pipeline.deps, job!.id, never)).toBe(false);
	});

	it('lets one of two workers have a job', async () => {
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'noop', params: {} }] });
		const claims = await Promise.all([runJob(pipeline.deps, job!.id, never), runJob({ ...pipeline.deps, workerId: 'other' }, job!.id, never)]);
		expect(claims.sort()).toEqual([false, true]);
		expect((await row(job!.id)).attempts).toBe(1);
	});

	it('throws away the result of a worker that lost its lease', async () => {
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'slow', params: {} }] });
		const first = runJob(pipeline.deps, job!.id, never);
		await until(async () => (await row(job!.id)).status === 'processing', 'the job is being worked on');
		// The machine slept: its lease ran out, and the reconciler gave the job to another worker.
		await pipeline.deps.db.update(jobs).set({ leaseUntil: new Date(0) }).where(eq(jobs.id, job!.id));
		expect(await reconcile(pipeline.deps)).toMatchObject({ lost: 1 });
		const second = runJob({ ...pipeline.deps, workerId: 'other' }, job!.id, never);
		await until(async () => (await row(job!.id)).attempts === 2, 'the job was claimed again');
		release();
		await Promise.all([first, second]);
		expect(await row(job!.id)).toMatchObject({ status: 'completed', attempts: 2, workerId: 'other' });
	});

	it('fails a job whose workers vanished three times', async () => {
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'noop', params: {} }] });
		for (let attempt = 1; attempt <= 3; attempt += 1) {
			await pipeline.deps.db.update(jobs).set({ status: 'processing', attempts: attempt, leaseUntil: new Date(0) }).where(eq(jobs.id, job!.id));
			await reconcile(pipeline.deps);
		}
		expect(await row(job!.id)).toMatchObject({ status: 'failed', error: { code: 'worker_lost' } });
	});

	it('sends the message of a forgotten job again', async () => {
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'noop', params: {} }] });
		await pipeline.deps.queue.done(await pipeline.deps.queue.fetch(100));
		await pipeline.deps.db.update(jobs).set({ runAt: new Date(Date.now() - 3_600_000) }).where(eq(jobs.id, job!.id));
		expect((await reconcile(pipeline.deps)).unsent).toBe(1);
		expect((await reconcile(pipeline.deps)).unsent).toBe(0);
		expect((await pipeline.deps.queue.fetch(100)).map(({ jobId }) => jobId)).toContain(job!.id);
	});

	it('fails what is not done at the deadline, and tells the caller', async () => {
		const { batchId, jobs: [job] } = await pipeline.submit({ items: [{ operation: 'noop', params: {} }], deadlineSeconds: 1, callbackUrl: 'http://n8n.test/late' });
		await pipeline.deps.db.update(batches).set({ deadlineAt: new Date(0) }).where(eq(batches.id, batchId));
		await reconcile(pipeline.deps);
		expect(await codeOf(job!.id)).toBe('deadline_exceeded');
		expect(await callbackOf(batchId)).toHaveLength(1);
	});

	it('cancels a running job: the work is aborted and writes nothing any more', async () => {
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'slow', params: {} }] });
		const running = runJob(pipeline.deps, job!.id, never);
		await until(async () => (await row(job!.id)).status === 'processing', 'the job is being worked on');
		await transact(pipeline.deps.db, (tx) => cancelJob(pipeline.deps, tx, WORKSPACE, job!.id));
		await running;
		expect(await row(job!.id)).toMatchObject({ status: 'cancelled', output: null, error: { code: 'cancelled' } });
		await expect(transact(pipeline.deps.db, (tx) => cancelJob(pipeline.deps, tx, 'other-workspace', job!.id))).rejects.toMatchObject({ code: 'not_found' });
	});

	it('retries a failed job on request, and asks for fresh tokens where they were erased', async () => {
		const { jobs: [plain, secretive] } = await pipeline.submit({ items: [{ operation: 'noop', params: {} }, { operation: 'secretive', params: {}, secrets: { access_token: 'one' } }] });
		for (const job of [plain!, secretive!]) await transact(pipeline.deps.db, (tx) => cancelJob(pipeline.deps, tx, WORKSPACE, job.id));
		await transact(pipeline.deps.db, (tx) => retryJob(pipeline.deps, tx, WORKSPACE, plain!.id, null));
		await runJob(pipeline.deps, plain!.id, never);
		expect((await row(plain!.id)).status).toBe('completed');
		const retry = (secrets: Record<string, string> | null) => transact(pipeline.deps.db, (tx) => retryJob(pipeline.deps, tx, WORKSPACE, secretive!.id, secrets));
		await expect(retry(null)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('fresh') });
		await retry({ access_token: 'fresh' });
		await runJob(pipeline.deps, secretive!.id, never);
		expect(await row(secretive!.id)).toMatchObject({ status: 'completed', output: { length: 5 } });
	});

	it('takes the fresh tokens of a request that names a failed job again, and gives them to that job alone', async () => {
		const [asset] = await pipeline.deps.db.insert(assets).values({ id: randomUUID(), workspaceId: WORKSPACE, source: 'url', status: 'failed', ingestJobId: randomUUID() }).returning();
		const ended = { workspaceId: WORKSPACE, assetId: asset!.id, status: 'failed', params: {}, needsSecret: true } as const;
		await pipeline.deps.db.insert(jobs).values({ ...ended, id: asset!.ingestJobId!, jobType: 'ingest', needsSecret: false });
		const id = randomUUID();
		await pipeline.deps.db.insert(jobs).values({ ...ended, id, jobType: 'secretive', afterJobId: asset!.ingestJobId });
		const again = (secrets?: Record<string, string>) => pipeline.submit({ items: [{ operation: 'secretive', job_id: id, params: {}, secrets }] });
		await expect(again()).rejects.toMatchObject({ code: 'conflict' });
		await again({ access_token: 'fresh' });
		expect(await row(id)).toMatchObject({ status: 'pending', secret: expect.any(String) });
		expect(await row(asset!.ingestJobId!)).toMatchObject({ status: 'pending', secret: null });
	});

	it('makes an older undelivered callback to the same resume URL obsolete, but not one to an ordinary URL', async () => {
		const resume = `http://n8n.test/webhook-waiting/9/node?signature=${randomUUID()}`;
		const ordinary = `http://app.test/${randomUUID()}`;
		const first = await pipeline.submit({ items: [{ operation: 'noop', params: {} }], callbackUrl: resume });
		const other = await pipeline.submit({ items: [{ operation: 'noop', params: {} }], callbackUrl: ordinary });
		for (const { jobs: [job] } of [first, other]) await runJob(pipeline.deps, job!.id, never);
		await pipeline.submit({ items: [{ operation: 'noop', params: {} }], callbackUrl: resume });
		await pipeline.submit({ items: [{ operation: 'noop', params: {} }], callbackUrl: ordinary });
		expect((await callbackOf(first.batchId))[0]?.status).toBe('obsolete');
		expect((await callbackOf(other.batchId))[0]?.status).toBe('pending');
	});

	it('delivers a callback that comes too early again, with the same id', async () => {
		const { batchId, jobs: [job] } = await pipeline.submit({ items: [{ operation: 'noop', params: {} }], callbackUrl: 'http://n8n.test/webhook-waiting/early' });
		await runJob(pipeline.deps, job!.id, never);
		answers['http://n8n.test/webhook-waiting/early'] = [{ status: 409, contentType: 'application/json', body: 'The execution is running already.' }];
		await until(async () => (await deliverDue(pipeline.deps), (await callbackOf(batchId))[0]?.status === 'delivered'), 'the callback is delivered');
		const mine = sent.filter(({ json }) => json['batch_id'] === batchId);
		expect(mine).toHaveLength(2);
		expect(new Set(mine.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
	});

	it('buries a callback nobody can receive with a reason, and keeps the result readable', async () => {
		const { batchId, jobs: [job] } = await pipeline.submit({ items: [{ operation: 'noop', params: {} }], callbackUrl: 'http://n8n.test/webhook-waiting/gone' });
		await runJob(pipeline.deps, job!.id, never);
		answers['http://n8n.test/webhook-waiting/gone'] = [{ status: 409, contentType: '', body: 'The execution has finished already' }];
		await until(async () => (await deliverDue(pipeline.deps), (await callbackOf(batchId))[0]?.status === 'dead'), 'the callback is dead');
		expect((await callbackOf(batchId))[0]).toMatchObject({ lastHttpStatus: 409, reason: expect.stringContaining('has finished') });
		expect((await row(job!.id)).output).toEqual({ ok: true });
	});

	it('works off a backlog, the urgent first', async () => {
		await pipeline.deps.queue.done(await pipeline.deps.queue.fetch(100));
		const normal = await pipeline.submit({ items: Array.from({ length: 20 }, () => ({ operation: 'noop', params: {} })) });
		const urgent = await pipeline.submit({ items: [{ operation: 'noop', params: {} }], priority: 5 });
		const worker = startWorker({ ...pipeline.deps, concurrency: 1 });
		await until(async () => (await pipeline.deps.db.select().from(batches).where(eq(batches.id, normal.batchId)))[0]?.completedAt !== null, 'the backlog is done');
		await worker.stop();
		const started = async (id: string) => (await row(id)).startedAt!.getTime();
		expect(await started(urgent.jobs[0]!.id)).toBeLessThanOrEqual(await started(normal.jobs[1]!.id));
	});

	it('lets a job wait for what it builds on, without counting that as a try, whatever becomes of it', async () => {
		const [asset] = await pipeline.deps.db.insert(assets).values({ id: randomUUID(), workspaceId: WORKSPACE, source: 'url', status: 'ready', facts: imageFacts() }).returning();
		const items = ['reader', 'slow', 'bad'].map((operation) => ({ operation, asset_id: asset!.id, params: {} }));
		const { jobs: [reader, slow, bad] } = await pipeline.submit({ items });
		await runJob(pipeline.deps, reader!.id, never);
		expect(await row(reader!.id)).toMatchObject({ status: 'pending', error: null });
		// However often it looks, what is stored is left alone meanwhile.
		let listed = 0;
		const storage = { ...pipeline.deps.storage, list: (prefix: string) => ((listed += 1), pipeline.deps.storage.list(prefix)), deleteUnfinished: (prefix: string) => ((listed += 1), pipeline.deps.storage.deleteUnfinished(prefix)) };
		await due(reader!.id);
		await runJob({ ...pipeline.deps, storage }, reader!.id, never);
		expect([(await row(reader!.id)).status, listed]).toEqual(['pending', 0]);
		const working = runJob(pipeline.deps, slow!.id, never);
		release();
		await working;
		await runJob(pipeline.deps, bad!.id, never);
		await due(reader!.id);
		await runJob(pipeline.deps, reader!.id, never);
		expect(await row(reader!.id)).toMatchObject({ status: 'completed', output: { saw: { done: true } }, attempts: 3, uncounted: 2 });
	});

	it('fails work on an asset whose bytes never came with the reason for which they did not', async () => {
		const [asset] = await pipeline.deps.db.insert(assets).values({ id: randomUUID(), workspaceId: WORKSPACE, source: 'url', status: 'failed', ingestJobId: randomUUID() }).returning();
		await pipeline.deps.db.insert(jobs).values({ id: asset!.ingestJobId!, workspaceId: WORKSPACE, assetId: asset!.id, jobType: 'ingest', status: 'failed', params: {}, error: { code: 'input_forbidden', message: 'not there' } });
		const { batchId, jobs: [job] } = await pipeline.submit({ items: [{ operation: 'noop', asset_id: asset!.id, params: {} }], callbackUrl: 'http://n8n.test/x' });
		expect(await codeOf(job!.id)).toBe('input_forbidden');
		expect(await callbackOf(batchId)).toHaveLength(1);
	});
});
