import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import { storeEngagement } from '../../../../sidecar/src/db/engagement.ts';
import { createHttp } from '../../../../sidecar/src/social/http.ts';
import { createX } from '../../../../sidecar/src/social/x.ts';
import { fakeClock, openTestDatabase } from '../../social/support.ts';
import { forgetPosts, hoursAgo, NO_NUMBERS, operate, storePost, type World } from './support.ts';

let database: OpenDatabase;
let world: World;
beforeAll(async () => {
	database = await openTestDatabase();
	world = { database, clock: fakeClock(), folder: '/nowhere', stages: [], media: [], platforms: [createX({ http: createHttp() })] };
});
afterAll(() => database.close());
afterEach(() => forgetPosts(world));

describe('compare_variants', () => {
	const variant = (name: string) => ({ experiment: 'tea', variant: name });

	it('compares what was measured last, and says that it is clear', async () => {
		for (let index = 0; index < 4; index += 1) {
			const a = await storePost(database, hoursAgo(48), variant('a'), { views: 1000, likes: 1 });
			await storeEngagement(database.db, a, new Date(Date.now() + 1000), { ...NO_NUMBERS, views: 5000, likes: 400 }, null);
			await storePost(database, hoursAgo(48), variant('b'), { views: 5000, likes: 40 });
		}
		await storePost(database, hoursAgo(48), { ...variant('b'), status: 'deleted' }, { views: 10, likes: 10 });
		const output = await operate(world, 'compare_variants', { experiment: 'tea', metric: 'likes' });
		expect(output).toMatchObject({ experiment: 'tea', posts: 8, decided: true, per: 'view', variants: [{ variant: 'a', posts: 4, count: 1600, views: 20_000 }, { variant: 'b', posts: 4, count: 160 }] });
	});

	it('says that nothing is known of an experiment without posts', async () => {
		expect(await operate(world, 'compare_variants', { experiment: 'nothing' })).toMatchObject({ posts: 0, decided: false });
	});
});
