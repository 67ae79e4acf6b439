import { eq } from 'drizzle-orm';
import { addUsage } from '../ai/provider.ts';
import type { Executor } from '../db/database.ts';
import { jobs } from '../db/schema.ts';
import { transact } from '../db/transact.ts';
import type { JobRow } from '../db/jobs.ts';
import type { PipelineDeps } from './deps.ts';

type Cost = Record<string, number>;

/** What earlier tries of a job have cost. */
export async function costBefore(db: Executor, { id, attempts }: Pick<JobRow, 'id' | 'attempts'>): Promise<Cost> {
	if (attempts <= 1) return {};
	const [row] = await db.select({ cost: jobs.cost }).from(jobs).where(eq(jobs.id, id));
	return row?.cost ?? {};
}

/** Adds to the cost of a job, whoever holds it now, and however it ended: what a try has used is paid for. */
export async function addCost({ db }: Pick<PipelineDeps, 'db'>, id: string, used: Cost): Promise<void> {
	if (Object.keys(used).length === 0) return;
	await transact(db, async (tx) => {
		const [row] = await tx.select({ cost: jobs.cost }).from(jobs).where(eq(jobs.id, id)).for('update');
		if (row) await tx.update(jobs).set({ cost: addUsage(row.cost, used) }).where(eq(jobs.id, id));
	});
}
