import type { Readable } from 'node:stream';
import { PLACEMENTS_CACHE_MS, type Placement } from '../db/workspace-storage.ts';
import { PipelineError } from '../errors.ts';
import { usualTypes } from '../net/mime-of-name.ts';
import { assertKey, workspaceFolder } from './keys.ts';
import type { Multipart, PutOptions, Storage, StoredFile } from './storage.ts';

const PUBLIC = 'public/';
/** Another sidecar, started with an earlier setting, may have written some. */
const EARLIER_EVERY_MS = 600_000;

export interface ByWorkspaceOptions {
	/** Every back end that is configured, by name. */
	backends: ReadonlyMap<string, Storage>;
	/** Of workspaces that have none of their own (STORAGE). */
	standard: string;
	/** Of what lies below `public/`, for all workspaces (PUBLIC_STORAGE); null: that of the workspace. */
	publicFiles: string | null;
	/** Workspaces that have a back end of their own, or are being moved. */
	placements(): Promise<Placement[]>;
	/** How long what `placements` answered is believed; asked again as often. Default 2 seconds. */
	cacheMs?: number;
}

export interface ByWorkspace extends Storage {
	/** What is wrong with the back ends that workspaces name, for people. */
	unknownBackends(): Promise<string[]>;
	/** Stops looking into the database. */
	close(): void;
}

/** Where the files of one folder are. */
interface Where {
	/** What is written goes there. */
	now: Storage;
	/** What is not there yet is here. */
	before: Storage[];
	/** Being moved from one to the other: where a file is may change at any moment. */
	moving: boolean;
}

/**
 * One storage of several: each workspace has its files in the back end that its row names. While a workspace is being moved,
 * new files go to the new place at once, and what is not there yet is read at the old one.
 */
export async function createStorageByWorkspace(options: ByWorkspaceOptions): Promise<ByWorkspace> {
	const { backends, cacheMs = PLACEMENTS_CACHE_MS } = options;
	let known = new Map<string, Placement>();
	let knownUntil = 0;
	let asking: Promise<void> | null = null;

	async function refresh(): Promise<void> {
		asking ??= options
			.placements()
			.then((rows) => {
				known = new Map(rows.map((row) => [workspaceFolder(row.workspaceId), row]));
				knownUntil = Date.now() + cacheMs;
			})
			.finally(() => (asking = null));
		await asking;
	}

	const backend = (name: string, of: string): Storage => {
		const found = backends.get(name);
		if (found) return found;
		throw new PipelineError('storage_failed', `${of} has its files in the storage ${name}, which this sidecar is not configured for. Set the variables of ${name} (docs/storage.md), or move the workspace with npm run storage:move.`);
	};

	/** By what is known now. */
	function whereIs(key: string): Where {
		const [first, folder = ''] = key.split('/');
		const placement = known.get(folder);
		const of = `The workspace ${placement?.workspaceId ?? folder}`;
		const own = backend(placement?.storage ?? options.standard, of);
		const from = placement?.storageFrom ? backend(placement.storageFrom, of) : null;
		const old = from && from !== own ? [from] : [];
		if (`${first}/` !== PUBLIC || options.publicFiles === null) return { now: own, before: old, moving: old.length > 0 };
		const now = backend(options.publicFiles, 'PUBLIC_STORAGE');
		// Also where PUBLIC_STORAGE was before.
		return { now, before: [...new Set([own, ...old, ...backends.values()])].filter((storage) => storage !== now), moving: false };
	}

	/** Public files that were made before PUBLIC_STORAGE was what it is: they have no links there. Null: not known (yet). */
	let earlier: Set<string> | null = null;
	async function lookForEarlier(): Promise<void> {
		if (options.publicFiles === null) return;
		const found = new Set<string>();
		for (const [name, storage] of backends) {
			if (name === options.publicFiles) continue;
			for await (const { key } of storage.list(PUBLIC)) found.add(key);
		}
		earlier = found;
	}
	/** Whether a file, if there is one, is where public files are now. */
	const isAtPublicPlace = (key: string): boolean => options.publicFiles !== null && key.startsWith(PUBLIC) && earlier?.has(key) === false;

	async function where(key: string): Promise<Where> {
		if (Date.now() >= knownUntil) await refresh();
		return whereIs(key);
	}

	/** For what cannot wait for the database: by what was known at the last look, which is never long ago. */
	const whereNow = (key: string): Where => whereIs(assertKey(key));

	/** The new place, the old one, and the new one again: the file may have moved on between the two looks. */
	const looks = ({ now, before }: Where): Storage[] => (before.length > 0 ? [now, ...before, now] : [now]);

	async function firstThatHas<T>(key: string, look: (storage: Storage) => Promise<T>): Promise<T> {
		let missing: unknown;
		for (const storage of looks(await where(key))) {
			try {
				return await look(storage);
			} catch (error) {
				if (!isNotFound(error)) throw error;
				missing = error;
			}
		}
		throw missing;
	}

	/**
	 * Writes where the workspace is, and follows it when it was moved meanwhile: an upload may take longer than a move, which
	 * has then ended without knowing of this file.
	 */
	async function writing(key: string, write: (to: Storage) => Promise<StoredFile>): Promise<StoredFile> {
		assertKey(key);
		const { now: written } = await where(key);
		return follow(key, written, await write(written));
	}

	async function follow(key: string, written: Storage, stored: StoredFile): Promise<StoredFile> {
		if (Date.now() >= knownUntil) await refresh();
		const { now, before } = whereIs(key);
		if (now === written || before.includes(written)) return stored;
		const moved = await transfer(written, key, now, key);
		if (moved.bytes !== stored.bytes) throw new PipelineError('storage_failed', `${moved.bytes} of ${stored.bytes} bytes of ${key} came to ${now.name}. Try again.`);
		await written.delete(key);
		return moved;
	}

	/** Uploads in parts stay where they were begun: the name of the back end is part of their ID. */
	function multipart(key: string): Multipart | null {
		const { now, before } = whereNow(key);
		// During a move to a place that has none: what was begun at the old place is still to be completed.
		const [home, own] = [now, ...before].flatMap((storage) => ((parts) => (parts ? [[storage, parts] as const] : []))(storage.multipart(key)))[0] ?? [];
		if (!home || !own) return null;
		const at = (uploadId: string): [Storage, Multipart, string] => {
			const [, name = '', id = ''] = /^([a-z0-9]+):(.*)$/s.exec(uploadId) ?? [];
			const storage = backends.get(name);
			const parts = storage?.multipart(key);
			if (!storage || !parts) throw new PipelineError('not_found', 'There is no such upload. Begin it again.');
			return [storage, parts, id];
		};
		return {
			partBytes: own.partBytes,
			begin: async (_key, begun) => `${home.name}:${await own.begin(key, begun)}`,
			signPart: async (_key, uploadId, part, limits) => {
				const [, parts, id] = at(uploadId);
				return parts.signPart(key, id, part, limits);
			},
			complete: async (_key, uploadId, bytes) => {
				const [storage, parts, id] = at(uploadId);
				return follow(key, storage, await parts.complete(key, id, bytes));
			},
			abort: async (_key, uploadId) => {
				const [, parts, id] = at(uploadId);
				await parts.abort(key, id);
			},
		};
	}

	await refresh();
	await lookForEarlier().catch(() => undefined);
	const lookingForEarlier = options.publicFiles === null ? undefined : setInterval(() => void lookForEarlier().catch(() => undefined), EARLIER_EVERY_MS).unref();
	// With one back end there is nothing to choose from.
	const looking = backends.size > 1 && cacheMs > 0 ? setInterval(() => void refresh().catch(() => undefined), cacheMs).unref() : undefined;
	return {
		name: 'by-workspace',
		async prepare() {
			const problems: string[] = [];
			for (const storage of backends.values()) await storage.prepare().catch((error: Error) => problems.push(error.message));
			if (problems.length > 0) throw new PipelineError('storage_failed', problems.join(' '));
		},
		putFile: (key, localPath, put) => writing(key, (to) => to.putFile(key, localPath, put)),
		async putStream(key: string, stream: Readable, put?: PutOptions) {
			try {
				return await writing(key, (to) => to.putStream(key, stream, put));
			} finally {
				stream.destroy();
			}
		},
		read: async (key, range) => firstThatHas(assertKey(key), (storage) => storage.read(key, range)),
		async head(key) {
			for (const storage of looks(await where(assertKey(key)))) {
				const found = await storage.head(key);
				if (found) return found;
			}
			return null;
		},
		async delete(key) {
			const { now, before } = await where(assertKey(key));
			// The old place first: who is moving the file looks there afterwards, and takes its copy back.
			for (const storage of [...before, now]) await storage.delete(key);
		},
		async copy(from, to) {
			assertKey(from);
			const { now } = await where(assertKey(to));
			const source = await where(from);
			if (source.now === now) {
				const copied = await now.copy(from, to).catch((error: unknown) => {
					if (!isNotFound(error) || source.before.length === 0) throw error;
					return null;
				});
				if (copied) return follow(to, now, copied);
			}
			return await firstThatHas(from, async (storage) => writing(to, async (target) => (target === storage ? storage.copy(from, to) : transfer(storage, from, target, to))));
		},
		async *list(prefix) {
			if (Date.now() >= knownUntil) await refresh();
			const seen = new Set<string>();
			// A prefix that ends before or in the name of the workspace may mean several.
			const storages = prefix.split('/').length > 2 ? [...new Set(looks(whereIs(prefix)))] : [...backends.values()];
			for (const storage of storages) {
				for await (const file of storage.list(prefix)) {
					const { now, before } = whereIs(file.key);
					if (seen.has(file.key) || (storage !== now && !before.includes(storage))) continue;
					if (before.length > 0) seen.add(file.key);
					yield file;
				}
			}
		},
		async deleteUnfinished(prefix) {
			// `jobs/` is that of everybody.
			for (const storage of prefix.split('/')[1] ? new Set(looks(await where(prefix))) : backends.values()) await storage.deleteUnfinished(prefix);
		},
		localPath(key) {
			const { now, moving } = whereNow(key);
			return moving ? null : now.localPath(key);
		},
		async setClass(key, storageClass) {
			const { now, before } = await where(assertKey(key));
			if (before.length > 0 && (await now.head(key)) === null) return false;
			return now.setClass(key, storageClass);
		},
		direct(key) {
			const { now, before, moving } = whereNow(key);
			return moving || (before.length > 0 && !isAtPublicPlace(key)) ? null : now.direct(key);
		},
		publicUrl(key) {
			const { now, before, moving } = whereNow(key);
			return moving || (before.length > 0 && !isAtPublicPlace(key)) ? null : (now.publicUrl?.(key) ?? null);
		},
		multipart,
		async unknownBackends() {
			await refresh();
			const problems = [];
			for (const { workspaceId, storage, storageFrom } of known.values()) {
				for (const name of new Set([storage, storageFrom])) {
					if (name !== null && !backends.has(name)) problems.push(`The workspace ${workspaceId} has files in the storage ${name}, which is not configured: set the variables of ${name} (docs/storage.md).`);
				}
			}
			return problems;
		},
		close() {
			clearInterval(looking);
			clearInterval(lookingForEarlier);
		},
	};
}

/** Its length is asked for first, so that one that breaks off is no file at the other place. Throws `not_found`. */
async function transfer(source: Storage, from: string, target: Storage, to: string): Promise<StoredFile> {
	const found = await source.head(from);
	if (!found) throw new PipelineError('not_found', `There is no stored file ${from}.`);
	return target.putStream(to, await source.read(from), { bytes: found.bytes, mime: usualTypes(to)?.[0] });
}

const isNotFound = (error: unknown): boolean => error instanceof PipelineError && error.code === 'not_found';
