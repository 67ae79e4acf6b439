import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { createPostLedger } from '../../../sidecar/src/db/posts.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import type { PostMedia } from '../../../sidecar/src/social/platform.ts';
import { publishPost } from '../../../sidecar/src/social/publish.ts';
import type { Failure } from '../../platforms/emulator.ts';
import {
	crashing, dependencies, expireClaims, fakeClock, openTestDatabase, postOf, requestOf, videoOf,
	type Clock,
} from '../../sidecar/social/support.ts';
import { STAGES } from '../../sidecar/social/stages/index.ts';
import type { Stage } from '../../sidecar/social/stages/stage.ts';

const caught = (work: Promise<unknown>): Promise<PipelineError> =>
	work.then(
		() => {
			throw new Error('it should have failed');
		},
		(error: unknown) => {
			if (error instanceof PipelineError) return error;
			throw error;
		},
	);

/**
 * What must hold on every platform: one post, whatever fails and wherever the process dies. Each platform has a file of its own beside this one, so
 * that they run at the same time.
 */
export const describePublishing = (name: string): void => describe(`publishing to ${name}`, () => {
	let database: OpenDatabase;
	let folder: string;
	let file: PostMedia;

	beforeAll(async () => {
		database = await openTestDatabase();
		folder = await mkdtemp(join(tmpdir(), 'social-'));
		// Two full segments of 1 MiB and a rest, at X.
		file = await videoOf(folder, 2 * 1024 * 1024 + 4321, 'A counter');
	});
	afterAll(async () => {
		await database.close();
		await rm(folder, { recursive: true });
	});

	let stage: Stage;
	let clock: Clock;
	let video: PostMedia;
	let finishStep: string;
	beforeEach(async () => {
		clock = fakeClock();
		stage = await STAGES[name]!(clock);
		video = stage.media?.(file) ?? file;
		finishStep = stage.finishStep ?? 'create';
	});
	afterEach(() => stage.close());

	const publish = (request: ReturnType<typeof requestOf>) => publishPost(dependencies(database, clock), request);
	const expired = () => stage.answers.expired ?? { status: 401, body: { error: 'expired' } };
	const exactlyOne = (text: string) => {
		expect(stage.remoteTexts()).toEqual([text]);
		expect(stage.emulator.publicCalls).toBeLessThanOrEqual(1);
	};

	it('makes one post of a text and a video, whole and described', async () => {
		const row = await publish(requestOf(stage, postOf('A text & a video', [video])));
		exactlyOne('A text & a video');
		expect(stage.remoteHashes()).toEqual([[video.sha256]]);
		expect(stage.emulator.posts[0]!.media[0]!.alt).toBe(video.altText);
		expect(row).toMatchObject({ status: 'published', platform: name, account: stage.account ?? 'demo', externalPostId: stage.emulator.posts[0]!.id, permalink: stage.emulator.posts[0]!.permalink, state: null });
		for (const step of stage.lookSteps) expect({ step, count: stage.emulator.count(step) }).toEqual({ step, count: stage.ordinaryLooks ?? 0 });
	});

	it('makes one post of a text alone, or says that it makes none', async () => {
		if (stage.textAlone === false) {
			const error = await caught(publish(requestOf(stage, postOf('Only words'))));
			expect(error).toMatchObject({ code: 'post_invalid', details: { problems: [{ field: 'media' }] } });
			expect(stage.emulator.publicCalls).toBe(0);
			return;
		}
		await publish(requestOf(stage, postOf('Only words')));
		exactlyOne('Only words');
	});

	it('answers a second submission with the first post and calls nobody', async () => {
		const request = requestOf(stage, postOf('Twice', [video]));
		const first = await publish(request);
		const calls = stage.emulator.calls.length;
		const second = await publish({ ...request, platform: stage.platform() });
		expect(second.id).toBe(first.id);
		expect(second.externalPostId).toBe(first.externalPostId);
		expect(stage.emulator.calls).toHaveLength(calls);
	});

	it('lets only one of several workers publish', async () => {
		const request = requestOf(stage, postOf('All at once', [video]));
		// Real pauses: the others wait for the one that holds the claim.
		const { sleep: _, ...rest } = dependencies(database, clock);
		const rows = await Promise.all([1, 2, 3].map(() => publishPost(rest, { ...request, platform: stage.platform() })));
		expect(new Set(rows.map((row) => row.externalPostId)).size).toBe(1);
		exactlyOne('All at once');
	});

	const failures: Array<[string, Failure]> = [
		['the connection breaks before it', { when: 'before', answer: 'drop' }],
		['the connection breaks during it', { when: 'during', answer: 'drop' }],
		['the connection breaks after it', { when: 'after', answer: 'drop' }],
		['it answers 503', { when: 'before', answer: { status: 503, body: { error: 'busy' } } }],
		['it takes effect and answers 502', { when: 'after', answer: { status: 502 } }],
		['it answers nonsense', { when: 'after', answer: { status: 200, body: { hello: 'world' } } }],
	];
	it.each(failures)('makes one post at whichever step, when %s', async (_, failure) => {
		for (const step of stage.steps) {
			const before = stage.remoteTexts().length;
			const calls = stage.emulator.publicCalls;
			const text = `${step} ${failure.when} ${JSON.stringify(failure.answer)}`;
			const request = requestOf(stage, postOf(text, [video]));
			stage.emulator.fail(step, failure);
			// A job is tried three times.
			const end = await publish(request).catch(() => publish(request)).catch(() => publish(request)).catch((error: unknown) => error);
			if (end instanceof PipelineError && end.code === 'post_unknown' && stage.mayStayUnknown?.(step, failure)) {
				expect({ step, calls: stage.emulator.publicCalls - calls }).toEqual({ step, calls: 1 });
				expect(stage.remoteTexts().length - before).toBeLessThanOrEqual(1);
				continue;
			}
			expect({ step, end: end instanceof Error ? end.message : 'published' }).toEqual({ step, end: 'published' });
			expect(stage.remoteTexts().slice(before)).toEqual([text]);
			expect(stage.remoteHashes().at(-1)).toEqual([video.sha256]);
			expect({ step, calls: stage.emulator.publicCalls - calls }).toEqual({ step, calls: 1 });
		}
	});

	it.each(['before', 'after'] as const)('makes one post when the process is killed just %s any write to the ledger', async (when) => {
		for (let write = 1; ; write += 1) {
			const before = stage.remoteTexts().length;
			const calls = stage.emulator.publicCalls;
			const text = `killed ${when} write ${write}`;
			const request = requestOf(stage, postOf(text, [video]));
			const deps = dependencies(database, clock);
			const ledger = crashing(deps.ledger, write, when);
			await publishPost({ ...deps, ledger }, request).catch(() => {});
			await expireClaims(database);
			const row = await publish({ ...request, platform: stage.platform() });
			expect({ write, status: row.status }).toEqual({ write, status: 'published' });
			expect(stage.remoteTexts().slice(before)).toEqual([text]);
			expect({ write, calls: stage.emulator.publicCalls - calls }).toEqual({ write, calls: 1 });
			if (!ledger.died) {
				expect(write).toBeGreaterThan(6);
				break;
			}
		}
	});

	it('makes one post when the process is killed just before any write, over and over', async () => {
		const request = requestOf(stage, postOf('killed again and again', [video]));
		for (let write = 1; write <= 25; write += 1) {
			const deps = dependencies(database, clock);
			await publishPost({ ...deps, ledger: crashing(deps.ledger, write, 'before') }, { ...request, platform: stage.platform() }).catch(() => {});
			await expireClaims(database);
		}
		await publish({ ...request, platform: stage.platform() });
		exactlyOne('killed again and again');
	});

	it('goes on with an upload where a killed process left it', async () => {
		const request = requestOf(stage, postOf('Goes on', [video]));
		const hold = stage.emulator.hold(finishStep, 'before');
		const abort = new AbortController();
		const deps = dependencies(database, clock);
		const dead = crashing(deps.ledger, Number.POSITIVE_INFINITY, 'before');
		const first = publishPost({ ...deps, ledger: { ...dead, arm: () => Promise.reject(new Error('killed')), settle: () => Promise.reject(new Error('killed')) } }, { ...request, signal: abort.signal }).catch(() => {});
		await first;
		hold.release();
		const uploads = stage.emulator.count(stage.uploadStep);
		await expireClaims(database);
		await publish({ ...request, platform: stage.platform() });
		expect(stage.emulator.count(stage.uploadStep)).toBe(uploads);
		exactlyOne('Goes on');
	});

	it('waits as long as a throttled step says, at whichever step', async () => {
		for (const step of stage.steps) {
			const text = `throttled at ${step}`;
			const reset = clock.now() + 120_000;
			stage.emulator.fail(step, { when: 'before', answer: stage.answers.throttled(reset) });
			await publish(requestOf(stage, postOf(text, [video])));
			expect(clock.now()).toBeGreaterThanOrEqual(reset);
			expect(stage.remoteTexts().filter((remote) => remote === text)).toHaveLength(1);
		}
		expect(stage.emulator.publicCalls).toBe(stage.steps.length);
	});

	it('puts the job back when it would have to wait too long, and posts nothing', async () => {
		stage.emulator.fail(finishStep, { when: 'before', answer: stage.answers.throttled(clock.now() + 900_000) });
		const request = requestOf(stage, postOf('Later', [video]));
		const error = await caught(publishPost(dependencies(database, clock, { maxWaitSeconds: 60 }), request));
		expect(error).toMatchObject({ code: 'platform_rate_limited' });
		expect(error.retryAfterSeconds).toBeGreaterThan(800);
		expect(error.retryable).toBe(true);
		expect(error.details).toMatchObject({ post_status: 'failed' });
		expect(stage.remoteTexts()).toEqual([]);
		await publish(request);
		exactlyOne('Later');
	});

	it.each([0, 1])('keeps everything when the token stops working at the last step (%i)', async (extra) => {
		const request = requestOf(stage, postOf('New token', [video]));
		const good = stage.credentials.accessToken;
		stage.emulator.fail(finishStep, { when: 'before', answer: expired(), times: 1 + extra });
		for (let round = 0; round <= extra; round += 1) {
			const error = await caught(publish(request));
			expect(error).toMatchObject({ code: 'needs_reauth', details: { post_status: 'needs_reauth', platform: name } });
			expect(error.message).not.toContain(good);
		}
		const uploads = stage.emulator.count(stage.uploadStep);
		const row = await publish(request);
		expect(row.status).toBe('published');
		expect(stage.emulator.count(stage.uploadStep)).toBe(uploads);
		exactlyOne('New token');
	});

	it('looks up what an open call did even when the token stops working meanwhile', async () => {
		const request = requestOf(stage, postOf('Open and expired', [video]));
		stage.emulator.fail(finishStep, { when: 'after', answer: 'drop' });
		// Whether the platform looks first or repeats: both are refused.
		stage.emulator.fail(finishStep, { when: 'before', answer: expired() });
		for (const step of [...stage.lookSteps, ...(stage.alwaysLooks ?? [])]) stage.emulator.fail(step, { when: 'before', answer: expired(), skip: stage.ordinaryLooks ?? 0 });
		expect(await caught(publish(request))).toMatchObject({ code: 'needs_reauth' });
		const row = await publish(request);
		expect(row.externalPostId).toBe(stage.emulator.posts[0]!.id);
		exactlyOne('Open and expired');
	});

	it('uploads again what the platform has forgotten', async () => {
		const request = requestOf(stage, postOf('Forgotten', [video]));
		stage.emulator.fail(finishStep, { when: 'before', answer: expired() });
		await caught(publish(request));
		stage.emulator.forgetMedia();
		await publish(request);
		expect(stage.remoteHashes()).toEqual([[video.sha256]]);
	});

	it('names everything that is wrong at once, before it uploads', async () => {
		const wrong: PostMedia = { ...video, mime: 'video/x-matroska', bytes: 1e12 };
		const error = await caught(publish(requestOf(stage, postOf('x'.repeat(stage.tooLong ?? 501), [wrong, wrong]))));
		expect(error.code).toBe('post_invalid');
		const problems = error.details?.['problems'] as Array<{ field: string }>;
		expect(problems.map((problem) => problem.field)).toEqual(expect.arrayContaining(['text', 'media[0]', 'media[1]']));
		expect(problems.filter(({ field }) => field === 'media[1]').length).toBeGreaterThanOrEqual(2);
		expect(stage.emulator.count(stage.uploadStep)).toBe(0);
		expect(stage.emulator.publicCalls).toBe(0);
	});

	it('says that it is refused, and keeps no claim, when the platform refuses', async () => {
		const request = requestOf(stage, postOf('Refused', [video]));
		stage.emulator.fail(finishStep, { when: 'before', answer: stage.answers.refused('No, Bearer abcdefghijkl') });
		const error = await caught(publish(request));
		expect(error).toMatchObject({ code: 'post_rejected', details: { post_status: 'failed' } });
		expect(error.message).toContain('No, Bearer «redacted»');
		const row = await createPostLedger(database.db).find(String(error.details?.['post_id']));
		expect(row).toMatchObject({ status: 'failed', claim: null, leaseUntil: null, openSince: null, error: { code: 'post_rejected' } });
	});

	it('stops when it is cancelled, before anything is public', async () => {
		const abort = new AbortController();
		const request = requestOf(stage, postOf('Cancelled', [video]), { signal: abort.signal });
		const hold = stage.emulator.hold(stage.uploadStep, 'after');
		const work = caught(publish(request));
		await hold.reached;
		abort.abort(new Error('cancelled by the user'));
		expect(await work).toMatchObject({ code: 'cancelled', details: { post_status: 'failed' } });
		expect(stage.emulator.publicCalls).toBe(0);
		hold.release();
	});
});
