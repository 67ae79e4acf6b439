import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Credentials, Post, PostMedia, Settings } from '../../../../sidecar/src/social/platform.ts';
import { startBlueskyEmulator } from '../../../platforms/bluesky.ts';
import { startFacebookEmulator } from '../../../platforms/facebook.ts';
import { startInstagramEmulator } from '../../../platforms/instagram.ts';
import { startLinkedInEmulator } from '../../../platforms/linkedin.ts';
import { startMastodonEmulator } from '../../../platforms/mastodon.ts';
import { startMediaHost, type MediaHost } from '../../../platforms/mediaHost.ts';
import { startPinterestEmulator } from '../../../platforms/pinterest.ts';
import { startThreadsEmulator } from '../../../platforms/threads.ts';
import { startTikTokEmulator } from '../../../platforms/tiktok.ts';
import { startXEmulator } from '../../../platforms/x.ts';
import { startYouTubeEmulator } from '../../../platforms/youtube.ts';
import type { Orders } from '../publisher.ts';
import { postOf, videoOf } from '../support.ts';
import { asReel } from '../stages/facebook.ts';
import { upright } from '../stages/instagram.ts';
import type { StageEmulator } from '../stages/stage.ts';
import { prepareDatabase } from '../../../support/pglite.ts';

const script = fileURLToPath(new URL('../publisher.ts', import.meta.url));
let folder: string;
let video: PostMedia;
let host: MediaHost;
/** For platforms that fetch media themselves. */
const served = (media: PostMedia): PostMedia => ({ ...media, url: host.serve('video.mp4', { mime: media.mime, path: media.path }) });

function start(orders: Orders): ChildProcess {
	const child = spawn(process.execPath, ['--no-warnings', script, JSON.stringify(orders)], { stdio: ['ignore', 'pipe', 'inherit'], env: {} });
	children.push(child);
	return child;
}

async function finish(child: ChildProcess): Promise<{ status: string; externalPostId: string }> {
	let output = '';
	child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()));
	const [code] = await once(child, 'close');
	expect(code).toBe(0);
	return JSON.parse(output) as { status: string; externalPostId: string };
}

interface Victim {
	/** Default: the name in the table. */
	platform?: string;
	start(): Promise<StageEmulator>;
	credentials(url: string): Credentials;
	settings?: Settings;
	/** The video in the form that the platform takes, and what the post needs beside it. */
	post?(post: Post): Post;
	/** Where it is killed: in words, the step, before or after its effect, after how many calls of it that go well. */
	kills: Array<[where: string, step: string, when: 'before' | 'after', skip: number]>;
	/** No check: the outcome may stay unknown. Default: published. */
	mayStayUnknown?: boolean;
}

const bearer = (accessToken: string) => () => ({ accessToken, baseUrl: null, extra: {} });

/** Each platform is killed in the middle of the upload, with the publishing call on its way, and after it took effect. */
const VICTIMS: Record<string, Victim> = {
	x: {
		start: () => startXEmulator({ processingPolls: 1, checkAfterSeconds: 0.1 }),
		credentials: bearer('x-token'),
		kills: [
			['in the middle of the upload', 'append', 'after', 1],
			['with the publishing call on its way', 'create', 'before', 0],
			['after the post is public, before it knows', 'create', 'after', 0],
		],
	},
	bluesky: {
		start: () => startBlueskyEmulator({ processingPolls: 1, oneHost: true }),
		credentials: (url) => ({ accessToken: 'abcd-efgh-ijkl-mnop', baseUrl: url, extra: { identifier: 'demo.test' } }),
		kills: [
			['in the middle of the upload', 'upload', 'before', 0],
			['with the upload done, before it knows', 'upload', 'after', 0],
			['with the publishing call on its way', 'create', 'before', 0],
			['after the post is public, before it knows', 'create', 'after', 0],
		],
	},
	facebook: {
		start: () => startFacebookEmulator({ processingPolls: 1, oneHost: true }),
		credentials: bearer('facebook-token'),
		post: (post) => ({ ...post, media: post.media.map(asReel) }),
		kills: [
			['with an upload begun, before it knows', 'reelStart', 'after', 0],
			['in the middle of the upload', 'upload', 'before', 0],
			['with the upload done, before it knows', 'upload', 'after', 0],
			['with the publishing call on its way', 'reelFinish', 'before', 0],
			['after the reel is on its way, before it knows', 'reelFinish', 'after', 0],
			['while it looks whether the reel is out', 'video', 'before', 0],
		],
	},
	'the feed of facebook': {
		platform: 'facebook',
		start: () => startFacebookEmulator({ processingPolls: 1, oneHost: true }),
		credentials: bearer('facebook-token'),
		post: (post) => ({ ...post, media: post.media.map((media) => ({ ...media, altText: null })) }),
		kills: [
			['in the middle of the upload', 'videoTransfer', 'after', 1],
			['with the publishing call on its way', 'videoFinish', 'before', 0],
			['after the video is on its way, before it knows', 'videoFinish', 'after', 0],
		],
	},
	instagram: {
		start: () => startInstagramEmulator({ processingPolls: 0 }),
		credentials: () => ({ accessToken: 'instagram-token', baseUrl: null, extra: { login: 'instagram' } }),
		post: (post) => ({ ...post, media: post.media.map((media) => ({ ...served(upright(media)), altText: null })) }),
		kills: [
			['with a container made, before it knows', 'container', 'after', 0],
			['with the publishing call on its way', 'publish', 'before', 0],
			['after the reel is public, before it knows', 'publish', 'after', 0],
			['while it reads the address of the reel', 'media', 'before', 0],
		],
	},
	'instagram with Facebook Login': {
		platform: 'instagram',
		start: () => startInstagramEmulator({ processingPolls: 0 }),
		credentials: () => ({ accessToken: 'facebook-token', baseUrl: null, extra: { login: 'facebook' } }),
		post: (post) => ({ ...post, media: post.media.map((media) => ({ ...upright(media), altText: null })) }),
		kills: [
			['in the middle of the upload', 'upload', 'before', 0],
			['with the upload done, before it knows', 'upload', 'after', 0],
			['after the reel is public, before it knows', 'publish', 'after', 0],
		],
	},
	linkedin: {
		start: () => startLinkedInEmulator({ processingPolls: 1, partBytes: 1024 * 1024 }),
		credentials: bearer('linkedin-token'),
		// Alternative texts are for pictures.
		post: (post) => ({ ...post, media: post.media.map((media) => ({ ...media, altText: null })) }),
		kills: [
			['in the middle of the upload', 'part', 'after', 1],
			['before the end of the upload', 'finalize', 'before', 0],
			['after the end of the upload, before it knows', 'finalize', 'after', 0],
			['with the publishing call on its way', 'create', 'before', 0],
			['after the post is public, before it knows', 'create', 'after', 0],
		],
	},
	pinterest: {
		start: () => startPinterestEmulator({ processingPolls: 0 }),
		credentials: bearer('pinterest-token'),
		settings: { board: 'Ideas' },
		kills: [
			['in the middle of the upload', 'bucket', 'before', 0],
			['with the upload done, before it knows', 'bucket', 'after', 0],
			['with the publishing call on its way', 'create', 'before', 0],
			['after the pin is public, before it knows', 'create', 'after', 0],
		],
	},
	mastodon: {
		start: () => startMastodonEmulator({ processingPolls: 1 }),
		credentials: (url) => ({ accessToken: 'mastodon-token', baseUrl: url, extra: {} }),
		kills: [
			['in the middle of the upload', 'upload', 'before', 0],
			['with the publishing call on its way', 'create', 'before', 0],
			['after the post is public, before it knows', 'create', 'after', 0],
		],
	},
	threads: {
		start: () => startThreadsEmulator({ processingPolls: 0 }),
		credentials: bearer('threads-token'),
		post: (post) => ({ ...post, media: post.media.map(served) }),
		kills: [
			['with a container made, before it knows', 'container', 'after', 0],
			['with the publishing call on its way', 'publish', 'before', 0],
			['after the post is public, before it knows', 'publish', 'after', 0],
			['while it reads the address of the post', 'media', 'before', 0],
		],
	},
	tiktok: {
		start: () => startTikTokEmulator({ minChunkBytes: 1024 * 1024 }),
		credentials: bearer('tiktok-token'),
		settings: { privacy: 'everyone' },
		post: (post) => ({ ...post, media: post.media.map((media) => ({ ...media, altText: null })) }),
		kills: [
			['with an upload begun, before it knows', 'init', 'after', 0],
			['in the middle of the upload', 'chunk', 'after', 1],
			['with the publishing call on its way', 'last_chunk', 'before', 0],
			['after the last part is there, before it knows', 'last_chunk', 'after', 0],
			['while it looks at what has become of the post', 'status', 'before', 0],
		],
	},
	youtube: {
		start: () => startYouTubeEmulator(),
		credentials: bearer('youtube-token'),
		post: (post) => ({ ...post, media: post.media.map((media) => ({ ...media, altText: null })) }),
		kills: [
			['with an upload begun, before it knows', 'initialize', 'after', 0],
			['in the middle of the upload', 'append', 'after', 1],
			['with the publishing call on its way', 'create', 'before', 0],
			['after the video is there, before it knows', 'create', 'after', 0],
			['while it looks at what YouTube made of the video', 'videos', 'before', 0],
		],
	},
};

let emulator: StageEmulator;
let children: ChildProcess[];

/** Each platform has a file of its own beside this one, so that they run at the same time. */
export const describeKills = (wanted: string): void => describe('a process that is killed with SIGKILL while it publishes', () => {
	beforeAll(async () => {
		host = await startMediaHost();
		folder = await mkdtemp(join(tmpdir(), 'kill-'));
		video = await videoOf(folder, 3 * 1024 * 1024 + 5);
	});
	afterAll(async () => {
		await rm(folder, { recursive: true });
		await host.close();
	});
	beforeEach(() => (children = []));
	afterEach(async () => {
		for (const child of children) child.kill('SIGKILL');
		await emulator.close();
	});

	const cases = Object.entries(VICTIMS).filter(([name, { platform = name }]) => platform === wanted).flatMap(([platform, { kills }]) => kills.map((kill) => [platform, ...kill] as const));
	it.each(cases)('on %s, %s, leaves one post', async (name, _, step, when, skip) => {
		const victim = VICTIMS[name]!;
		const { platform = name } = victim;
		emulator = await victim.start();
		const credentials = victim.credentials(emulator.url);
		const post = postOf('Survives', [video]);
		const data = await mkdtemp(join(folder, 'data-'));
		await prepareDatabase(join(data, 'db'));
		const orders: Orders = { folder: join(data, 'db'), platform, url: emulator.url, credentials, settings: victim.settings ?? {}, post: victim.post?.(post) ?? post, key: 'k' };
		const hold = emulator.hold(step, when, skip);
		const child = start(orders);
		const dead = once(child, 'close');
		await Promise.race([hold.reached, dead.then(() => Promise.reject(new Error('it ended before it was killed')))]);
		child.kill('SIGKILL');
		await dead;
		hold.release();
		const sent = emulator.count('append');

		const row = await finish(start(orders));
		expect(emulator.publicCalls).toBe(1);
		expect(emulator.posts.map((posted) => posted.media[0]!.sha256)).toEqual([video.sha256]);
		if (row.status === 'unknown' && victim.mayStayUnknown) return;
		expect(row).toMatchObject({ status: 'published', externalPostId: emulator.posts[0]!.id });
		// Four segments. The second one's answer was lost, so it is sent again; once all are there, none is.
		if (platform === 'x') expect(emulator.count('append')).toBe(step === 'append' ? sent + 3 : 4);
		// Three whole pieces, and five bytes that publish. What arrived of a piece before the kill is not sent again.
		if (platform === 'youtube') expect(emulator.count('append')).toBe(step === 'append' ? sent + 1 : 3);
		// Four ranges. The second one's answer was lost; Facebook tells that it has it.
		if (name === 'the feed of facebook') expect(emulator.count('videoTransfer')).toBe(step === 'videoTransfer' ? 5 : 4);
	});
});
