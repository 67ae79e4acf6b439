import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import type { PostRow } from '../../../../sidecar/src/db/posts.ts';
import type { PipelineError } from '../../../../sidecar/src/errors.ts';
import { createAccountRun } from '../../../../sidecar/src/social/account-run.ts';
import { createHttp } from '../../../../sidecar/src/social/http.ts';
import type { AccountRun, Platform, Post, PostMedia, Settings } from '../../../../sidecar/src/social/platform.ts';
import { publishPost, type PublishRequest } from '../../../../sidecar/src/social/publish.ts';
import { createYouTube } from '../../../../sidecar/src/social/youtube.ts';
import { startYouTubeEmulator, type YouTubeEmulator, type YouTubeEmulatorOptions } from '../../../platforms/youtube.ts';
import { dependencies, fakeClock, imageOf, openTestDatabase, postOf, requestOf, videoOf, type Clock } from '../support.ts';

export const CHUNK = 1024 * 1024;
export const CHANNEL = { id: 'UCdemoDemoDemoDemoDemoDe', title: 'Demo' };

/** One YouTube, and what is needed to publish on it. */
export class YouTubeWorld {
	readonly database: OpenDatabase;
	readonly folder: string;
	/** Three pieces, and one byte that publishes. */
	readonly video: PostMedia;
	clock: Clock = fakeClock();
	#youtube: YouTubeEmulator | null = null;

	constructor(database: OpenDatabase, folder: string, video: PostMedia) {
		this.database = database;
		this.folder = folder;
		this.video = video;
	}

	static async open(): Promise<YouTubeWorld> {
		const folder = await mkdtemp(join(tmpdir(), 'youtube-'));
		return new YouTubeWorld(await openTestDatabase(), folder, await videoOf(folder, 3 * CHUNK + 1));
	}

	async close(): Promise<void> {
		await this.database.close();
		await rm(this.folder, { recursive: true });
	}

	/** A fresh YouTube, in place of the one before. */
	async start(options: YouTubeEmulatorOptions = {}): Promise<YouTubeEmulator> {
		await this.stop();
		this.clock = fakeClock();
		return (this.#youtube = await startYouTubeEmulator({ now: this.clock.now, ...options }));
	}

	async stop(): Promise<void> {
		await this.#youtube?.close();
		this.#youtube = null;
	}

	platform(): Platform {
		const url = this.#youtube!.url;
		const http = createHttp({ now: () => new Date(this.clock.now()) });
		return createYouTube({ http, apiBaseUrl: `${url}/youtube/v3/`, uploadBaseUrl: `${url}/upload/youtube/v3`, webBaseUrl: url, chunkBytes: CHUNK });
	}

	#account(settings: Settings = {}) {
		return { platform: () => this.platform(), credentials: { accessToken: 'youtube-token', baseUrl: null, extra: {} }, settings };
	}

	request(post: Post, settings?: Settings): PublishRequest {
		return requestOf(this.#account(settings), post);
	}

	publish(request: PublishRequest): Promise<PostRow> {
		return publishPost(dependencies(this.database, this.clock), request);
	}

	/** Publishes the video with this text. */
	post(text: string, more: Partial<Post> = {}, settings?: Settings): Promise<PostRow> {
		return this.publish(this.request(postOf(text, [this.video], more), settings));
	}

	accountRun(): AccountRun {
		const deps = { now: () => new Date(this.clock.now()), sleep: this.clock.sleep };
		const request = { ...this.#account(), platform: this.platform(), signal: new AbortController().signal, log: pino({ level: 'silent' }) };
		return createAccountRun(deps, request, () => ({ id: CHANNEL.id, name: CHANNEL.title }));
	}

	async jpeg(): Promise<PostMedia> {
		const picture = await imageOf(this.folder, 1000, 'cover.jpg');
		await writeFile(picture.path, Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(996)]));
		return { ...picture, mime: 'image/jpeg', facts: { ...picture.facts, mime: 'image/jpeg' } };
	}
}

export const failing = (work: Promise<unknown>): Promise<PipelineError> =>
	work.then(
		() => Promise.reject(new Error('it should have failed')),
		(error: PipelineError) => error,
	);
