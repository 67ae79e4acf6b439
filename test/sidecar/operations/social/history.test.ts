import { randomUUID } from 'node:crypto';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import { duePosts, engagementOf, findPosts, latestEngagement, measuredPosts, overduePosts, stopMeasuring, storeEngagement } from '../../../../sidecar/src/db/engagement.ts';
import { posts } from '../../../../sidecar/src/db/schema.ts';
import type { Engagement } from '../../../../sidecar/src/social/platform.ts';
import { fakeClock, openTestDatabase, WORKSPACE } from '../../social/support.ts';
import { forgetPosts, operate, type World } from './support.ts';
import { createX } from '../../../../sidecar/src/social/x.ts';
import { createHttp } from '../../../../sidecar/src/social/http.ts';

let database: OpenDatabase;
let world: World;
beforeAll(async () => {
	database = await openTestDatabase();
	world = { database, clock: fakeClock(), folder: '/tmp', stages: [], media: [], platforms: [createX({ http: createHttp() })] };
});
afterAll(() => database.close());
afterEach(() => forgetPosts(world));

const HOUR = 3_600_000;
const ago = (hours: number) => new Date(Date.now() - hours * HOUR);
const NONE: Engagement = { views: null, likes: null, comments: null, shares: null, saves: null, clicks: null };

async function newPost(publishedAt: Date, more: Partial<typeof posts.$inferInsert> = {}, numbers: Partial<Engagement> | null = null): Promise<string> {
	const id = randomUUID();
	await database.db.insert(posts).values({ id, workspaceId: WORKSPACE, platform: 'x', operationKey: id, status: 'published', externalPostId: id, publishedAt, createdAt: publishedAt, measureAt: publishedAt, ...more });
	if (numbers) await storeEngagement(database.db, id, new Date(), { ...NONE, ...numbers }, null);
	return id;
}

describe('best_time', () => {
	it('finds the hour that did better, in the time zone of the audience', async () => {
		const monday = new Date('2026-01-05T00:00:00Z').getTime();
		for (let day = 0; day < 40; day += 1) {
			const good = day % 2 === 0;
			// 17:00 in Berlin is 16:00 UTC in winter.
			await newPost(new Date(monday + day * 24 * HOUR + (good ? 16 : 6) * HOUR), {}, { views: 1000, likes: good ? 100 : 10 });
		}
		const output = await operate(world, 'best_time', { platform: 'x', time_zone: 'Europe/Berlin', count: 2 });
		expect(output).toMatchObject({ platform: 'x', time_zone: 'Europe/Berlin', enough: true, posts: 40 });
		const slots = output['slots'] as Array<{ at: string; hour: number; score: number }>;
		expect(slots).toHaveLength(2);
		expect(slots[0]!.hour).toBeGreaterThanOrEqual(16);
		expect(slots[0]!.hour).toBeLessThanOrEqual(18);
		expect(slots[0]!.score).toBeGreaterThan(1);
		expect(Date.parse(slots[0]!.at)).toBeGreaterThan(Date.now());
	});

	it('says when the history is too thin, and leaves out comments, posts of today, other workspaces and other accounts', async () => {
		await newPost(ago(48), {}, { likes: 5 });
		await newPost(ago(48), { parentId: randomUUID() }, { likes: 5 });
		await newPost(ago(2), {}, { likes: 5 });
		await newPost(ago(48), { platform: 'mastodon' }, { likes: 5 });
		await newPost(ago(48), { account: 'other' }, { likes: 5 });
		await newPost(ago(48));
		expect(await operate(world, 'best_time', { platform: 'x' })).toMatchObject({ enough: false, posts: 2, reason: expect.any(String) });
		expect(await operate(world, 'best_time', { platform: 'x', account: 'other' })).toMatchObject({ posts: 1 });
	});

	it('refuses a time zone that there is not', async () => {
		await expect(operate(world, 'best_time', { platform: 'x', time_zone: 'Mars/Olympus' })).rejects.toThrow('must be a time zone');
	});
});

describe('compare_variants', () => {
	const variant = (name: string) => ({ experiment: 'tea', variant: name });

	it('compares what was measured last, and says that it is clear', async () => {
		for (let index = 0; index < 4; index += 1) {
			const a = await newPost(ago(48), variant('a'), { views: 1000, likes: 1 });
			await storeEngagement(database.db, a, new Date(Date.now() + 1000), { ...NONE, views: 5000, likes: 400 }, null);
			await newPost(ago(48), variant('b'), { views: 5000, likes: 40 });
		}
		await newPost(ago(48), { ...variant('b'), status: 'deleted' }, { views: 10, likes: 10 });
		const output = await operate(world, 'compare_variants', { experiment: 'tea', metric: 'likes' });
		expect(output).toMatchObject({ experiment: 'tea', posts: 8, decided: true, per: 'view', variants: [{ variant: 'a', posts: 4, count: 1600, views: 20_000 }, { variant: 'b', posts: 4, count: 160 }] });
	});

	it('says that nothing is known of an experiment without posts', async () => {
		expect(await operate(world, 'compare_variants', { experiment: 'nothing' })).toMatchObject({ posts: 0, decided: false });
	});
});

describe('the numbers of posts', () => {
	it('are a series, oldest first, of which the newest counts', async () => {
		const id = await newPost(ago(5));
		const [first, second] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-02T00:00:00Z')];
		await storeEngagement(database.db, id, second, { ...NONE, likes: 2 }, null);
		await storeEngagement(database.db, id, first, { ...NONE, likes: 1 }, null);
		// The same moment once more changes nothing.
		await storeEngagement(database.db, id, first, { ...NONE, likes: 9 }, null);
		expect((await engagementOf(database.db, [id])).map(({ likes }) => likes)).toEqual([1, 2]);
		expect((await latestEngagement(database.db, [id])).get(id)?.likes).toBe(2);
		expect([await engagementOf(database.db, []), (await latestEngagement(database.db, [])).size]).toEqual([[], 0]);
	});

	it('are asked for when they are due, those that waited longest first', async () => {
		const now = new Date();
		const filter = { workspaceId: WORKSPACE };
		const [late, early, never] = [await newPost(ago(9), { measureAt: ago(1) }), await newPost(ago(9), { measureAt: ago(3) }), await newPost(ago(9))];
		await newPost(ago(9), { measureAt: new Date(now.getTime() + HOUR) });
		await newPost(ago(9), { measureAt: ago(3), status: 'deleted' });
		await stopMeasuring(database.db, never);
		expect((await duePosts(database.db, filter, now, 10)).map(({ id }) => id)).toEqual([early, late]);
		expect(await duePosts(database.db, { workspaceId: 'elsewhere' }, now, 10)).toEqual([]);
		const scheduled = await newPost(ago(9), { status: 'scheduled', publishedAt: null, scheduledFor: ago(1) });
		await newPost(ago(9), { status: 'scheduled', publishedAt: null, scheduledFor: new Date(now.getTime() + HOUR) });
		expect((await overduePosts(database.db, filter, now, 10)).map(({ id }) => id)).toEqual([scheduled]);
	});

	it('are found by platform, account, experiment, status and time', async () => {
		const id = await newPost(ago(5), { account: 'me', accountId: '1', experiment: 'e' });
		await newPost(ago(50), { platform: 'y' });
		const found = async (filter: object) => (await findPosts(database.db, { workspaceId: WORKSPACE, ...filter }, 10)).map((row) => row.id);
		for (const filter of [{ platform: 'x' }, { account: 'me' }, { accountId: '1' }, { experiment: 'e' }, { since: ago(10) }, { ids: [id] }]) expect(await found(filter)).toEqual([id]);
		expect(await found({ status: 'failed' })).toEqual([]);
		expect((await measuredPosts(database.db, { workspaceId: WORKSPACE }, new Date(), 10)).length).toBe(0);
	});
});
