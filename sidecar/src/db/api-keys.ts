import { randomBytes, randomUUID } from 'node:crypto';
import { and, desc, eq, gt, isNull, or, sql } from 'drizzle-orm';
import { sha256 } from '../secrets.ts';
import type { Executor } from './database.ts';
import { apiKeys } from './schema.ts';

export type ApiKeyRow = typeof apiKeys.$inferSelect;

/** Who asks: a key, and the workspace that it opens. */
export interface Caller {
	keyId: string;
	name: string;
	workspaceId: string;
	scopes: string[];
	lastUsedAt: Date | null;
}

/** The key that the operator sets with API_KEY: it is changed there, not here. */
export const BOOTSTRAP = 'bootstrap';
/** 256 bits. */
const KEY_BYTES = 32;
const HINT = 4;

export const newKey = (): string => `mp_${randomBytes(KEY_BYTES).toString('base64url')}`;
export const hintOf = (key: string): string => key.slice(-HINT);

const works = and(isNull(apiKeys.revokedAt), or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, sql`now()`)));

/** Looked up by hash, so the time that it takes tells nothing of the key. Null: there is none, or it does not work any more. */
export async function callerOf(db: Executor, key: string): Promise<Caller | null> {
	const [row] = await db
		.select({ keyId: apiKeys.id, name: apiKeys.name, workspaceId: apiKeys.workspaceId, scopes: apiKeys.scopes, lastUsedAt: apiKeys.lastUsedAt })
		.from(apiKeys)
		.where(and(eq(apiKeys.hash, sha256(key)), works));
	return row ?? null;
}

/** Whether it is still let in: asked again by what goes on for long after the key was looked at. */
export async function keyWorks(db: Executor, id: string): Promise<boolean> {
	return (await db.select({ id: apiKeys.id }).from(apiKeys).where(and(eq(apiKeys.id, id), works))).length > 0;
}

/** To the minute; several processes may say it at once. */
export async function keyWasUsed(db: Executor, id: string): Promise<void> {
	await db
		.update(apiKeys)
		.set({ lastUsedAt: sql`date_trunc('minute', now())` })
		.where(and(eq(apiKeys.id, id), or(isNull(apiKeys.lastUsedAt), sql`${apiKeys.lastUsedAt} < date_trunc('minute', now())`)));
}

export interface NewApiKey {
	workspaceId: string;
	name: string;
	scopes: string[];
	expiresAt: Date | null;
}

/** The key is in the answer and nowhere else. */
export async function insertKey(db: Executor, given: NewApiKey): Promise<{ row: ApiKeyRow; key: string }> {
	const key = newKey();
	const [row] = await db.insert(apiKeys).values({ id: randomUUID(), hash: sha256(key), hint: hintOf(key), ...given }).returning();
	if (!row) throw new Error('the key was not stored');
	return { row, key };
}

/** Those that work, newest first. */
export const listKeys = (db: Executor, workspaceId: string): Promise<ApiKeyRow[]> =>
	db.select().from(apiKeys).where(and(eq(apiKeys.workspaceId, workspaceId), works)).orderBy(desc(apiKeys.createdAt), desc(apiKeys.id));

/** Locked until the transaction ends: of two rotations at once the second finds what the first has made of it. */
export async function lockKey(db: Executor, workspaceId: string, id: string): Promise<ApiKeyRow | null> {
	const [row] = await db.select().from(apiKeys).where(and(eq(apiKeys.workspaceId, workspaceId), eq(apiKeys.id, id), works)).for('update');
	return row ?? null;
}

/** It stops working in so many seconds, or when it would have anyway. */
export async function expireKey(db: Executor, id: string, seconds: number): Promise<void> {
	await db.update(apiKeys).set({ rotatedAt: sql`now()`, expiresAt: sql`least(${apiKeys.expiresAt}, now() + make_interval(secs => ${seconds}))` }).where(eq(apiKeys.id, id));
}

/** Stops working at once; its row stays, because the audit log names it. */
export async function revokeKey(db: Executor, id: string): Promise<void> {
	await db.update(apiKeys).set({ revokedAt: sql`now()` }).where(eq(apiKeys.id, id));
}
