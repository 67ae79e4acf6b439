import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { duePosts, engagementOf, findPosts, latestEngagement, measuredPosts, overduePosts, stopMeasuring, storeEngagement } from '../../../sidecar/src/db/engagement.ts';
import { posts } from '../../../sidecar/src/db/schema.ts';
import { hoursAgo, NO_NUMBERS, storePost } from '../operations/social/support.ts';
import { openTestDatabase, WORKSPACE } from '../social/support.ts';

let database: OpenDatabase;
beforeAll(async () => {
	database = await openTestDatabase();
});
afterAll(() => database.close());
afterEach(() => database.db.delete(posts));

describe('the numbers of posts', () => {
	it('are a series, oldest first, of which the newest counts', async () => {
		const id = await storePost(database, hoursAgo(5));
		const [first, second] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-02T00:00:00Z')];
		await storeEngagement(database.db, id, second, { ...NO_NUMBERS, likes: 2 }, null);
		await storeEngagement(database.db, id, first, { ...NO_NUMBERS, likes: 1 }, null);
		// The same moment once more changes nothing.
		await storeEngagement(database.db, id, first, { ...NO_NUMBERS, likes: 9 }, null);
		expect((await engagementOf(database.db, [id])).map(({ likes }) => likes)).toEqual([1, 2]);
		expect((await latestEngagement(database.db, [id])).get(id)?.likes).toBe(2);
		expect([await engagementOf(database.db, []), (await latestEngagement(database.db, [])).size]).toEqual([[], 0]);
	});

	it('are asked for when they are due, those that waited longest first', async () => {
		const now = new Date();
		const filter = { workspaceId: WORKSPACE };
		const [late, early, never] = [await storePost(database, hoursAgo(9), { measureAt: hoursAgo(1) }), await storePost(database, hoursAgo(9), { measureAt: hoursAgo(3) }), await storePost(database, hoursAgo(9))];
		await storePost(database, hoursAgo(9), { measureAt: new Date(now.getTime() + 3_600_000) });
		await storePost(database, hoursAgo(9), { measureAt: hoursAgo(3), status: 'deleted' });
		await stopMeasuring(database.db, never);
		expect((await duePosts(database.db, filter, now, 10)).map(({ id }) => id)).toEqual([early, late]);
		expect(await duePosts(database.db, { workspaceId: 'elsewhere' }, now, 10)).toEqual([]);
		const scheduled = await storePost(database, hoursAgo(9), { status: 'scheduled', publishedAt: null, scheduledFor: hoursAgo(1) });
		await storePost(database, hoursAgo(9), { status: 'scheduled', publishedAt: null, scheduledFor: new Date(now.getTime() + 3_600_000) });
		expect((await overduePosts(database.db, filter, now, 10)).map(({ id }) => id)).toEqual([scheduled]);
	});

	it('are found by platform, account, experiment, status and time', async () => {
		const id = await storePost(database, hoursAgo(5), { account: 'me', accountId: '1', experiment: 'e' });
		await storePost(database, hoursAgo(50), { platform: 'y' });
		const found = async (filter: object) => (await findPosts(database.db, { workspaceId: WORKSPACE, ...filter }, 10)).map((row) => row.id);
		for (const filter of [{ platform: 'x' }, { account: 'me' }, { accountId: '1' }, { experiment: 'e' }, { since: hoursAgo(10) }, { ids: [id] }]) expect(await found(filter)).toEqual([id]);
		expect(await found({ status: 'failed' })).toEqual([]);
		expect((await measuredPosts(database.db, { workspaceId: WORKSPACE }, new Date(), 10)).length).toBe(0);
	});
});
