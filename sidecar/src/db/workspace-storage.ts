import { and, count, eq, gt, isNotNull, lt, or, sql } from 'drizzle-orm';
import type { Executor } from './database.ts';
import { assets, jobs, workspaces } from './schema.ts';

/** Where a workspace has its files. */
export interface Placement {
	workspaceId: string;
	/** Name of its back end; null: that of the installation. */
	storage: string | null;
	/** The back end it is being moved from; null: no move is under way. */
	storageFrom: string | null;
}

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

/** Uploads begun between the two times whose bytes have not come: their links lead to the old place. */
export async function openUploads(db: Executor, workspaceId: string, after: Date, before: Date): Promise<number> {
	const [row] = await db
		.select({ uploads: count() })
		.from(assets)
		.where(and(eq(assets.workspaceId, workspaceId), eq(assets.status, 'uploading'), gt(assets.createdAt, after), lt(assets.createdAt, before)));
	return row?.uploads ?? 0;
}
