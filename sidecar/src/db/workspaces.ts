import { randomUUID } from 'node:crypto';
import { and, eq, isNull } from 'drizzle-orm';
import { settingsOf, type WorkspaceSettings } from '../contract/workspace.ts';
import { sha256 } from '../secrets.ts';
import type { Executor } from './database.ts';
import { apiKeys, workspaces } from './schema.ts';

export const DEFAULT_WORKSPACE = 'default';

/** Makes the workspace `default` and lets `apiKey` open it. An earlier bootstrap key stops working. */
export async function ensureDefaultWorkspace(db: Executor, apiKey: string): Promise<void> {
	await db.insert(workspaces).values({ id: DEFAULT_WORKSPACE, name: 'Default' }).onConflictDoNothing();
	const hash = sha256(apiKey);
	const bootstrap = and(eq(apiKeys.workspaceId, DEFAULT_WORKSPACE), eq(apiKeys.name, 'bootstrap'));
	const [existing] = await db.select({ hash: apiKeys.hash }).from(apiKeys).where(bootstrap);
	if (existing?.hash === hash) return;
	await db.delete(apiKeys).where(bootstrap);
	await db.insert(apiKeys).values({ id: randomUUID(), workspaceId: DEFAULT_WORKSPACE, name: 'bootstrap', hash }).onConflictDoNothing();
}

/** Makes a workspace with one key (tests, and tenants later). */
export async function createWorkspace(db: Executor, id: string, apiKey: string): Promise<void> {
	await db.insert(workspaces).values({ id, name: id }).onConflictDoNothing();
	await db.insert(apiKeys).values({ id: randomUUID(), workspaceId: id, name: 'first', hash: sha256(apiKey) });
}

/** What it decided for itself, completed by the defaults. */
export async function readSettings(db: Executor, workspaceId: string): Promise<WorkspaceSettings> {
	const [row] = await db.select({ settings: workspaces.settings }).from(workspaces).where(eq(workspaces.id, workspaceId));
	return settingsOf(row?.settings);
}

/** The workspace a key opens; null when there is none. Looked up by hash, so the time taken tells nothing of the key. */
export async function workspaceOfKey(db: Executor, apiKey: string): Promise<string | null> {
	const [row] = await db
		.select({ workspaceId: apiKeys.workspaceId })
		.from(apiKeys)
		.where(and(eq(apiKeys.hash, sha256(apiKey)), isNull(apiKeys.revokedAt)));
	return row?.workspaceId ?? null;
}
