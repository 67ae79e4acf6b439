import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { findAsset, type AssetRow } from '../db/assets.ts';
import type { Executor } from '../db/database.ts';
import { filesOfAsset, type FileRow } from '../db/jobs.ts';
import { PipelineError } from '../errors.ts';
import type { MediaFacts } from '../media/facts.ts';
import type { MediaReference, ResolveMedia } from '../operations/social/assemble.ts';
import type { Storage } from '../storage/storage.ts';

export interface ResolveMediaDeps {
	db: Executor;
	storage: Storage;
	probe(path: string, options: { signal?: AbortSignal }): Promise<MediaFacts>;
	/** Signed link to a stored file. */
	fileUrl(key: string): string;
}

/** Finds the file of an asset that a post means. Only files of this asset in this workspace can be meant. */
export function createResolveMedia({ db, storage, probe, fileUrl }: ResolveMediaDeps): ResolveMedia {
	return async ({ assetId, workspaceId, workDir, signal }, reference) => {
		const asset = await findAsset(db, workspaceId, assetId);
		if (!asset?.storageKey || !asset.facts) throw new PipelineError('not_found', `The media of asset ${assetId} is not stored. Ingest it first.`);
		const file = choose(reference, asset, await filesOfAsset(db, assetId));
		const key = file?.storageKey ?? asset.storageKey;
		const inPlace = storage.localPath(key);
		const path = inPlace ?? join(workDir, `media-${file?.id ?? 'original'}`);
		if (!inPlace) await pipeline(await storage.read(key), createWriteStream(path), { signal });
		const url = fileUrl(key);
		if (!file) return { path, url, mime: asset.facts.mime, bytes: asset.facts.bytes, facts: asset.facts, ...(asset.sha256 ? { sha256: asset.sha256 } : {}) };
		return { path, url, mime: file.mime, bytes: file.bytes, facts: await probe(path, { signal }) };
	};
}

/** `files`: as `filesOfAsset` sorts them. Null: the original. */
export function choose(reference: MediaReference, asset: Pick<AssetRow, 'id' | 'facts'>, files: FileRow[]): FileRow | null {
	if (reference.kind === 'useful') {
		const type = asset.facts?.fileType ?? 'video';
		return files.find(({ mime }) => mime.startsWith(`${type}/`)) ?? null;
	}
	const { file: name, jobId } = reference;
	if (jobId === null && (name === null || name === 'original')) return null;
	const ofJob = jobId === null ? files : files.filter((file) => file.jobId === jobId);
	// Within one job the first file made is its main one.
	const found = name === null ? ofJob[0] : ofJob.find((file) => file.name === name);
	if (found) return found;
	const known = [...new Set(files.map((file) => file.name))];
	throw new PipelineError(
		'not_found',
		`params.media: asset ${asset.id} has no file ${name === null ? '' : JSON.stringify(name)}${jobId === null ? '' : ` of job ${jobId}`}. There are: original${known.map((one) => `, ${one}`).join('')}.`,
		{ details: { field: 'params.media', known } },
	);
}
