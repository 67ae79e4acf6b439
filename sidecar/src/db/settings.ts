import { eq, sql } from 'drizzle-orm';
import { settingsOf, type WorkspaceSettings } from '../contract/workspace.ts';
import type { Executor, Transaction } from './database.ts';
import { workspaces } from './schema.ts';

/** What the workspace has set, completed with the defaults. One that is not there has all defaults. */
export async function readSettings(db: Executor, workspaceId: string): Promise<WorkspaceSettings> {
	const [row] = await db.select({ settings: workspaces.settings }).from(workspaces).where(eq(workspaces.id, workspaceId));
	return settingsOf(row?.settings);
}

/** Only what was set, as it is stored. Holds the row: of two changes at once the second sees the first. */
export async function lockStoredSettings(tx: Transaction, workspaceId: string): Promise<Record<string, unknown>> {
	const [row] = await tx.select({ settings: workspaces.settings }).from(workspaces).where(eq(workspaces.id, workspaceId)).for('update');
	return row?.settings ?? {};
}

export async function storeSettings(tx: Transaction, workspaceId: string, settings: Record<string, unknown>): Promise<void> {
	await tx.update(workspaces).set({ settings: sql`${JSON.stringify(settings)}::jsonb` }).where(eq(workspaces.id, workspaceId));
}
