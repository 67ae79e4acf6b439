import { and, eq, inArray, sql, type SQL } from 'drizzle-orm';
import { lockAsset } from '../db/assets.ts';
import { deleteUpload, lockUpload, type UploadRow } from '../db/uploads.ts';
import type { Database, Transaction } from '../db/database.ts';
import { recordEvents } from '../db/events.ts';
import { INGEST, OPEN } from '../db/jobs.ts';
import { unreferencedKeys } from '../db/reuse.ts';
import { assets, assetVersions, callbacks, files, jobs, posts } from '../db/schema.ts';
import { transact } from '../db/transact.ts';
import { wakeAll, type PipelineDeps } from './deps.ts';
import { finishJob } from './finish.ts';
import { passOnBytes } from './pass-on-bytes.ts';
import { removeBytes, type UploadDeps } from './uploads.ts';

export interface DeletedAsset {
	/** Stored files that it named. Those that another row still names must stay: ask `unreferencedKeys` after the commit. */
	keys: string[];
	bytes: number;
	/** Under way, or just ended: what has come of it so far is to be removed as well. */
	upload: UploadRow | null;
}

/**
 * Takes an asset out of the database, with all that was found out about it. Jobs under way are cancelled. Jobs stay as numbers of
 * the usage, without what they were told and what they made; posts stay, because they are still out there. Null: there is no such asset (`only`: or it is not one of these any more).
 */
export async function deleteAsset(deps: PipelineDeps, tx: Transaction, workspaceId: string, assetId: string, only?: SQL): Promise<DeletedAsset | null> {
	const asset = await lockAsset(tx, assetId);
	if (!asset || asset.workspaceId !== workspaceId) return null;
	if (only && (await tx.select({ id: assets.id }).from(assets).where(and(eq(assets.id, assetId), only))).length === 0) return null;
	const upload = await lockUpload(tx, assetId);
	await deleteUpload(tx, assetId);
	// Their end is not the end of a processing: nobody is told that the asset is processed, or has failed.
	await tx.update(jobs).set({ process: false }).where(and(eq(jobs.assetId, assetId), inArray(jobs.status, OPEN)));
	const error = { code: 'cancelled' as const, message: 'The asset was deleted.' };
	// The others first: the end of an ingest would fail those that wait for it.
	const open = await tx.select().from(jobs).where(and(eq(jobs.assetId, assetId), inArray(jobs.status, OPEN))).orderBy(sql`${jobs.jobType} = ${INGEST}`, jobs.id);
	for (const job of open) await finishJob(deps, tx, job, { status: 'cancelled', error });

	const made = await tx.delete(files).where(eq(files.assetId, assetId)).returning({ key: files.storageKey, bytes: files.bytes });
	const versions = await tx.delete(assetVersions).where(eq(assetVersions.assetId, assetId)).returning({ key: assetVersions.storageKey, bytes: assetVersions.bytes });
	await tx.delete(callbacks).where(eq(callbacks.assetId, assetId));
	await tx.update(posts).set({ assetId: null }).where(eq(posts.assetId, assetId));
	// What was not found for its own source must not be returned for other media either: its files are going.
	await tx
		.update(jobs)
		.set({ assetId: null, params: {}, output: null, source: null, secret: null, reuseKey: null, renditionKey: null })
		.where(eq(jobs.assetId, assetId));
	await tx.delete(assets).where(eq(assets.id, assetId));
	await passOnBytes(tx, workspaceId, assetId);
	await recordEvents(tx, [{ workspaceId, type: 'asset.deleted', assetId, data: { title: asset.title } }]);
	const originals = [
		{ key: asset.storageKey, bytes: asset.bytes },
		{ key: asset.originalKey, bytes: asset.originalBytes },
	].flatMap(({ key, bytes }) => (key === null ? [] : [{ key, bytes }]));
	const all = new Map([...originals, ...versions, ...made].map(({ key, bytes }) => [key, bytes ?? 0]));
	return { keys: [...all.keys()], bytes: [...all.values()].reduce((sum, bytes) => sum + bytes, 0), upload };
}

/** The same, and its files. Null: there is no such asset. */
export async function removeAsset(deps: UploadDeps, db: Database, workspaceId: string, assetId: string, only?: SQL): Promise<{ files: number; bytes: number } | null> {
	const deleted = await transact(db, (tx) => deleteAsset(deps, tx, workspaceId, assetId, only));
	if (!deleted) return null;
	wakeAll(deps);
	if (deleted.upload && !deleted.upload.arrivedAt) await removeBytes(deps, deleted.upload).catch((error: unknown) => deps.log.warn({ err: error, asset_id: assetId }, 'what had come of an upload could not be removed; the clean-up will try again'));
	// After the commit: what a crash leaves here no row names, and the clean-up takes it (ops/retention/orphans.ts).
	const keys = await unreferencedKeys(deps.db, deleted.keys);
	for (const key of keys) await deps.storage.delete(key).catch((error: unknown) => deps.log.warn({ err: error, key }, 'a file of a deleted asset could not be removed; the clean-up will try again'));
	return { files: keys.length, bytes: deleted.bytes };
}
