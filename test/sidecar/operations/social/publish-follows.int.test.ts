import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { posts } from '../../../../sidecar/src/db/schema.ts';
import { STAGES } from '../../social/stages/index.ts';
import { crashing, dependencies, expireClaims, fakeClock, openTestDatabase, videoOf } from '../../social/support.ts';
import { caught, eventTypes, forgetPosts, ledgerOf, newJob, operate, secretsOf, type World } from './support.ts';

let world: World;
beforeAll(async () => {
	const folder = await mkdtemp(join(tmpdir(), 'follows-'));
	world = { database: await openTestDatabase(), clock: fakeClock(), folder, stages: [], media: [await videoOf(folder, 1000)] };
});
afterAll(async () => {
	await world.database.close();
	await rm(world.folder, { recursive: true });
});
beforeEach(async () => {
	world = { ...world, clock: fakeClock(), publish: {} };
	world.stages = [await STAGES['x']!(world.clock), await STAGES['mastodon']!(world.clock)];
});
afterEach(async () => {
	await Promise.all(world.stages.map((stage) => stage.close()));
	await forgetPosts(world);
});
const x = () => world.stages[0]!;
const mastodon = () => world.stages[1]!;

const THREAD = { platform: 'x', text: 'First', thread: ['Second', 'Third'], first_comment: 'Links', media: [] };
const texts = ['First', 'Second', 'Third', 'Links'];

describe('a thread and a first comment', () => {
	it('are posted in order, each once, the thread as a chain and the comment under the first post', async () => {
		const output = await operate(world, 'publish', THREAD);
		expect(x().remoteTexts()).toEqual(texts);
		expect(x().emulator.publicCalls).toBe(4);
		const [first, second, third, links] = x().emulator.posts as unknown as Array<{ id: string; replyTo: string | null }>;
		expect([second!.replyTo, third!.replyTo, links!.replyTo]).toEqual([first!.id, second!.id, first!.id]);
		expect(output['replies']).toMatchObject([{ text: 'Second' }, { text: 'Third' }, { text: 'Links' }]);
		const rows = await world.database.db.select().from(posts).orderBy(posts.position);
		expect(rows.map(({ position, parentId }) => [position, parentId === null ? null : rows[0]!.id === parentId])).toEqual([[0, null], [1, true], [2, true], [3, true]]);
		expect(await eventTypes(world)).toEqual(['post.published', 'post.published', 'post.published', 'post.published']);
	});

	it.each(['before', 'after'] as const)('are posted once each when the process is killed just %s any write to the ledger', async (when) => {
		for (let write = 1; ; write += 1) {
			const { jobId } = await newJob(world);
			const before = { calls: x().emulator.publicCalls, posts: x().emulator.posts.length };
			const { ledger } = dependencies(world.database, world.clock);
			const dying = crashing(ledger, write, when);
			// X takes no text twice.
			const mine = texts.map((text) => `${text} ${write}`);
			const given = { ...THREAD, text: mine[0]!, thread: mine.slice(1, 3), first_comment: mine[3]! };
			await operate({ ...world, publish: { ledger: dying } }, 'publish', given, { jobId }).catch(() => {});
			await expireClaims(world.database);
			await operate(world, 'publish', given, { jobId });
			expect({ write, texts: x().remoteTexts().slice(before.posts) }).toEqual({ write, texts: mine });
			expect({ write, calls: x().emulator.publicCalls - before.calls }).toEqual({ write, calls: 4 });
			if (!dying.died) {
				expect(write).toBeGreaterThan(16);
				break;
			}
		}
	}, 60_000);

	it('are shortened where they are to be made to fit, and refused otherwise', async () => {
		const long = { ...THREAD, thread: ['word '.repeat(80)], first_comment: 'more '.repeat(80) };
		expect(await caught(operate(world, 'publish', long))).toMatchObject({ code: 'post_invalid', details: { problems: [{ field: 'thread[0]' }, { field: 'first_comment' }] } });
		expect(x().emulator.publicCalls).toBe(0);
		const output = await operate(world, 'publish', { ...long, on_problem: 'fix' });
		expect(output['changes']).toEqual(['thread[0] was shortened.', 'first_comment was shortened.']);
		expect(x().remoteTexts().map((text) => text.slice(-5))).toEqual(['First', 'word…', 'more…']);
	});

	it('say that the post is out when one of them is refused, and go on there at the next try', async () => {
		const { jobId } = await newJob(world);
		x().emulator.fail('create', { when: 'before', answer: x().answers.refused('No'), skip: 1 });
		const error = await caught(operate(world, 'publish', THREAD, { jobId }));
		const { permalink, id } = x().emulator.posts[0]!;
		expect(error.message).toContain(`The post is out (${permalink}), but not number 1 of those that follow it`);
		expect(error.message).not.toContain('Nothing was posted');
		expect(error).toMatchObject({ code: 'post_rejected', details: { external_post_id: id, permalink, post_status: 'failed' } });
		await operate(world, 'publish', THREAD, { jobId });
		expect(x().remoteTexts()).toEqual(texts);
	});

	it('do not say that one is not out when that is not known', async () => {
		const lost = { when: 'after', answer: { status: 502 }, skip: 1 } as const;
		x().emulator.fail('create', lost);
		x().emulator.fail('timeline', { when: 'before', answer: { status: 401, body: {} }, times: 9 });
		const error = await caught(operate(world, 'publish', THREAD));
		expect(error).toMatchObject({ code: 'needs_reauth' });
		expect(error.message).toMatch(/The post is out .* number 1 .* not known/);
		expect(error.message).not.toMatch(/[Nn]othing was posted|It was not posted/);
	});

	it('that only wait for their turn under a rate limit are no try', async () => {
		let calls = 0;
		const pace = () => ({ take: async (bucket: string) => (bucket.includes('create') && ++calls > 1 ? 3_600_000 : 0), report: async () => {}, block: async () => {} });
		const { jobId } = await newJob(world);
		const error = await caught(operate({ ...world, publish: { pace, maxWaitSeconds: 60 } }, 'publish', THREAD, { jobId }));
		expect(error).toMatchObject({ code: 'platform_rate_limited', untried: true });
		expect(x().emulator.publicCalls).toBe(1);
		await operate(world, 'publish', THREAD, { jobId });
		expect(x().remoteTexts()).toEqual(texts);
	});

	it('do not follow a post that has been deleted', async () => {
		const given = { ...THREAD, idempotency_key: 'gone' };
		x().emulator.fail('create', { when: 'before', answer: x().answers.refused('No'), skip: 1 });
		const error = await caught(operate(world, 'publish', given));
		await ledgerOf(world).markDeleted(String(error.details?.['parent_post_id']));
		const calls = x().emulator.publicCalls;
		const output = await operate(world, 'publish', given);
		expect(output).toMatchObject({ status: 'deleted' });
		expect(x().emulator.publicCalls).toBe(calls);
	});

	it('cannot follow a scheduled post: that is said before anything is sent', async () => {
		const given = { platform: 'mastodon', text: 'Later', first_comment: 'Hi', media: [], scheduled_at: new Date(world.clock.now() + 7_200_000).toISOString() };
		const error = await caught(operate(world, 'publish', given, { secrets: secretsOf(mastodon()) }));
		expect(error).toMatchObject({ code: 'post_invalid', details: { problems: [{ field: 'scheduled_at' }], post_status: 'failed' } });
		expect(mastodon().emulator.publicCalls).toBe(0);
	});

	it('are checked before the first post goes out, each with its own place', async () => {
		const error = await caught(operate(world, 'publish', { ...THREAD, thread: ['fine', 'a'.repeat(281)], first_comment: 'b'.repeat(290) }));
		expect(error.details?.['problems']).toMatchObject([{ field: 'thread[1]' }, { field: 'first_comment' }]);
		expect(x().emulator.publicCalls).toBe(0);
	});

	it('that a text would become are not more than anybody reads', async () => {
		const given = { platform: 'x', media: [], on_problem: 'fix', long_text: 'thread' };
		const error = await caught(operate(world, 'publish', { ...given, text: 'word '.repeat(1440) }));
		expect(error.details?.['problems']).toMatchObject([{ field: 'thread', message: expect.stringMatching(/It would be a thread of \d+ posts; at most 25/) }]);
		expect((await caught(operate(world, 'publish', { ...given, text: 'a.'.repeat(50_000) }))).details?.['problems']).toMatchObject([{ field: 'text' }]);
		expect(x().emulator.publicCalls).toBe(0);
	});

	it('are looked up by the key of the caller whichever job began them', async () => {
		const given = { ...THREAD, idempotency_key: randomUUID() };
		await operate(world, 'publish', given);
		const output = await operate(world, 'publish', given);
		expect(x().emulator.publicCalls).toBe(4);
		expect(output['replies']).toHaveLength(3);
		const rows = await world.database.db.select().from(posts).where(eq(posts.status, 'published'));
		expect(rows).toHaveLength(4);
	});
});
