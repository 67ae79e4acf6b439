import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import type { Executor, Transaction } from './database.ts';
import { CHUNK, type JobRow } from './jobs.ts';
import { jobs, workspaces } from './schema.ts';

/** `max_concurrent_jobs` of the workspaces that these jobs belong to, by job. Those of workspaces without one are left out, and so are chunks: they are pieces of a job that has its slot. */
export async function limitsOf(db: Executor, ids: string[]): Promise<Map<string, { workspaceId: string; limit: number }>> {
	if (ids.length === 0) return new Map();
	const limit = sql<number>`(${workspaces.settings} -> 'quotas' ->> 'max_concurrent_jobs')::int`;
	const rows = await db
		.select({ id: jobs.id, workspaceId: jobs.workspaceId, limit })
		.from(jobs)
		.innerJoin(workspaces, eq(workspaces.id, jobs.workspaceId))
		.where(and(inArray(jobs.id, ids), sql`${jobs.jobType} <> ${CHUNK}`, sql`${workspaces.settings} -> 'quotas' ->> 'max_concurrent_jobs' is not null`));
	return new Map(rows.map(({ id, workspaceId, limit: most }) => [id, { workspaceId, limit: most }]));
}

/** No message until a slot is free. */
export async function makeWait(db: Executor, id: string): Promise<void> {
	await db.update(jobs).set({ waitsForSlot: true }).where(and(eq(jobs.id, id), eq(jobs.status, 'pending')));
}

/** Whether any job of the workspace waits for a slot. */
export async function doesAnyWait(db: Executor, workspaceId: string): Promise<boolean> {
	return (await db.select({ id: jobs.id }).from(jobs).where(and(eq(jobs.workspaceId, workspaceId), sql`${jobs.waitsForSlot}`, eq(jobs.status, 'pending'))).limit(1)).length > 0;
}

/** Those that wait for a slot of the workspace, whose turn is first. They wait no longer: the caller sends their messages. */
export async function takeWaiting(tx: Transaction, workspaceId: string, count: number): Promise<JobRow[]> {
	const first = await tx
		.select({ id: jobs.id })
		.from(jobs)
		.where(and(eq(jobs.workspaceId, workspaceId), sql`${jobs.waitsForSlot}`, eq(jobs.status, 'pending')))
		.orderBy(asc(jobs.rank))
		.limit(count)
		.for('update', { skipLocked: true });
	if (first.length === 0) return [];
	return tx.update(jobs).set({ waitsForSlot: false }).where(inArray(jobs.id, first.map(({ id }) => id))).returning();
}

/** Workspaces in which jobs wait although slots are free, and how many are. */
export async function idleSlots(db: Executor): Promise<Array<{ workspaceId: string; free: number }>> {
	const { rows } = await db.execute<{ workspace_id: string; free: number }>(sql`
		select waiting.workspace_id, (coalesce((${workspaces.settings} -> 'quotas' ->> 'max_concurrent_jobs')::int, waiting.count) - running.count)::int as free
		from (select workspace_id, count(*) as count from ${jobs} where waits_for_slot and status = 'pending' group by 1) waiting
		join ${workspaces} on ${workspaces.id} = waiting.workspace_id
		cross join lateral (select count(*) as count from ${jobs} r where r.workspace_id = waiting.workspace_id and r.status = 'processing' and r.job_type <> ${CHUNK}
			and ${workspaces.settings} -> 'quotas' ->> 'max_concurrent_jobs' is not null) running`);
	return rows.filter(({ free }) => free > 0).map(({ workspace_id: workspaceId, free }) => ({ workspaceId, free }));
}
