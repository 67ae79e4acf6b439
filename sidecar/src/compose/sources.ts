import { resolve } from 'node:path';
import type { Config } from '../config.ts';
import type { Guard } from '../net/guard.ts';
import { createFetchSource } from '../sources/fetch-source.ts';
import { createListSource } from '../sources/list-source.ts';
import type { SourceSettings } from '../sources/source.ts';

const base = (url: string): string => url.replace(/\/+$/, '');

/** The way to the bytes of every kind of source, and to the lists of those that hold many. */
export function composeSources(config: Config, guard: Guard) {
	const settings: SourceSettings = {
		guard,
		maxBytes: config.MAX_FILE_BYTES,
		googleApiBaseUrl: config.GOOGLE_API_BASE_URL,
		dropbox: { apiBaseUrl: base(config.DROPBOX_API_BASE_URL), contentBaseUrl: base(config.DROPBOX_CONTENT_BASE_URL) },
		discordApiBaseUrl: base(config.DISCORD_API_BASE_URL),
		folder: config.WATCH_DIR === undefined ? null : { root: resolve(config.WATCH_DIR), workspaceId: config.WATCH_WORKSPACE },
	};
	return { fetchSource: createFetchSource(settings), listSource: createListSource(settings) };
}
