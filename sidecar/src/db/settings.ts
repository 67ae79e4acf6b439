import { eq, sql } from 'drizzle-orm';
import type { Transaction } from './database.ts';
import { workspaces } from './schema.ts';

/** Only what was set, as it is stored; null: there is no such workspace. Holds the row: of two changes at once the second sees the first. */
export async function lockStoredSettings(tx: Transaction, workspaceId: string): Promise<Record<string, unknown> | null> {
	const [row] = await tx.select({ settings: workspaces.settings }).from(workspaces).where(eq(workspaces.id, workspaceId)).for('update');
	return row?.settings ?? null;
}

export async function storeSettings(tx: Transaction, workspaceId: string, settings: Record<string, unknown>): Promise<void> {
	await tx.update(workspaces).set({ settings: sql`${JSON.stringify(settings)}::jsonb` }).where(eq(workspaces.id, workspaceId));
}
