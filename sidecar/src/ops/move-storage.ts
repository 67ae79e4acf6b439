import { createHash, type Hash } from 'node:crypto';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { OpenDatabase } from '../db/database.ts';
import { aloneMoving, jobsSinceBefore, openUploads, place, placementOf, PLACEMENTS_CACHE_MS, sha256OfKey, storedKey, timeOf, unarchived } from '../db/workspace-storage.ts';
import { PipelineError } from '../errors.ts';
import { mimeOfName } from '../media/package.ts';
import { usualTypes } from '../net/mime-of-name.ts';
import { foldersOf } from '../storage/keys.ts';
import type { Storage, StoredFile } from '../storage/storage.ts';

export interface MoveOptions {
	database: OpenDatabase;
	backends: ReadonlyMap<string, Storage>;
	/** Back end of workspaces that have none of their own. */
	standard: string;
	/** Public files are elsewhere, for all workspaces: they are not moved. */
	publicFiles: string | null;
	workspaceId: string;
	to: string;
	dryRun: boolean;
	/** Whether sidecars may be at work meanwhile: they are given time to notice, and to end what they have begun. */
	others: boolean;
	/** Time they are given, ms. Default twice what a process may believe the old place. */
	noticeMs?: number;
	/** Told after every file. */
	progress(soFar: MoveCount): void;
	say(line: string): void;
}

export interface MoveCount {
	files: number;
	bytes: number;
}

export interface MoveSummary {
	from: string;
	to: string;
	/** Found at the new place with the same SHA-256 as at the old one. */
	verified: MoveCount;
	/** Of these, so many were there from an earlier, interrupted run. */
	already: number;
	deleted: number;
	/** Different at the two places, and nothing tells which is right: both are kept. Not empty: the move is not over. */
	differing: string[];
	/** In an archive, from where they have been asked for. Not empty: the move is not over, run it again when they are there. */
	archived: string[];
	/** Uploads that were begun at the old place and may still arrive there. Not 0: the move is not over, run it again. */
	openUploads: number;
}

interface Alone {
	/** Throws when nobody keeps others from moving the same workspace any more: asked before each deletion. */
	alone(): Promise<void>;
}

/** Files that are copied at the same time; a store answers each after a while, so one after the other would be mostly waiting. */
const AT_ONCE = 4;
/** Twice what other processes may believe the old place. */
const NOTICE_MS = 2 * PLACEMENTS_CACHE_MS;
const JOBS_EVERY_MS = 2000;
/** Rounds in which nothing could be deleted. */
const MOST_IDLE = 5;

/**
 * Moves the files of a workspace to another back end. All that it remembers is the row of the workspace and the files themselves, so
 * it may be killed at any moment and be run again. From the first moment new files are written to the new place, and what is not
 * there yet is read at the old one (storage/by-workspace.ts). Old files are deleted when all have been verified.
 */
export async function moveStorage(options: MoveOptions): Promise<MoveSummary> {
	let summary: MoveSummary | undefined;
	const wasAlone = await aloneMoving(options.database, options.workspaceId, async (alone) => {
		summary = await move({ ...options, alone });
	});
	if (wasAlone && summary) return summary;
	throw new PipelineError('conflict', `Somebody else is moving the workspace ${options.workspaceId} right now. Wait until that has ended.`);
}

async function move(options: MoveOptions & Alone): Promise<MoveSummary> {
	const { database: { db }, backends, workspaceId, to, dryRun, say } = options;
	const { from, begun } = await plan(options);
	const [source, target] = [backends.get(from), backends.get(to)];
	if (!source) throw notConfigured(from, backends);
	if (!target) throw notConfigured(to, backends);
	// Public files that were made before PUBLIC_STORAGE was set are where the workspace is; those in PUBLIC_STORAGE stay.
	const prefixes = foldersOf(workspaceId).filter((folder) => from !== options.publicFiles || !folder.startsWith('public/'));
	const summary: MoveSummary = { from, to, verified: { files: 0, bytes: 0 }, already: 0, deleted: 0, differing: [], archived: [], openUploads: 0 };

	if (dryRun) {
		for await (const { bytes } of listAll(source, prefixes)) {
			summary.verified.files++;
			summary.verified.bytes += bytes;
		}
		return summary;
	}

	await target.prepare();
	if (!begun) await refuseOtherSource(options, from, source, prefixes);
	if (!begun) await place(db, { workspaceId, storage: to, storageFrom: from });
	say(begun ? `Going on with the move of ${workspaceId} from ${from} to ${to}.` : `New files of ${workspaceId} are written to ${to} from now on.`);
	const noticeMs = options.noticeMs ?? NOTICE_MS;
	if (options.others) await pause(noticeMs);
	// Only now everybody knows: what was begun a moment before was begun at the old place.
	const since = await timeOf(db);

	const verified = new Map<string, Verified>();
	const left = new Set<string>();
	const copyAll = (mayVanish: boolean) => eachOf(listAll(source, prefixes), async (listed) => {
		const { key, bytes } = listed;
		if (left.has(key) || sameFile(verified.get(key)?.listed ?? null, listed)) return false;
		const { outcome, file } = await copyVerified({ ...options, source, target, mayVanish }, listed);
		if (outcome === 'gone') return false;
		if (outcome === 'differs' || outcome === 'archived') {
			left.add(key);
			(outcome === 'differs' ? summary.differing : summary.archived).push(key);
			return false;
		}
		// What could be read at the new place is in no archive there.
		await unarchived(db, workspaceId, key);
		summary.already += outcome === 'already' ? 1 : 0;
		if (!verified.has(key)) {
			summary.verified.files++;
			summary.verified.bytes += bytes;
		}
		verified.set(key, { listed, file });
		options.progress(summary.verified);
		return true;
	});
	const others = async (): Promise<string | null> => {
		for await (const { key } of listAll(source, prefixes)) if (!left.has(key)) return key;
		return null;
	};

	const deletedKeys = new Set<string>();
	for (let still: string | null = '', idle = 0; still !== null; ) {
		while ((await copyAll(true)) > 0) ;
		if (options.others) await jobsToEnd(options, since);
		// What these have still written to the old place.
		while ((await copyAll(true)) > 0) ;
		const deleted = await deleteVerified(options, source, target, verified);
		for (const key of deleted) deletedKeys.add(key);
		summary.deleted += deleted.length;
		still = await others();
		idle = deleted.length > 0 ? 0 : idle + 1;
		if (still !== null && (deletedKeys.has(still) || idle >= MOST_IDLE)) {
			throw new PipelineError('storage_failed', `${from} still has ${still}, which could not be deleted there. Everything is in ${to} and works. Look whether ${from} keeps files for a time (object lock, retention), or ${to} loses them; then run the move again.`);
		}
	}
	if (left.size > 0) return summary;

	summary.openUploads = source.direct(`${prefixes[0]}x`) ? await openUploads(db, { workspaceId, before: since, notIn: to }) : 0;
	if (summary.openUploads > 0) return summary;
	await options.alone();
	await place(db, { workspaceId, storage: to, storageFrom: null });
	if (options.others) {
		await pause(noticeMs);
		// Of a writer that had looked up the old place a moment before. It may be taking its file along itself.
		while ((await copyAll(false)) > 0) ;
		summary.deleted += (await deleteVerified(options, source, target, verified)).length;
		// A slow upload may still be writing to the old place: it takes its file along when it ends.
		if ((await openUploads(db, { workspaceId, before: since })) > 0) return summary;
	}
	for (const prefix of prefixes) await source.deleteUnfinished(prefix).catch((error: Error) => say(`What killed writers have left half-written at ${from} could not be taken away: ${error.message}`));
	return summary;
}

/** Where the files are now, and whether a move to `to` has begun. Refuses what makes no sense. */
async function plan({ database: { db }, standard, workspaceId, to, backends, dryRun }: MoveOptions): Promise<{ from: string; begun: boolean }> {
	const placement = await placementOf(db, workspaceId);
	if (!placement) throw new PipelineError('not_found', `There is no workspace ${workspaceId}.`);
	if (!backends.has(to)) throw notConfigured(to, backends);
	const { storageFrom } = placement;
	const current = placement.storage ?? standard;
	if (backends.get(to)?.publicOnly) throw new PipelineError('invalid_request', `The storage ${to} only takes public files: name it in PUBLIC_STORAGE. Nothing was changed.`);
	if (storageFrom === null) {
		if (current === to) throw new PipelineError('conflict', `The files of ${workspaceId} are in ${to} already: there is nothing to move.`);
		return { from: current, begun: false };
	}
	if (current === to) return { from: storageFrom, begun: true };
	if (storageFrom === to) {
		// Back again: both places have files of it, just as when it was begun.
		if (!dryRun) await place(db, { workspaceId, storage: to, storageFrom: current });
		return { from: current, begun: true };
	}
	throw new PipelineError('conflict', `The workspace ${workspaceId} is being moved from ${storageFrom} to ${current}. Finish that with --to ${current}, or take it back with --to ${storageFrom}; then move it to ${to}.`);
}

/** A folder or bucket that has none of the files which the database names is another one: its workspace would lose them. */
async function refuseOtherSource({ database: { db }, workspaceId }: MoveOptions, from: string, source: Storage, prefixes: readonly string[]): Promise<void> {
	const key = await storedKey(db, workspaceId, prefixes);
	if (key === null || !(await listAll(source, prefixes).next()).done) return;
	throw new PipelineError('conflict', `${from} has no files of ${workspaceId}, but the database names some, such as ${key}. Do DATA_DIR, STORAGE and the variables of ${from} say the same here as for the sidecar? Nothing was changed.`);
}

const notConfigured = (name: string, backends: ReadonlyMap<string, Storage>): PipelineError =>
	new PipelineError('invalid_request', `The storage ${name} is not configured. Set its variables (docs/storage.md). Configured: ${[...backends.keys()].join(', ')}.`);

interface Verified {
	/** As the list has it, to know it again there. */
	listed: StoredFile;
	/** As it was when it was compared. Lists and looks may tell the time differently: some stores round it in one of them. */
	file: StoredFile;
}

interface Copying extends Pick<MoveOptions, 'database'>, Alone {
	source: Storage;
	target: Storage;
	/** Whoever deletes a file deletes it at both places. False: it may also have been taken along to the new place. */
	mayVanish: boolean;
}

type Outcome = 'copied' | 'already' | 'gone' | 'differs' | 'archived';

/** Copies one file and compares what can be read at both places. */
async function copyVerified({ database: { db }, source, target, mayVanish, alone }: Copying, { key, bytes: listedBytes }: StoredFile): Promise<{ outcome: Outcome; file: StoredFile }> {
	const file = await source.head(key);
	const missing = { key, bytes: listedBytes, modifiedAt: new Date(0) };
	if (!file) return { outcome: 'gone', file: missing };
	try {
		const there = await target.head(key);
		if (there) {
			const [before, after] = [await sha256(source, key), await sha256(target, key)];
			if (before === after) return { outcome: 'already', file };
			// Written anew since the move began, or copied badly by a move that was killed before it compared?
			const known = await sha256OfKey(db, key);
			if (known === after) return { outcome: 'already', file };
			if (known !== before && there.modifiedAt >= file.modifiedAt) return { outcome: 'differs', file };
		}
		const hash = createHash('sha256');
		const copy = await target.putStream(key, hashed(await source.read(key), hash), { bytes: file.bytes, mime: usualTypes(key)?.[0] ?? mimeOfName(key) });
		const sent = hash.digest('hex');
		if (copy.bytes !== file.bytes || (await sha256(target, key)) !== sent) {
			await alone();
			await target.delete(key);
			throw new PipelineError('storage_failed', `${key} differs at the new place. It was taken away there, nothing was deleted at the old one. Run the move again.`);
		}
	} catch (error) {
		if (error instanceof PipelineError && error.code === 'storage_archived') return { outcome: await fetched(source, key, error), file };
		if (error instanceof PipelineError && error.code === 'not_found' && (await source.head(key)) === null) return { outcome: 'gone', file };
		throw error;
	}
	if (!mayVanish || (await source.head(key)) !== null) return { outcome: 'copied', file };
	// Deleted while it was copied: whoever did that has looked at the new place too early.
	await alone();
	await target.delete(key);
	return { outcome: 'gone', file };
}

/** Asks for a file from the archive: it can be copied when it is back. Throws `error` where nothing can be asked for. */
async function fetched(source: Storage, key: string, error: PipelineError): Promise<'archived'> {
	const canFetch = await source.setClass(key, 'standard').catch((refused: unknown) => {
		if (refused instanceof PipelineError && refused.code === 'storage_archived') return true;
		throw refused;
	});
	if (canFetch) return 'archived';
	throw error;
}

/** Passes on the bytes and the error of its source. */
function hashed(stream: NodeJS.ReadableStream, hash: Hash): Transform {
	const through = new Transform({
		transform(piece: Buffer, _encoding, done) {
			hash.update(piece);
			done(null, piece);
		},
	});
	pipeline(stream, through).catch(() => undefined);
	return through;
}

async function sha256(storage: Storage, key: string): Promise<string> {
	const hash = createHash('sha256');
	await pipeline(await storage.read(key), hash);
	return hash.digest('hex');
}

const sameFile = (a: StoredFile | null, b: StoredFile): boolean => a?.bytes === b.bytes && a.modifiedAt.getTime() === b.modifiedAt.getTime();

/** Those that are still as they were when they were compared, and are still at the new place. */
async function deleteVerified({ alone }: Alone, source: Storage, target: Storage, verified: Map<string, Verified>): Promise<string[]> {
	const deleted: string[] = [];
	for (const [key, { file }] of verified) {
		verified.delete(key);
		const now = await source.head(key);
		if (!now || !sameFile(file, now) || (await target.head(key)) === null) continue;
		await alone();
		await source.delete(key);
		deleted.push(key);
	}
	return deleted;
}

/** Jobs that were begun before everybody knew of the new place may read, and have in hand, files of the old one. */
async function jobsToEnd({ database: { db }, workspaceId, say }: MoveOptions, since: Date): Promise<void> {
	for (let told = 0; ; ) {
		const jobs = await jobsSinceBefore(db, workspaceId, since);
		if (jobs === 0) return;
		if (jobs !== told) say(`Waiting for ${jobs} job${jobs === 1 ? '' : 's'} that began before the move; then the old files are deleted.`);
		told = jobs;
		await pause(JOBS_EVERY_MS);
	}
}

async function* listAll(storage: Storage, prefixes: readonly string[]): AsyncGenerator<StoredFile, void, undefined> {
	for (const prefix of prefixes) yield* storage.list(prefix);
}

/** Several at once. Answers for how many `work` was true; the first error ends it, when those under way have ended. */
async function eachOf(files: AsyncGenerator<StoredFile, void, undefined>, work: (file: StoredFile) => Promise<boolean>): Promise<number> {
	let counted = 0;
	let failed = false;
	const one = async (): Promise<void> => {
		try {
			// Generators queue the calls of `next`: each worker gets a file of its own.
			for (let next = await files.next(); !next.done && !failed; next = await files.next()) counted += Number(await work(next.value));
		} catch (error) {
			failed = true;
			throw error;
		}
	};
	const workers = await Promise.allSettled(Array.from({ length: AT_ONCE }, one));
	for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
	return counted;
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
