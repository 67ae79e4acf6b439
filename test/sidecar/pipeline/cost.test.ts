import { eq } from 'drizzle-orm';
import { spend } from '../../../sidecar/src/ai/meter.ts';
import { batches, jobs } from '../../../sidecar/src/db/schema.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { reconcile } from '../../../sidecar/src/pipeline/reconcile.ts';
import { runJob, shuttingDown } from '../../../sidecar/src/pipeline/run.ts';
import { cancelJob } from '../../../sidecar/src/pipeline/steer.ts';
import type { TaskOperation } from '../../../sidecar/src/operations/operation.ts';
import { createTestPipeline, task, until, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

const never = new AbortController().signal;

describe('what a job has paid for', () => {
	let pipeline: TestPipeline;
	let fails: number;
	let waiting: number;

	beforeAll(async () => {
		const pays = task('pays', async () => {
			spend({ ai_usd: 0.1, ai_tokens: 100 });
			if (fails-- > 0) throw new PipelineError('provider_unavailable', 'It is down.');
			return { ok: true };
		});
		const operation: TaskOperation = { ...pays, run: async (context, params) => ({ ...(await pays.run(context, params)), cost: { ai_tokens: 100, cpu_seconds: 2 } }) };
		const waits = task('waits', async ({ signal }) => {
			spend({ ai_usd: 0.1 });
			waiting++;
			return new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
		});
		pipeline = await createTestPipeline({ operations: [operation, waits] });
	});
	afterAll(() => pipeline.close());
	beforeEach(() => {
		fails = 0;
		waiting = 0;
	});

	const row = async (id: string) => (await pipeline.deps.db.select().from(jobs).where(eq(jobs.id, id)))[0]!;
	const submit = async (operation: string) => {
		const { batchId, jobs: [job] } = await pipeline.submit({ items: [{ operation, params: {} }] });
		return { id: job!.id, batchId };
	};
	const due = (id: string) => pipeline.deps.db.update(jobs).set({ runAt: new Date(0) }).where(eq(jobs.id, id));

	it('is that of all its tries, those that failed as well, each counted once', async () => {
		fails = 2;
		const { id } = await submit('pays');
		const seen: Array<Record<string, number>> = [];
		for (let attempt = 1; attempt <= 3; attempt += 1) {
			await due(id);
			await runJob(pipeline.deps, id, never);
			seen.push((await row(id)).cost);
		}
		expect(seen).toEqual([
			{ ai_usd: 0.1, ai_tokens: 100 },
			{ ai_usd: 0.2, ai_tokens: 200 },
			{ ai_usd: 0.3, ai_tokens: 300, cpu_seconds: 2 },
		]);
		expect((await row(id)).status).toBe('completed');
	});

	it('is kept when it is cancelled, and when the sidecar stops in the middle', async () => {
		const { id } = await submit('waits');
		const running = runJob(pipeline.deps, id, never);
		await until(() => waiting === 1, 'it is being worked on');
		await transact(pipeline.deps.db, (tx) => cancelJob(pipeline.deps, tx, WORKSPACE, id));
		await running;
		expect(await row(id)).toMatchObject({ status: 'cancelled', cost: { ai_usd: 0.1 } });

		const stop = new AbortController();
		const other = await submit('waits');
		const stopped = runJob(pipeline.deps, other.id, stop.signal);
		await until(() => waiting === 2, 'it is being worked on');
		stop.abort(shuttingDown());
		await stopped;
		expect(await row(other.id)).toMatchObject({ status: 'pending', cost: { ai_usd: 0.1 } });
	});

	it('does not hide why it was late: a job that waits for a provider needs no more workers', async () => {
		fails = 1;
		const { id, batchId } = await submit('pays');
		await runJob(pipeline.deps, id, never);
		await pipeline.deps.db.update(batches).set({ deadlineAt: new Date(0) }).where(eq(batches.id, batchId));
		await reconcile(pipeline.deps);
		expect((await row(id)).error).toEqual({ code: 'deadline_exceeded', message: 'The deadline of the request passed before the job was done. Its last try ended with provider_unavailable: It is down.' });
	});
});
