import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { createAccountRun } from '../../../sidecar/src/social/account-run.ts';
import { createHttp } from '../../../sidecar/src/social/http.ts';
import type { AccountRun, Post, PostMedia, Settings } from '../../../sidecar/src/social/platform.ts';
import { publishPost, type PublishDependencies, type PublishRequest } from '../../../sidecar/src/social/publish.ts';
import { createTikTok } from '../../../sidecar/src/social/tiktok.ts';
import { startTikTokEmulator, type TikTokEmulator, type TikTokEmulatorOptions } from '../../platforms/tiktok.ts';
import { dependencies, fakeClock, openTestDatabase, postOf, requestOf, videoOf, type Clock } from './support.ts';

export const MIB = 1024 * 1024;
const credentials = { accessToken: 'tiktok-token', baseUrl: null, extra: {} };

/** A stand-in of TikTok, and a process that publishes on it. Open for one test file. */
export class TikTokWorld {
	readonly database: OpenDatabase;
	readonly folder: string;
	/** Two chunks of 1 MiB, and the last one. */
	readonly video: PostMedia;
	clock: Clock = fakeClock();
	#emulator: TikTokEmulator | null = null;

	private constructor(database: OpenDatabase, folder: string, video: PostMedia) {
		this.database = database;
		this.folder = folder;
		this.video = video;
	}

	static async open(): Promise<TikTokWorld> {
		const folder = await mkdtemp(join(tmpdir(), 'tiktok-'));
		return new TikTokWorld(await openTestDatabase(), folder, await videoOf(folder, 3 * MIB + 5));
	}

	async close(): Promise<void> {
		await this.database.close();
		await rm(this.folder, { recursive: true });
	}

	get emulator(): TikTokEmulator {
		if (!this.#emulator) throw new Error('no stand-in was started');
		return this.#emulator;
	}

	async start(options: TikTokEmulatorOptions = {}): Promise<TikTokEmulator> {
		await this.stop();
		this.clock = fakeClock();
		this.#emulator = await startTikTokEmulator({ now: this.clock.now, minChunkBytes: MIB, ...options });
		return this.#emulator;
	}

	async stop(): Promise<void> {
		await this.#emulator?.close();
		this.#emulator = null;
	}

	platform() {
		const { url } = this.emulator;
		return createTikTok({ http: createHttp({ now: () => new Date(this.clock.now()) }), apiBaseUrl: `${url}/`, webBaseUrl: url, chunkBytes: MIB });
	}

	ask(post: Post, settings: Settings = {}, more: Partial<PublishRequest> = {}): PublishRequest {
		return requestOf({ platform: () => this.platform(), credentials, settings: { privacy: 'everyone', ...settings } }, post, more);
	}

	get dependencies(): PublishDependencies {
		return dependencies(this.database, this.clock);
	}

	publish(request: PublishRequest) {
		return publishPost(this.dependencies, request);
	}

	async failing(request: PublishRequest): Promise<PipelineError> {
		const end: unknown = await this.publish(request).catch((error: unknown) => error);
		if (end instanceof PipelineError) return end;
		throw end instanceof Error ? end : new Error('it should have failed');
	}

	async problemsOf(request: PublishRequest): Promise<Array<{ field: string; message: string }>> {
		const error = await this.failing(request);
		expect(error.code).toBe('post_invalid');
		expect(this.emulator.count('init') + this.emulator.count('content_init')).toBe(0);
		return error.details?.['problems'] as Array<{ field: string; message: string }>;
	}

	accountRun(settings: Settings = {}): AccountRun {
		const { log, signal } = this.ask(postOf(''));
		return createAccountRun(this.dependencies, { platform: this.platform(), credentials, settings, signal, log }, () => null);
	}
}
