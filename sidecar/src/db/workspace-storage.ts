import { and, count, eq, gt, isNotNull, isNull, lt, ne, notLike, or, sql } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import type { Executor, OpenDatabase } from './database.ts';
import { assets, assetVersions, files, jobs, uploads, workspaces } from './schema.ts';

/** Where a workspace has its files. */
export interface Placement {
	workspaceId: string;
	/** Name of its back end; null: that of the installation. */
	storage: string | null;
	/** The back end it is being moved from; null: no move is under way. */
	storageFrom: string | null;
}

/** How long a process may go on with the old place of a workspace after it was changed here. */
export const PLACEMENTS_CACHE_MS = 2000;

const columns = { workspaceId: workspaces.id, storage: workspaces.storage, storageFrom: workspaces.storageFrom };

/** Those that have their files elsewhere than the installation says, or are being moved. */
export const ownPlacements = (db: Executor): Promise<Placement[]> => db.select(columns).from(workspaces).where(or(isNotNull(workspaces.storage), isNotNull(workspaces.storageFrom)));

export async function placementOf(db: Executor, workspaceId: string): Promise<Placement | null> {
	const [row] = await db.select(columns).from(workspaces).where(eq(workspaces.id, workspaceId));
	return row ?? null;
}

export async function place(db: Executor, { workspaceId, ...placement }: Placement): Promise<void> {
	await db.update(workspaces).set(placement).where(eq(workspaces.id, workspaceId));
}

/** Jobs that a live worker has had in hand since before `time`: it may know the old place only. */
export async function jobsSinceBefore(db: Executor, workspaceId: string, time: Date): Promise<number> {
	const [row] = await db
		.select({ jobs: count() })
		.from(jobs)
		.where(and(eq(jobs.workspaceId, workspaceId), eq(jobs.status, 'processing'), lt(jobs.startedAt, time), gt(jobs.leaseUntil, sql`now()`)));
	return row?.jobs ?? 0;
}

/** Uploads that have not arrived, begun before `before`; with `notIn`, only those that a store takes itself, another one than that. */
export async function openUploads(db: Executor, { workspaceId, before, notIn }: { workspaceId: string; before: Date; notIn?: string }): Promise<number> {
	// The ID of an upload in parts begins with the name of its store (storage/by-workspace.ts).
	const elsewhere = notIn === undefined ? undefined : and(eq(uploads.direct, true), or(isNull(uploads.uploadId), notLike(uploads.uploadId, `${notIn}:%`)));
	const [row] = await db
		.select({ uploads: count() })
		.from(uploads)
		.where(and(eq(uploads.workspaceId, workspaceId), isNull(uploads.arrivedAt), gt(uploads.expiresAt, sql`now()`), lt(uploads.createdAt, before), elsewhere));
	return row?.uploads ?? 0;
}

/** The clock that `created_at` and `started_at` go by. */
export async function timeOf(db: Executor): Promise<Date> {
	const [row] = await db.select({ now: sql<string>`now()` }).from(sql`(select 1) one`);
	return new Date(row?.now ?? Date.now());
}

/** What the database knows of the content of an original; null: nothing, or it is no original. */
export async function sha256OfKey(db: Executor, key: string): Promise<string | null> {
	// Of one that was replaced, `sha256` is that of what was there before.
	const [asset] = await db.select({ sha256: assets.sha256 }).from(assets).where(or(and(eq(assets.storageKey, key), isNull(assets.originalKey), ne(assets.originalState, 'replaced')), eq(assets.originalKey, key)));
	if (asset) return asset.sha256;
	const [version] = await db.select({ sha256: assetVersions.sha256 }).from(assetVersions).where(eq(assetVersions.storageKey, key));
	return version?.sha256 ?? null;
}

/** A file that must be there, below one of the prefixes; null: there is none. */
export async function storedKey(db: Executor, workspaceId: string, prefixes: readonly string[]): Promise<string | null> {
	const below = (key: AnyPgColumn) => or(...prefixes.map((prefix) => sql`starts_with(${key}, ${prefix})`));
	const [asset] = await db.select({ key: assets.storageKey }).from(assets).where(and(eq(assets.workspaceId, workspaceId), ne(assets.originalState, 'deleted'), below(assets.storageKey))).limit(1);
	if (asset?.key) return asset.key;
	const [file] = await db.select({ key: files.storageKey }).from(files).where(and(eq(files.workspaceId, workspaceId), below(files.storageKey))).limit(1);
	return file?.key ?? null;
}

/** An original that lay in an archive is read like any other one now. */
export async function unarchived(db: Executor, workspaceId: string, key: string): Promise<void> {
	await db.update(assets).set({ originalState: 'stored' }).where(and(eq(assets.workspaceId, workspaceId), eq(assets.storageKey, key), eq(assets.originalState, 'archived')));
}

/**
 * Nobody else moves this workspace while `work` runs; false: somebody does. Held by a connection, so it ends with the process, and when
 * the connection breaks: what `work` is given throws then. The
 * embedded database belongs to one process anyway, and has no connection to spare.
 */
export async function aloneMoving({ kind, db }: OpenDatabase, workspaceId: string, work: (alone: () => Promise<void>) => Promise<void>): Promise<boolean> {
	if (kind === 'pglite') {
		await work(() => Promise.resolve());
		return true;
	}
	return db.transaction(async (tx) => {
		await tx.execute(sql`set local idle_in_transaction_session_timeout = 0`);
		const { rows } = await tx.execute<{ locked: boolean }>(sql`select pg_try_advisory_xact_lock(hashtext('move-storage'), hashtext(${workspaceId})) as locked`);
		if (rows[0]?.locked !== true) return false;
		// Whether this connection still lives, and its lock with it.
		await work(async () => void (await tx.execute(sql`select 1`)));
		return true;
	});
}
