import { randomUUID } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import { triesOf } from '../../../sidecar/src/db/jobs.ts';
import { jobs } from '../../../sidecar/src/db/schema.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { runJob } from '../../../sidecar/src/pipeline/run.ts';
import { MAX_ATTEMPTS } from '../../../sidecar/src/pipeline/retry-policy.ts';
import { createTestPipeline, task, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

describe('a job that waits for its turn under a rate limit', () => {
	let pipeline: TestPipeline;
	let runs: number;
	let turn: number;
	/** Nothing is tried before its turn. */
	let untried: boolean;
	beforeAll(async () => {
		pipeline = await createTestPipeline({
			operations: [
				task('polite', async () => {
					runs += 1;
					if (runs < turn) throw new PipelineError('platform_rate_limited', 'Wait.', { retryAfterSeconds: 60, untried });
					return { ran: runs };
				}),
			],
		});
	});
	afterAll(() => pipeline.close());
	beforeEach(() => {
		runs = 0;
		turn = 3 * MAX_ATTEMPTS;
	});

	async function newJob(): Promise<string> {
		const id = randomUUID();
		await pipeline.deps.db.insert(jobs).values({ id, workspaceId: WORKSPACE, jobType: 'polite', status: 'pending', params: {} });
		return id;
	}
	const row = async (id: string) => (await pipeline.deps.db.select().from(jobs).where(eq(jobs.id, id)))[0]!;
	const runNow = async (id: string) => {
		await pipeline.deps.db.update(jobs).set({ runAt: sql`now()` }).where(eq(jobs.id, id));
		await runJob(pipeline.deps, id, new AbortController().signal);
	};

	it('comes back as often as it must: that is no try', async () => {
		untried = true;
		const id = await newJob();
		for (let round = 1; round < turn; round += 1) {
			await runNow(id);
			expect(await row(id)).toMatchObject({ status: 'pending', error: { code: 'platform_rate_limited' } });
		}
		expect(triesOf(await row(id))).toBeLessThanOrEqual(1);
		expect((await row(id)).runAt.getTime()).toBeGreaterThan(Date.now() + 50_000);
		await runNow(id);
		expect(await row(id)).toMatchObject({ status: 'completed', output: { ran: turn } });
	});

	it('fails after its tries when the platform itself has refused each of them', async () => {
		untried = false;
		const id = await newJob();
		for (let round = 0; round < turn; round += 1) await runNow(id);
		expect(await row(id)).toMatchObject({ status: 'failed', error: { code: 'platform_rate_limited' } });
		expect(runs).toBe(MAX_ATTEMPTS);
	});
});
