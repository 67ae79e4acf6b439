import { and, eq, sql } from 'drizzle-orm';
import type { Executor, Transaction } from './database.ts';
import { batches } from './schema.ts';

export type BatchRow = typeof batches.$inferSelect;

export async function insertBatch(db: Executor, row: typeof batches.$inferInsert): Promise<void> {
	await db.insert(batches).values(row);
}

export async function findBatch(db: Executor, workspaceId: string, id: string): Promise<BatchRow | null> {
	const [row] = await db.select().from(batches).where(and(eq(batches.id, id), eq(batches.workspaceId, workspaceId)));
	return row ?? null;
}

export async function batchById(db: Executor, id: string): Promise<BatchRow | null> {
	const [row] = await db.select().from(batches).where(eq(batches.id, id));
	return row ?? null;
}

/** Holds the row until the transaction ends: of two jobs that end together, one sees the other's end. */
export async function lockBatch(tx: Transaction, id: string): Promise<BatchRow | null> {
	const [row] = await tx.select().from(batches).where(eq(batches.id, id)).for('update');
	return row ?? null;
}

export async function completeBatch(db: Executor, id: string): Promise<void> {
	await db.update(batches).set({ completedAt: sql`now()` }).where(eq(batches.id, id));
}

/** A job of it is retried. Where its deadline has passed it gets as much time again as the request gave it. */
export async function reopenBatch(db: Executor, id: string): Promise<void> {
	const { deadlineAt, createdAt } = batches;
	await db
		.update(batches)
		.set({ completedAt: null, deadlineAt: sql`case when ${deadlineAt} < now() then now() + (${deadlineAt} - ${createdAt}) else ${deadlineAt} end` })
		.where(eq(batches.id, id));
}
