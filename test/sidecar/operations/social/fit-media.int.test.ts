import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import sharp from 'sharp';
import { probe } from '../../../../sidecar/src/media/probe.ts';
import { limitProblems } from '../../../../sidecar/src/media/platform-check.ts';
import { keptKey, sweepTries } from '../../../../sidecar/src/pipeline/early-files.ts';
import { createFittedFiles } from '../../../../sidecar/src/pipeline/fitted-files.ts';
import { hashOf } from '../../../../sidecar/src/operations/social/assemble.ts';
import { fitMedia, type FitMediaDeps } from '../../../../sidecar/src/operations/social/fit-media.ts';
import type { Limits, PostMedia } from '../../../../sidecar/src/social/platform.ts';
import { createDiskStorage } from '../../../../sidecar/src/storage/disk.ts';
import { STAGES } from '../../social/stages/index.ts';
import { accountRunOf, expireClaims, fakeClock, openTestDatabase, postOf, WORKSPACE } from '../../social/support.ts';
import { caught, forgetPosts, newJob, operate, type World } from './support.ts';
import { fixture } from '../../../fixtures/media.ts';
import { runPlan } from '../../../../sidecar/src/media/engine.ts';

let folder: string;
let world: World;
let fitting: FitMediaDeps;
let storage: ReturnType<typeof createDiskStorage>;
const made: string[] = [];
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'fit-'));
	storage = createDiskStorage({ root: join(folder, 'storage') });
	await storage.prepare?.();
	fitting = {
		runPlan: (plan) => {
			made.push(plan.inputPath);
			return runPlan(plan);
		},
		probe,
		files: createFittedFiles({ storage, fileUrl: (key) => `http://127.0.0.1/${key}` }),
	};
	world = { database: await openTestDatabase(), clock: fakeClock(), folder, stages: [], media: [], fitting };
});
afterAll(async () => {
	await world.database.close();
	await rm(folder, { recursive: true });
});
beforeEach(async () => {
	made.length = 0;
	world.stages = [await STAGES['x']!(world.clock)];
});
afterEach(async () => {
	await x().close();
	await forgetPosts(world);
});
const x = () => world.stages[0]!;

async function mediaOf(path: string): Promise<PostMedia> {
	const facts = await probe(path);
	return { path, facts, mime: facts.mime, bytes: facts.bytes, sha256: await hashOf(path, new AbortController().signal), altText: 'Words', url: null };
}

async function fit(media: PostMedia, limits: Partial<Limits>) {
	const jobId = randomUUID();
	const workDir = join(folder, jobId);
	await mkdir(workDir);
	const context = { jobId, workspaceId: WORKSPACE, assetId: null, attempt: 1, workDir, secrets: {}, signal: new AbortController().signal, progress: () => {}, step: <T>(_: string, work: () => Promise<T>) => work(), log: pino({ level: 'silent' }), source: never, open: never, earlierOutput: never, readStored: never };
	return fitMedia(fitting, context, postOf('t', [media]), { ...LIMITS, ...limits });
}
const never = () => Promise.reject(new Error('not needed'));
const LIMITS: Limits = { text: { max: 280, unit: 'characters', count: () => 0 }, maxAltText: 100, media: {}, options: { visibility: [], sensitive: false, spoilerText: false, scheduleLeadSeconds: null } };
const FEED = { mimes: ['image/jpeg'], count: 10, maxBytes: 8_000_000, minRatio: 0.8, maxRatio: 1.91, maxLongSide: 1440 };

describe('a picture that a platform would refuse', () => {
	it('becomes a JPEG of a shape that it takes, whole, on white', async () => {
		const path = join(folder, 'wide.png');
		await sharp({ create: { width: 1800, height: 450, channels: 4, background: { r: 200, g: 0, b: 0, alpha: 1 } } }).png().toFile(path);
		const { media, changes } = await fit(await mediaOf(path), { media: { image: FEED } });
		expect(media[0]).toMatchObject({ mime: 'image/jpeg', altText: 'Words', facts: { video: { width: 1440 } } });
		expect(limitProblems(media[0]!.facts, FEED)).toEqual([]);
		expect(changes).toEqual([expect.stringContaining('media[0] was made anew: the file type image/png is not taken')]);
		const { data, info } = await sharp(media[0]!.path).raw().toBuffer({ resolveWithObject: true });
		const at = (left: number, top: number) => [...data.subarray((top * info.width + left) * info.channels, (top * info.width + left) * info.channels + 3)];
		expect(at(5, 5).every((value) => value > 250)).toBe(true);
		const [red, green] = at(720, Math.floor(info.height / 2));
		expect([red! > 180, green! < 30]).toEqual([true, true]);
	});

	it('is turned upright first', async () => {
		const { media } = await fit(await mediaOf(fixture('jpegRotated')), { media: { image: { ...FEED, maxLongSide: 100 } } });
		const before = await sharp(fixture('jpegRotated')).rotate().toBuffer({ resolveWithObject: true });
		const { width, height } = media[0]!.facts.video!;
		expect(width / height > 1).toBe(before.info.width / before.info.height > 1);
		expect(Math.max(width, height)).toBe(100);
	});

	it('loses quality only as far as the size wants it', async () => {
		const path = join(folder, 'noise.png');
		await sharp({ create: { width: 800, height: 800, channels: 3, background: '#808080', noise: { type: 'gaussian', mean: 128, sigma: 40 } } }).png().toFile(path);
		const { media } = await fit(await mediaOf(path), { media: { image: { ...FEED, maxBytes: 350_000 } } });
		expect(media[0]!.bytes).toBeLessThanOrEqual(350_000);
		expect(media[0]!.bytes).toBeGreaterThan(100_000);
	});

	it('is left alone where it fits, and where the platform has no such pictures', async () => {
		const one = await mediaOf(fixture('jpeg'));
		expect((await fit(one, { media: { image: { mimes: ['image/jpeg'], count: 1 } } })).media).toEqual([one]);
		expect(await fit(one, { media: {} })).toEqual({ media: [one], changes: [] });
	});
});

describe('a video that a platform would refuse', () => {
	it('becomes the rendition of its preset', async () => {
		const webm = await mediaOf(fixture('webm'));
		const limits = await limitsOfX(webm);
		expect(limitProblems(webm.facts, limits.media.video!)).not.toEqual([]);
		const { media } = await fit(webm, limits);
		expect(media[0]!.mime).toBe('video/mp4');
		expect(limitProblems(media[0]!.facts, limits.media.video!)).toEqual([]);
		expect(media[0]!.url).toContain('/kept/fitted-1.mp4');
	}, 30_000);

	it('is made once for all tries of a job, which stay one post', async () => {
		const { jobId, assetId } = await newJob(world);
		world.media = [await mediaOf(fixture('webm'))];
		const given = { platform: 'x', text: 'Made to fit', on_problem: 'fix' };
		x().emulator.fail('create', { when: 'before', answer: { status: 401, body: {} } });
		await caught(operate(world, 'publish', given, { jobId, assetId, workDir: await scratch() }));
		const runs = made.length;
		expect(runs).toBeGreaterThan(0);
		// What a worker does before the next try.
		await sweepTries({ db: world.database.db, storage }, { id: jobId, workspaceId: WORKSPACE }, 2);
		await expireClaims(world.database);
		const uploads = x().emulator.count('append');
		const output = await operate(world, 'publish', given, { jobId, assetId, attempt: 2, workDir: await scratch() });
		expect(made).toHaveLength(runs);
		expect(x().emulator.count('append')).toBe(uploads);
		expect(x().emulator.publicCalls).toBe(1);
		expect(output['changes']).toEqual([expect.stringContaining('media[0] was made anew')]);
		const kept = storage.localPath(keptKey({ workspaceId: WORKSPACE, jobId }, 'fitted-1.mp4'))!;
		expect(x().remoteHashes()).toEqual([[await hashOf(kept, new AbortController().signal)]]);
		expect((await readFile(kept)).length).toBeGreaterThan(1000);
		// And nothing of it is left once the job is lost.
		await sweepTries({ db: world.database.db, storage }, { id: jobId, workspaceId: WORKSPACE }, null);
		expect(await storage.head(keptKey({ workspaceId: WORKSPACE, jobId }, 'fitted-1.mp4'))).toBeNull();
	}, 60_000);

	it('fails or is skipped where nobody asked for it to be made to fit, before anything is uploaded', async () => {
		world.media = [await mediaOf(fixture('webm'))];
		const error = await caught(operate(world, 'publish', { platform: 'x', text: 't' }));
		expect(error).toMatchObject({ code: 'post_invalid', details: { post_status: 'failed', problems: expect.arrayContaining([expect.objectContaining({ field: 'media[0]', fixable: true })]) } });
		const output = await operate(world, 'publish', { platform: 'x', text: 't', on_problem: 'skip' });
		expect(output).toMatchObject({ status: 'skipped', external_post_id: null, problems: expect.arrayContaining([expect.objectContaining({ field: 'media[0]' })]) });
		expect([x().emulator.count('initialize'), x().emulator.publicCalls, made.length]).toEqual([0, 0, 0]);
	});

	it('is only looked at by a dry run, which says what would be made of it', async () => {
		world.media = [await mediaOf(fixture('webm'))];
		const refused = await operate(world, 'validate_post', { platform: 'x', text: 't' });
		expect(refused).toMatchObject({ ok: false, problems: expect.arrayContaining([expect.objectContaining({ field: 'media[0]', fixable: true })]) });
		const output = await operate(world, 'validate_post', { platform: 'x', text: 't', on_problem: 'fix' });
		expect(output).toMatchObject({ ok: true, changes: [expect.stringContaining('media[0] would be made anew')] });
		expect([x().emulator.count('initialize'), made.length]).toEqual([0, 0]);
	});

	it('is not promised to be made to fit when it is a GIF', async () => {
		const path = join(folder, 'large.gif');
		await copyFile(fixture('gif'), path);
		const one = await mediaOf(path);
		world.media = [{ ...one, bytes: 40_000_000 }];
		const output = await operate(world, 'validate_post', { platform: 'x', text: 't', on_problem: 'fix' });
		expect(output).toMatchObject({ ok: false, problems: [expect.objectContaining({ field: 'media[0]', fixable: false })] });
	});
});

const scratch = async () => mkdtemp(join(folder, 'scratch-'));

async function limitsOfX(media: PostMedia): Promise<Limits> {
	const [platform, run] = accountRunOf(x(), world.clock);
	return platform.limits({ ...run, post: postOf('t', [media]), operationKey: 'k', state: {}, save: async () => {}, progress: () => {} });
}
