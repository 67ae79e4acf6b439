import type { BigIntStats } from 'node:fs';
import { lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { and, eq, inArray, isNull, notExists, or } from 'drizzle-orm';
import type { Logger } from 'pino';
import type { AssetRow } from '../db/assets.ts';
import type { Database, Transaction } from '../db/database.ts';
import { OPEN } from '../db/jobs.ts';
import { assets, jobs, watchedFiles } from '../db/schema.ts';
import { transact } from '../db/transact.ts';
import { moveFile, reserveName } from './move-file.ts';

/** How the folder is looked at (sources/folder.ts). */
export interface FolderAccess {
	walk(root: string, path: string, options: { recursive: boolean; leaveOut?: readonly string[]; onOther?(path: string, reason: string): void }): AsyncIterable<{ path: string; stats: BigIntStats }>;
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
/** A pipeline that does not exist, a database that is away: each further file would fail as well, and fill the log. */
const MOST_REFUSED = 5;
/** Pauses before a file that could not be taken is tried again, in milliseconds: doubling from the first to the last. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 600_000;

type WatchedRow = typeof watchedFiles.$inferSelect;

interface Seen {
	version: string;
	since: number;
	taken: boolean;
	/** Of one that could not be taken: how often, and when it is tried again. */
	refused: number;
	notBefore: number;
}

/**
 * Takes the media files of a folder, each once: the row that says so is inserted in the transaction that submits the work, so neither a
 * crash nor a second sidecar at the same folder takes one twice. It looks instead of being told: network drives and folders of the host
 * in a container tell nothing. Answers how many files it took.
 */
export function createWatchFolder(deps: WatchDeps): () => Promise<number> {
	const { now = () => performance.now() } = deps;
	/** What was seen, and since when it is so. */
	let seen = new Map<string, Seen>();
	/** What was told in the log, once each as long as it is so. */
	let told = new Set<string>();
	/** Rows to pass over: the ones before could not be moved. */
	let stuck = 0;

	return async () => {
		if (deps.move) stuck = await moveEnded(deps, stuck);
		const at = now();
		const before = seen;
		const toldBefore = told;
		seen = new Map();
		told = new Set();
		const onOther = (path: string, reason: string): void => {
			told.add(path);
			if (!toldBefore.has(path)) deps.log.warn({ file: path, reason }, 'something in the watched folder is passed over');
		};
		const complete: Array<{ path: string; version: string; entry: Seen }> = [];
		for await (const { path, stats } of deps.files.walk(deps.root, '', { recursive: true, leaveOut: [DONE, FAILED], onOther })) {
			if (!deps.files.isMedia(basename(path))) continue;
			const version = deps.files.versionOf(stats);
			const earlier = before.get(path);
			const entry = earlier?.version === version ? earlier : { version, since: at, taken: false, refused: 0, notBefore: 0 };
			seen.set(path, entry);
			if (!entry.taken && stats.size > 0n && at - entry.since >= deps.settleMs && at >= entry.notBefore) complete.push({ path, version, entry });
		}
		let count = 0;
		let refused = 0;
		for (let from = 0; from < complete.length && count < MOST_TAKEN && refused < MOST_REFUSED; from += AT_ONCE) {
			const some = complete.slice(from, from + AT_ONCE);
			const rows = await deps.db
				.select({ path: watchedFiles.path, version: watchedFiles.version })
				.from(watchedFiles)
				.where(and(eq(watchedFiles.workspaceId, deps.workspaceId), inArray(watchedFiles.path, some.map(({ path }) => path))));
			const known = new Set(rows.map(({ path, version }) => `${version} ${path}`));
			for (const { entry, ...file } of some) {
				if (count >= MOST_TAKEN || refused >= MOST_REFUSED) break;
				if (!known.has(`${file.version} ${file.path}`)) {
					try {
						if (await take(deps, file)) count += 1;
					} catch (error) {
						refused += 1;
						entry.refused += 1;
						const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (entry.refused - 1));
						entry.notBefore = at + pause;
						deps.log.warn({ err: error, file: file.path, again_in_seconds: pause / 1000 }, 'a file of the watched folder could not be taken; it is tried again');
						continue;
					}
				}
				entry.taken = true;
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

/**
 * Files whose work has ended leave the folder. Every step can be done again: a crash in between changes nothing. Answers how many of the
 * first rows could not be moved: the next round begins behind them, so that they do not keep the others here.
 */
async function moveEnded(deps: WatchDeps, stuck: number): Promise<number> {
	const open = await deps.db
		.select({ row: watchedFiles, asset: assets })
		.from(watchedFiles)
		.leftJoin(assets, and(eq(assets.id, watchedFiles.assetId), eq(assets.workspaceId, watchedFiles.workspaceId)))
		.where(and(eq(watchedFiles.workspaceId, deps.workspaceId), isNull(watchedFiles.settledAt), or(isNull(assets.id), and(inArray(assets.status, ['ready', 'processed', 'failed']), notExists(openJobs(deps))))))
		.orderBy(watchedFiles.createdAt, watchedFiles.path, watchedFiles.version)
		.limit(AT_ONCE)
		.offset(stuck);
	let failures = 0;
	for (const { row, asset } of open) {
		try {
			if (asset && (await isStill(deps, row))) await moveAway(deps, row, asset);
			// What has left the folder may come back, to be tried again; of what is still there the row must stay.
			if (await isStill(deps, row)) await deps.db.update(watchedFiles).set({ settledAt: new Date() }).where(keyOf(row));
			else await deps.db.delete(watchedFiles).where(keyOf(row));
		} catch (error) {
			failures += 1;
			deps.log.warn({ err: error, file: row.path }, 'a file of the watched folder could not be moved; it is tried again');
		}
	}
	return open.length < AT_ONCE ? 0 : stuck + failures;
}

const openJobs = ({ db }: WatchDeps) => db.select({ id: jobs.id }).from(jobs).where(and(eq(jobs.assetId, assets.id), inArray(jobs.status, OPEN)));

/**
 * The file is there as it was taken: one that was moved already, or replaced by another, is left alone. Throws while nobody can tell, as when a
 * network drive is away: that a file was not found then does not mean that it has gone.
 */
async function isStill({ root, files }: WatchDeps, { path, version }: Pick<WatchedRow, 'path' | 'version'>): Promise<boolean> {
	const stats = await lstat(join(root, ...path.split('/')), { bigint: true }).catch((error: NodeJS.ErrnoException) => {
		if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
		throw error;
	});
	return stats?.isFile() === true && files.versionOf(stats) === version;
}

async function moveAway(deps: WatchDeps, row: WatchedRow, asset: AssetRow): Promise<void> {
	const { root, files } = deps;
	const folder = asset.status === 'failed' ? FAILED : DONE;
	await mkdir(join(root, folder), { recursive: true });
	await files.inside(root, folder);
	const wanted = [folder, ...row.path.split('/')].join('/');
	await mkdir(join(root, dirname(wanted)), { recursive: true });
	const target = await reserveName(await files.inside(root, dirname(wanted)), basename(row.path));
	const moved = await moveFile(join(root, ...row.path.split('/')), target, (stats) => files.versionOf(stats) === row.version).catch(async (error: unknown) => {
		await rm(target, { force: true });
		throw error;
	});
	if (!moved) {
		await rm(target, { force: true });
		deps.log.warn({ file: row.path }, 'a file of the watched folder was replaced while it was moved; it stays');
		return;
	}
	if (folder === FAILED) {
		const { code = 'failed', message = 'It could not be processed.' } = asset.error ?? {};
		await writeFile(`${target}.txt`, `${message}\n\nError: ${code}\nAsset: ${asset.id}\nTo try again, move the file back into the watched folder.\n`);
	}
}
