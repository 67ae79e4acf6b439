import { publishPost } from '../../../../sidecar/src/social/publish.ts';
import type { YouTubeEmulator } from '../../../platforms/youtube.ts';
import { googleError } from '../../../platforms/youtubeRules.ts';
import { dependencies, postOf } from '../support.ts';
import { CHANNEL, failing, YouTubeWorld } from './support.ts';

let world: YouTubeWorld;
let youtube: YouTubeEmulator;
beforeAll(async () => {
	world = await YouTubeWorld.open();
});
afterAll(() => world.close());
beforeEach(async () => {
	youtube = await world.start();
});
afterEach(() => world.stop());

describe('a comment on YouTube', () => {
	// As the operation makes it: with the visibility of the video.
	const comment = (rootId: string, text = 'First!') => world.request(postOf(text, [], { visibility: 'unlisted', replyTo: { remoteId: rootId, rootId } }));

	it('is made once, and is found when the answer was lost', async () => {
		const { externalPostId } = await world.post('commented');
		for (const failure of [null, { when: 'after', answer: 'drop' } as const, { when: 'during', answer: 'drop' } as const]) {
			if (failure) youtube.fail('comment', failure);
			const text = `Comment ${failure?.when ?? 'plain'}`;
			const row = await world.publish(comment(externalPostId!, text));
			const made = youtube.posts[0]!.comments.filter((found) => found.text === text);
			expect(made).toHaveLength(1);
			expect(row).toMatchObject({ externalPostId: made[0]!.id, permalink: `${youtube.url}/watch?v=${externalPostId}&lc=${made[0]!.id}` });
		}
		expect(youtube.commentCalls).toBe(3);
	});

	it.each([-300_000, 300_000])('is found by clocks that differ by %i ms', async (skew) => {
		youtube = await world.start({ now: () => world.clock.now() + skew });
		const { externalPostId } = await world.post('skewed');
		youtube.fail('comment', { when: 'after', answer: 'drop' });
		const row = await world.publish(comment(externalPostId!));
		expect([row.externalPostId, youtube.commentCalls]).toEqual([youtube.posts[0]!.comments[0]!.id, 1]);
	});

	it('is waited for though the clock of this process is ahead of the ledger, and the list is behind', async () => {
		const { externalPostId } = await world.post('behind');
		world.clock.advance(600_000);
		youtube.fail('comment', { when: 'after', answer: 'drop' });
		youtube.fail('comments', { when: 'before', answer: { status: 200, body: { items: [] } }, times: 3 });
		const row = await world.publish(comment(externalPostId!));
		expect([row.externalPostId, youtube.commentCalls]).toEqual([youtube.posts[0]!.comments[0]!.id, 1]);
	});

	it.each([
		['private', { visibility: 'private' } as const, {}],
		['made for kids', {}, { made_for_kids: true }],
	])('is refused before anything is sent where the video is %s', async (words, more, settings) => {
		const given = world.request(postOf('First!', [], { ...more, replyTo: { remoteId: '', rootId: '' } }), settings);
		expect(await failing(world.publish(given))).toMatchObject({ code: 'post_invalid', message: expect.stringContaining(words) });
	});

	it('is refused in words where the video is private or gone', async () => {
		const { externalPostId } = await world.post('hidden', { visibility: 'private' });
		expect(await failing(world.publish(comment(externalPostId!)))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('private') });
		expect(await failing(world.publish(comment('AAAAAAAAAAA')))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('does not exist') });
		expect(youtube.commentCalls).toBe(0);
	});

	it('can be looked at, measured and deleted', async () => {
		const { externalPostId } = await world.post('with comment');
		const { externalPostId: id } = await world.publish(comment(externalPostId!));
		const run = world.accountRun();
		expect(await world.platform().look!(run, id!)).toMatchObject({ state: 'published', permalink: `${youtube.url}/watch?v=${externalPostId}&lc=${id}` });
		expect((await world.platform().measure!(run, [id!])).get(id!)).toMatchObject({ likes: 0, views: null });
		await world.platform().remove!(run, id!, 'published');
		await world.platform().remove!(run, id!, 'published');
		expect(youtube.posts[0]!.comments).toEqual([]);
		expect(await world.platform().look!(run, id!)).toMatchObject({ state: 'gone' });
	});
});

describe('the numbers of videos', () => {
	it('come for those that exist, as numbers, 50 at a time', async () => {
		const { externalPostId: id } = await world.post('measured');
		youtube.posts[0]!.statistics = { viewCount: '1234', likeCount: '5' };
		const others = Array.from({ length: 60 }, (_, index) => `missing${String(index).padStart(4, '0')}`);
		const numbers = await world.platform().measure!(world.accountRun(), [...others, id!]);
		expect([...numbers]).toEqual([[id, { views: 1234, likes: 5, comments: null, shares: null, saves: null, clicks: null }]]);
		expect(youtube.count('videos')).toBe(3);
	});

	it('end with the video, and deleting it twice is no error', async () => {
		const { externalPostId: id } = await world.post('deleted');
		await world.platform().remove!(world.accountRun(), id!, 'published');
		await world.platform().remove!(world.accountRun(), id!, 'published');
		expect((await world.platform().measure!(world.accountRun(), [id!])).size).toBe(0);
		expect(await world.platform().look!(world.accountRun(), id!)).toMatchObject({ state: 'gone' });
	});
});

describe('an account that YouTube does not let upload', () => {
	it('without a channel is told so', async () => {
		youtube.setToken('youtube-token', { channel: null, scopes: ['youtube'] });
		expect(await failing(world.post('none'))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('no YouTube channel'), details: { platform_code: 'youtubeSignupRequired' } });
	});

	it('with too few scopes is asked to connect again', async () => {
		youtube.setToken('youtube-token', { channel: CHANNEL, scopes: ['youtube.upload'] });
		expect(await failing(world.post('narrow'))).toMatchObject({ code: 'needs_reauth', details: { platform_code: 'insufficientPermissions' } });
	});

	it('that is suspended is told so', async () => {
		youtube.setToken('youtube-token', { channel: CHANNEL, scopes: ['youtube'], suspended: true });
		expect(await failing(world.post('banned'))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('suspended') });
	});

	it('of a project without the API is told where to switch it on', async () => {
		youtube.fail('channel', { when: 'before', answer: googleError(403, 'accessNotConfigured', 'YouTube Data API v3 has not been used in project 1') });
		expect(await failing(world.post('off'))).toMatchObject({ code: 'post_rejected', details: { hint: expect.stringContaining('YouTube Data API v3') } });
	});

	it('with a spent quota waits for midnight in California', async () => {
		youtube = await world.start({ uploads: 0 });
		const error = await failing(publishPost(dependencies(world.database, world.clock, { maxWaitSeconds: 60 }), world.request(postOf('quota', [world.video]))));
		expect(error).toMatchObject({ code: 'platform_rate_limited', details: { platform_code: 'quotaExceeded' } });
		expect(error.retryAfterSeconds).toBeGreaterThan(60);
		expect(error.retryAfterSeconds).toBeLessThanOrEqual(25 * 3600);
	});

	it('that was not verified may upload 15 minutes, and is asked only where it matters', async () => {
		youtube.setToken('youtube-token', { channel: CHANNEL, scopes: ['youtube'], longUploads: 'eligible' });
		const long = { ...world.video, facts: { ...world.video.facts, durationSeconds: 901 } };
		const error = await failing(world.publish(world.request(postOf('long', [long]))));
		expect(error).toMatchObject({ code: 'post_invalid', details: { problems: [{ field: 'account', message: expect.stringContaining('youtube.com/verify') }] } });
		expect(youtube.uploads).toBe(0);
		await world.post('short enough');
		expect(youtube.count('channel')).toBe(3);
	});
});
