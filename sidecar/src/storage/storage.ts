import type { Readable } from 'node:stream';

/** What is known of a stored file. */
export interface StoredFile {
	key: string;
	bytes: number;
	modifiedAt: Date;
}

/**
 * Where bytes live. A key is a relative path made by us (`raw/{workspace}/{upload}.mp4`), never by a user. Adapters
 * translate, nothing else; a file appears under its key only when it is whole.
 */
export interface Storage {
	readonly name: string;
	/** Called at boot: creates what is missing, throws when the place cannot be written. */
	prepare(): Promise<void>;
	/** Moves a finished local file under `key` (rename where possible). The local file is gone afterwards. */
	putFile(key: string, localPath: string): Promise<StoredFile>;
	/** Streams to `key`. When the stream fails, nothing is left behind. */
	putStream(key: string, stream: Readable): Promise<StoredFile>;
	/** Reads `[start, end]` (bytes, inclusive), or the whole file. Throws `not_found`. */
	read(key: string, range?: { start: number; end: number }): Promise<Readable>;
	/** Null when there is no such file. */
	head(key: string): Promise<StoredFile | null>;
	/** No error when the file is already gone. */
	delete(key: string): Promise<void>;
	/** Every file below `prefix`, in no particular order. */
	list(prefix: string): AsyncIterable<StoredFile>;
	/** Takes away what writers that were killed left half-written below the folder `prefix`. A writer at work there fails. */
	deleteUnfinished(prefix: string): Promise<void>;
	/** A path that ffmpeg can read directly, where the back end is a local disk; null elsewhere (then the worker copies). */
	localPath(key: string): string | null;
}
