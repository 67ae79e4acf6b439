import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { startOutbox, type SendRequest } from '../../../sidecar/src/callbacks/outbox.ts';
import { processRequestSchema } from '../../../sidecar/src/contract/requests.ts';
import { redeliver } from '../../../sidecar/src/db/callbacks.ts';
import { assets, batches, callbacks, jobs } from '../../../sidecar/src/db/schema.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { submitProcess } from '../../../sidecar/src/pipeline/process.ts';
import { reconcile } from '../../../sidecar/src/pipeline/reconcile.ts';
import { runJob, shuttingDown } from '../../../sidecar/src/pipeline/run.ts';
import { cancelJob, retryJob } from '../../../sidecar/src/pipeline/steer.ts';
import { createTestPipeline, deliverDue, failing, noop, task, until, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

const never = new AbortController().signal;
const NOOP = { operation: 'noop', params: {} };

describe('on a bad day', () => {
	let pipeline: TestPipeline;
	let sent: Array<SendRequest & { json: Record<string, unknown> }>;
	/** URLs that never answer until the test lets them. */
	let silent: Set<string>;
	let letGo: () => void;
	let hanging: Promise<void>;
	/** One gate per attempt of `gated`: it ends when its own is opened, whatever the signal says. */
	let gates: Array<() => void>;

	beforeAll(async () => {
		pipeline = await createTestPipeline({
			operations: [
				noop(),
				failing('bad', 'input_corrupt'),
				task('gated', async ({ attempt }) => {
					await new Promise<void>((resolve) => gates.push(resolve));
					return { by: attempt };
				}),
				task('slow', ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))),
			],
			send: async (request) => {
				sent.push({ ...request, json: JSON.parse(request.body) as Record<string, unknown> });
				if (silent.has(request.url)) await hanging;
				return { status: 200, contentType: 'application/json', body: '{}' };
			},
		});
	});
	afterAll(() => pipeline.close());
	beforeEach(async () => {
		sent = [];
		silent = new Set();
		gates = [];
		hanging = new Promise((resolve) => (letGo = resolve));
		// What earlier tests left is not this one's affair.
		await pipeline.deps.db.update(callbacks).set({ status: 'obsolete' }).where(eq(callbacks.status, 'pending'));
	});
	afterEach(() => letGo());

	const row = async (id: string) => (await pipeline.deps.db.select().from(jobs).where(eq(jobs.id, id)))[0]!;
	const batch = async (id: string) => (await pipeline.deps.db.select().from(batches).where(eq(batches.id, id)))[0]!;
	const asset = async (id: string) => (await pipeline.deps.db.select().from(assets).where(eq(assets.id, id)))[0]!;
	const callbacksOf = (batchId: string) => pipeline.deps.db.select().from(callbacks).where(eq(callbacks.batchId, batchId)).orderBy(callbacks.createdAt);
	const cancel = (id: string) => transact(pipeline.deps.db, (tx) => cancelJob(pipeline.deps, tx, WORKSPACE, id));
	const retry = (id: string) => transact(pipeline.deps.db, (tx) => retryJob(pipeline.deps, tx, WORKSPACE, id, null));
	const failedAsset = async () => {
		const id = randomUUID();
		const ingestJobId = randomUUID();
		await pipeline.deps.db.insert(assets).values({ id, workspaceId: WORKSPACE, source: 'url', status: 'failed', ingestJobId });
		await pipeline.deps.db.insert(jobs).values({ id: ingestJobId, workspaceId: WORKSPACE, assetId: id, jobType: 'ingest', status: 'failed', params: {}, error: { code: 'input_forbidden', message: 'not there' } });
		return id;
	};

	describe('a job that is cancelled and retried while its worker has not noticed', () => {
		it('belongs to the worker that claims it then; the first one writes nothing and removes nothing', async () => {
			const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'gated', params: {} }] });
			const first = runJob(pipeline.deps, job!.id, never);
			await until(() => gates.length === 1, 'the first worker has it');
			await cancel(job!.id);
			await retry(job!.id);
			const second = runJob({ ...pipeline.deps, workerId: 'other' }, job!.id, never);
			await until(() => gates.length === 2, 'the second worker has it');
			gates[0]!();
			await first;
			expect(await row(job!.id)).toMatchObject({ status: 'processing', workerId: 'other', output: null });
			gates[1]!();
			await second;
			expect(await row(job!.id)).toMatchObject({ status: 'completed', workerId: 'other', output: { by: 2 } });
		});

		it('has all its tries again', async () => {
			const { jobs: [job] } = await pipeline.submit({ items: [NOOP] });
			await pipeline.deps.db.update(jobs).set({ status: 'failed', attempts: 3 }).where(eq(jobs.id, job!.id));
			await retry(job!.id);
			for (const [attempts, status] of [[4, 'pending'], [5, 'pending'], [6, 'failed']] as const) {
				await pipeline.deps.db.update(jobs).set({ status: 'processing', attempts, leaseUntil: new Date(0) }).where(eq(jobs.id, job!.id));
				await reconcile(pipeline.deps);
				expect((await row(job!.id)).status).toBe(status);
			}
		});
	});

	it('does not count a try that a shutdown cut short', async () => {
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'slow', params: {} }] });
		for (let restart = 1; restart <= 4; restart += 1) {
			const shutdown = new AbortController();
			const running = runJob(pipeline.deps, job!.id, shutdown.signal);
			await until(async () => (await row(job!.id)).status === 'processing', 'the job is being worked on');
			shutdown.abort(shuttingDown());
			await running;
		}
		await pipeline.deps.db.update(jobs).set({ status: 'processing', attempts: 5, leaseUntil: new Date(0) }).where(eq(jobs.id, job!.id));
		await reconcile(pipeline.deps);
		expect((await row(job!.id)).status).toBe('pending');
		await cancel(job!.id);
	});

	it('answers a second cancellation at the same time like the first', async () => {
		const { jobs: [job] } = await pipeline.submit({ items: [NOOP] });
		expect((await Promise.all([cancel(job!.id), cancel(job!.id)])).map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
	});

	describe('work on an asset whose ingest has failed', () => {
		it('fails at once with its reason, asked for by POST /api/media/process', async () => {
			const request = processRequestSchema.parse({ asset_id: await failedAsset(), operations: ['noop'] });
			const { asset: made, jobs: [job] } = await transact(pipeline.deps.db, (tx) => submitProcess(pipeline.deps, tx, WORKSPACE, request));
			expect(await row(job!.id)).toMatchObject({ status: 'failed', error: { code: 'input_forbidden' } });
			expect(job!.status).toBe('failed');
			expect(made.status).toBe('failed');
			expect((await asset(made.id)).status).toBe('failed');
		});

		it('is found by the reconciler, should it wait nevertheless', async () => {
			const { batchId, jobs: [job] } = await pipeline.submit({ items: [NOOP], callbackUrl: 'http://app.test/orphan' });
			const failed = await asset(await failedAsset());
			await pipeline.deps.db.update(jobs).set({ assetId: failed.id, afterJobId: failed.ingestJobId }).where(eq(jobs.id, job!.id));
			await reconcile(pipeline.deps);
			expect(await row(job!.id)).toMatchObject({ status: 'failed', error: { code: 'input_forbidden' } });
			expect(await callbacksOf(batchId)).toHaveLength(1);
		});
	});

	describe('a batch whose jobs another one has taken over', () => {
		it('ends when it has waited for nothing else, and reports what is left', async () => {
			const first = await pipeline.submit({ items: [NOOP, NOOP], callbackUrl: 'http://app.test/first' });
			await runJob(pipeline.deps, first.jobs[0]!.id, never);
			await pipeline.submit({ items: [{ ...NOOP, job_id: first.jobs[1]!.id }], callbackUrl: 'http://app.test/second' });
			expect((await batch(first.batchId)).completedAt).not.toBeNull();
			await deliverDue(pipeline.deps);
			expect(sent.map(({ url }) => url)).toEqual(['http://app.test/first']);
			expect(sent[0]!.json['jobs']).toHaveLength(1);
		});

		it('does not say that it completed when nothing is left to it', async () => {
			const first = await pipeline.submit({ items: [NOOP], callbackUrl: 'http://app.test/first' });
			await pipeline.submit({ items: [{ ...NOOP, job_id: first.jobs[0]!.id }] });
			await deliverDue(pipeline.deps);
			expect(sent.map(({ json }) => json)).toEqual([{ type: 'batch.finished', batch_id: first.batchId, status: 'failed', jobs: [] }]);
		});

		it('cannot be asked for the same job twice in one request', async () => {
			const { jobs: [job] } = await pipeline.submit({ items: [NOOP] });
			const item = { ...NOOP, job_id: job!.id };
			await expect(pipeline.submit({ items: [item, item] })).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('items.1.job_id') });
		});
	});

	describe('a job that is retried after its batch has ended', () => {
		it('gets the time of its request again when the deadline has passed', async () => {
			const { batchId, jobs: [job] } = await pipeline.submit({ items: [NOOP], deadlineSeconds: 600 });
			await pipeline.deps.db.update(batches).set({ createdAt: new Date(Date.now() - 900_000), deadlineAt: new Date(Date.now() - 300_000) }).where(eq(batches.id, batchId));
			await reconcile(pipeline.deps);
			expect((await row(job!.id)).error?.code).toBe('deadline_exceeded');
			await retry(job!.id);
			await reconcile(pipeline.deps);
			expect((await row(job!.id)).status).toBe('pending');
			const left = (await batch(batchId)).deadlineAt!.getTime() - Date.now();
			expect(left).toBeGreaterThan(500_000);
			expect(left).toBeLessThan(700_000);
		});

		it('is reported once, when nothing had been delivered before', async () => {
			const { batchId, jobs: [, bad] } = await pipeline.submit({ items: [NOOP, { operation: 'bad', params: {} }], callbackUrl: 'http://app.test/twice' });
			for (const { id } of await pipeline.deps.db.select().from(jobs).where(eq(jobs.batchId, batchId))) await runJob(pipeline.deps, id, never);
			await retry(bad!.id);
			await deliverDue(pipeline.deps);
			expect(sent).toEqual([]);
			await runJob(pipeline.deps, bad!.id, never);
			await deliverDue(pipeline.deps);
			expect(sent.map(({ json }) => json['status'])).toEqual(['partial']);
		});
	});

	describe('callbacks', () => {
		const due = async (workspaceId: string, callbackUrl: string) => {
			const submitted = await pipeline.submit({ workspaceId, items: [NOOP], callbackUrl });
			await runJob(pipeline.deps, submitted.jobs[0]!.id, never);
			return submitted.batchId;
		};

		it('of others are not held up by receivers that never answer', async () => {
			await createWorkspace(pipeline.deps.db, 'loud', `key-${randomUUID()}`);
			for (let index = 0; index < 40; index += 1) {
				silent.add(`http://silent.test/${index}`);
				await due('loud', `http://silent.test/${index}`);
			}
			const outbox = startOutbox(pipeline.deps);
			try {
				await until(() => sent.length > 0, 'the silent ones are being called');
				await due(WORKSPACE, 'http://app.test/in-a-hurry');
				outbox.wake();
				await until(() => sent.some(({ url }) => url === 'http://app.test/in-a-hurry'), 'the other callback is sent', 10_000);
			} finally {
				letGo();
				await outbox.stop();
			}
		});

		it('that cannot be opened do not hold up others, and say why', async () => {
			const broken = await due(WORKSPACE, 'http://app.test/broken');
			await pipeline.deps.db.update(callbacks).set({ url: 'v1.sealed.with.another-key' }).where(eq(callbacks.batchId, broken));
			await due(WORKSPACE, 'http://app.test/whole');
			await deliverDue(pipeline.deps);
			expect(sent.map(({ url }) => url)).toEqual(['http://app.test/whole']);
			expect((await callbacksOf(broken))[0]).toMatchObject({ status: 'pending', leaseUntil: null, reason: expect.stringContaining('ENCRYPTION_KEY') });
		});

		it('that are being sent are not sent a second time by redelivery', async () => {
			silent.add('http://silent.test/one');
			const batchId = await due(WORKSPACE, 'http://silent.test/one');
			const sending = deliverDue(pipeline.deps);
			await until(() => sent.length === 1, 'it is being sent');
			const [callback] = await callbacksOf(batchId);
			await redeliver(pipeline.deps.db, WORKSPACE, callback!.id);
			await deliverDue(pipeline.deps);
			expect(sent).toHaveLength(1);
			letGo();
			await sending;
		});

		it('of one workspace cannot be made obsolete by another that knows the URL', async () => {
			await createWorkspace(pipeline.deps.db, 'nosy', `key-${randomUUID()}`);
			const url = 'http://n8n.test/webhook-waiting/77';
			const batchId = await due(WORKSPACE, url);
			await pipeline.submit({ workspaceId: 'nosy', items: [NOOP], callbackUrl: url });
			expect((await callbacksOf(batchId))[0]!.status).toBe('pending');
		});
	});

	it('sends the message of a job in a long backlog less and less often', async () => {
		const { jobs: [job] } = await pipeline.submit({ items: [NOOP] });
		const waited = async (seconds: number) => {
			await pipeline.deps.db.update(jobs).set({ runAt: new Date(Date.now() - seconds * 1000) }).where(eq(jobs.id, job!.id));
			await reconcile(pipeline.deps);
			return (await row(job!.id)).resent;
		};
		expect(await waited(50)).toBe(0);
		expect(await waited(70)).toBe(1);
		expect(await waited(70)).toBe(1);
		expect(await waited(130)).toBe(2);
		await runJob(pipeline.deps, job!.id, never);
		expect(await row(job!.id)).toMatchObject({ status: 'completed', resent: 0 });
	});
});
