import { pino } from 'pino';
import { openPglite } from '../../../sidecar/src/db/open.ts';
import { createPostLedger } from '../../../sidecar/src/db/posts.ts';
import { workspaces } from '../../../sidecar/src/db/schema.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { createVault } from '../../../sidecar/src/secrets.ts';
import { createBluesky } from '../../../sidecar/src/social/bluesky.ts';
import { createFacebook } from '../../../sidecar/src/social/facebook.ts';
import { createHttp } from '../../../sidecar/src/social/http.ts';
import { createInstagram } from '../../../sidecar/src/social/instagram.ts';
import { createLinkedIn } from '../../../sidecar/src/social/linkedin.ts';
import { createMastodon } from '../../../sidecar/src/social/mastodon.ts';
import { createPinterest } from '../../../sidecar/src/social/pinterest.ts';
import type { Credentials, Platform, Post, Settings } from '../../../sidecar/src/social/platform.ts';
import { publishPost } from '../../../sidecar/src/social/publish.ts';
import { createThreads } from '../../../sidecar/src/social/threads.ts';
import { createTikTok } from '../../../sidecar/src/social/tiktok.ts';
import { createX } from '../../../sidecar/src/social/x.ts';
import { createYouTube } from '../../../sidecar/src/social/youtube.ts';

/** What a process that is going to be killed is told, as JSON in its first argument. */
export interface Orders {
	folder: string;
	platform: string;
	url: string;
	credentials: Credentials;
	settings?: Settings;
	post: Post;
	key: string;
}

// Started as a process of its own: publishes one post, with the database on disk, and prints the row.
const orders = JSON.parse(process.argv[2]!) as Orders;
const database = await openPglite(orders.folder);
await database.db.insert(workspaces).values({ id: 'default', name: 'Default' }).onConflictDoNothing();
const http = createHttp();
const { url } = orders;
/** As in sidecar/src/social/platforms.ts, but with short pauses and without the guard: everything is on this machine. */
const platforms: Record<string, () => Platform> = {
	bluesky: () => createBluesky({ http, videoHttp: http, videoBaseUrl: url, webBaseUrl: url }),
	facebook: () => createFacebook({ http, graph: url, video: url, upload: url, web: url, settleSeconds: 1, pollSeconds: 0.1 }),
	instagram: () => createInstagram({ http, instagramBaseUrl: `${url}/instagram`, facebookBaseUrl: `${url}/facebook`, settleSeconds: 1 }),
	linkedin: () => createLinkedIn({ http, apiBaseUrl: url, webBaseUrl: url, settleSeconds: 1 }),
	mastodon: () => createMastodon({ http, settleSeconds: 1 }),
	pinterest: () => createPinterest({ http, apiBaseUrl: `${url}/v5`, webBaseUrl: url, settleSeconds: 1 }),
	threads: () => createThreads({ http, apiBaseUrl: url, settleSeconds: 1 }),
	tiktok: () => createTikTok({ http, apiBaseUrl: url, webBaseUrl: url, chunkBytes: 1024 * 1024, settleSeconds: 1, pollSeconds: 0.1 }),
	x: () => createX({ http, apiBaseUrl: url, webBaseUrl: url, settleSeconds: 1 }),
	youtube: () =>
		createYouTube({ http, apiBaseUrl: `${url}/youtube/v3`, uploadBaseUrl: `${url}/upload/youtube/v3`, webBaseUrl: url, chunkBytes: 1024 * 1024, settleSeconds: 1 }),
};
const row: unknown = await publishPost(
	{ ledger: createPostLedger(database.db), vault: createVault('a key for tests, long enough'), leaseSeconds: 2 },
	{
		platform: platforms[orders.platform]!(),
		post: { ...orders.post, scheduledAt: null },
		credentials: orders.credentials,
		settings: orders.settings ?? {},
		workspaceId: 'default',
		assetId: null,
		jobId: null,
		idempotencyKey: orders.key,
		signal: new AbortController().signal,
		log: pino({ level: 'silent' }),
	},
).catch((error: unknown) => {
	if (error instanceof PipelineError) return { status: error.details?.['post_status'], externalPostId: null };
	throw error;
});
await database.close();
process.stdout.write(JSON.stringify(row));
