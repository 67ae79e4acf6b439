import type { PostMedia } from '../../../../sidecar/src/social/platform.ts';
import { graphError } from '../../../platforms/graph.ts';
import { startServer } from '../../../support/http-server.ts';
import { instagramTest } from './support.ts';
import { upright, type InstagramStage } from '../stages/instagram.ts';
import { postOf, type Clock } from '../support.ts';

const on = instagramTest();
const { online, publish, request, post, failed, run } = on;
let stage: InstagramStage;
let clock: Clock;
let video: PostMedia;
let file: PostMedia;
let photo: PostMedia;
const start = async (...given: Parameters<typeof on.start>) => {
	await on.start(...given);
	({ stage, clock, video, file, photo } = on);
};
const DAY_MS = 86_400_000;

/** The call has its effect, its answer is lost, and then the token dies. */
const lose = (step: string, look: string, skip = 0) => {
	stage.emulator.fail(step, { when: 'after', answer: 'drop' });
	stage.emulator.fail(look, { when: 'before', answer: stage.answers.expired!, skip });
};

describe('Instagram, when it is not known whether a post is out', () => {
	it('does not take a day-old story that is listed no more for one that was never made', async () => {
		await start();
		const given = request(postOf('', [online(photo)]), { placement: 'story' });
		lose('publish', 'status', 1);
		expect(await failed(publish(given))).toMatchObject({ code: 'needs_reauth' });
		stage.emulator.forgetMedia();
		clock.advance(DAY_MS + 3_600_000);
		const error = await failed(publish(given));
		expect(error).toMatchObject({ code: 'post_unknown', message: expect.stringContaining('Look at the account before you post again') });
		expect([stage.emulator.posts.length, stage.emulator.publicCalls]).toEqual([1, 1]);
	});

	it('does not take what it cannot look through for proof, when the container is gone', async () => {
		await start();
		const given = request(postOf('Among many'));
		given.post.media.push(video);
		lose('publish', 'status', 3);
		expect(await failed(publish(given))).toMatchObject({ code: 'needs_reauth' });
		expect(stage.emulator.posts).toHaveLength(1);
		stage.emulator.forgetMedia();
		const [own] = stage.emulator.posts;
		for (let index = 0; index < 205; index += 1) stage.emulator.posts.push({ ...own!, id: `${18_100_000_000_000_000 + index}`, text: 'Another' });
		expect(await failed(publish(given))).toMatchObject({ code: 'post_unknown' });
		expect(stage.emulator.publicCalls).toBe(1);
	});

	it('looks behind old posts that are pinned to the top of the list, and at clocks that differ by minutes', async () => {
		await start();
		const given = request(postOf('Below the pin', [video]));
		lose('publish', 'status', 3);
		await failed(publish(given));
		stage.emulator.forgetMedia();
		const [own] = stage.emulator.posts;
		own!.at = new Date(own!.at.getTime() - 4 * 60_000);
		stage.emulator.posts.push({ ...own!, id: '18100000000000001', text: 'Pinned', at: new Date(own!.at.getTime() - 90 * DAY_MS) });
		expect((await publish(given)).externalPostId).toBe(own!.id);
		expect(stage.emulator.publicCalls).toBe(1);
	});

	it('waits for longer than for an answer before it publishes or comments again', async () => {
		await start();
		for (const step of ['publish', 'comment'] as const) {
			const replyTo = step === 'publish' ? null : { remoteId: stage.emulator.posts[0]!.id, rootId: stage.emulator.posts[0]!.id };
			stage.emulator.fail(step, { when: 'before', answer: 'drop' });
			const before = clock.now();
			await publish(request(postOf('Late', replyTo ? [] : [video], { replyTo })));
			expect(clock.now() - before).toBeGreaterThanOrEqual(60_000);
			expect(stage.emulator.count(step)).toBe(2);
		}
	});

	it('forgets that an earlier call was blocked when it publishes again', async () => {
		await start();
		const given = request(postOf('Blocked once', [video]));
		stage.emulator.fail('publish', { when: 'before', answer: graphError({ message: 'Action is blocked', code: 4, subcode: 2207051 }) });
		expect(await failed(publish(given))).toMatchObject({ code: 'post_rejected' });
		stage.emulator.fail('publish', { when: 'before', answer: 'drop' });
		expect(await publish(given)).toMatchObject({ status: 'published' });
		expect(stage.emulator.posts).toHaveLength(1);
	});

	it.each([['no id', ''], ['one that leads elsewhere', '../../me/accounts?fields=']])('takes %s for no answer', async (_, id) => {
		await start();
		stage.emulator.fail('publish', { when: 'after', answer: { status: 200, body: { id } } });
		expect((await post('Odd')).externalPostId).toBe(stage.emulator.posts[0]!.id);
		expect(stage.emulator.publicCalls).toBe(1);
	});
});

describe('a comment on Instagram whose answer was lost', () => {
	const lost = async () => {
		await start();
		const { externalPostId: id } = await post('Post');
		const given = request(postOf('First!', [], { replyTo: { remoteId: id!, rootId: id! } }));
		lose('comment', 'comments');
		expect(await failed(publish(given))).toMatchObject({ code: 'needs_reauth' });
		const { comments } = stage.emulator.posts[0]!;
		expect(comments).toHaveLength(1);
		return { given, comments };
	};

	it('is found below the comments of others, and whatever the clocks say', async () => {
		const { given, comments } = await lost();
		comments[0]!.at = new Date(comments[0]!.at.getTime() - 3_600_000);
		for (let index = 0; index < 120; index += 1) comments.push({ id: `${18_200_000_000_000_000 + index}`, text: 'First!', username: `fan${index}`, at: new Date(clock.now()) });
		expect((await publish(given)).externalPostId).toBe(comments[0]!.id);
		expect(stage.emulator.count('comment')).toBe(1);
	});

	it('is not made again when there are too many to look through', async () => {
		const { given, comments } = await lost();
		for (let index = 0; index < 510; index += 1) comments.push({ id: `${18_200_000_000_000_000 + index}`, text: 'Me too', username: `fan${index}`, at: new Date(clock.now()) });
		expect(await failed(publish(given))).toMatchObject({ code: 'post_unknown' });
		expect(stage.emulator.count('comment')).toBe(1);
	});

	it('went with the post, when that is gone', async () => {
		const { given } = await lost();
		stage.emulator.posts.length = 0;
		expect(await failed(publish(given))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('not there any more') });
	});
});

describe('answers of Instagram that lead astray', () => {
	it('never get the token or the video sent to other hosts', async () => {
		await start('facebook');
		const other = await startServer((_request, response) => void response.end('{"success":true}'));
		stage.emulator.fail('container', { when: 'before', answer: { status: 200, body: { id: '17900000000000099', uri: `${other.url}/ig-api-upload/v25.0/17900000000000099` } } });
		const error = await failed(post('Elsewhere', [{ ...upright(file), altText: null }]));
		await other.close();
		expect(error).toMatchObject({ code: 'platform_unavailable', message: expect.stringContaining("not one of Meta's servers") });
		expect(other.requests).toEqual([]);
	});

	it('are no links, unless they lead to the web', async () => {
		await start();
		stage.emulator.fail('media', { when: 'before', answer: { status: 200, body: { id: '1', permalink: 'javascript:alert(1)' } } });
		expect(await post('Link')).toMatchObject({ status: 'published', permalink: null });
	});

	it('are told without the addresses of files, which are signed', async () => {
		await start();
		const status = 'Error: could not fetch https://files.example/a.mp4?signature=TOPSECRET';
		stage.emulator.fail('status', { when: 'before', answer: { status: 200, body: { id: '1', status_code: 'ERROR', status } }, times: 20 });
		const error = await failed(post('Secret'));
		expect(error.message).toContain('could not fetch https://files.example/…');
		expect(JSON.stringify([error.message, error.details])).not.toContain('TOPSECRET');
	});

	it('do not pass for a deletion when the post is still there', async () => {
		await start();
		const { externalPostId: id } = await post('Stays');
		const facebook = { ...run(), credentials: { accessToken: 'facebook-token', baseUrl: null, extra: { login: 'facebook' } } };
		const missing = graphError({ message: 'Unsupported delete request. Object does not exist, or cannot be loaded due to missing permissions', code: 100, subcode: 33 });
		stage.emulator.fail('delete', { when: 'before', answer: missing });
		expect(await failed(stage.platform().remove!(facebook, id!, 'published'))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('still there') });
	});

	it('about the numbers of one post do not hide its likes', async () => {
		await start();
		const { externalPostId: id } = await post('Old');
		stage.emulator.fail('insights', { when: 'before', answer: graphError({ message: 'Media posted before business account conversion', code: 100, subcode: 2_108_006 }) });
		expect((await stage.platform().measure!(run(), [id!])).get(id!)).toMatchObject({ likes: 14, views: null });
	});
});

describe('an upload to Instagram', () => {
	it('goes on as long as it gets on, with pauses, however often the connection breaks', async () => {
		await start('facebook');
		const before = clock.now();
		stage.emulator.fail('upload', { when: 'during', answer: 'drop', times: 25 });
		await post('Broken', [{ ...upright(file), altText: null }]);
		expect(stage.emulator.posts[0]!.media[0]!.sha256).toBe(file.sha256);
		expect(stage.emulator.count('container')).toBe(1);
		expect(clock.now() - before).toBeGreaterThan(5_000);
	});

	it('begins although Instagram does not find what it has just made', async () => {
		await start('facebook');
		stage.emulator.fail('status', { when: 'before', answer: graphError({ message: 'Object does not exist', code: 100, subcode: 33 }) });
		await post('Young', [{ ...upright(file), altText: null }]);
		expect([stage.emulator.posts.length, stage.emulator.count('container')]).toEqual([1, 1]);
	});

	it('ends when it does not get on', async () => {
		await start('facebook');
		const stuck = { status: 400, body: { debug_info: { retriable: true, type: 'ProcessingFailedError', message: 'Try again' } } };
		stage.emulator.fail('upload', { when: 'before', answer: stuck, times: 99 });
		expect(await failed(post('Stuck', [{ ...upright(file), altText: null }]))).toMatchObject({ code: 'platform_unavailable' });
		expect(stage.emulator.count('upload')).toBe(5);
	});
});
