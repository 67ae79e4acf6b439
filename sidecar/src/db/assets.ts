import { and, eq, sql } from 'drizzle-orm';
import type { Executor, Transaction } from './database.ts';
import { assets } from './schema.ts';

export type AssetRow = typeof assets.$inferSelect;
export type NewAsset = typeof assets.$inferInsert;

export async function insertAssets(db: Executor, rows: NewAsset[]): Promise<AssetRow[]> {
	return rows.length > 0 ? db.insert(assets).values(rows).returning() : [];
}

export async function findAsset(db: Executor, workspaceId: string, id: string): Promise<AssetRow | null> {
	const [row] = await db.select().from(assets).where(and(eq(assets.id, id), eq(assets.workspaceId, workspaceId)));
	return row ?? null;
}

/** Of whatever workspace: for those who hold a signed link to it. */
export async function assetById(db: Executor, id: string): Promise<AssetRow | null> {
	const [row] = await db.select().from(assets).where(eq(assets.id, id));
	return row ?? null;
}

/** Holds the row until the transaction ends: of two jobs that end together, one sees the other's end. */
export async function lockAsset(tx: Transaction, id: string): Promise<AssetRow | null> {
	const [row] = await tx.select().from(assets).where(eq(assets.id, id)).for('update');
	return row ?? null;
}

export async function updateAsset(db: Executor, id: string, change: Partial<NewAsset>): Promise<AssetRow | null> {
	const [row] = await db.update(assets).set({ ...change, updatedAt: sql`now()` }).where(eq(assets.id, id)).returning();
	return row ?? null;
}
