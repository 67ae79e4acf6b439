import { and, asc, eq, gte, inArray, isNull, notInArray, or, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Executor, Transaction } from './database.ts';
import { CHUNK, ENDED, OPEN, type JobRow } from './jobs.ts';
import { files, jobs } from './schema.ts';

/** In the order of the film. Only those of the parent's present run: `startedAt` is new after a retry. */
export async function chunksOf(db: Executor, parent: Pick<JobRow, 'id' | 'startedAt'>): Promise<JobRow[]> {
	return db
		.select()
		.from(jobs)
		.where(and(eq(jobs.afterJobId, parent.id), eq(jobs.jobType, CHUNK), parent.startedAt ? gte(jobs.createdAt, parent.startedAt) : undefined))
		.orderBy(asc(jobs.itemIndex));
}

/** What a parent has as its lease while others work for it: the chunks have leases of their own. */
const PARKED = sql`now() + interval '1 day'`;

/**
 * Gives the parent's slot back: it stays "processing", but nobody holds it. Raising `attempts` voids the claim; the run
 * does not count as a try. False: the lease was lost meanwhile.
 */
export async function park(tx: Transaction, { id, attempts }: Pick<JobRow, 'id' | 'attempts'>): Promise<boolean> {
	const rows = await tx
		.update(jobs)
		.set({ attempts: sql`${jobs.attempts} + 1`, uncounted: sql`${jobs.uncounted} + 2`, workerId: null, leaseUntil: PARKED })
		.where(and(eq(jobs.id, id), eq(jobs.attempts, attempts), eq(jobs.status, 'processing')))
		.returning({ id: jobs.id });
	return rows.length > 0;
}

/** The parent of a chunk that has ended, ready to go on: when all chunks have ended, or one has failed. Null: not yet. */
export async function unpark(tx: Transaction, parentId: string): Promise<JobRow | null> {
	// Locked first, then looked: whoever ends the last chunk sees that it was the last.
	const [parent] = await tx.select().from(jobs).where(eq(jobs.id, parentId)).for('update');
	if (parent?.status !== 'processing' || parent.workerId !== null) return null;
	const chunks = await chunksOf(tx, parent);
	const failed = chunks.some(({ status }) => status === 'failed' || status === 'cancelled');
	if (!failed && chunks.some(({ status }) => !ENDED.includes(status))) return null;
	const [row] = await tx.update(jobs).set({ status: 'pending', runAt: sql`now()`, leaseUntil: null }).where(eq(jobs.id, parentId)).returning();
	return row ?? null;
}

/** The parent has ended: nobody needs what its chunks would make. */
export async function cancelChunks(tx: Transaction, parentId: string): Promise<void> {
	await tx
		.update(jobs)
		.set({ status: 'cancelled', completedAt: sql`now()`, leaseUntil: null })
		.where(and(eq(jobs.afterJobId, parentId), eq(jobs.jobType, CHUNK), inArray(jobs.status, OPEN)));
}

/** Stores how far a chunk is, and what that means for its parent: the mean of all. Answers the parent when it has moved. */
export async function shareProgress(db: Executor, { id, afterJobId, attempts }: Pick<JobRow, 'id' | 'afterJobId' | 'attempts'>, percent: number): Promise<JobRow | null> {
	if (!afterJobId) return null;
	await db.update(jobs).set({ progress: percent }).where(and(eq(jobs.id, id), eq(jobs.attempts, attempts), eq(jobs.status, 'processing')));
	const mean = sql`(select floor(avg(c.progress)) from jobs c where c.after_job_id = ${afterJobId} and c.job_type = ${CHUNK} and c.status in ('pending', 'processing', 'completed'))`;
	const [parent] = await db
		.update(jobs)
		.set({ progress: sql`least(99, ${mean})` })
		.where(and(eq(jobs.id, afterJobId), eq(jobs.status, 'processing'), isNull(jobs.workerId), sql`${jobs.progress} < ${mean}`))
		.returning();
	return parent ?? null;
}

/** Chunks that have served: their parent has ended, or is gone. */
export async function servedChunks(db: Executor): Promise<JobRow[]> {
	const parent = alias(jobs, 'parent');
	const rows = await db
		.select({ chunk: jobs })
		.from(jobs)
		.leftJoin(parent, eq(jobs.afterJobId, parent.id))
		// No asset: that is what the index finds them by.
		.where(and(isNull(jobs.assetId), eq(jobs.jobType, CHUNK), inArray(jobs.status, ENDED), or(isNull(parent.id), inArray(parent.status, ENDED))))
		.limit(200);
	return rows.map(({ chunk }) => chunk);
}

/** Parked jobs that nobody has woken, because the process of the last chunk died at that moment. */
export async function forgottenParents(db: Executor): Promise<string[]> {
	const rows = await db.execute<{ id: string }>(sql`
		select p.id from jobs p
		where p.status = 'processing' and p.worker_id is null
			and exists (select 1 from jobs c where c.after_job_id = p.id and c.job_type = ${CHUNK})
			and not exists (select 1 from jobs c where c.after_job_id = p.id and c.job_type = ${CHUNK} and c.status in ('pending', 'processing'))
		limit 200`);
	return rows.rows.map(({ id }) => id);
}

export async function deleteChunks(tx: Transaction, ids: string[]): Promise<void> {
	if (ids.length === 0) return;
	await tx.delete(files).where(inArray(files.jobId, ids));
	await tx.delete(jobs).where(and(inArray(jobs.id, ids), eq(jobs.jobType, CHUNK)));
}

/** Jobs that could begin now, and those that are being worked on, by this worker and by others. */
export async function workload(db: Executor, workerId: string): Promise<{ waiting: number; own: number; others: number }> {
	const [row] = await db
		.select({
			waiting: sql<number>`count(*) filter (where ${jobs.status} = 'pending' and not ${jobs.held} and ${jobs.runAt} <= now() and (${jobs.afterJobId} is null or ${jobs.jobType} = ${CHUNK} or exists (select 1 from jobs b where b.id = ${jobs.afterJobId} and b.status = 'completed')))`.mapWith(Number),
			own: sql<number>`count(*) filter (where ${jobs.status} = 'processing' and ${jobs.workerId} = ${workerId})`.mapWith(Number),
		})
		.from(jobs)
		.where(inArray(jobs.status, OPEN));
	// Whoever has just done something is likely still there; an idle worker leaves no other trace.
	const [seen] = await db
		.select({ others: sql<number>`count(distinct ${jobs.workerId})`.mapWith(Number) })
		.from(jobs)
		.where(and(sql`${jobs.workerId} <> ${workerId}`, notInArray(jobs.status, ['pending']), or(gte(jobs.completedAt, sql`now() - interval '10 minutes'`), gte(jobs.leaseUntil, sql`now()`))));
	return { waiting: row?.waiting ?? 0, own: row?.own ?? 0, others: seen?.others ?? 0 };
}
