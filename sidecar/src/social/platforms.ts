import { createHttp, type HttpOptions } from './http.ts';
import { createMastodon } from './mastodon.ts';
import type { Platform } from './platform.ts';
import { createX } from './x.ts';

/** Hosts and versions of the platforms: settings of the operator (config.ts). */
export interface PlatformSettings {
	X_API_BASE_URL: string;
	X_WEB_BASE_URL: string;
}

export interface PlatformParts {
	settings: PlatformSettings;
	/** For hosts that users name. */
	guard: NonNullable<HttpOptions['guard']>;
}

/** Every platform that can be posted to. Adding one: its file, and one entry here. */
export function createPlatforms({ settings, guard }: PlatformParts): readonly Platform[] {
	/** The host is a setting of the operator. */
	const http = createHttp();
	/** The host is named by the user: it passes the guard. */
	const guarded = createHttp({ guard });
	return [
		createMastodon({ http: guarded }),
		createX({ http, apiBaseUrl: settings.X_API_BASE_URL, webBaseUrl: settings.X_WEB_BASE_URL }),
	];
}
