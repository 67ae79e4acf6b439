import { and, asc, eq, gt, gte, lt, sql } from 'drizzle-orm';
import type { AuditEntry } from '../contract/audit.ts';
import type { Executor } from './database.ts';
import { auditLog } from './schema.ts';

export type NewAuditEntry = Omit<typeof auditLog.$inferInsert, 'id'>;

export async function insertAudit(db: Executor, entries: NewAuditEntry[]): Promise<void> {
	if (entries.length > 0) await db.insert(auditLog).values(entries);
}

/** Whether anything is written down of a workspace, whether it still is one or not. */
export async function hasAudit(db: Executor, workspaceId: string): Promise<boolean> {
	return (await db.select({ id: auditLog.id }).from(auditLog).where(eq(auditLog.workspaceId, workspaceId)).limit(1)).length > 0;
}

/** Oldest first. */
export async function auditAfter(db: Executor, workspaceId: string, { from, to, after, limit }: { from?: Date | undefined; to?: Date | undefined; after: number; limit: number }): Promise<AuditEntry[]> {
	const rows = await db
		.select()
		.from(auditLog)
		.where(and(eq(auditLog.workspaceId, workspaceId), gt(auditLog.id, after), from && gte(auditLog.createdAt, from), to && lt(auditLog.createdAt, to)))
		.orderBy(asc(auditLog.id))
		.limit(limit);
	return rows.map((row) => ({
		id: row.id,
		at: row.createdAt.toISOString(),
		api_key_id: row.apiKeyId,
		actor: row.actor,
		action: row.action,
		target: row.target,
		status: row.status,
		code: row.code,
		request_id: row.requestId,
		address: row.address,
	}));
}

/** In pieces, so that none holds its locks for long. */
const AT_ONCE = 10_000;

/** What is older than so many days (7 at least: the database refuses less). Nothing else can take rows out (migration `audit_append_only`). */
export async function forgetAudit(db: Executor, days: number): Promise<void> {
	for (;;) {
		const { rows } = await db.execute<{ gone: number }>(sql`select audit_log_forget(${days}, ${AT_ONCE}) as gone`);
		if ((rows[0]?.gone ?? 0) < AT_ONCE) return;
	}
}
