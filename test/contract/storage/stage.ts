import type { Storage } from '../../../sidecar/src/storage/storage.ts';

/**
 * What the contract needs of a back end. To add one: a file `test/contract/storage/<name>.ts` that exports such a stage, and a
 * line in `STAGES` of storage.test.ts.
 */
export interface StorageStage {
	name: string;
	/** What it can do; the contract demands exactly this. */
	can: {
		/** Links of its own, for everybody to fetch and to put. */
		direct: boolean;
		/** Default true. False: its links are for fetching only. */
		directPut?: boolean;
		/** Uploads in parts by others. */
		multipart: boolean;
		/** Whether `setClass` has an archive to move to. */
		archive: boolean;
		/** Whether a killed writer leaves something. Then `leaveHalf` makes it. */
		unfinished: boolean;
		/** Default true. False: it takes no files without a byte, and says so. */
		empty?: boolean;
	};
	/** Starts the server, once for all tests. */
	start(): Promise<StartedStage>;
}

export interface StartedStage {
	/** A new, empty place. `pageSize`: entries of a listing that are asked for at once, where the back end has pages. */
	place(options: { pageSize: number }): Promise<Place>;
	stop(): Promise<void>;
}

export interface Place {
	storage: Storage;
	/** How to make the same storage in another process: a module below sidecar/src/storage, its function, its argument (JSON). */
	recipe: { module: string; create: string; options: unknown };
	/** Half-written things, looked up behind the back of the storage. */
	leftovers(): Promise<string[]>;
	/** What a writer of `key` that was killed leaves. */
	leaveHalf?(key: string): Promise<void>;
}

/** What a back end is not meant to do is not there, instead of skipped: every test that is listed has run. */
export const describeIf = (wanted: boolean) => (wanted ? describe : (_name: string, _tests: () => void) => undefined);
