import { randomUUID } from 'node:crypto';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import { createHttp } from '../../../../sidecar/src/social/http.ts';
import { createX } from '../../../../sidecar/src/social/x.ts';
import { fakeClock, openTestDatabase } from '../../social/support.ts';
import { forgetPosts, hoursAgo, operate, storePost, type World } from './support.ts';

let database: OpenDatabase;
let world: World;
beforeAll(async () => {
	database = await openTestDatabase();
	world = { database, clock: fakeClock(), folder: '/nowhere', stages: [], media: [], platforms: [createX({ http: createHttp() })] };
});
afterAll(() => database.close());
afterEach(() => forgetPosts(world));

describe('best_time', () => {
	it('finds the hour that did better, in the time zone of the audience', async () => {
		const monday = new Date('2026-01-05T00:00:00Z').getTime();
		for (let day = 0; day < 40; day += 1) {
			const good = day % 2 === 0;
			// 17:00 in Berlin is 16:00 UTC in winter.
			await storePost(database, new Date(monday + day * 24 * 3_600_000 + (good ? 16 : 6) * 3_600_000), {}, { views: 1000, likes: good ? 100 : 10 });
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
		await storePost(database, hoursAgo(48), {}, { likes: 5 });
		await storePost(database, hoursAgo(48), { parentId: randomUUID() }, { likes: 5 });
		await storePost(database, hoursAgo(2), {}, { likes: 5 });
		await storePost(database, hoursAgo(48), { platform: 'mastodon' }, { likes: 5 });
		await storePost(database, hoursAgo(48), { account: 'other' }, { likes: 5 });
		await storePost(database, hoursAgo(48));
		expect(await operate(world, 'best_time', { platform: 'x' })).toMatchObject({ enough: false, posts: 2, reason: expect.any(String) });
		expect(await operate(world, 'best_time', { platform: 'x', account: 'other' })).toMatchObject({ posts: 1 });
	});

	it('refuses a time zone that there is not', async () => {
		await expect(operate(world, 'best_time', { platform: 'x', time_zone: 'Mars/Olympus' })).rejects.toThrow('must be a time zone');
	});
});
