import { and, eq, inArray, isNull } from 'drizzle-orm';
import type { BigIntStats } from 'node:fs';
import { lstat, mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { findAsset, type AssetRow } from '../db/assets.ts';
import type { Database, Transaction } from '../db/database.ts';
import { OPEN } from '../db/jobs.ts';
import { jobs, watchedFiles } from '../db/schema.ts';
import { transact } from '../db/transact.ts';
import { insideFolder, versionOf, walkFolder } from '../sources/folder.ts';
import { whyNoMedia } from '../sources/media-kind.ts';

/** How the folder is looked at (sources/folder.ts). */
export interface FolderAccess {
	walk(root: string, path: string, options: { recursive: boolean; leaveOut?: readonly string[] }): AsyncIterable<{ path: string; stats: BigIntStats }>;
	versionOf(stats: BigIntStats): string;
	/** The real path of something below the root; throws where a link leads away. */
	inside(root: string, path: string): Promise<string>;
	/** As far as its name tells. */
	isMedia(name: string): boolean;
}

export interface WatchDeps {
	files: FolderAccess;
	db: Database;
	/** WATCH_DIR */
	root: string;
	workspaceId: string;
	/** Move files to done/ or failed/ when they are processed. */
	move: boolean;
	/** A file that has not changed for so long is complete. */
	settleMs: number;
	/** Makes the asset with its jobs, in the caller's transaction; answers its id. */
	submit(tx: Transaction, path: string): Promise<string>;
	/** Something was submitted. */
	wake(): void;
	log: Logger;
	/** Milliseconds of a clock that never goes back. */
	now?: () => number;
}

export const DONE = 'done';
export const FAILED = 'failed';
/** New files of one round: a folder full of them must not keep the loop from the moving. */
const MOST_TAKEN = 200;
const AT_ONCE = 500;

type WatchedRow = typeof watchedFiles.$inferSelect;

/**
 * Takes the media files of a folder, each once: the row that says so is inserted in the transaction that submits the work, so neither a
 * crash nor a second sidecar at the same folder takes one twice. It looks instead of being told: network drives and folders of the host
 * in a container tell nothing. Answers how many files it took.
 */
export function createWatchFolder(deps: WatchDeps): () => Promise<number> {
	const { now = () => performance.now() } = deps;
	/** What was seen, and since when it is so. */
	let seen = new Map<string, { version: string; since: number; taken: boolean }>();

	return async () => {
		if (deps.move) await moveEnded(deps);
		const at = now();
		const before = seen;
		seen = new Map();
		const complete: Array<{ path: string; version: string }> = [];
		for await (const { path, stats } of deps.files.walk(deps.root, '', { recursive: true, leaveOut: [DONE, FAILED] })) {
			if (!deps.files.isMedia(basename(path))) continue;
			const version = deps.files.versionOf(stats);
			const earlier = before.get(path);
			const entry = earlier?.version === version ? earlier : { version, since: at, taken: false };
			seen.set(path, entry);
			if (!entry.taken && stats.size > 0n && at - entry.since >= deps.settleMs) complete.push({ path, version });
		}
		let count = 0;
		for (let from = 0; from < complete.length && count < MOST_TAKEN; from += AT_ONCE) {
			const some = complete.slice(from, from + AT_ONCE);
			const rows = await deps.db
				.select({ path: watchedFiles.path, version: watchedFiles.version })
				.from(watchedFiles)
				.where(and(eq(watchedFiles.workspaceId, deps.workspaceId), inArray(watchedFiles.path, some.map(({ path }) => path))));
			const known = new Set(rows.map(({ path, version }) => `${version} ${path}`));
			for (const file of some) {
				if (count >= MOST_TAKEN) break;
				const entry = seen.get(file.path);
				if (!known.has(`${file.version} ${file.path}`)) {
					try {
						if (await take(deps, file)) count += 1;
					} catch (error) {
						deps.log.warn({ err: error, file: file.path }, 'a file of the watched folder could not be taken; it is tried again');
						continue;
					}
				}
				if (entry) entry.taken = true;
			}
		}
		if (count > 0) deps.wake();
		return count;
	};
}

/** False: it was taken already. */
async function take(deps: WatchDeps, { path, version }: { path: string; version: string }): Promise<boolean> {
	return transact(deps.db, async (tx) => {
		const nobody = '00000000-0000-0000-0000-000000000000';
		const { workspaceId } = deps;
		// First: whoever else takes it at this moment waits here, and then finds it taken.
		const inserted = await tx.insert(watchedFiles).values({ workspaceId, path, version, assetId: nobody }).onConflictDoNothing().returning({ path: watchedFiles.path });
		if (inserted.length === 0) return false;
		// Another sidecar may have moved it, and forgotten it, since this one looked.
		if (!(await isStill(deps, { path, version }))) {
			await tx.delete(watchedFiles).where(keyOf({ workspaceId, path, version }));
			return false;
		}
		const assetId = await deps.submit(tx, path);
		await tx.update(watchedFiles).set({ assetId }).where(keyOf({ workspaceId, path, version }));
		deps.log.info({ file: path, asset_id: assetId }, 'a file of the watched folder was taken');
		return true;
	});
}

const keyOf = ({ workspaceId, path, version }: Pick<WatchedRow, 'workspaceId' | 'path' | 'version'>) =>
	and(eq(watchedFiles.workspaceId, workspaceId), eq(watchedFiles.path, path), eq(watchedFiles.version, version));

/** Files whose work has ended leave the folder. Every step can be done again: a crash in between changes nothing. */
async function moveEnded(deps: WatchDeps): Promise<void> {
	const open = await deps.db.select().from(watchedFiles).where(and(eq(watchedFiles.workspaceId, deps.workspaceId), isNull(watchedFiles.settledAt))).orderBy(watchedFiles.createdAt).limit(AT_ONCE);
	for (const row of open) {
		try {
			const asset = await findAsset(deps.db, deps.workspaceId, row.assetId);
			if (asset && !(await hasEnded(deps, asset))) continue;
			if (asset && (await isStill(deps, row))) await moveAway(deps, row, asset);
			// What has left the folder may come back, to be tried again; of what is still there the row must stay.
			if (await isStill(deps, row)) await deps.db.update(watchedFiles).set({ settledAt: new Date() }).where(keyOf(row));
			else await deps.db.delete(watchedFiles).where(keyOf(row));
		} catch (error) {
			deps.log.warn({ err: error, file: row.path }, 'a file of the watched folder could not be moved; it is tried again');
		}
	}
}

async function hasEnded({ db }: WatchDeps, asset: AssetRow): Promise<boolean> {
	if (!['ready', 'processed', 'failed'].includes(asset.status)) return false;
	const [open] = await db.select({ id: jobs.id }).from(jobs).where(and(eq(jobs.assetId, asset.id), inArray(jobs.status, OPEN))).limit(1);
	return open === undefined;
}

/** The file is there as it was taken: one that was moved already, or replaced by another, is left alone. */
async function isStill({ root, files }: WatchDeps, { path, version }: Pick<WatchedRow, 'path' | 'version'>): Promise<boolean> {
	const stats = await lstat(join(root, ...path.split('/')), { bigint: true }).catch(() => null);
	return stats?.isFile() === true && files.versionOf(stats) === version;
}

async function moveAway({ root, files }: WatchDeps, { path }: WatchedRow, asset: AssetRow): Promise<void> {
	const folder = asset.status === 'failed' ? FAILED : DONE;
	await mkdir(join(root, folder), { recursive: true });
	await files.inside(root, folder);
	const wanted = [folder, ...path.split('/')].join('/');
	await mkdir(join(root, dirname(wanted)), { recursive: true });
	const target = join(await files.inside(root, dirname(wanted)), await freeName(join(root, dirname(wanted)), basename(path)));
	if (folder === FAILED) {
		const { code = 'failed', message = 'It could not be processed.' } = asset.error ?? {};
		await writeFile(`${target}.txt`, `${message}\n\nError: ${code}\nAsset: ${asset.id}\nTo try again, move the file back into the watched folder.\n`);
	}
	await rename(join(root, ...path.split('/')), target);
}

async function freeName(folder: string, name: string): Promise<string> {
	const dot = name.lastIndexOf('.');
	for (let number = 1; ; number += 1) {
		const candidate = number === 1 ? name : dot > 0 ? `${name.slice(0, dot)}-${number}${name.slice(dot)}` : `${name}-${number}`;
		if (!(await lstat(join(folder, candidate)).catch(() => null))) return candidate;
	}
}
