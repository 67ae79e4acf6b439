import type { Readable } from 'node:stream';

/** What is known of a stored file. */
export interface StoredFile {
	key: string;
	bytes: number;
	modifiedAt: Date;
}

/** How a file is kept: at hand, or cheaply in an archive from which it must be fetched first (`AWS Glacier`, `GCS Archive`). */
export type StorageClass = 'standard' | 'archive';

/** What a stream brings along; back ends that must know before the first byte use it. */
export interface PutOptions {
	/** Kept with the file where the back end has a place for it. */
	mime?: string | undefined;
	/** Size, where it is known before. */
	bytes?: number | undefined;
	storageClass?: StorageClass | undefined;
}

/** A request that somebody else (a browser, n8n) makes straight to the store. */
export interface DirectRequest {
	url: string;
	method: 'PUT' | 'POST';
	/** To be sent exactly so; they are part of the signature. */
	headers: Record<string, string>;
}

/** Signed links of the store itself: bytes do not pass through the sidecar. */
export interface DirectLinks {
	get(key: string, options: { expiresAt: Date; mime: string; name: string; attachment: boolean }): Promise<string>;
	/** Bound to one key, size and type. Null: the store has links for reading only, or cannot bind those for writing so. */
	put: ((key: string, options: { expiresAt: Date; mime: string; bytes: number }) => Promise<DirectRequest>) | null;
}

/** Uploads in parts, straight to the store. */
export interface Multipart {
	/** Bytes; every part but the last has this size. */
	readonly partBytes: number;
	begin(key: string, options: { mime: string }): Promise<string>;
	/** `part` counts from 1. */
	signPart(key: string, uploadId: string, part: number, options: { expiresAt: Date; bytes: number }): Promise<DirectRequest>;
	/** Throws `conflict` when parts are missing, also at the end of a file of so many `bytes`; what has come stays. Afterwards the file is there. */
	complete(key: string, uploadId: string, bytes?: number): Promise<StoredFile>;
	/** No error when it is gone already. */
	abort(key: string, uploadId: string): Promise<void>;
}

/**
 * Where bytes live. A key is a relative path made by us (`raw/{workspace}/{upload}.mp4`), never by a user. Adapters
 * translate, nothing else; a file appears under its key only when it is whole.
 */
export interface Storage {
	readonly name: string;
	/** Whatever lies here, anyone can fetch: it takes keys below `public/` only. */
	readonly publicOnly?: true;
	/** Called at boot: creates what is missing, throws when the place cannot be written. */
	prepare(): Promise<void>;
	/** Moves a finished local file under `key` (rename where possible). The local file is gone afterwards. */
	putFile(key: string, localPath: string, options?: PutOptions): Promise<StoredFile>;
	/** Streams to `key`. When the stream fails, nothing is left behind. */
	putStream(key: string, stream: Readable, options?: PutOptions): Promise<StoredFile>;
	/** Reads `[start, end]` (bytes, inclusive), or the whole file. Throws `not_found`; `storage_archived` for a file that must be fetched from the archive first. */
	read(key: string, range?: { start: number; end: number }): Promise<Readable>;
	/** Null when there is no such file. */
	head(key: string): Promise<StoredFile | null>;
	/** No error when the file is already gone. */
	delete(key: string): Promise<void>;
	/** Within the store, where it can. Throws `not_found`. */
	copy(from: string, to: string): Promise<StoredFile>;
	/** Every file below `prefix`, in no particular order. */
	list(prefix: string): AsyncIterable<StoredFile>;
	/** Takes away what writers that were killed left half-written below the folder `prefix`. A writer at work there fails. */
	deleteUnfinished(prefix: string): Promise<void>;
	/** A path that ffmpeg can read directly, where the back end is a local disk; null elsewhere (then the worker copies). */
	localPath(key: string): string | null;
	/** Moves a file to the archive or back; false: this back end has none, nothing was changed. */
	setClass(key: string, storageClass: StorageClass): Promise<boolean>;
	/** Null: bytes go through the sidecar (`/files`, `/uploads`). By key, because each workspace may have a back end of its own. */
	direct(key: string): DirectLinks | null;
	multipart(key: string): Multipart | null;
	/** Where anyone may fetch a file below `public/` from the store's own network, for ever; null, or not there: only from the sidecar. */
	publicUrl?(key: string): string | null;
}
