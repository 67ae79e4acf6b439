import type { Downloaded } from '../net/download.ts';
import type { Guard } from '../net/guard.ts';

/** A place that bytes come from, without its token: that is in `secrets`. */
export type Place = { type: 'url'; url: string } | { type: 'google_drive'; file_id: string };

export interface SourceRequest<P = Place> {
	place: P;
	/** `google_drive` takes `{ access_token }`. */
	secrets: Record<string, string>;
	destPath: string;
	signal: AbortSignal;
	/** 0 to 100; not called while the length is unknown. */
	onProgress(percent: number): void;
}

/** What a place holds that is a list: a folder, a feed, a bucket. */
export interface SourceEntry {
	/** As `source` of a batch item, without its token. */
	place: Place;
	/** Safe to show; never a path. */
	name: string;
	/** Null: the place does not tell. */
	bytes: number | null;
	mime: string | null;
	modifiedAt: Date | null;
	/** The same as long as the content is the same: ETag, checksum, guid. Tells what has been ingested already. */
	version: string;
	/** Title, description, author …, as the place gives them. */
	metadata: Record<string, unknown>;
}

export interface SourceListing {
	entries: SourceEntry[];
	/** Give it with the next request: the next page of a list, or what is new since then. Null: that was all. */
	cursor: string | null;
	/** What is there but cannot be ingested, and why, for a person. */
	skipped: Array<{ name: string; reason: string }>;
}

/** Lists one kind of place. `L`: what names it. Throws the `input_…` codes and `needs_reauth`. */
export type ListFrom<L> = (request: { place: L; secrets: Record<string, string>; cursor: string | null; limit: number; signal: AbortSignal }, settings: SourceSettings) => Promise<SourceListing>;

export interface SourceSettings {
	guard: Guard;
	/** MAX_FILE_BYTES */
	maxBytes: number;
	/** GOOGLE_API_BASE_URL */
	googleApiBaseUrl: string;
	/** See net/receive.ts; for tests. */
	stallMs?: number;
	retryDelayMs?: number;
}

/** Brings the bytes of one kind of place to `destPath`. Throws the `input_…` codes and `needs_reauth`. */
export type FetchFrom<P> = (request: SourceRequest<P>, settings: SourceSettings) => Promise<Downloaded>;

/** Progress in percent, for a sink that only knows bytes. */
export const asPercent =
	(report: (percent: number) => void) =>
	(bytes: number, total: number | null): void => {
		if (total) report(Math.min(100, (bytes / total) * 100));
	};
