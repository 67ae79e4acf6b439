import { randomUUID } from 'node:crypto';
import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import { settingsOf, type WorkspaceSettings } from '../contract/workspace.ts';
import { sha256 } from '../secrets.ts';
import { BOOTSTRAP, callerOf, hintOf } from './api-keys.ts';
import type { Executor, Transaction } from './database.ts';
import { apiKeys, workspaces } from './schema.ts';

export const DEFAULT_WORKSPACE = 'default';

/** Makes the workspace `default` and lets `apiKey` open it. An earlier bootstrap key stops working. */
export async function ensureDefaultWorkspace(db: Executor, apiKey: string): Promise<void> {
	await db.insert(workspaces).values({ id: DEFAULT_WORKSPACE, name: 'Default' }).onConflictDoNothing();
	const hash = sha256(apiKey);
	const bootstrap = and(eq(apiKeys.workspaceId, DEFAULT_WORKSPACE), eq(apiKeys.name, BOOTSTRAP));
	const [existing] = await db.select({ hash: apiKeys.hash }).from(apiKeys).where(bootstrap);
	if (existing?.hash === hash) return;
	await db.delete(apiKeys).where(bootstrap);
	await db.insert(apiKeys).values({ id: randomUUID(), workspaceId: DEFAULT_WORKSPACE, name: BOOTSTRAP, hash, hint: hintOf(apiKey) }).onConflictDoNothing();
}

/** Makes a workspace with a key that is known already (tests, benchmarks). */
export async function createWorkspace(db: Executor, id: string, apiKey: string): Promise<void> {
	await db.insert(workspaces).values({ id, name: id }).onConflictDoNothing();
	await db.insert(apiKeys).values({ id: randomUUID(), workspaceId: id, name: 'first', hash: sha256(apiKey), hint: hintOf(apiKey) });
}

/** What it decided for itself, completed by the defaults. */
export async function readSettings(db: Executor, workspaceId: string): Promise<WorkspaceSettings> {
	const [row] = await db.select({ settings: workspaces.settings }).from(workspaces).where(eq(workspaces.id, workspaceId));
	return settingsOf(row?.settings);
}

/** The workspace a key opens; null when there is none, or it does not work any more. */
export const workspaceOfKey = async (db: Executor, apiKey: string): Promise<string | null> => (await callerOf(db, apiKey))?.workspaceId ?? null;

export type WorkspaceRow = typeof workspaces.$inferSelect;

/** Null: there is one with this id. */
export async function insertWorkspace(db: Executor, given: { id: string; name: string }): Promise<WorkspaceRow | null> {
	const [row] = await db.insert(workspaces).values(given).onConflictDoNothing().returning();
	return row ?? null;
}

export const listWorkspaces = (db: Executor): Promise<WorkspaceRow[]> => db.select().from(workspaces).orderBy(asc(workspaces.id));

/** None of its keys opens it any more. */
export async function revokeKeysOf(db: Executor, workspaceId: string): Promise<void> {
	await db.update(apiKeys).set({ revokedAt: sql`now()` }).where(and(eq(apiKeys.workspaceId, workspaceId), isNull(apiKeys.revokedAt)));
}

/** Whom it is about stays in it until its time is over. */
const KEPT = ['audit_log'];
/** Every workspace has some of these. */
const ALWAYS = ['api_keys', 'events', 'idempotency_keys', 'queue_flows'];

/** All tables whose rows belong to workspaces, those that others refer to last. Asked of the database: none that is added later is forgotten. */
async function tablesOfWorkspaces(db: Executor): Promise<string[]> {
	const { rows } = await db.execute<{ name: string; needs: string[] | null }>(sql`
		select c.relname as name, (select array_agg(distinct r.relname::text) from pg_constraint k join pg_class r on r.oid = k.conrelid where k.confrelid = c.oid and k.contype = 'f' and k.conrelid <> c.oid) as needs
		from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped
		where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') order by 1`);
	const left = new Map(rows.filter(({ name }) => !KEPT.includes(name)).map(({ name, needs }) => [name, needs ?? []]));
	const sorted: string[] = [];
	while (left.size > 0) {
		const next = [...left].filter(([, needs]) => !needs.some((one) => left.has(one))).map(([name]) => name);
		if (next.length === 0) throw new Error(`tables refer to each other in a circle: ${[...left.keys()].join(', ')}`);
		for (const name of next) left.delete(name);
		sorted.push(...next);
	}
	return sorted;
}

/** Tables in which it has something, but for what every workspace has. */
export async function tablesInUse(db: Executor, workspaceId: string): Promise<string[]> {
	const used: string[] = [];
	for (const name of (await tablesOfWorkspaces(db)).filter((one) => !ALWAYS.includes(one))) {
		const { rows } = await db.execute(sql`select 1 from ${sql.identifier(name)} where workspace_id = ${workspaceId} limit 1`);
		if (rows.length > 0) used.push(name);
	}
	return used.sort();
}

/** Every row of it, but for those of the audit log and of the tables named. */
export async function deleteRowsOf(tx: Transaction, workspaceId: string, { except }: { except: string[] }): Promise<void> {
	for (const name of (await tablesOfWorkspaces(tx)).filter((one) => !except.includes(one))) {
		await tx.execute(sql`delete from ${sql.identifier(name)} where workspace_id = ${workspaceId}`);
	}
}
