import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Platform } from '../../../../sidecar/src/social/platform.ts';
import { STAGES } from '../../social/stages/index.ts';
import { crashing, dependencies, expireClaims, fakeClock, openTestDatabase, videoOf } from '../../social/support.ts';
import { caught, eventTypes, forgetPosts, ledgerOf, newJob, operate, type World } from './support.ts';

let world: World;
beforeAll(async () => {
	const folder = await mkdtemp(join(tmpdir(), 'again-'));
	world = { database: await openTestDatabase(), clock: fakeClock(), folder, stages: [], media: [] };
});
afterAll(async () => {
	await world.database.close();
	await rm(world.folder, { recursive: true });
});
beforeEach(async () => {
	world = { ...world, clock: fakeClock(), media: [await videoOf(world.folder, 1000, null, 'one.mp4')] };
	world.stages = [await STAGES['x']!(world.clock)];
});
afterEach(async () => {
	await x().close();
	await forgetPosts(world);
});
const x = () => world.stages[0]!;
const expired = { status: 401, body: { title: 'Unauthorized' } };
const given = { platform: 'x', text: 'Hello' };
/** A token of another account of the same platform. */
const another = (platform: Platform): Platform => ({ ...platform, identify: async (run) => (run.credentials.accessToken === 'other' ? { id: '77', name: 'other' } : platform.identify(run)) });

describe('a second try of a job', () => {
	it('is the same post, whichever file of the asset it finds then', async () => {
		const { jobId, assetId } = await newJob(world);
		await operate(world, 'publish', { ...given, first_comment: 'Hi' }, { jobId, assetId });
		world.media = [await videoOf(world.folder, 2000, null, 'newer.mp4')];
		await operate(world, 'publish', { ...given, first_comment: 'Hi' }, { jobId, assetId });
		expect(x().remoteTexts()).toEqual(['Hello', 'Hi']);
	});

	it('is the same post also with a key of the caller', async () => {
		const { jobId, assetId } = await newJob(world);
		const keyed = { ...given, first_comment: 'Hi', idempotency_key: 'k' };
		await operate(world, 'publish', keyed, { jobId, assetId });
		world.media = [await videoOf(world.folder, 2000, null, 'newer.mp4')];
		await operate(world, 'publish', keyed, { jobId, assetId });
		expect(x().remoteTexts()).toEqual(['Hello', 'Hi']);
	});

	it('uploads another rendition from its beginning', async () => {
		const { jobId, assetId } = await newJob(world);
		x().emulator.fail('create', { when: 'before', answer: expired });
		await caught(operate(world, 'publish', given, { jobId, assetId }));
		world.media = [await videoOf(world.folder, 2000, null, 'newer.mp4')];
		await operate(world, 'publish', given, { jobId, assetId });
		expect(x().remoteHashes()).toEqual([[world.media[0]!.sha256]]);
		expect(x().emulator.publicCalls).toBe(1);
	});

	it('answers what is out without the token and without the files', async () => {
		const { jobId, assetId } = await newJob(world);
		const first = await operate(world, 'publish', given, { jobId, assetId });
		const calls = x().emulator.calls.length;
		world.media = [];
		expect(await operate(world, 'publish', given, { jobId, assetId, secrets: {} })).toEqual(first);
		expect(x().emulator.calls).toHaveLength(calls);
	});

	it('does not say that nothing was posted when the token dies after the post is out', async () => {
		const { jobId } = await newJob(world);
		const more = { ...given, media: [], first_comment: 'Hi' };
		x().emulator.fail('create', { when: 'before', answer: x().answers.refused('No'), skip: 1 });
		await caught(operate(world, 'publish', more, { jobId }));
		const error = await caught(operate({ ...world, platforms: [{ ...x().platform(), limits: () => Promise.reject(new Error('a fault of ours')) }] }, 'publish', more, { jobId }).catch((thrown: unknown) => {
			if (thrown instanceof Error && thrown.message === 'a fault of ours') return operate(world, 'publish', more, { jobId, secrets: { access_token: '' } });
			throw thrown;
		}));
		expect(error).toMatchObject({ code: 'needs_reauth', details: { post_status: 'published' } });
		expect(error.message).toContain('The post itself is out.');
	});

	it('says that the outcome is open when it cannot be looked up', async () => {
		const { jobId } = await newJob(world);
		const { ledger } = dependencies(world.database, world.clock);
		const words = { ...given, media: [] };
		// Killed right after the publishing call.
		await operate({ ...world, publish: { ledger: { ...ledger, storeRemote: () => Promise.reject(new Error('killed')), settle: () => Promise.reject(new Error('killed')) } } }, 'publish', words, { jobId }).catch(() => {});
		await expireClaims(world.database);
		const error = await caught(operate(world, 'publish', words, { jobId, secrets: { access_token: '' } }));
		expect(error).toMatchObject({ code: 'needs_reauth', details: { post_status: 'needs_reauth' } });
		expect(error.message).toContain('may have published');
		await operate(world, 'publish', words, { jobId });
		expect(x().emulator.publicCalls).toBe(1);
	});

	it.each([false, true])('does not go on as another account (a publishing call open: %s)', async (open) => {
		const { jobId, assetId } = await newJob(world);
		x().emulator.fail('create', open ? { when: 'after', answer: 'drop' } : { when: 'before', answer: expired });
		x().emulator.fail('timeline', { when: 'before', answer: expired });
		await caught(operate(world, 'publish', given, { jobId, assetId }));
		const uploads = x().emulator.count('append');
		const asAnother = { ...world, platforms: [another(x().platform())] };
		const error = await caught(operate(asAnother, 'publish', given, { jobId, assetId, secrets: { access_token: 'other' } }));
		expect(error.code).toBe('needs_reauth');
		if (open) expect(error.message).toContain('begun as demo on X, but the credential belongs to other');
		expect(x().emulator.publicCalls).toBe(open ? 1 : 0);
		await operate({ ...world, platforms: [another(x().platform())] }, 'publish', given, { jobId, assetId });
		expect(x().remoteTexts()).toEqual(['Hello']);
		if (open) expect(x().emulator.count('append')).toBe(uploads);
	});
});

describe('a token that is not accepted', () => {
	it.each(['me', 'create'])('is told as such at the step %s, and a new one goes on', async (step) => {
		const { jobId, assetId } = await newJob(world);
		x().emulator.fail(step, { when: 'before', answer: expired });
		const error = await caught(operate(world, 'publish', given, { jobId, assetId }));
		expect(error).toMatchObject({ code: 'needs_reauth', details: { post_status: 'needs_reauth', platform: 'x' } });
		expect(error.message).toContain('Reconnect the account in n8n');
		expect(error.message).not.toContain('x-token');
		await operate(world, 'publish', given, { jobId, assetId });
		expect(x().remoteTexts()).toEqual(['Hello']);
	});

	it('is told as such by a dry run', async () => {
		x().emulator.fail('me', { when: 'before', answer: expired });
		const error = await caught(operate(world, 'validate_post', given));
		expect(error.code).toBe('needs_reauth');
		expect(error.details).not.toHaveProperty('post_status');
		expect(error.message).not.toMatch(/uploads|posted/);
	});
});

describe('an account whose rate limit is used up', () => {
	it('makes the job wait, which is no try', async () => {
		const pace = () => ({ take: async () => 3_600_000, report: async () => {}, block: async () => {} });
		const error = await caught(operate({ ...world, publish: { pace, maxWaitSeconds: 60 } }, 'publish', given));
		expect(error).toMatchObject({ code: 'platform_rate_limited', untried: true, retryAfterSeconds: 3600 });
		expect(x().emulator.calls).toEqual([]);
	});
});

describe('what is added to a post once it is out', () => {
	const added: string[] = [];
	let fails: Error | null = null;
	const withAfter = (): World => ({
		...world,
		platforms: [
			{
				...x().platform(),
				after: {
					needed: () => true,
					run: async (_run, remote) => {
						added.push(remote.remoteId);
						if (fails) throw fails;
						return ['The thumbnail is small.'];
					},
				},
			},
		],
	});
	beforeEach(() => {
		added.length = 0;
		fails = null;
	});

	it('goes on after a crash, and the post stays one', async () => {
		for (const when of ['before', 'after'] as const) {
			const { jobId, assetId } = await newJob(world);
			const words = { ...given, text: `After a crash ${when}`, media: [] };
			const calls = x().emulator.publicCalls;
			const { ledger } = dependencies(world.database, world.clock);
			const dead = crashing({ ...ledger, complete: () => Promise.reject(new Error('killed')), settle: () => Promise.reject(new Error('killed')) }, Infinity, when);
			await operate({ ...withAfter(), publish: { ledger: dead } }, 'publish', words, { jobId, assetId }).catch(() => {});
			expect((await ledger.ofJob(jobId))?.status).toBe('published');
			await expireClaims(world.database);
			const output = await operate(withAfter(), 'publish', words, { jobId, assetId });
			expect(output).toMatchObject({ status: 'published', warnings: ['The thumbnail is small.'] });
			expect(x().emulator.publicCalls - calls).toBe(1);
		}
		expect(added).toHaveLength(4);
		expect(await eventTypes(world)).toEqual(['post.published', 'post.published']);
	});

	it('is left alone once the post was deleted', async () => {
		const { jobId, assetId } = await newJob(world);
		const { ledger } = dependencies(world.database, world.clock);
		fails = new Error('a crash');
		await operate(withAfter(), 'publish', { ...given, media: [] }, { jobId, assetId }).catch(() => {});
		const row = await ledgerOf(world).ofJob(jobId);
		expect(row).toMatchObject({ status: 'published', state: expect.any(String) });
		await ledger.markDeleted(row!.id);
		expect(await operate(withAfter(), 'publish', { ...given, media: [] }, { jobId, assetId })).toMatchObject({ status: 'deleted' });
		expect(added).toHaveLength(1);
	});
});
