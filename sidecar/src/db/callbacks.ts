import { and, asc, desc, eq, inArray, isNull, lte, or, sql } from 'drizzle-orm';
import type { Executor } from './database.ts';
import { callbacks, type CallbackStatus } from './schema.ts';

export type CallbackRow = typeof callbacks.$inferSelect;

export async function insertCallback(db: Executor, row: typeof callbacks.$inferInsert): Promise<void> {
	await db.insert(callbacks).values(row);
}

/** Takes what is due, for `leaseSeconds`; skips what another process is delivering. Oldest first. */
export async function claimDueCallbacks(db: Executor, limit: number, leaseSeconds: number): Promise<CallbackRow[]> {
	const due = db
		.select({ id: callbacks.id })
		.from(callbacks)
		.where(
			and(
				eq(callbacks.status, 'pending'),
				lte(callbacks.nextAt, sql`now()`),
				or(isNull(callbacks.leaseUntil), lte(callbacks.leaseUntil, sql`now()`)),
			),
		)
		.orderBy(asc(callbacks.nextAt))
		.limit(limit)
		.for('update', { skipLocked: true });
	return db
		.update(callbacks)
		.set({ leaseUntil: sql`now() + make_interval(secs => ${leaseSeconds})`, attempts: sql`${callbacks.attempts} + 1` })
		.where(inArray(callbacks.id, due))
		.returning();
}

export interface CallbackResult {
	status: CallbackStatus;
	httpStatus: number | null;
	reason: string | null;
	/** Milliseconds until the next try, with status pending. */
	retryInMs?: number;
}

/** Writes the result, unless the row was made obsolete meanwhile. False then. */
export async function settleCallback(db: Executor, id: string, { status, httpStatus, reason, retryInMs = 0 }: CallbackResult): Promise<boolean> {
	const rows = await db
		.update(callbacks)
		.set({
			status,
			lastHttpStatus: httpStatus,
			reason,
			leaseUntil: null,
			...(status === 'pending' ? { nextAt: sql`now() + make_interval(secs => ${retryInMs / 1000})` } : { endedAt: sql`now()` }),
		})
		.where(and(eq(callbacks.id, id), eq(callbacks.status, 'pending')))
		.returning({ id: callbacks.id });
	return rows.length > 0;
}

/** When the next pending callback is due. Null: none is waiting. */
export async function nextCallbackAt(db: Executor): Promise<Date | null> {
	const [row] = await db
		.select({ at: callbacks.nextAt, lease: callbacks.leaseUntil })
		.from(callbacks)
		.where(eq(callbacks.status, 'pending'))
		.orderBy(asc(sql`greatest(${callbacks.nextAt}, coalesce(${callbacks.leaseUntil}, ${callbacks.nextAt}))`))
		.limit(1);
	if (!row) return null;
	return row.lease && row.lease > row.at ? row.lease : row.at;
}

/** Earlier callbacks to the same place that are not needed any more. */
export async function makeObsolete(db: Executor, urlHash: string, reason: string): Promise<void> {
	await db
		.update(callbacks)
		.set({ status: 'obsolete', reason, endedAt: sql`now()` })
		.where(and(eq(callbacks.urlHash, urlHash), eq(callbacks.status, 'pending')));
}

/** Dead or obsolete → pending again. Null: no such callback. */
export async function redeliver(db: Executor, workspaceId: string, id: string): Promise<CallbackRow | null> {
	const [row] = await db
		.update(callbacks)
		.set({ status: 'pending', attempts: 0, nextAt: sql`now()`, leaseUntil: null, reason: null, endedAt: null, createdAt: sql`now()` })
		.where(and(eq(callbacks.id, id), eq(callbacks.workspaceId, workspaceId)))
		.returning();
	return row ?? null;
}

/** Newest first. */
export async function listCallbacks(db: Executor, workspaceId: string, status: CallbackStatus | undefined, limit: number): Promise<CallbackRow[]> {
	return db
		.select()
		.from(callbacks)
		.where(and(eq(callbacks.workspaceId, workspaceId), status ? eq(callbacks.status, status) : undefined))
		.orderBy(desc(callbacks.createdAt))
		.limit(limit);
}
