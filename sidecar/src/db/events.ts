import { and, asc, desc, eq, gt, inArray, ne } from 'drizzle-orm';
import type { Executor } from './database.ts';
import { events } from './schema.ts';

export type EventRow = typeof events.$inferSelect;
export type NewEvent = Pick<EventRow, 'workspaceId' | 'type'> & Partial<Pick<EventRow, 'assetId' | 'jobId' | 'data'>>;

export async function recordEvents(db: Executor, list: NewEvent[]): Promise<void> {
	if (list.length > 0) await db.insert(events).values(list.map((event) => ({ data: {}, ...event })));
}

/** Once a job has ended its percentages are of no interest any more. */
export async function dropProgress(db: Executor, jobIds: string[]): Promise<void> {
	await db.delete(events).where(and(inArray(events.jobId, jobIds), eq(events.type, 'job.progress')));
}

/** Oldest first; of all workspaces unless one is named. */
export async function eventsAfter(db: Executor, id: number, limit: number, workspaceId?: string): Promise<EventRow[]> {
	return db
		.select()
		.from(events)
		.where(and(gt(events.id, id), workspaceId === undefined ? undefined : eq(events.workspaceId, workspaceId)))
		.orderBy(asc(events.id))
		.limit(limit);
}

export async function latestEventId(db: Executor): Promise<number> {
	const [row] = await db.select({ id: events.id }).from(events).orderBy(desc(events.id)).limit(1);
	return row?.id ?? 0;
}

/** What happened to an asset, newest first, without the percentages of its jobs. */
export async function eventsOfAsset(db: Executor, workspaceId: string, assetId: string, limit: number): Promise<EventRow[]> {
	return db
		.select()
		.from(events)
		.where(and(eq(events.assetId, assetId), eq(events.workspaceId, workspaceId), ne(events.type, 'job.progress')))
		.orderBy(desc(events.id))
		.limit(limit);
}
