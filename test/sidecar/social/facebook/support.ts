import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import type { PostMedia, Settings } from '../../../../sidecar/src/social/platform.ts';
import { publishPost } from '../../../../sidecar/src/social/publish.ts';
import { startFacebookEmulator, type FacebookEmulator, type FacebookEmulatorOptions } from '../../../platforms/facebook.ts';
import { asReel, facebookOn } from '../stages/facebook.ts';
import type { Account } from '../stages/stage.ts';
import { dependencies, fakeClock, imageOf, openTestDatabase, videoOf, type Clock, type requestOf } from '../support.ts';

/** The Page of the stand-in. */
export const PAGE = '110000000000000123';

/** A Page to post to, and media for it. */
export interface FacebookTest {
	facebook: FacebookEmulator;
	clock: Clock;
	database: OpenDatabase;
	/** 1080×1920. */
	reel: PostMedia;
	/** 1280×720. */
	wide: PostMedia;
	pictures: PostMedia[];
	start(options?: FacebookEmulatorOptions, settings?: Settings): Promise<Account>;
	publish(request: ReturnType<typeof requestOf>, more?: Parameters<typeof dependencies>[2]): ReturnType<typeof publishPost>;
	failed(work: Promise<unknown>): Promise<PipelineError>;
	/** Every request, in order. */
	steps(): string[];
	inMinutes(minutes: number): Date;
}

/** Registers the hooks of one test file. */
export function facebookTest(): FacebookTest {
	const test = {
		async start(options = {}, settings = {}) {
			test.clock = fakeClock();
			test.facebook = await startFacebookEmulator({ now: test.clock.now, ...options });
			return { platform: () => facebookOn(test.facebook, test.clock), credentials: { accessToken: 'facebook-token', baseUrl: null, extra: {} }, settings };
		},
		publish: (request, more = {}) => publishPost(dependencies(test.database, test.clock, more), request),
		failed: (work) =>
			work.then(
				() => Promise.reject(new Error('it should have failed')),
				(error: unknown) => (error instanceof PipelineError ? error : Promise.reject(error as Error)),
			),
		steps: () => test.facebook.calls.map((call) => call.step),
		inMinutes: (minutes) => new Date(test.clock.now() + minutes * 60_000),
	} as FacebookTest;
	let folder: string;
	beforeAll(async () => {
		test.database = await openTestDatabase();
		folder = await mkdtemp(join(tmpdir(), 'facebook-'));
		test.wide = await videoOf(folder, 3 * 1024 * 1024 + 1);
		test.reel = asReel(test.wide);
		test.pictures = await Promise.all([1, 2].map(async (number) => ({ ...(await imageOf(folder, 1000 + number, `${number}.png`)), altText: `picture ${number}` })));
	});
	afterAll(async () => {
		await test.database.close();
		await rm(folder, { recursive: true });
	});
	afterEach(() => test.facebook.close());
	return test;
}
