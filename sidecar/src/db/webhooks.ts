import { and, count, desc, eq, inArray, sql } from 'drizzle-orm';
import { isWebhookEvent, patternsOf } from '../contract/webhooks.ts';
import type { CallbackRow } from './callbacks.ts';
import type { Executor, Transaction } from './database.ts';
import { callbacks, webhooks, workspaces } from './schema.ts';

export type WebhookRow = typeof webhooks.$inferSelect;

/** Stores it, unless the workspace has `most` already: null then. Two requests at once cannot both be the last one. */
export async function insertWebhook(tx: Transaction, row: typeof webhooks.$inferInsert, most: number): Promise<WebhookRow | null> {
	await tx.select({ id: workspaces.id }).from(workspaces).where(eq(workspaces.id, row.workspaceId)).for('no key update');
	const [existing] = await tx.select({ count: count() }).from(webhooks).where(eq(webhooks.workspaceId, row.workspaceId));
	if ((existing?.count ?? 0) >= most) return null;
	const [stored] = await tx.insert(webhooks).values(row).returning();
	return stored ?? null;
}

const named = (workspaceId: string, id: string) => and(eq(webhooks.workspaceId, workspaceId), eq(webhooks.id, id));

export async function findWebhook(db: Executor, workspaceId: string, id: string): Promise<WebhookRow | null> {
	const [row] = await db.select().from(webhooks).where(named(workspaceId, id));
	return row ?? null;
}

/** Newest first. */
export async function listWebhooks(db: Executor, workspaceId: string): Promise<WebhookRow[]> {
	return db.select().from(webhooks).where(eq(webhooks.workspaceId, workspaceId)).orderBy(desc(webhooks.createdAt), desc(webhooks.id));
}

/** How many events wait for each of them. */
export async function countPending(db: Executor, ids: string[]): Promise<Map<string, number>> {
	if (ids.length === 0) return new Map();
	const rows = await db
		.select({ id: callbacks.webhookId, count: count() })
		.from(callbacks)
		.where(and(inArray(callbacks.webhookId, ids), eq(callbacks.status, 'pending')))
		.groupBy(callbacks.webhookId);
	return new Map(rows.flatMap((row) => (row.id ? [[row.id, row.count] as const] : [])));
}

/** With everything that waits for it. False: there is none. */
export async function deleteWebhook(db: Executor, workspaceId: string, id: string): Promise<boolean> {
	return (await db.delete(webhooks).where(named(workspaceId, id)).returning({ id: webhooks.id })).length > 0;
}

const WORKING = { failingSince: null, failures: 0, lastFailure: null, retryAt: null } as const;

/** Begins anew, whatever it was. Null: there is none. */
export async function enableWebhook(db: Executor, workspaceId: string, id: string): Promise<WebhookRow | null> {
	const [row] = await db
		.update(webhooks)
		.set({ ...WORKING, status: 'active', disabledReason: null, disabledAt: null })
		.where(named(workspaceId, id))
		.returning();
	return row ?? null;
}

/** Something got through. */
export async function webhookWorked(db: Executor, id: string): Promise<void> {
	await db.update(webhooks).set({ ...WORKING, lastDeliveredAt: sql`now()` }).where(eq(webhooks.id, id));
}

/** An attempt failed: nothing more is sent to it for `holdMs`. */
export async function webhookFailed(db: Executor, id: string, reason: string, holdMs: number): Promise<void> {
	await db
		.update(webhooks)
		.set({
			failures: sql`${webhooks.failures} + 1`,
			failingSince: sql`coalesce(${webhooks.failingSince}, now())`,
			lastFailure: reason,
			retryAt: sql`now() + make_interval(secs => ${holdMs / 1000})`,
		})
		.where(eq(webhooks.id, id));
}

/** Nothing is sent to it any more; what waits for it is given up. False: it was disabled before. */
export async function disableWebhook(tx: Transaction, id: string, reason: string): Promise<boolean> {
	const rows = await tx
		.update(webhooks)
		.set({ status: 'disabled', disabledReason: reason, disabledAt: sql`now()` })
		.where(and(eq(webhooks.id, id), eq(webhooks.status, 'active')))
		.returning({ id: webhooks.id });
	await tx
		.update(callbacks)
		.set({ status: 'dead', reason, endedAt: sql`now()`, leaseUntil: null })
		.where(and(eq(callbacks.webhookId, id), eq(callbacks.status, 'pending')));
	return rows.length > 0;
}

/** One callback for each of these events and each webhook that asked for it. In the transaction that recorded them. */
export async function callWebhooks(db: Executor, recorded: Array<{ id: number; type: string }>): Promise<void> {
	for (const type of new Set(recorded.map((event) => event.type))) {
		if (!isWebhookEvent(type)) continue;
		const ids = recorded.filter((event) => event.type === type).map(({ id }) => id);
		// The hash of the URL is for callbacks that a later one to the same place makes obsolete: events never are. Their URL is that of the webhook.
		// Of a webhook that is being deleted nothing is wanted any more: waiting for the end of that would hold up what is told of, and a
		// callback for one that is gone by then would make it fail.
		await db.execute(sql`
			insert into callbacks (id, workspace_id, kind, webhook_id, event_id, url, url_hash)
			select gen_random_uuid(), w.workspace_id, 'event', w.id, e.id, '', 'webhook ' || w.id
			from events e join webhooks w on w.workspace_id = e.workspace_id and (w.asset_id is null or w.asset_id = e.asset_id)
			where e.id in ${ids} and w.status = 'active' and w.event_types && ${sql.param(patternsOf(type), webhooks.eventTypes)}
			for key share of w skip locked`);
	}
}

export interface BusyWebhooks {
	workspaces: string[];
	webhooks: string[];
}

/**
 * Takes events that are due, for `leaseSeconds`, at most `perWebhook` of each webhook; none of those that are held back after a failure, or
 * `busy`. Asked webhook by webhook, so that the thousands that may wait for one of them are not read for the sake of the others.
 */
export async function claimDueEvents(db: Executor, limit: number, perWebhook: number, leaseSeconds: number, busy: BusyWebhooks): Promise<CallbackRow[]> {
	const free = sql`status = 'pending' and kind = 'event' and next_at <= now() and coalesce(lease_until <= now(), true)`;
	const notBusy = sql.join([
		...(busy.workspaces.length > 0 ? [sql` and w.workspace_id not in ${busy.workspaces}`] : []),
		...(busy.webhooks.length > 0 ? [sql` and w.id not in ${busy.webhooks}`] : []),
	]);
	const chosen = sql`
		select due.id from webhooks w
		cross join lateral (select id, next_at from callbacks where webhook_id = w.id and ${free} order by next_at limit ${perWebhook}) due
		where coalesce(w.retry_at <= now(), true)${notBusy}
		order by due.next_at limit ${limit}`;
	// What another process has just taken is not free any more.
	const due = sql`select id from callbacks where id in (${chosen}) and ${free} for update skip locked`;
	return db
		.update(callbacks)
		.set({ leaseUntil: sql`now() + make_interval(secs => ${leaseSeconds})`, attempts: sql`${callbacks.attempts} + 1` })
		.where(sql`${callbacks.id} in (${due})`)
		.returning();
}
