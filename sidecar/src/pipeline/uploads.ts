import { randomUUID } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findAsset, lockAsset, updateAsset, type AssetRow } from '../db/assets.ts';
import { recordEvents } from '../db/events.ts';
import { insertJobs } from '../db/jobs.ts';
import type { Executor } from '../db/database.ts';
import { transact } from '../db/transact.ts';
import { findUpload, lockUpload, tusUnderWay, updateUpload, type UploadRow } from '../db/uploads.ts';
import { PipelineError, type PublicError } from '../errors.ts';
import { incomingKey } from '../storage/keys.ts';
import type { Multipart, Storage, StoredFile } from '../storage/storage.ts';
import { wakeAll, type PipelineDeps } from './deps.ts';
import { ingestJob } from './media-reference.ts';
import { enqueue } from './requeue.ts';

export interface UploadDeps extends PipelineDeps {
	storage: Storage;
	/** Where uploads by the tus protocol grow, on the disk of this machine. */
	uploadFolder: string;
}

/**
 * The bytes of an asset are in storage under `key`: it is queued with the job that finds out what they are, in one transaction and
 * once. Null: another upload of it came first (or it is gone); nothing was changed, the file at `key` is the caller's to remove.
 */
export async function arrive(deps: UploadDeps, assetId: string, { key, bytes }: Pick<StoredFile, 'key' | 'bytes'>): Promise<AssetRow | null> {
	const row = await transact(deps.db, async (tx) => {
		const asset = await lockAsset(tx, assetId);
		if (asset?.status !== 'uploading') return null;
		const { dedupe, scan } = (await findUpload(tx, assetId)) ?? {};
		await updateUpload(tx, assetId, { arrivedAt: new Date() });
		const updated = await updateAsset(tx, assetId, { storageKey: key, bytes, expectedBytes: null, status: 'queued' });
		await enqueue(deps, tx, await insertJobs(tx, [ingestJob(deps.vault, asset, { type: 'upload' }, 0, { dedupe: dedupe ?? undefined, scan: scan || undefined })]));
		return updated;
	});
	if (row) wakeAll(deps);
	return row;
}

/** The asset of an upload that has arrived. */
async function arrived(deps: UploadDeps, upload: UploadRow): Promise<AssetRow> {
	const asset = await findAsset(deps.db, upload.workspaceId, upload.assetId);
	if (!asset) throw new PipelineError('not_found', 'The asset of this upload is gone.');
	return asset;
}

/**
 * The caller says that the store has all the bytes: looks whether it has, and starts the ingest. The same again answers the same.
 * Throws `conflict` while bytes are missing.
 */
export async function completeDirect(deps: UploadDeps, assetId: string): Promise<AssetRow> {
	const upload = await findUpload(deps.db, assetId);
	if (!upload) throw new PipelineError('not_found', 'There is no such upload, or it was given up.');
	if (upload.arrivedAt) return arrived(deps, upload);
	if (!upload.direct || upload.stagedKey === null) throw new PipelineError('conflict', 'This upload needs no completion: it ends by itself with its last byte.');
	const stored = upload.protocol === 'multipart' ? await joinParts(deps, upload, upload.stagedKey) : await deps.storage.head(upload.stagedKey);
	if (!stored) return byAnotherCall(deps, upload, new PipelineError('conflict', 'The store does not have the file yet. Send it to the upload URL first.'));
	if (stored.bytes !== upload.bytes) {
		await deps.storage.delete(upload.stagedKey);
		await updateUpload(deps.db, assetId, { uploadId: null });
		throw new PipelineError('conflict', `The store has ${stored.bytes} bytes, ${upload.bytes} were announced. They were removed; send the file again.`, { details: { expected_bytes: upload.bytes, given_bytes: stored.bytes } });
	}
	// Whoever has the link to a single PUT may use it again: what is checked must lie where that cannot reach it. Parts that were joined cannot be sent again.
	const kept = upload.protocol === 'multipart' ? stored : await deps.storage.copy(stored.key, incomingKey(upload.workspaceId, `${assetId}-${randomUUID()}`)).catch((error: unknown) => {
		if (error instanceof PipelineError && error.code === 'not_found') return null;
		throw error;
	});
	if (!kept) return byAnotherCall(deps, upload, new PipelineError('conflict', 'The store does not have the file any more. Send it to the upload URL again.'));
	const row = await arriveOrRemove(deps, upload, kept);
	if (kept.key !== upload.stagedKey) await deps.storage.delete(upload.stagedKey);
	return row;
}

/** Of two calls at once the first takes the file away. */
async function byAnotherCall(deps: UploadDeps, upload: UploadRow, otherwise: PipelineError): Promise<AssetRow> {
	if ((await findUpload(deps.db, upload.assetId))?.arrivedAt) return arrived(deps, upload);
	throw otherwise;
}

/** `arrive`; what came too late (the upload was given up, its asset is gone, another call was first) leaves nothing. */
async function arriveOrRemove(deps: UploadDeps, upload: UploadRow, stored: StoredFile): Promise<AssetRow> {
	const row = await arrive(deps, upload.assetId, stored);
	if (row) return row;
	const asset = await findAsset(deps.db, upload.workspaceId, upload.assetId);
	// Of two calls for one file the second finds it in use.
	if (asset?.storageKey !== stored.key) await deps.storage.delete(stored.key);
	if (!asset) throw new PipelineError('not_found', 'The asset of this upload is gone.');
	return asset;
}

async function joinParts(deps: UploadDeps, upload: UploadRow, key: string): Promise<StoredFile | null> {
	// Joined by an earlier call that was cut off before it could say so.
	const earlier = await deps.storage.head(key);
	if (earlier) return earlier;
	if (upload.uploadId === null) return null;
	const multipart = deps.storage.multipart(key);
	if (!multipart) throw new PipelineError('storage_failed', 'The store of this workspace takes no uploads in parts any more.');
	return multipart.complete(key, upload.uploadId, upload.bytes);
}

/** The file that an upload by the tus protocol grows in. */
export const tusPath = ({ uploadFolder }: Pick<UploadDeps, 'uploadFolder'>, tusId: string): string => join(uploadFolder, tusId);

const finishing = new Map<string, Promise<AssetRow | null>>();

/**
 * All bytes of an upload by the tus protocol have come: moves them into storage and queues the asset. Safe to call at any time and again,
 * also after a crash at any point; calls for the same asset join. Null: there is nothing to finish here.
 */
export function finishTus(deps: UploadDeps, assetId: string): Promise<AssetRow | null> {
	const underWay = finishing.get(assetId);
	if (underWay) return underWay;
	const work = moveAndArrive(deps, assetId).finally(() => finishing.delete(assetId));
	finishing.set(assetId, work);
	return work;
}

async function moveAndArrive(deps: UploadDeps, assetId: string): Promise<AssetRow | null> {
	// From here on the upload cannot be begun anew: its only key is written down before anything lies there.
	const upload = await transact(deps.db, async (tx) => {
		const row = await lockUpload(tx, assetId);
		if (!row || row.arrivedAt || row.direct || row.tusId === null) return row;
		if (row.stagedKey !== null) return row;
		if ((await sizeOf(tusPath(deps, row.tusId))) !== row.bytes) return null;
		const stagedKey = incomingKey(row.workspaceId, `${assetId}-${randomUUID()}`);
		await updateUpload(tx, assetId, { stagedKey });
		return { ...row, stagedKey };
	});
	if (!upload || upload.direct) return null;
	if (upload.arrivedAt) return arrived(deps, upload);
	if (upload.stagedKey === null || upload.tusId === null) return null;
	const path = tusPath(deps, upload.tusId);
	const stored = (await sizeOf(path)) === upload.bytes ? await deps.storage.putFile(upload.stagedKey, path, { mime: upload.mime, bytes: upload.bytes }) : await deps.storage.head(upload.stagedKey);
	// Another process is at it, on whose disk the bytes lie.
	if (stored?.bytes !== upload.bytes) return null;
	return arriveOrRemove(deps, upload, stored);
}

async function sizeOf(path: string): Promise<number | null> {
	return stat(path).then(
		({ size }) => size,
		() => null,
	);
}

/** Finishes uploads whose last byte came right before a process died. Answers how many. */
export async function reconcileUploads(deps: UploadDeps): Promise<number> {
	let count = 0;
	for (const { assetId, tusId, bytes, stagedKey } of await tusUnderWay(deps.db)) {
		if (tusId === null || (stagedKey === null && (await sizeOf(tusPath(deps, tusId))) !== bytes)) continue;
		try {
			if (await finishTus(deps, assetId)) count += 1;
		} catch (error) {
			deps.log.warn({ err: error, asset_id: assetId }, 'an upload that is complete could not be stored; it is tried again');
		}
	}
	return count;
}

/** The upload in parts at the store, begun with the first request for links. Throws `conflict` for one that has arrived. */
export async function beginParts(deps: UploadDeps, upload: UploadRow): Promise<{ key: string; uploadId: string; store: Multipart }> {
	const { stagedKey: key, assetId } = upload;
	const store = key === null ? null : deps.storage.multipart(key);
	if (key === null || !store) throw new PipelineError('storage_failed', 'The store of this workspace takes no uploads in parts any more.');
	if (upload.arrivedAt) throw complete();
	if (upload.uploadId !== null) return { key, uploadId: upload.uploadId, store };
	const begun = await store.begin(key, { mime: upload.mime });
	const uploadId = await transact(deps.db, async (tx) => {
		// Given up meanwhile, or before: nothing may come any more, its part of the quota is free.
		if ((await lockAsset(tx, assetId))?.status !== 'uploading') return null;
		const row = await lockUpload(tx, assetId);
		if (row?.uploadId) return row.uploadId;
		await updateUpload(tx, assetId, { uploadId: begun });
		return begun;
	});
	// Two requests at once: the first one's counts.
	if (uploadId !== begun) await store.abort(key, begun);
	if (uploadId === null) throw new PipelineError('conflict', 'This upload was given up. Ask for a new one (POST /api/media/sign).');
	return { key, uploadId, store };
}

/** Null: the caller named no checksum, or this is the file that it named. Otherwise what to tell it. */
export async function findOtherFile(db: Executor, assetId: string, sha256: string): Promise<PipelineError | null> {
	const upload = await findUpload(db, assetId);
	if (!upload?.sha256 || upload.sha256 === sha256) return null;
	return new PipelineError('input_corrupt', 'What arrived is not the file that was announced: its SHA-256 is another one. Upload it again (POST /api/media/sign).', { details: { expected_sha256: upload.sha256, given_sha256: sha256 } });
}

/** Gives an upload up: its bytes go, its asset fails, and what was set aside of the quota is free again. */
export async function abortDirect(deps: UploadDeps, assetId: string): Promise<AssetRow> {
	const upload = await findUpload(deps.db, assetId);
	if (!upload) throw new PipelineError('not_found', 'This upload is gone.');
	const asset = await giveUp(deps, assetId, { code: 'cancelled', message: 'The upload was given up by its sender.' });
	if (!asset) throw complete();
	await removeBytes(deps, upload);
	return asset;
}

/** The asset fails. Null: it is not waiting for an upload (any more), or `unless` says so of its upload. */
export async function giveUp(deps: UploadDeps, assetId: string, error: PublicError, unless: (upload: UploadRow) => boolean = () => false): Promise<AssetRow | null> {
	return transact(deps.db, async (tx) => {
		const asset = await lockAsset(tx, assetId);
		if (asset?.status !== 'uploading') return null;
		const upload = await findUpload(tx, assetId);
		if (upload && unless(upload)) return null;
		await recordEvents(tx, [{ workspaceId: asset.workspaceId, type: 'asset.failed', assetId, data: { error } }]);
		return updateAsset(tx, assetId, { status: 'failed', expectedBytes: null, error });
	});
}

/** What has come of an upload so far. */
export async function removeBytes(deps: UploadDeps, { stagedKey, uploadId, tusId }: Pick<UploadRow, 'stagedKey' | 'uploadId' | 'tusId'>): Promise<void> {
	if (stagedKey !== null) {
		if (uploadId !== null) await deps.storage.multipart(stagedKey)?.abort(stagedKey, uploadId);
		await deps.storage.delete(stagedKey);
	}
	if (tusId !== null) await rm(tusPath(deps, tusId), { force: true });
}

const complete = () => new PipelineError('conflict', 'This upload is complete. Ask for a new one (POST /api/media/sign).');
