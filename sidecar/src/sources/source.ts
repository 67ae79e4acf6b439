import type { ListPlace, Place } from '../contract/sources.ts';
import type { Downloaded } from '../net/download.ts';
import type { Guard } from '../net/guard.ts';

export type { ListPlace, Place };

export interface SourceRequest<P = Place> {
	place: P;
	/** The fields of the source that are no part of the place: `access_token`, `bot_token`, `secret_access_key` … */
	secrets: Record<string, string>;
	/** Who asks. Places of this machine belong to one workspace; without one they are refused. */
	workspaceId?: string | undefined;
	destPath: string;
	/** At most so many bytes, where that is less than MAX_FILE_BYTES. */
	maxBytes?: number | undefined;
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
	/** Give it with the next request: the next page of a list, or what is new since then. Null: list it again from the beginning. */
	cursor: string | null;
	/** More is there now. */
	hasMore: boolean;
	/** What is there but cannot be ingested, and why, for a person. */
	skipped: Array<{ name: string; reason: string }>;
}

export interface ListRequest<L = ListPlace> {
	place: L;
	secrets: Record<string, string>;
	workspaceId?: string | undefined;
	/** From the last listing of the same place. It comes from outside: read it with `readCursor`. */
	cursor: string | null;
	/** Entries of one answer, about: a place that pages by itself may give fewer. */
	limit: number;
	signal: AbortSignal;
}

/** Lists one kind of place. `L`: what names it. Throws the `input_…` codes, `needs_reauth`, and `invalid_request` for a cursor that is not its own. */
export type ListFrom<L> = (request: ListRequest<L>, settings: SourceSettings) => Promise<SourceListing>;

export type ListSourceFiles = (request: ListRequest) => Promise<SourceListing>;

export interface SourceSettings {
	guard: Guard;
	/** MAX_FILE_BYTES */
	maxBytes: number;
	/** GOOGLE_API_BASE_URL */
	googleApiBaseUrl: string;
	/** DROPBOX_API_BASE_URL, DROPBOX_CONTENT_BASE_URL */
	dropbox: { apiBaseUrl: string; contentBaseUrl: string };
	/** DISCORD_API_BASE_URL */
	discordApiBaseUrl: string;
	/** WATCH_DIR and WATCH_WORKSPACE; null: no folder of this machine is a source. */
	folder: { root: string; workspaceId: string } | null;
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
