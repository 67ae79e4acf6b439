import { createHash, type Hash } from 'node:crypto';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { OpenDatabase } from '../db/database.ts';
import { aloneMoving, jobsSinceBefore, openUploads, place, placementOf, PLACEMENTS_CACHE_MS } from '../db/workspace-storage.ts';
import { PipelineError } from '../errors.ts';
import { mimeOfName } from '../media/package.ts';
import { workspaceFolder } from '../storage/keys.ts';
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
	/** Uploads that were begun at the old place and may still arrive there. Not 0: the move is not over, run it again. */
	openUploads: number;
}

/** Files that are copied at the same time; a store answers each after a while, so one after the other would be mostly waiting. */
const AT_ONCE = 4;
/** Twice what other processes may believe the old place. */
const NOTICE_MS = 2 * PLACEMENTS_CACHE_MS;
const JOBS_EVERY_MS = 2000;
const FOLDERS = ['raw', 'incoming', 'jobs'];

/**
 * Moves the files of a workspace to another back end. All that it remembers is the row of the workspace and the files themselves, so
 * it may be killed at any moment and be run again. From the first moment new files are written to the new place, and what is not
 * there yet is read at the old one (storage/by-workspace.ts). Old files are deleted when all have been verified.
 */
export async function moveStorage(options: MoveOptions): Promise<MoveSummary> {
	let summary: MoveSummary | undefined;
	const alone = await aloneMoving(options.database, options.workspaceId, async () => {
		summary = await move(options);
	});
	if (alone && summary) return summary;
	throw new PipelineError('conflict', `Somebody else is moving the workspace ${options.workspaceId} right now. Wait until that has ended.`);
}

async function move(options: MoveOptions): Promise<MoveSummary> {
	const { database: { db }, backends, workspaceId, to, dryRun, say } = options;
	const { from, begun } = await plan(options);
	const [source, target] = [backends.get(from), backends.get(to)];
	if (!source) throw notConfigured(from, backends);
	if (!target) throw notConfigured(to, backends);
	const prefixes = [...FOLDERS, ...(options.publicFiles === null ? ['public'] : [])].map((folder) => `${folder}/${workspaceFolder(workspaceId)}/`);
	const summary: MoveSummary = { from, to, verified: { files: 0, bytes: 0 }, already: 0, deleted: 0, openUploads: 0 };

	if (dryRun) {
		for await (const { bytes } of listAll(source, prefixes)) {
			summary.verified.files++;
			summary.verified.bytes += bytes;
		}
		return summary;
	}

	await target.prepare();
	if (!begun) await place(db, { workspaceId, storage: to, storageFrom: from });
	const since = new Date();
	say(begun ? `Going on with the move of ${workspaceId} from ${from} to ${to}.` : `New files of ${workspaceId} are written to ${to} from now on.`);
	if (options.others) await pause(NOTICE_MS);

	const verified = new Map<string, StoredFile>();
	const copyAll = () => eachOf(listAll(source, prefixes), async (file) => {
		if (sameFile(verified.get(file.key), file)) return false;
		const outcome = await copyVerified(source, target, file);
		if (outcome === 'gone') return false;
		summary.already += outcome === 'already' ? 1 : 0;
		if (!verified.has(file.key)) {
			summary.verified.files++;
			summary.verified.bytes += file.bytes;
		}
		verified.set(file.key, file);
		options.progress(summary.verified);
		return true;
	});

	for (let deletedAll = false; !deletedAll; ) {
		while ((await copyAll()) > 0) ;
		if (options.others) await jobsToEnd(options, since);
		// What these have still written to the old place.
		while ((await copyAll()) > 0) ;
		summary.deleted += await deleteVerified(source, verified);
		deletedAll = (await listAll(source, prefixes).next()).done === true;
	}

	summary.openUploads = source.direct(`${prefixes[0]}x`) ? await openUploads(db, workspaceId, since) : 0;
	if (summary.openUploads > 0) return summary;
	await place(db, { workspaceId, storage: to, storageFrom: null });
	if (options.others) {
		await pause(NOTICE_MS);
		// Of a writer that had looked up the old place a moment before.
		while ((await copyAll()) > 0) ;
		summary.deleted += await deleteVerified(source, verified);
	}
	return summary;
}

/** Where the files are now, and whether a move to `to` has begun. Refuses what makes no sense. */
async function plan({ database: { db }, standard, workspaceId, to, backends, dryRun }: MoveOptions): Promise<{ from: string; begun: boolean }> {
	const placement = await placementOf(db, workspaceId);
	if (!placement) throw new PipelineError('not_found', `There is no workspace ${workspaceId}.`);
	if (!backends.has(to)) throw notConfigured(to, backends);
	const { storageFrom } = placement;
	const current = placement.storage ?? standard;
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

const notConfigured = (name: string, backends: ReadonlyMap<string, Storage>): PipelineError =>
	new PipelineError('invalid_request', `The storage ${name} is not configured. Set its variables (docs/storage.md). Configured: ${[...backends.keys()].join(', ')}.`);

/** Copies one file and compares what can be read at both places. */
async function copyVerified(source: Storage, target: Storage, { key, bytes, modifiedAt }: StoredFile): Promise<'copied' | 'already' | 'gone'> {
	try {
		const there = await target.head(key);
		if (there) {
			const before = await sha256(source, key);
			if (there.bytes === bytes && (await sha256(target, key)) === before) return 'already';
			// Written anew since the move began: that one counts.
			if (there.modifiedAt >= modifiedAt) return 'already';
		}
		const hash = createHash('sha256');
		const copy = await target.putStream(key, hashed(await source.read(key), hash), { bytes, mime: mimeOfName(key) });
		const sent = hash.digest('hex');
		if (copy.bytes !== bytes || (await sha256(target, key)) !== sent) {
			await target.delete(key);
			throw new PipelineError('storage_failed', `${key} differs at the new place. It was taken away there, nothing was deleted at the old one. Run the move again.`);
		}
	} catch (error) {
		if (error instanceof PipelineError && error.code === 'not_found' && (await source.head(key)) === null) return 'gone';
		throw error;
	}
	// Deleted while it was copied: whoever did that has looked at the new place too early.
	if ((await source.head(key)) !== null) return 'copied';
	await target.delete(key);
	return 'gone';
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

const sameFile = (a: StoredFile | undefined, b: StoredFile | null): boolean => a?.bytes === b?.bytes && a?.modifiedAt.getTime() === b?.modifiedAt.getTime();

/** Those that are still as they were when they were compared. */
async function deleteVerified(source: Storage, verified: Map<string, StoredFile>): Promise<number> {
	let deleted = 0;
	for (const [key, file] of verified) {
		const now = await source.head(key);
		verified.delete(key);
		if (!now || !sameFile(file, now)) continue;
		await source.delete(key);
		deleted++;
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
