import { and, count, eq, gt, isNotNull, isNull, lt, or, sql } from 'drizzle-orm';
import type { Executor, OpenDatabase } from './database.ts';
import { jobs, uploads, workspaces } from './schema.ts';

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

/** Uploads that the old place takes itself, begun before `time` and still open: their links lead there. */
export async function openUploads(db: Executor, workspaceId: string, time: Date): Promise<number> {
	const [row] = await db
		.select({ uploads: count() })
		.from(uploads)
		.where(and(eq(uploads.workspaceId, workspaceId), eq(uploads.direct, true), isNull(uploads.arrivedAt), gt(uploads.expiresAt, sql`now()`), lt(uploads.createdAt, time)));
	return row?.uploads ?? 0;
}

/**
 * Nobody else moves this workspace while `work` runs; false: somebody does. Held by a connection, so it ends with the process. The
 * embedded database belongs to one process anyway, and has no connection to spare.
 */
export async function aloneMoving({ kind, db }: OpenDatabase, workspaceId: string, work: () => Promise<void>): Promise<boolean> {
	if (kind === 'pglite') {
		await work();
		return true;
	}
	return db.transaction(async (tx) => {
		await tx.execute(sql`set local idle_in_transaction_session_timeout = 0`);
		const { rows } = await tx.execute<{ locked: boolean }>(sql`select pg_try_advisory_xact_lock(hashtext('move-storage'), hashtext(${workspaceId})) as locked`);
		if (rows[0]?.locked !== true) return false;
		await work();
		return true;
	});
}
