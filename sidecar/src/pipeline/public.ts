import { createHash, randomUUID } from 'node:crypto';
import { and, desc, eq, isNotNull, isNull, like } from 'drizzle-orm';
import { assetById, lockAsset, updateAsset, type AssetRow } from '../db/assets.ts';
import type { Database, Executor } from '../db/database.ts';
import type { FileRow } from '../db/jobs.ts';
import { unreferencedKeys } from '../db/reuse.ts';
import { assets, files, jobs } from '../db/schema.ts';
import { transact } from '../db/transact.ts';
import { ofCurrentVersion } from '../db/versions.ts';
import { PipelineError } from '../errors.ts';
import { publicKey } from '../storage/keys.ts';
import type { Storage } from '../storage/storage.ts';
import { refusePublishing } from './publishable.ts';
import { refuseResults, reserve } from './quota.ts';
import { isUnsafe } from './safety.ts';

/** What anyone may fetch of a public asset (I9): a picture, a small version, and the whole. */
export type PublicKind = 'thumb' | 'preview' | 'master';
export const PUBLIC_KINDS: readonly PublicKind[] = ['thumb', 'preview', 'master'];

/** A stored file that could be shown. */
export interface Candidate {
	key: string;
	mime: string;
	bytes: number;
	/** Of the job that made it; null: the original. */
	jobType: string | null;
	name: string;
	width: number | null;
	height: number | null;
	durationSeconds: number | null;
}

/** Operations whose result shows the whole of the asset, as it is. Others make parts of it, or something else. */
const WHOLE = ['stream', 'compress', 'convert', 'image_convert', 'extract_audio'];
/** What browsers show, by kind of the asset. */
const SHOWN: Readonly<Record<'video' | 'audio' | 'image', RegExp>> = {
	video: /^video\/mp4$/,
	audio: /^audio\/(mpeg|mp4|aac|x-m4a)$/,
	image: /^image\/(jpeg|png|webp|gif|avif)$/,
};
const PICTURE = /^image\/(jpeg|png|webp)$/;

/** The newest suitable file of each kind. `made`: newest first. */
export function choosePublic(asset: Pick<AssetRow, 'fileType' | 'facts' | 'storageKey' | 'mime' | 'bytes' | 'width' | 'height' | 'durationSeconds'>, made: Candidate[]): Partial<Record<PublicKind, Candidate>> {
	if (!asset.fileType) return {};
	const shown = SHOWN[asset.fileType];
	const from = (jobTypes: string[], mime: RegExp) => made.find((file) => file.jobType !== null && jobTypes.includes(file.jobType) && mime.test(file.mime));
	const original = originalOf(asset, shown);
	const chosen = {
		thumb: from(['thumbnail', 'image_thumbnail'], PICTURE),
		preview: asset.fileType === 'video' ? from(['preview'], shown) : asset.fileType === 'image' ? from(['image_preview'], PICTURE) : undefined,
		master: from(WHOLE, shown) ?? original,
	};
	return Object.fromEntries(Object.entries(chosen).filter(([, file]) => file !== undefined));
}

/** The original, where browsers play it as it is. */
function originalOf({ storageKey, mime, bytes, facts, width, height, durationSeconds }: Parameters<typeof choosePublic>[0], shown: RegExp): Candidate | undefined {
	if (!storageKey || !mime || !shown.test(mime)) return undefined;
	const { video, audio } = facts ?? {};
	const plays = !mime.startsWith('video/') || (video?.codec === 'h264' && (!audio || audio.codec === 'aac'));
	return plays ? { key: storageKey, mime, bytes: bytes ?? 0, jobType: null, name: 'original', width, height, durationSeconds } : undefined;
}

const NAMED = 'public/';
const EXTENSION: Readonly<Record<string, string>> = { 'video/mp4': 'mp4', 'audio/mpeg': 'mp3', 'image/jpeg': 'jpg', 'image/png': 'png', 'image/webp': 'webp', 'image/gif': 'gif', 'image/avif': 'avif', 'audio/aac': 'aac' };

/** `{asset}_thumb-{8 of the hash of its source}.webp`: a file never changes under its key, so other content has another name, and this one may be kept for ever. */
export function publicName(assetId: string, kind: PublicKind, { key, mime }: Pick<Candidate, 'key' | 'mime'>): string {
	return `${assetId}_${kind}-${createHash('sha256').update(key).digest('hex').slice(0, 8)}.${EXTENSION[mime] ?? (mime.startsWith('audio/') ? 'm4a' : 'bin')}`;
}

/** Type of such a file, by its name. */
export const mimeOfPublicName = (name: string): string => Object.entries(EXTENSION).find(([, extension]) => name.endsWith(`.${extension}`))?.[0] ?? (name.endsWith('.m4a') ? 'audio/mp4' : 'application/octet-stream');

/** The files that are public now. Rows of their own: they count for the quota, and go with the asset. */
export async function publicFiles(db: Executor, assetId: string): Promise<Map<PublicKind, FileRow>> {
	const rows = await db.select().from(files).where(and(eq(files.assetId, assetId), isNull(files.jobId), like(files.name, `${NAMED}%`)));
	return new Map(rows.map((row) => [row.name.slice(NAMED.length) as PublicKind, row]));
}

/** All that completed jobs made of its present version, newest first, without the parts of packages. */
export async function candidates(db: Executor, assetId: string): Promise<Candidate[]> {
	const rows = await db
		.select({ file: files, jobType: jobs.jobType })
		.from(files)
		.innerJoin(jobs, eq(jobs.id, files.jobId))
		.where(and(eq(files.assetId, assetId), eq(files.part, false), eq(jobs.status, 'completed'), ofCurrentVersion()))
		.orderBy(desc(files.createdAt), files.position);
	return rows.map(({ file: { storageKey: key, mime, bytes, name, width, height, durationSeconds }, jobType }) => ({ key, mime, bytes, jobType, name, width, height, durationSeconds }));
}

/** What is shown of an asset that has just been made public. */
export interface Published {
	asset: AssetRow;
	shown: Map<PublicKind, FileRow>;
}

/**
 * Makes an asset public, or brings what is public up to its newest results. First the files, which nobody may fetch yet (`isShown`); then,
 * in one transaction, their rows and the mark: killed in the middle, it is as public as before, and the clean-up takes what no row names.
 * Throws `content_unsafe`, `dependency_failed` (publishable.ts), `quota_exceeded`, `not_found` (deleted meanwhile).
 */
export async function publishAsset({ storage }: { storage: Storage }, db: Database, asset: AssetRow): Promise<Published> {
	const published = await bringUp(storage, db, asset, () => true);
	if (!published) throw new PipelineError('not_found', `There is no asset ${asset.id} any more.`);
	return published;
}

/** The same for what is public already. Null: it is not any more. */
export const renewPublic = ({ storage }: { storage: Storage }, db: Database, asset: AssetRow): Promise<Published | null> => bringUp(storage, db, asset, ({ publicAt }) => publicAt !== null);

async function bringUp(storage: Storage, db: Database, asset: AssetRow, still: (now: AssetRow) => boolean): Promise<Published | null> {
	await refusePublishing(db, asset);
	const chosen = choosePublic(asset, await candidates(db, asset.id));
	const before = await publicFiles(db, asset.id);
	const copies: Array<{ kind: PublicKind; source: Candidate; storageKey: string }> = [];
	for (const kind of PUBLIC_KINDS) {
		const source = chosen[kind];
		if (!source) continue;
		const storageKey = publicKey(asset.workspaceId, publicName(asset.id, kind, source));
		// A row alone is not enough: its file may be lost.
		if (before.get(kind)?.storageKey !== storageKey || !(await storage.head(storageKey))) copies.push({ kind, source, storageKey });
	}
	const growth = copies.reduce((sum, { kind, source }) => sum + source.bytes - (before.get(kind)?.bytes ?? 0), 0);
	// Before anything is copied; it counts when the rows are written.
	await refuseResults(db, asset.workspaceId, Math.max(0, growth));
	const written: Array<{ kind: PublicKind; row: NewShown }> = [];
	try {
		for (const { kind, source, storageKey } of copies) {
			const { bytes } = await storage.copy(source.key, storageKey);
			const { mime, width, height, durationSeconds } = source;
			written.push({ kind, row: { storageKey, mime, bytes, width, height, durationSeconds } });
		}
		const done = await transact(db, async (tx) => {
			const now = await lockAsset(tx, asset.id);
			if (!now || isUnsafe(now) || !still(now)) return null;
			await reserve(tx, asset.workspaceId, { bytes: Math.max(0, growth) });
			const shown = await publicFiles(tx, asset.id);
			for (const { kind, row } of written) {
				const old = shown.get(kind);
				if (old) await tx.update(files).set(row).where(eq(files.id, old.id));
				else await tx.insert(files).values({ id: randomUUID(), workspaceId: asset.workspaceId, assetId: asset.id, name: `${NAMED}${kind}`, part: true, ...row });
			}
			return { asset: now.publicAt ? now : ((await updateAsset(tx, asset.id, { publicAt: new Date() })) ?? now), shown: await publicFiles(tx, asset.id) };
		});
		await removeUnnamed(storage, db, (done ? [...before.values()] : written.map(({ row }) => row)).map(({ storageKey }) => storageKey));
		return done;
	} catch (error) {
		await removeUnnamed(storage, db, written.map(({ row }) => row.storageKey)).catch(() => undefined);
		throw error;
	}
}

type NewShown = Pick<FileRow, 'storageKey' | 'mime' | 'bytes' | 'width' | 'height' | 'durationSeconds'>;

async function removeUnnamed(storage: Storage, db: Executor, keys: string[]): Promise<void> {
	for (const key of await unreferencedKeys(db, keys)) await storage.delete(key);
}

/** Whether anyone may fetch it: the rows decide, not what lies in the store. */
export async function isShown(db: Executor, key: string): Promise<boolean> {
	const rows = await db
		.select({ error: assets.error })
		.from(files)
		.innerJoin(assets, eq(assets.id, files.assetId))
		.where(and(eq(files.storageKey, key), isNull(files.jobId), like(files.name, `${NAMED}%`), isNotNull(assets.publicAt)));
	return rows.some((asset) => !isUnsafe(asset));
}

/** What a scan has stopped is taken back at once. Nothing happens to an asset that is not public, or not stopped. */
export async function withdrawUnsafe({ storage, db }: { storage: Storage; db: Database }, assetId: string): Promise<void> {
	const asset = await assetById(db, assetId);
	if (asset?.publicAt && isUnsafe(asset)) await unpublishAsset({ storage }, db, asset);
}

/**
 * Nobody sees it any more. The mark goes last, and only when nothing is left, whoever renews it at the same time: killed in the middle, the
 * next call goes on.
 */
export async function unpublishAsset({ storage }: { storage: Storage }, db: Database, { id }: Pick<AssetRow, 'id'>): Promise<void> {
	for (let left = await publicFiles(db, id), ended = false; !ended; ) {
		for (const { storageKey } of left.values()) await storage.delete(storageKey);
		const gone = [...left.values()];
		left = await transact(db, async (tx) => {
			await lockAsset(tx, id);
			// One that was renewed meanwhile has another key.
			for (const row of gone) await tx.delete(files).where(and(eq(files.id, row.id), eq(files.storageKey, row.storageKey)));
			const more = await publicFiles(tx, id);
			if (more.size === 0) await updateAsset(tx, id, { publicAt: null });
			return more;
		});
		ended = left.size === 0;
	}
}
