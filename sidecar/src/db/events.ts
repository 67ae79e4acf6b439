import { and, asc, desc, eq, gt, inArray, ne, sql } from 'drizzle-orm';
import { isWebhookEvent } from '../contract/webhooks.ts';
import type { Executor } from './database.ts';
import { events } from './schema.ts';
import { callWebhooks } from './webhooks.ts';

export type EventRow = typeof events.$inferSelect;
export type NewEvent = Pick<EventRow, 'workspaceId' | 'type'> & Partial<Pick<EventRow, 'assetId' | 'jobId' | 'data'>>;

/** Asked in the same statement, so that events that nobody listens to cost no second one. */
const heard = sql<boolean>`exists (select 1 from webhooks where webhooks.workspace_id = events.workspace_id and webhooks.status = 'active')`;

/**
 * Writes down what happened, for GET /api/media/events, for the history of the asset, and for the webhooks that ask for it: their callbacks
 * are written with it. Of a post name it as `post_id` in `data`: the webhooks get the post as well.
 */
export async function recordEvents(db: Executor, list: NewEvent[]): Promise<void> {
	if (list.length === 0) return;
	const writing = db.insert(events).values(list.map((event) => ({ data: {}, ...event })));
	if (!list.some(({ type }) => isWebhookEvent(type))) return void (await writing);
	const recorded = await writing.returning({ id: events.id, type: events.type, heard });
	await callWebhooks(db, recorded.filter((event) => event.heard));
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

export async function eventById(db: Executor, workspaceId: string, id: number): Promise<EventRow | null> {
	const [row] = await db.select().from(events).where(and(eq(events.id, id), eq(events.workspaceId, workspaceId)));
	return row ?? null;
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
