import type { Post, Settings } from '../../../sidecar/src/social/platform.ts';
import type { Failure } from '../../platforms/emulator.ts';
import { facebookTest } from './facebook/support.ts';
import { postOf, requestOf } from './support.ts';

const on = facebookTest();
const { start, publish } = on;

/** The suite of all platforms plays this with a reel; here are the other forms. */
describe('exactly once, whatever goes wrong', () => {
	const failures: Failure[] = [
		{ when: 'before', answer: 'drop' },
		{ when: 'during', answer: 'drop' },
		{ when: 'after', answer: 'drop' },
		{ when: 'after', answer: { status: 502 } },
		{ when: 'after', answer: { status: 200, body: { hello: 'world' } } },
	];
	const bare = () => ({ ...on.pictures[0]!, altText: null });
	const cases: Array<[string, Settings, (text: string) => Post, string[]]> = [
		['a text', {}, (text) => postOf(text), ['accounts', 'feed']],
		['photos', {}, (text) => postOf(text, on.pictures), ['accounts', 'photo', 'feed']],
		['a video of the feed', {}, (text) => postOf(text, [on.wide]), ['videoStart', 'videoTransfer', 'videoFinish', 'video']],
		['a story of a video', { form: 'story' }, (text) => postOf(text, [on.reel]), ['storyStart', 'upload', 'storyFinish', 'video']],
		['a story of a picture', { form: 'story' }, (text) => postOf(text, [bare()]), ['photo', 'photoStory']],
	];
	it.each(cases)('makes one post of %s', async (_, settings, post, failing) => {
		const account = await start({}, settings);
		for (const step of failing) {
			for (const [number, failure] of failures.entries()) {
				const [posts, calls] = [on.facebook.posts.length, on.facebook.publicCalls];
				on.facebook.fail(step, failure);
				const request = requestOf(account, post(`${step} ${number}`));
				const row = await publish(request).catch(() => publish(request)).catch(() => publish(request));
				const seen = { step, number, status: row.status, posts: on.facebook.posts.length - posts, calls: on.facebook.publicCalls - calls };
				// Where the connection breaks while the call is under way, it never counted.
				expect(seen).toEqual({ step, number, status: 'published', posts: 1, calls: 1 });
				expect(row.externalPostId).toBe(on.facebook.posts.at(-1)!.id);
			}
		}
	});
});
