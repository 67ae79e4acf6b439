import { createBluesky } from './bluesky.ts';
import { createFacebook } from './facebook.ts';
import { createHttp, type HttpOptions } from './http.ts';
import { createInstagram } from './instagram.ts';
import { createLinkedIn } from './linkedin.ts';
import { createMastodon } from './mastodon.ts';
import { createPinterest } from './pinterest.ts';
import type { Platform } from './platform.ts';
import { createThreads } from './threads.ts';
import { createTikTok } from './tiktok.ts';
import { createX } from './x.ts';
import { createYouTube } from './youtube.ts';

/** Hosts and versions of the platforms: settings of the operator (config.ts). */
export interface PlatformSettings {
	BLUESKY_VIDEO_BASE_URL: string;
	BLUESKY_WEB_BASE_URL: string;
	INSTAGRAM_API_BASE_URL: string;
	LINKEDIN_API_BASE_URL: string;
	LINKEDIN_WEB_BASE_URL: string;
	LINKEDIN_VERSION: string;
	PINTEREST_API_BASE_URL: string;
	PINTEREST_WEB_BASE_URL: string;
	THREADS_API_BASE_URL: string;
	TIKTOK_API_BASE_URL: string;
	TIKTOK_WEB_BASE_URL: string;
	META_GRAPH_BASE_URL: string;
	META_GRAPH_VIDEO_BASE_URL: string;
	META_UPLOAD_BASE_URL: string;
	META_GRAPH_VERSION: string;
	FACEBOOK_WEB_BASE_URL: string;
	X_API_BASE_URL: string;
	X_WEB_BASE_URL: string;
	YOUTUBE_API_BASE_URL: string;
	YOUTUBE_UPLOAD_BASE_URL: string;
	YOUTUBE_WEB_BASE_URL: string;
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
		createBluesky({ http: guarded, videoHttp: http, videoBaseUrl: settings.BLUESKY_VIDEO_BASE_URL, webBaseUrl: settings.BLUESKY_WEB_BASE_URL }),
		createFacebook({
			http,
			graph: settings.META_GRAPH_BASE_URL,
			video: settings.META_GRAPH_VIDEO_BASE_URL,
			upload: settings.META_UPLOAD_BASE_URL,
			web: settings.FACEBOOK_WEB_BASE_URL,
			version: settings.META_GRAPH_VERSION,
		}),
		createInstagram({ http, instagramBaseUrl: settings.INSTAGRAM_API_BASE_URL, facebookBaseUrl: settings.META_GRAPH_BASE_URL, version: settings.META_GRAPH_VERSION }),
		createLinkedIn({ http, apiBaseUrl: settings.LINKEDIN_API_BASE_URL, webBaseUrl: settings.LINKEDIN_WEB_BASE_URL, version: settings.LINKEDIN_VERSION }),
		createMastodon({ http: guarded }),
		createPinterest({ http, apiBaseUrl: settings.PINTEREST_API_BASE_URL, webBaseUrl: settings.PINTEREST_WEB_BASE_URL }),
		createThreads({ http, apiBaseUrl: settings.THREADS_API_BASE_URL }),
		createTikTok({ http, apiBaseUrl: settings.TIKTOK_API_BASE_URL, webBaseUrl: settings.TIKTOK_WEB_BASE_URL }),
		createX({ http, apiBaseUrl: settings.X_API_BASE_URL, webBaseUrl: settings.X_WEB_BASE_URL }),
		createYouTube({ http, apiBaseUrl: settings.YOUTUBE_API_BASE_URL, uploadBaseUrl: settings.YOUTUBE_UPLOAD_BASE_URL, webBaseUrl: settings.YOUTUBE_WEB_BASE_URL }),
	];
}
