import { and, eq, isNotNull, isNull, lt, or, sql } from 'drizzle-orm';
import type { Executor, Transaction } from './database.ts';
import { assets, uploads } from './schema.ts';

export type UploadRow = typeof uploads.$inferSelect;
export type NewUpload = typeof uploads.$inferInsert;

export async function insertUpload(db: Executor, row: NewUpload): Promise<void> {
	await db.insert(uploads).values(row);
}

export async function findUpload(db: Executor, assetId: string): Promise<UploadRow | null> {
	const [row] = await db.select().from(uploads).where(eq(uploads.assetId, assetId));
	return row ?? null;
}

/** Holds the row until the transaction ends. */
export async function lockUpload(tx: Transaction, assetId: string): Promise<UploadRow | null> {
	const [row] = await tx.select().from(uploads).where(eq(uploads.assetId, assetId)).for('update');
	return row ?? null;
}

export async function updateUpload(db: Executor, assetId: string, change: Partial<NewUpload>): Promise<void> {
	await db.update(uploads).set(change).where(eq(uploads.assetId, assetId));
}

export async function deleteUpload(db: Executor, assetId: string): Promise<void> {
	await db.delete(uploads).where(eq(uploads.assetId, assetId));
}

/** Uploads by the tus protocol that have begun and are not at an end. */
export async function tusUnderWay(db: Executor): Promise<UploadRow[]> {
	return db
		.select()
		.from(uploads)
		.where(and(isNull(uploads.arrivedAt), or(isNotNull(uploads.tusId), and(isNotNull(uploads.stagedKey), eq(uploads.direct, false)))));
}

/** Names of the files of such uploads, whatever became of them. */
export async function tusIds(db: Executor): Promise<Set<string>> {
	const rows = await db.select({ tusId: uploads.tusId }).from(uploads).where(and(isNull(uploads.arrivedAt), isNotNull(uploads.tusId)));
	return new Set(rows.flatMap(({ tusId }) => tusId ?? []));
}

/** Uploads whose links have expired. `before`: of those that never came, only what expired before. */
export async function expiredUploads(db: Executor, workspaceId: string, before: Date): Promise<UploadRow[]> {
	return db
		.select()
		.from(uploads)
		.where(and(eq(uploads.workspaceId, workspaceId), lt(uploads.expiresAt, sql`now()`), or(isNotNull(uploads.arrivedAt), lt(uploads.createdAt, before))))
		.limit(1000);
}

/** Assets that wait for an upload since before that moment, and that nobody holds a link for. */
export async function abandonedAssets(db: Executor, workspaceId: string, before: Date): Promise<Array<{ id: string; expectedBytes: number | null }>> {
	return db
		.select({ id: assets.id, expectedBytes: assets.expectedBytes })
		.from(assets)
		.leftJoin(uploads, eq(uploads.assetId, assets.id))
		.where(and(eq(assets.workspaceId, workspaceId), eq(assets.status, 'uploading'), lt(assets.createdAt, before), or(isNull(uploads.assetId), lt(uploads.expiresAt, sql`now()`))))
		.limit(1000);
}
