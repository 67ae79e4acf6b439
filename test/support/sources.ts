import { createGuard } from '../../sidecar/src/net/guard.ts';
import type { SourceSettings } from '../../sidecar/src/sources/source.ts';

/** Settings of sources that reach nothing but what a test names. */
export function sourceSettings({ allowed = [], ...change }: Partial<SourceSettings> & { allowed?: string[] } = {}): SourceSettings {
	const nowhere = 'https://nowhere.invalid';
	return {
		guard: createGuard({ allowedPrivateHosts: allowed }),
		maxBytes: 1_000_000,
		googleApiBaseUrl: nowhere,
		dropbox: { apiBaseUrl: nowhere, contentBaseUrl: nowhere },
		discordApiBaseUrl: nowhere,
		folder: null,
		retryDelayMs: 1,
		...change,
	};
}

export const live = (): AbortSignal => new AbortController().signal;
