import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import { completeFacts } from '../../../../sidecar/src/media/facts.ts';
import { createAccountRun } from '../../../../sidecar/src/social/account-run.ts';
import type { AccountRun, Post, PostMedia, Settings } from '../../../../sidecar/src/social/platform.ts';
import { publishPost, type PublishedPost } from '../../../../sidecar/src/social/publish.ts';
import type { InstagramEmulatorOptions } from '../../../platforms/instagram.ts';
import { startInstagramStage, type InstagramStage } from '../stages/instagram.ts';
import { dependencies, fakeClock, openTestDatabase, postOf, requestOf, videoOf, type Clock } from '../support.ts';

/** Id of the account of the default tokens. */
export const IG = '17841405309211844';

/** An account to post to, and media for it. */
export interface InstagramTest {
	database: OpenDatabase;
	clock: Clock;
	stage: InstagramStage;
	/** 1280×720, without an address. */
	file: PostMedia;
	/** The same, held upright, with an address. */
	video: PostMedia;
	/** JPEG, square, without an address. */
	photo: PostMedia;
	start(login?: 'instagram' | 'facebook', options?: InstagramEmulatorOptions): Promise<void>;
	pictureOf(name: string, width: number, height: number, format?: 'jpeg' | 'png'): Promise<PostMedia>;
	/** With an address. */
	online(media: PostMedia): PostMedia;
	request(post: Post, settings?: Settings): ReturnType<typeof requestOf>;
	publish(request: ReturnType<typeof requestOf>): Promise<PublishedPost>;
	/** Publishes `video`, or what is given. */
	post(text: string, media?: PostMedia[], settings?: Settings, more?: Partial<Post>): Promise<PublishedPost>;
	failed(work: Promise<unknown>): Promise<PipelineError>;
	/** Every request, in order. */
	steps(): string[];
	/** For calls on behalf of the account. */
	run(): AccountRun;
}

/** Registers the hooks of one test file. */
export function instagramTest(): InstagramTest {
	let folder: string;
	let served = 0;
	const test = {
		async start(login = 'instagram', options = {}) {
			test.clock = fakeClock();
			test.stage = await startInstagramStage(test.clock, login, options);
			test.video = test.stage.media!(test.file);
		},
		async pictureOf(name, width, height, format = 'jpeg') {
			const content = await sharp({ create: { width, height, channels: 3, background: '#456' } })
				.toFormat(format)
				.toBuffer();
			const path = join(folder, name);
			await writeFile(path, content);
			const [mime, bytes] = [`image/${format}`, content.length];
			const video = { codec: format === 'png' ? 'png' : 'mjpeg', width, height, frameRate: 0, pixelFormat: 'yuvj420p', rotation: 0, bitrate: null } as const;
			const facts = completeFacts({ mime, fileType: 'image', container: 'image2', bytes, durationSeconds: 0, bitrate: null, video, audio: null });
			return { path, sha256: createHash('sha256').update(content).digest('hex'), bytes, mime, altText: null, url: null, facts };
		},
		online: (media) => ({ ...media, url: test.stage.host.serve(`p${(served += 1)}`, { mime: media.mime, path: media.path }) }),
		request: (post, settings = {}) => requestOf(test.stage, post, { settings: test.stage.platform().settings.parse(settings) }),
		publish: (request) => publishPost(dependencies(test.database, test.clock), request),
		post: (text, media = [test.video], settings = {}, more = {}) => test.publish(test.request(postOf(text, media, more), settings)),
		failed: (work) =>
			work.then(
				() => Promise.reject(new Error('it should have failed')),
				(error: unknown) => (error instanceof PipelineError ? error : Promise.reject(error as Error)),
			),
		steps: () => test.stage.emulator.calls.map(({ step }) => step),
		run: () => createAccountRun(dependencies(test.database, test.clock), test.request(postOf('x')), () => ({ id: IG, name: 'demo' })),
	} as InstagramTest;
	beforeAll(async () => {
		test.database = await openTestDatabase();
		folder = await mkdtemp(join(tmpdir(), 'instagram-'));
		test.file = await videoOf(folder, 3 * 1024 * 1024 + 1);
		test.photo = await test.pictureOf('a.jpg', 1080, 1080);
	});
	afterAll(async () => {
		await test.database.close();
		await rm(folder, { recursive: true });
	});
	afterEach(() => test.stage.close());
	return test;
}
