import { createAccountRun } from '../../../../sidecar/src/social/account-run.ts';
import { graphError } from '../../../platforms/graph.ts';
import { facebookTest, PAGE } from './support.ts';
import type { Account } from '../stages/stage.ts';
import { dependencies, postOf, requestOf } from '../support.ts';

const on = facebookTest();
const { start, publish, failed, steps, inMinutes } = on;
const runOf = (account: Account) =>
	createAccountRun(dependencies(on.database, on.clock), { ...requestOf(account, postOf('')), platform: account.platform() }, () => ({ id: PAGE, name: 'demo' }));
const bare = () => ({ ...on.pictures[0]!, altText: null });
const expired = graphError({ message: 'expired', code: 190, subcode: 463 });

describe('a lost answer on Facebook', () => {
	it.each([['a text', () => postOf('later')], ['photos', () => postOf('later', on.pictures)]])('is found for %s whose time came in between', async (_, post) => {
		const account = await start();
		const request = requestOf(account, { ...post(), scheduledAt: inMinutes(60) });
		on.facebook.fail('feed', { when: 'after', answer: 'drop' });
		on.facebook.fail('scheduledPosts', { when: 'before', answer: expired });
		expect(await failed(publish(request))).toMatchObject({ code: 'needs_reauth' });
		on.clock.advance(3 * 3_600_000);
		const row = await publish(request);
		expect(row).toMatchObject({ status: 'published', externalPostId: on.facebook.posts[0]!.id });
		expect(on.facebook.publicCalls).toBe(1);
	});

	it('is not taken for nothing where the card shows another link than the one that was sent', async () => {
		const account = await start();
		const link = 'https://short.example/x';
		const post = { id: `${PAGE}_51`, message: 'Read', created_time: new Date(on.clock.now()).toISOString(), attachments: { data: [{ unshimmed_url: 'https://long.example/article' }] } };
		on.facebook.fail('feed', { when: 'before', answer: 'drop' });
		on.facebook.fail('posts', { when: 'before', answer: { status: 200, body: { data: [post] } }, times: 100 });
		expect(await failed(publish(requestOf(account, postOf('Read', [], { link }))))).toMatchObject({ code: 'post_unknown', message: expect.stringContaining('another') });
		expect(on.facebook.publicCalls).toBe(0);
	});

	it('of a comment is found in a list that is sorted otherwise, and does not name its writers', async () => {
		const account = await start();
		const { externalPostId: id } = await publish(requestOf(account, postOf('post')));
		const at = (seconds: number) => new Date(on.clock.now() + seconds * 1000).toISOString();
		const data = [{ id: '5_61', message: 'old', created_time: at(-3600) }, { id: '5_62', message: 'first!', created_time: at(0) }];
		on.facebook.fail('comment', { when: 'after', answer: 'drop' });
		on.facebook.fail('comments', { when: 'before', answer: { status: 200, body: { data } }, times: 100 });
		const row = await publish(requestOf(account, postOf('first!', [], { replyTo: { remoteId: id!, rootId: id! } })));
		expect(row.externalPostId).toBe('5_62');
		expect(on.facebook.publicCalls).toBe(2);
	});

	it('of a story is not repeated where Facebook said that it is out, without its number', async () => {
		const account = await start({}, { form: 'story' });
		on.facebook.fail('photoStory', { when: 'after', answer: { status: 200, body: { success: true } } });
		on.facebook.fail('stories', { when: 'before', answer: { status: 200, body: { data: [] } }, times: 100 });
		expect(await failed(publish(requestOf(account, postOf('', [bare()]))))).toMatchObject({ code: 'post_unknown' });
		expect(on.facebook.publicCalls).toBe(1);
	});
});

describe('an upload to Facebook that answers nonsense', () => {
	it('ends where the same range is wanted again and again', async () => {
		const account = await start();
		on.facebook.fail('videoTransfer', { when: 'before', answer: { status: 200, body: { start_offset: '0', end_offset: '1000' } }, times: 100 });
		const error = await failed(publish(requestOf(account, postOf('stuck', [on.wide]))));
		expect(error).toMatchObject({ code: 'platform_unavailable', message: expect.stringContaining('again and again') });
		expect(on.facebook.count('videoTransfer')).toBeLessThanOrEqual(10);
	});

	it('sends nothing from behind the end of the file', async () => {
		const account = await start();
		on.facebook.fail('upload', { when: 'during', answer: 'drop' });
		const status = { uploading_phase: { status: 'in_progress', bytes_transfered: 1e12 } };
		on.facebook.fail('video', { when: 'before', answer: { status: 200, body: { id: '2', status } } });
		const request = requestOf(account, postOf('much', [on.reel]));
		expect(await failed(publish(request))).toMatchObject({ code: 'platform_unavailable', message: expect.stringContaining('1000000000000') });
		await publish(request);
		expect(on.facebook.posts[0]!.media[0]!.sha256).toBe(on.reel.sha256);
	});

	it('stops cleanly when the token dies in the middle, and goes on later', async () => {
		const account = await start();
		const dead = { status: 400, body: { debug_info: { retriable: false, type: 'NotAuthorizedError', message: 'User not authorized to perform this request' } } };
		on.facebook.fail('upload', { when: 'before', answer: dead });
		const request = requestOf(account, postOf('dead', [on.reel]));
		expect(await failed(publish(request))).toMatchObject({ code: 'needs_reauth' });
		await publish(request);
		expect(on.facebook.count('reelStart')).toBe(1);
	});

	it('tries again when the host of uploads is busy', async () => {
		const account = await start();
		on.facebook.fail('upload', { when: 'before', answer: { status: 503, body: { debug_info: { retriable: false, type: 'Unavailable', message: 'busy' } } } });
		await publish(requestOf(account, postOf('busy', [on.reel])));
		expect(on.facebook.posts).toHaveLength(1);
	});

	it('takes no address for the upload that is none', async () => {
		const account = await start();
		on.facebook.fail('reelStart', { when: 'before', answer: { status: 200, body: { video_id: '2', upload_url: 'nowhere' } }, times: 100 });
		expect(await failed(publish(requestOf(account, postOf('where', [on.reel]))))).toMatchObject({ code: 'platform_unavailable' });
	});
});

describe('a post on Facebook that exists', () => {
	it('is not gone because nothing is said of its publishing', async () => {
		const account = await start();
		const { externalPostId: id } = await publish(requestOf(account, postOf('reel', [on.reel])));
		on.facebook.fail('video', { when: 'before', answer: { status: 200, body: { id, permalink_url: '/reel/2/', status: { video_status: 'processing' } } } });
		expect(await account.platform().look!(runOf(account), id!)).toMatchObject({ state: 'published', remoteId: id, permalink: `${on.facebook.url}/reel/2/` });
		on.facebook.fail('video', { when: 'before', answer: { status: 200, body: { id, status: { publishing_phase: { status: 'complete', publish_status: 'draft' } } } } });
		expect(await account.platform().look!(runOf(account), id!)).toMatchObject({ state: 'gone', reason: expect.stringContaining('draft') });
	});

	it('is not gone because a field of it cannot be read', async () => {
		const account = await start();
		const { externalPostId: id } = await publish(requestOf(account, postOf('text')));
		const field = graphError({ message: '(#100) Tried accessing nonexisting field (shares)', code: 100 });
		on.facebook.fail('post', { when: 'before', answer: field, times: 2 });
		await expect(account.platform().look!(runOf(account), id!)).rejects.toThrow('nonexisting field');
		expect((await account.platform().measure!(runOf(account), [id!])).get(id!)).toMatchObject({ likes: null });
	});

	it('is not called deleted where Facebook only does not delete it', async () => {
		const account = await start({}, { form: 'story' });
		const { externalPostId: id } = await publish(requestOf(account, postOf('', [bare()])));
		await expect(account.platform().remove!(runOf(account), id!, 'published')).rejects.toMatchObject({ hint: expect.stringContaining('still there') });
		expect(on.facebook.posts).toHaveLength(1);
	});

	it('has no link that is none', async () => {
		const account = await start();
		const { externalPostId: id } = await publish(requestOf(account, postOf('text')));
		on.facebook.fail('post', { when: 'before', answer: { status: 200, body: { id, permalink_url: 'javascript:alert(1)' } } });
		expect(await account.platform().look!(runOf(account), id!)).toMatchObject({ state: 'published', permalink: null });
	});
});

it.each([
	['a story of words', { form: 'story' }, () => postOf('words'), /video or a picture/],
	['a cover that is too large', {}, () => postOf('c', [on.reel], { cover: { ...on.pictures[0]!, bytes: 10_000_001 } }), /at most 10 MB/],
])('finds %s before anything is uploaded to Facebook', async (_, settings, post, words) => {
	const account = await start({}, settings);
	expect(await failed(publish(requestOf(account, post())))).toMatchObject({ code: 'post_invalid', message: expect.stringMatching(words) });
	expect(steps()).toEqual(['accounts']);
});
