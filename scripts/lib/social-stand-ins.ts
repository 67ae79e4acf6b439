import { startBlueskyEmulator } from '../../test/platforms/bluesky.ts';
import type { Failure } from '../../test/platforms/emulator.ts';
import { startFacebookEmulator } from '../../test/platforms/facebook.ts';
import { startInstagramEmulator } from '../../test/platforms/instagram.ts';
import { startLinkedInEmulator } from '../../test/platforms/linkedin.ts';
import { startMastodonEmulator } from '../../test/platforms/mastodon.ts';
import { startPinterestEmulator } from '../../test/platforms/pinterest.ts';
import { startThreadsEmulator } from '../../test/platforms/threads.ts';
import { startTikTokEmulator } from '../../test/platforms/tiktok.ts';
import { startXEmulator } from '../../test/platforms/x.ts';
import { startYouTubeEmulator } from '../../test/platforms/youtube.ts';
import { nextFreePort } from './ports.ts';
import type { CredentialSpec } from './seed-n8n.ts';

/** The social platforms as servers on loopback that speak their protocols: the ones the tests use. */

export interface SocialStandIn {
	name: string;
	/** On the wire. */
	platform: string;
	/** Type of n8n's credential for it. */
	credentialType: string;
	/** Environment variables of the sidecar that lead to the platform: one that is set leads to something else already. */
	variables: readonly string[];
	start(port: number): Promise<RunningStandIn>;
}

export interface RunningStandIn {
	/** Its page of published posts. */
	url: string;
	variables: Record<string, string>;
	/** What the credential holds. */
	data: Record<string, unknown>;
	/** `params.settings` that a first post needs. */
	settings?: Record<string, unknown>;
	/** Every port that it listens at. */
	hosts: string[];
	/** For tests: what became of it, and what is to go wrong. */
	emulator: SocialEmulator;
	close(): Promise<void>;
}

/** What all emulators have. */
export interface SocialEmulator {
	readonly posts: ReadonlyArray<{ text: string }>;
	/** Calls that can make something public, whatever was answered. */
	readonly publicCalls: number;
	fail(step: string, failure: Failure): void;
}

/** No refresh token: n8n then never asks the real platform to renew it. */
const oauth = (token: string) => ({ clientId: 'stand-in', clientSecret: 'stand-in', oauthTokenData: { access_token: token, token_type: 'bearer' } });

const hostsOf = (...urls: string[]): string[] => [...new Set(urls.map((url) => new URL(url).host))];

export const SOCIAL_STAND_INS: readonly SocialStandIn[] = [
	{
		name: 'Bluesky',
		platform: 'bluesky',
		credentialType: 'mediaPipelineBlueskyApi',
		variables: ['BLUESKY_VIDEO_BASE_URL', 'BLUESKY_WEB_BASE_URL'],
		async start(port) {
			const emulator = await startBlueskyEmulator({ port });
			const { url, pdsUrl, videoUrl, close } = emulator;
			return { url, variables: { BLUESKY_VIDEO_BASE_URL: videoUrl, BLUESKY_WEB_BASE_URL: url }, data: { serviceUrl: url, handle: 'demo.test', appPassword: 'abcd-efgh-ijkl-mnop' }, hosts: hostsOf(url, pdsUrl, videoUrl), emulator, close };
		},
	},
	{
		name: 'Facebook',
		platform: 'facebook',
		credentialType: 'facebookGraphApi',
		variables: ['META_GRAPH_BASE_URL', 'META_GRAPH_VIDEO_BASE_URL', 'META_UPLOAD_BASE_URL', 'FACEBOOK_WEB_BASE_URL'],
		async start(port) {
			const emulator = await startFacebookEmulator({ port });
			const { url, videoUrl, uploadUrl, close } = emulator;
			return {
				url,
				variables: { META_GRAPH_BASE_URL: url, META_GRAPH_VIDEO_BASE_URL: videoUrl, META_UPLOAD_BASE_URL: uploadUrl, FACEBOOK_WEB_BASE_URL: url },
				data: { accessToken: 'facebook-token' },
				hosts: hostsOf(url, videoUrl, uploadUrl),
				emulator,
				close,
			};
		},
	},
	{
		name: 'Instagram',
		platform: 'instagram',
		credentialType: 'mediaPipelineInstagramOAuth2Api',
		variables: ['INSTAGRAM_API_BASE_URL'],
		async start(port) {
			const emulator = await startInstagramEmulator({ port });
			const { url, instagramUrl, close } = emulator;
			return { url, variables: { INSTAGRAM_API_BASE_URL: instagramUrl }, data: oauth('instagram-token'), hosts: hostsOf(url, instagramUrl), emulator, close };
		},
	},
	{
		name: 'LinkedIn',
		platform: 'linkedin',
		credentialType: 'linkedInOAuth2Api',
		variables: ['LINKEDIN_API_BASE_URL', 'LINKEDIN_WEB_BASE_URL'],
		async start(port) {
			const emulator = await startLinkedInEmulator({ port });
			const { url, close } = emulator;
			return { url, variables: { LINKEDIN_API_BASE_URL: url, LINKEDIN_WEB_BASE_URL: url }, data: oauth('linkedin-token'), hosts: hostsOf(url), emulator, close };
		},
	},
	{
		name: 'Mastodon',
		platform: 'mastodon',
		credentialType: 'mediaPipelineMastodonApi',
		variables: [],
		async start(port) {
			const emulator = await startMastodonEmulator({ port });
			const { url, close } = emulator;
			return { url, variables: {}, data: { baseUrl: url, accessToken: 'mastodon-token' }, hosts: hostsOf(url), emulator, close };
		},
	},
	{
		name: 'Pinterest',
		platform: 'pinterest',
		credentialType: 'mediaPipelinePinterestOAuth2Api',
		variables: ['PINTEREST_API_BASE_URL', 'PINTEREST_WEB_BASE_URL'],
		async start(port) {
			const emulator = await startPinterestEmulator({ port });
			const { url, apiUrl, close } = emulator;
			return { url, variables: { PINTEREST_API_BASE_URL: apiUrl, PINTEREST_WEB_BASE_URL: url }, data: oauth('pinterest-token'), settings: { board: 'Ideas' }, hosts: hostsOf(url, apiUrl), emulator, close };
		},
	},
	{
		name: 'Threads',
		platform: 'threads',
		credentialType: 'mediaPipelineThreadsOAuth2Api',
		variables: ['THREADS_API_BASE_URL'],
		async start(port) {
			const emulator = await startThreadsEmulator({ port });
			const { url, close } = emulator;
			return { url, variables: { THREADS_API_BASE_URL: url }, data: oauth('threads-token'), hosts: hostsOf(url), emulator, close };
		},
	},
	{
		name: 'TikTok',
		platform: 'tiktok',
		credentialType: 'mediaPipelineTikTokOAuth2Api',
		variables: ['TIKTOK_API_BASE_URL', 'TIKTOK_WEB_BASE_URL'],
		async start(port) {
			const emulator = await startTikTokEmulator({ port });
			const { url, close } = emulator;
			return { url, variables: { TIKTOK_API_BASE_URL: url, TIKTOK_WEB_BASE_URL: url }, data: oauth('tiktok-token'), settings: { privacy: 'everyone' }, hosts: hostsOf(url), emulator, close };
		},
	},
	{
		name: 'X',
		platform: 'x',
		credentialType: 'mediaPipelineXOAuth2Api',
		variables: ['X_API_BASE_URL', 'X_WEB_BASE_URL'],
		async start(port) {
			const emulator = await startXEmulator({ port });
			const { url, close } = emulator;
			return { url, variables: { X_API_BASE_URL: url, X_WEB_BASE_URL: url }, data: oauth('x-token'), hosts: hostsOf(url), emulator, close };
		},
	},
	{
		name: 'YouTube',
		platform: 'youtube',
		credentialType: 'youTubeOAuth2Api',
		variables: ['YOUTUBE_API_BASE_URL', 'YOUTUBE_UPLOAD_BASE_URL', 'YOUTUBE_WEB_BASE_URL'],
		async start(port) {
			const emulator = await startYouTubeEmulator({ port });
			const { url, close } = emulator;
			return {
				url,
				variables: { YOUTUBE_API_BASE_URL: `${url}/youtube/v3`, YOUTUBE_UPLOAD_BASE_URL: `${url}/upload/youtube/v3`, YOUTUBE_WEB_BASE_URL: url },
				data: oauth('youtube-token'),
				hosts: hostsOf(url),
				emulator,
				close,
			};
		},
	},
];

export const credentialName = ({ name }: Pick<SocialStandIn, 'name'>): string => `${name} (local stand-in)`;

export interface RunningSocial {
	running: Array<{ standIn: SocialStandIn; server: RunningStandIn }>;
	variables: Record<string, string>;
	credentials: CredentialSpec[];
	hosts: string[];
	close(): Promise<void>;
}

/** Starts them at the first free ports from `firstPort` on. */
export async function startSocialStandIns(standIns: readonly SocialStandIn[], firstPort: number): Promise<RunningSocial> {
	const running: RunningSocial['running'] = [];
	const close = async (): Promise<void> => void (await Promise.all(running.map(({ server }) => server.close())));
	try {
		let port = firstPort;
		for (const standIn of standIns) {
			port = await nextFreePort(port);
			running.push({ standIn, server: await standIn.start(port) });
			port += 1;
		}
	} catch (error) {
		await close();
		throw error;
	}
	return {
		running,
		variables: Object.assign({}, ...running.map(({ server }) => server.variables)) as Record<string, string>,
		credentials: running.map(({ standIn, server }) => ({ name: credentialName(standIn), type: standIn.credentialType, data: server.data })),
		hosts: running.flatMap(({ server }) => server.hosts),
		close,
	};
}
