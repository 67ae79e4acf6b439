import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, open, opendir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PipelineError } from '../errors.ts';
import { assertKey, isKey } from './keys.ts';
import type { Storage, StoredFile } from './storage.ts';
import { requireWhole } from './whole.ts';

/** Unfinished files: hidden, in the folder of their final name, so that the last step is a rename within one file system. */
const PART = /^\..*\.part$/;
/** Unfinished files older than this belong to nobody: no single transfer takes a day (JOB_TIMEOUT_SECONDS is 6 h). */
const STALE_PART_MS = 86_400_000;

/** Files in a folder of this machine (or a mounted one). A file appears under its key by a rename, when it is whole and on disk. */
export function createDiskStorage({ root }: { root: string }): Storage {
	const base = resolve(root);
	const pathOf = (key: string) => join(base, ...assertKey(key).split('/'));
	const describe = async (key: string): Promise<StoredFile> => {
		const found = await stat(pathOf(key));
		if (!found.isFile()) throw Object.assign(new Error(`${key} is a folder`), { code: 'ENOENT' });
		return { key, bytes: found.size, modifiedAt: found.mtime };
	};

	/** Lets `fill` write a hidden file beside the final name, then gives it that name. Nothing is left when it fails: `undo` takes it away. */
	async function promote(key: string, fill: (partPath: string) => Promise<void>, undo = (partPath: string) => rm(partPath, { force: true })): Promise<StoredFile> {
		const path = pathOf(key);
		const part = join(dirname(path), `.${randomUUID()}.part`);
		try {
			await inFolder(dirname(path), () => fill(part));
			await syncPath(part);
			const { size, mtime } = await stat(part);
			await rename(part, path);
			await syncPath(dirname(path)).catch((error: unknown) => {
				if (!isMissing(error)) throw error;
			});
			return { key, bytes: size, modifiedAt: mtime };
		} catch (error) {
			await undo(part).catch(() => undefined);
			throw storageError(error, key, 'write');
		}
	}

	/** Once per process is enough; `prepare` is also asked whether the storage is still there. */
	let swept = false;
	async function sweepParts(): Promise<void> {
		if (swept) return;
		swept = true;
		for await (const path of walk(base)) {
			if (!isPart(path)) continue;
			const age = Date.now() - ((await statOrNull(path))?.mtimeMs ?? Date.now());
			if (age > STALE_PART_MS) await rm(path, { force: true });
		}
	}

	return {
		name: 'disk',
		async prepare() {
			const probe = join(base, `.${randomUUID()}.part`);
			try {
				await mkdir(base, { recursive: true });
				await writeFile(probe, 'probe');
				await rm(probe);
			} catch (error) {
				throw new PipelineError(
					'storage_failed',
					`The storage folder ${base} cannot be written (${codeOf(error)}). Set DATA_DIR to a folder that the sidecar may write.`,
					{ cause: error },
				);
			}
			await sweepParts();
		},
		async putFile(key, localPath) {
			let taken = '';
			const stored = await promote(
				key,
				async (part) => {
					try {
						await rename(localPath, part);
						taken = part;
					} catch (error) {
						if (codeOf(error) !== 'EXDEV') throw error;
						await copyVerified(localPath, part);
					}
				},
				// It is the only one there is: whoever tries again needs it where it was.
				async (part) => (taken === part ? rename(part, localPath) : rm(part, { force: true })),
			);
			if (!taken) await rm(localPath, { force: true });
			return stored;
		},
		async putStream(key, stream, { bytes } = {}) {
			try {
				return await promote(key, async (part) => {
					// Opened first: when the folder is gone, the stream has not been touched, and a second try can use it.
					const handle = await open(part, 'wx');
					await pipeline(stream, handle.createWriteStream());
					requireWhole(key, (await stat(part)).size, bytes);
				});
			} finally {
				// A refused key fails before the stream is touched; its source must not stay open.
				stream.destroy();
			}
		},
		async read(key, range) {
			await describe(key).catch((error: unknown) => {
				throw storageError(error, key);
			});
			// Opened first: a missing file is an error here, not an event on a stream that nobody listens to yet.
			const handle = await open(pathOf(key), 'r').catch((error: unknown) => {
				throw storageError(error, key);
			});
			const stream: Readable = createReadStream('', {
				fd: handle,
				...(range ? { start: range.start, end: range.end } : {}),
			});
			return stream;
		},
		async head(key) {
			try {
				return await describe(key);
			} catch (error) {
				if (isMissing(error)) return null;
				throw storageError(error, key);
			}
		},
		async delete(key) {
			const path = pathOf(key);
			try {
				await rm(path, { force: true });
			} catch (error) {
				if (!isMissing(error)) throw storageError(error, key, 'write');
			}
			await removeEmptyFolders(dirname(path), base);
		},
		async *list(prefix) {
			const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));
			for await (const path of walk(folder ? pathOf(folder) : base)) {
				const key = relative(base, path).split(sep).join('/');
				// Neither unfinished files nor what others have put here.
				if (!key.startsWith(prefix) || !isKey(key)) continue;
				const found = await statOrNull(path);
				if (found) yield { key, bytes: found.size, modifiedAt: found.mtime };
			}
		},
		async deleteUnfinished(prefix) {
			const folder = pathOf(prefix.replace(/[/]$/, ''));
			for await (const path of walk(folder)) if (isPart(path)) await rm(path, { force: true });
			await removeEmptyFolders(folder, base);
		},
		async copy(from, to) {
			// Read from the start of the one file: whoever deletes it meanwhile does not shorten the copy.
			const source = await open(pathOf(from), 'r').catch((error: unknown) => {
				throw storageError(error, from);
			});
			try {
				if (!(await source.stat()).isFile()) throw new PipelineError('not_found', `There is no stored file ${from}.`);
				return await promote(to, async (part) => pipeline(source.createReadStream(), createWriteStream(part, { flags: 'wx' })));
			} finally {
				// Where nothing was read, nobody has closed it.
				await source.close().catch(() => undefined);
			}
		},
		localPath: (key) => pathOf(key),
		setClass: () => Promise.resolve(false),
		direct: () => null,
		multipart: () => null,
	};
}

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException | null)?.code ?? '');
const isMissing = (error: unknown) => ['ENOENT', 'ENOTDIR'].includes(codeOf(error));
const isPart = (path: string) => PART.test(path.slice(path.lastIndexOf(sep) + 1));
/** Null: it has vanished. One that may not be looked at is there all the same: whoever lists must not think it gone. */
const statOrNull = (path: string) =>
	stat(path).catch((error: unknown) => {
		if (isMissing(error)) return null;
		throw error;
	});

function storageError(error: unknown, key: string, doing: 'read' | 'write' = 'read'): PipelineError {
	if (error instanceof PipelineError) return error;
	const code = codeOf(error);
	if (code === 'ENOSPC' || code === 'EDQUOT') {
		return new PipelineError(
			'storage_full',
			'The disk of the sidecar is full. Free some space, or put DATA_DIR on a larger disk.',
			{ cause: error },
		);
	}
	if (doing === 'read' && isMissing(error))
		return new PipelineError('not_found', `There is no stored file ${key}.`, { cause: error });
	return new PipelineError(
		'storage_failed',
		`The stored file ${key} could not be ${doing === 'read' ? 'read' : 'written'}${code ? ` (${code})` : ''}.`,
		{ cause: error },
	);
}

/** Makes the folder, then works in it; again when a delete took the empty folder away in between. */
async function inFolder(folder: string, work: () => Promise<void>): Promise<void> {
	for (let tries = 1; ; tries++) {
		await mkdir(folder, { recursive: true });
		try {
			return await work();
		} catch (error) {
			const gone = codeOf(error) === 'ENOENT' && (await statOrNull(folder)) === null;
			if (!gone || tries === 3) throw error;
		}
	}
}

/** To the platter: after a power cut the file is either whole or not there. */
async function syncPath(path: string): Promise<void> {
	const handle = await open(path, 'r');
	try {
		await handle.sync();
	} finally {
		await handle.close();
	}
}

/** Across file systems: the source may only go when the copy is the same. */
async function copyVerified(from: string, to: string): Promise<void> {
	await copyFile(from, to);
	const [before, after] = [await sha256OfFile(from), await sha256OfFile(to)];
	if (before !== after) throw new Error(`the copy of ${from} differs from it`);
}

async function sha256OfFile(path: string): Promise<string> {
	const hash = createHash('sha256');
	await pipeline(createReadStream(path), hash);
	return hash.digest('hex');
}

async function removeEmptyFolders(from: string, base: string): Promise<void> {
	for (let folder = from; folder !== base && folder.startsWith(base + sep); folder = dirname(folder)) {
		try {
			await rmdir(folder);
		} catch (error) {
			if (!isMissing(error)) return;
		}
	}
}

/** Every file below `folder`. Folders that vanish meanwhile are passed over. */
async function* walk(folder: string): AsyncGenerator<string> {
	const entries = await opendir(folder).catch((error: unknown) => {
		if (isMissing(error)) return null;
		throw error;
	});
	if (!entries) return;
	for await (const entry of entries) {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) yield* walk(path);
		else if (entry.isFile()) yield path;
	}
}
