import { eq } from 'drizzle-orm';
import { pino } from 'pino';
import { jobs } from '../../../sidecar/src/db/schema.ts';
import { goesOn } from '../../../sidecar/src/errors.ts';
import { keepLease } from '../../../sidecar/src/pipeline/lease.ts';
import { createTestPipeline, task, until, type TestPipeline } from '../../support/pipeline.ts';

/** What a worker leaves elsewhere (a dub that is being made, and paid) is somebody's, or nobody's. */
describe('a worker that has lost its job', () => {
	let pipeline: TestPipeline;
	beforeAll(async () => {
		pipeline = await createTestPipeline({ operations: [task('works', async () => ({}))] });
	});
	afterAll(() => pipeline.close());

	async function lostTo(change: Partial<typeof jobs.$inferInsert>): Promise<unknown> {
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'works', params: {} }] });
		const [mine] = await pipeline.deps.db.update(jobs).set({ status: 'processing', attempts: 1 }).where(eq(jobs.id, job!.id)).returning();
		await pipeline.deps.db.update(jobs).set(change).where(eq(jobs.id, job!.id));
		const lease = keepLease(pipeline.deps, mine!, pino({ level: 'silent' }));
		lease.progress(50);
		await until(async () => lease.signal.aborted, 'the lease is lost');
		await lease.stop();
		return lease.signal.reason;
	}

	it('knows when another one has taken it up', async () => {
		expect(goesOn(await lostTo({ attempts: 2 }))).toBe(true);
		expect(goesOn(await lostTo({ status: 'pending' }))).toBe(true);
	});

	it('knows when it has ended', async () => {
		expect(goesOn(await lostTo({ status: 'cancelled' }))).toBe(false);
	});
});
