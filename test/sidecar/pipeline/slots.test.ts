import { eq } from 'drizzle-orm';
import { jobs, workspaces } from '../../../sidecar/src/db/schema.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { fillIdleSlots } from '../../../sidecar/src/pipeline/slots.ts';
import { reconcile } from '../../../sidecar/src/pipeline/reconcile.ts';
import { startWorker } from '../../../sidecar/src/pipeline/worker.ts';
import { createTestPipeline, task, until, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

describe('max_concurrent_jobs', () => {
	let open: () => void;
	let gate: Promise<void>;
	const running = new Map<string, number>();
	let most = 0;
	const gated = task('gated', async ({ workspaceId }) => {
		running.set(workspaceId, (running.get(workspaceId) ?? 0) + 1);
		if (workspaceId === WORKSPACE) {
			most = Math.max(most, running.get(workspaceId) ?? 0);
			await gate;
		}
		running.set(workspaceId, (running.get(workspaceId) ?? 0) - 1);
		return {};
	});
	let pipeline: TestPipeline;
	beforeEach(async () => {
		gate = new Promise((resolve) => (open = resolve));
		most = 0;
		pipeline = await createTestPipeline({ operations: [gated], concurrency: 6 });
		await limit(2);
	});
	afterEach(() => pipeline.close());

	const limit = (count: number | null) => pipeline.database.db.update(workspaces).set({ settings: { quotas: { max_concurrent_jobs: count } } }).where(eq(workspaces.id, WORKSPACE));
	const items = (count: number) => Array.from({ length: count }, () => ({ operation: 'gated', params: {} }));
	const rows = () => pipeline.database.db.select().from(jobs).where(eq(jobs.workspaceId, WORKSPACE));
	const completed = async (batchId: string): Promise<boolean> => (await pipeline.database.db.select().from(jobs).where(eq(jobs.batchId, batchId))).every(({ status }) => status === 'completed');

	it('makes further jobs wait their turn, without their messages, while another workspace goes on', async () => {
		await createWorkspace(pipeline.database.db, 'other', 'key-of-the-other');
		const mine = await pipeline.submit({ items: items(9) });
		const worker = startWorker(pipeline.deps);
		try {
			await until(async () => (await rows()).filter(({ waitsForSlot }) => waitsForSlot).length === 7 && running.get(WORKSPACE) === 2, 'two work, seven wait');
			const theirs = await pipeline.submit({ workspaceId: 'other', items: items(20) });
			await until(() => completed(theirs.batchId), 'the other workspace is done');
			// The reconciler knows that they wait on purpose.
			expect((await reconcile(pipeline.deps)).unsent).toBe(0);
			open();
			await until(() => completed(mine.batchId), 'all are done');
			expect(most).toBe(2);
		} finally {
			open();
			await worker.stop();
		}
	});

	it('lets those go on that a crash or a limit that was raised has left waiting', async () => {
		const mine = await pipeline.submit({ items: items(3) });
		await pipeline.database.db.update(jobs).set({ waitsForSlot: true });
		await pipeline.deps.queue.done(await pipeline.deps.queue.fetch(10));
		expect(await fillIdleSlots(pipeline.deps)).toBe(2);
		await limit(null);
		expect(await fillIdleSlots(pipeline.deps)).toBe(1);
		open();
		const worker = startWorker(pipeline.deps);
		await until(() => completed(mine.batchId), 'all are done');
		await worker.stop();
	});
});
