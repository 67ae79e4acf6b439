import { and, eq, isNotNull, isNull, lt, notInArray, or } from 'drizzle-orm';
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
		.where(and(isNull(uploads.arrivedAt), isNotNull(uploads.tusId)));
}

/** Of one workspace: what waits for its bytes since before `before` although no link to it works any more. */
export async function abandonedUploads(db: Executor, workspaceId: string, before: Date, now: Date): Promise<Array<{ assetId: string; bytes: number; upload: UploadRow | null }>> {
	const rows = await db
		.select({ assetId: assets.id, bytes: assets.expectedBytes, upload: uploads })
		.from(assets)
		.leftJoin(uploads, eq(uploads.assetId, assets.id))
		.where(and(eq(assets.workspaceId, workspaceId), eq(assets.status, 'uploading'), lt(assets.createdAt, before), or(isNull(uploads.assetId), lt(uploads.expiresAt, now))))
		.orderBy(assets.createdAt)
		.limit(PAGE);
	return rows.map(({ assetId, bytes, upload }) => ({ assetId, bytes: bytes ?? 0, upload }));
}

/** Of one workspace: uploads that are at an end, one way or the other, and whose links do not work any more. */
export async function endedUploads(db: Executor, workspaceId: string, now: Date): Promise<UploadRow[]> {
	const rows = await db
		.select({ upload: uploads })
		.from(uploads)
		.innerJoin(assets, eq(assets.id, uploads.assetId))
		// The ingest still looks at the checksum.
		.where(and(eq(uploads.workspaceId, workspaceId), lt(uploads.expiresAt, now), notInArray(assets.status, ['uploading', 'queued'])))
		.limit(PAGE);
	return rows.map(({ upload }) => upload);
}

/** More of them are found the next time. */
const PAGE = 1000;
