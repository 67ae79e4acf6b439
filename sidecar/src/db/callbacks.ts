import { and, asc, desc, eq, inArray, isNull, lte, notInArray, or, sql } from 'drizzle-orm';
import type { Executor } from './database.ts';
import { callbacks, webhooks, type CallbackStatus } from './schema.ts';

export type CallbackRow = typeof callbacks.$inferSelect;

export async function insertCallback(db: Executor, row: typeof callbacks.$inferInsert): Promise<void> {
	await db.insert(callbacks).values(row);
}

/** Not those for webhooks (db/webhooks.ts). As text, so that the partial index is seen to fit. */
const waitingResults = sql`${callbacks.status} = 'pending' and ${callbacks.kind} <> 'event'`;

const notOf = (workspaces: string[]) => (workspaces.length > 0 ? notInArray(callbacks.workspaceId, workspaces) : undefined);

/**
 * Takes what is due of the results that somebody waits for, for `leaseSeconds`; skips what another process is delivering, and `busy` workspaces. Oldest first.
 */
export async function claimDueCallbacks(db: Executor, limit: number, leaseSeconds: number, busy: string[] = []): Promise<CallbackRow[]> {
	const due = db
		.select({ id: callbacks.id })
		.from(callbacks)
		.where(
			and(
				waitingResults,
				lte(callbacks.nextAt, sql`now()`),
				or(isNull(callbacks.leaseUntil), lte(callbacks.leaseUntil, sql`now()`)),
				notOf(busy),
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

/** Milliseconds until a callback of a workspace that is not `busy` is due, by the database's clock. Null: none is waiting. */
export async function msUntilDue(db: Executor, busy: string[] = []): Promise<number | null> {
	const due = sql`min(greatest(${callbacks.nextAt}, coalesce(${callbacks.leaseUntil}, ${callbacks.nextAt})))`;
	const [row] = await db
		.select({ ms: sql<number | null>`(extract(epoch from ${due} - now()) * 1000)::float8` })
		.from(callbacks)
		.where(and(waitingResults, notOf(busy)));
	return row?.ms ?? null;
}

/** Earlier callbacks of a workspace to the same place that are not needed any more. */
export async function makeObsolete(db: Executor, workspaceId: string, urlHash: string, reason: string): Promise<void> {
	await db
		.update(callbacks)
		.set({ status: 'obsolete', reason, endedAt: sql`now()` })
		.where(and(eq(callbacks.workspaceId, workspaceId), eq(callbacks.urlHash, urlHash), eq(callbacks.status, 'pending')));
}

/** Undelivered callbacks that tell the end of these batches, or of the processing of these assets. */
export async function withdraw(db: Executor, { batchIds, assetIds }: { batchIds: string[]; assetIds: string[] }, reason: string): Promise<void> {
	const ofThem = [
		...(batchIds.length > 0 ? [inArray(callbacks.batchId, batchIds)] : []),
		...(assetIds.length > 0 ? [and(eq(callbacks.kind, 'asset'), inArray(callbacks.assetId, assetIds))] : []),
	];
	if (ofThem.length === 0) return;
	await db
		.update(callbacks)
		.set({ status: 'obsolete', reason, endedAt: sql`now()` })
		.where(and(eq(callbacks.status, 'pending'), or(...ofThem)));
}

/** Sends it again from the first try, whatever became of it. A delivery that is under way keeps its lease. Null: no such callback. */
export async function redeliver(db: Executor, workspaceId: string, id: string): Promise<CallbackRow | null> {
	const [row] = await db
		.update(callbacks)
		.set({ status: 'pending', attempts: 0, nextAt: sql`now()`, reason: null, endedAt: null, createdAt: sql`now()` })
		.where(and(eq(callbacks.id, id), eq(callbacks.workspaceId, workspaceId)))
		.returning();
	if (row?.webhookId) await db.update(webhooks).set({ retryAt: null }).where(eq(webhooks.id, row.webhookId));
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
