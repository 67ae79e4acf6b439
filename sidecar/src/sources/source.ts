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
