import { constants, type BigIntStats } from 'node:fs';
import { lstat, open, readdir, realpath, type FileHandle } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { safeFileName } from '../net/file-name.ts';
import { receive, tooLarge } from '../net/receive.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { whyNoMedia } from './media-kind.ts';
import { asPercent, type FetchFrom, type ListFrom, type ListPlace, type Place, type SourceEntry, type SourceSettings } from './source.ts';

const WHERE = 'the watched folder';

/** The same as long as nobody wrote to it: size, and time of the last change in nanoseconds. */
export const versionOf = ({ size, mtimeNs }: Pick<BigIntStats, 'size' | 'mtimeNs'>): string => `${size}-${mtimeNs}`;

/** A file below WATCH_DIR. No symbolic link, device or pipe is followed, and nothing outside the folder is reached. */
export const fetchFolder: FetchFrom<Extract<Place, { type: 'folder' }>> = async ({ place, workspaceId, destPath, signal, onProgress }, settings) => {
	const root = rootOf(settings, workspaceId);
	const handle = await openInside(root, place.path);
	try {
		const before = await handle.stat({ bigint: true });
		const bytes = Number(before.size);
		if (bytes > settings.maxBytes) throw tooLarge(bytes, settings.maxBytes, WHERE);
		const received = await receive({
			...settings,
			where: WHERE,
			destPath,
			signal,
			onProgress: (done) => asPercent(onProgress)(done, bytes),
			open: async ({ offset }) => ({
				status: offset > 0 ? 206 : 200,
				headers: { 'content-length': String(bytes - offset), etag: `"${versionOf(before)}"`, ...(offset > 0 ? { 'content-range': `bytes ${offset}-${bytes - 1}/${bytes}` } : {}) },
				stream: Readable.from(pieces(handle, offset), { objectMode: false }),
			}),
		});
		if (versionOf(await handle.stat({ bigint: true })) !== versionOf(before)) {
			throw new PipelineError('input_unreachable', `${basename(place.path)} changed while it was read from ${WHERE}. It is still being written.`);
		}
		return { bytes: received.bytes, sha256: received.sha256, contentType: null, fileName: safeFileName(basename(place.path)) };
	} finally {
		await handle.close();
	}
};

/** A stream of the handle itself would close it at its end. */
async function* pieces(handle: FileHandle, offset: number): AsyncGenerator<Buffer> {
	for (let at = offset; ; ) {
		const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(262_144), 0, 262_144, at);
		if (bytesRead === 0) return;
		at += bytesRead;
		yield buffer.subarray(0, bytesRead);
	}
}

/** The folder that this workspace may read. */
function rootOf({ folder }: SourceSettings, workspaceId: string | undefined): string {
	if (!folder) throw new PipelineError('input_forbidden', 'No folder of this sidecar may be read. Set WATCH_DIR to the folder that holds the files.');
	if (folder.workspaceId !== workspaceId) throw new PipelineError('input_forbidden', 'The folder WATCH_DIR belongs to another workspace (WATCH_WORKSPACE of the sidecar).');
	return folder.root;
}

const notInside = (path: string): PipelineError => new PipelineError('input_forbidden', `${basename(path)} is reached through a symbolic link, or lies outside of WATCH_DIR. Only files that lie in the folder itself are read.`);

/** The real path of something below the root. Throws `input_forbidden` unless every part of it is a plain folder or file. */
export async function insideFolder(root: string, path: string): Promise<string> {
	// The request was checked; what is stored or listed is checked again here, where it matters.
	if (path.split('/').some((part) => part === '..' || part === '.' || part.includes('\0') || part.includes('\\'))) throw notInside(path);
	const base = await realpath(root).catch(missing('WATCH_DIR'));
	const wanted = join(base, ...path.split('/').filter(Boolean));
	const real = await realpath(wanted).catch(missing(basename(path)));
	if (real !== wanted || (wanted !== base && !wanted.startsWith(base + sep))) throw notInside(path);
	return wanted;
}

const missing = (name: string) => (error: NodeJS.ErrnoException): never => {
	if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw new PipelineError('input_not_found', `${name} is not there (any more). It may have been moved or renamed.`);
	if (error.code === 'EACCES' || error.code === 'EPERM') throw new PipelineError('input_forbidden', `The sidecar may not read ${name}. Give its user the right to.`);
	if (error.code === 'ELOOP') throw notInside(name);
	throw new PipelineError('input_unreachable', `${name} cannot be read at the moment (${error.code ?? 'unknown'}).`, { cause: error });
};

async function openInside(root: string, path: string): Promise<FileHandle> {
	const real = await insideFolder(root, path);
	// Without O_NONBLOCK opening a pipe would wait for its writer.
	const handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(missing(basename(path)));
	try {
		const opened = await handle.stat();
		if (!opened.isFile()) throw new PipelineError('input_unsupported', `${basename(path)} is a folder or a special file, not a media file.`);
		// What was looked at is what was opened: a folder on the way may have become a link in between.
		const now = await lstat(await insideFolder(root, path));
		if (now.ino !== opened.ino || now.dev !== opened.dev) throw notInside(path);
		return handle;
	} catch (error) {
		await handle.close();
		throw error;
	}
}

export interface FolderFile {
	/** Relative, with /. */
	path: string;
	stats: BigIntStats;
}

/** Below WATCH_DIR these cannot be named in a request, and so not be fetched (contract/sources.ts). */
// eslint-disable-next-line no-control-regex
const UNNAMEABLE = /[\u0000-\u001f\\]|\ufffd/;
const LINK_OR_SPECIAL = 'It is a symbolic link or a special file.';
const CANNOT_BE_READ = 'The folder cannot be read. Give the user of the sidecar the right to.';
const RENAME_IT = 'Its name holds a line break, a backslash or the like. Rename it.';

interface WalkOptions {
	recursive: boolean;
	leaveOut?: readonly string[];
	/** Told of links, special files, folders that cannot be read, and names that cannot be asked for. */
	onOther?(path: string, reason: string): void;
}

/** Files below a folder of the root, sorted by path; hidden ones left out. One folder in it that cannot be read does not hide the others. */
export async function* walkFolder(root: string, path: string, { recursive, leaveOut = [], onOther }: WalkOptions): AsyncGenerator<FolderFile> {
	const folder = await insideFolder(root, path);
	const entries = await readdir(folder, { withFileTypes: true }).catch(missing(basename(path) || 'WATCH_DIR'));
	for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
		const below = path ? `${path}/${entry.name}` : entry.name;
		if (entry.name.startsWith('.') || leaveOut.includes(below)) continue;
		if (UNNAMEABLE.test(entry.name)) {
			onOther?.(below, RENAME_IT);
			continue;
		}
		if (entry.isDirectory()) {
			if (recursive) yield* walkInner(root, below, { recursive, leaveOut, ...(onOther ? { onOther } : {}) });
			continue;
		}
		const stats = entry.isFile() ? await lstat(join(folder, entry.name), { bigint: true }).catch(() => null) : null;
		if (stats?.isFile()) yield { path: below, stats };
		else if (stats === null && !entry.isFile()) onOther?.(below, LINK_OR_SPECIAL);
	}
}

async function* walkInner(root: string, path: string, options: WalkOptions): AsyncGenerator<FolderFile> {
	try {
		// Only what comes out of it is thrown here: whoever takes the files throws elsewhere.
		yield* walkFolder(root, path, options);
	} catch (error) {
		if (!(error instanceof PipelineError)) throw error;
		// Gone since its parent was read, or turned into a link: that is nothing to be told of.
		if (error.code !== 'input_not_found') options.onOther?.(path, CANNOT_BE_READ);
	}
}

/** Depth first, names of one folder in order: a path after this one comes later. */
function isAfter(path: string, last: string): boolean {
	const a = path.split('/');
	const b = last.split('/');
	for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
		const [one = '', other = ''] = [a[at], b[at]];
		if (one !== other) return one > other;
	}
	return a.length > b.length;
}

/** Files below WATCH_DIR. */
export const listFolder: ListFrom<Extract<ListPlace, { type: 'folder' }>> = async ({ place, workspaceId, cursor, limit, signal }, settings) => {
	const root = rootOf(settings, workspaceId);
	const after = readCursor('folder', z.string(), cursor);
	const entries: SourceEntry[] = [];
	const skipped: Array<{ name: string; reason: string }> = [];
	let last = after;
	const onOther = (path: string, reason: string): void => void (after === null && skipped.length < limit && skipped.push({ name: safeFileName(path), reason }));
	for await (const { path, stats } of walkFolder(root, place.path.replace(/\/+$/, ''), { recursive: place.recursive, onOther })) {
		signal.throwIfAborted();
		if (after !== null && !isAfter(path, after)) continue;
		// Links are told of beside the files: a page of nothing else would not get any further.
		if (last !== after && entries.length + skipped.length >= limit) return { entries, skipped, cursor: writeCursor('folder', last), hasMore: true };
		last = path;
		const name = safeFileName(basename(path));
		const reason = whyNoMedia(name, null);
		if (reason) skipped.push({ name, reason });
		else entries.push({ place: { type: 'folder', path }, name, bytes: Number(stats.size), mime: null, modifiedAt: new Date(Number(stats.mtimeMs)), version: versionOf(stats), metadata: { path } });
	}
	return { entries, skipped, cursor: null, hasMore: false };
};
