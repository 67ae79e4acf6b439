import type { PostMedia } from '../../../sidecar/src/social/platform.ts';
import { publishPost } from '../../../sidecar/src/social/publish.ts';
import { graphError, graphThrottle } from '../../platforms/graph.ts';
import { IG, instagramTest } from './instagram/support.ts';
import { STAGES } from './stages/index.ts';
import { upright, type InstagramStage } from './stages/instagram.ts';
import { dependencies, postOf, type Clock } from './support.ts';

const on = instagramTest();
const { online, publish, request, post, failed, steps } = on;
let stage: InstagramStage;
let video: PostMedia;
let file: PostMedia;
let photo: PostMedia;
let clock: Clock;
const start = async (...given: Parameters<typeof on.start>) => {
	await on.start(...given);
	({ stage, video, file, photo, clock } = on);
};

describe('Instagram', () => {
	it('publishes a single video as a reel when it is processed', async () => {
		await start('instagram', { processingPolls: 3 });
		const row = await post('Reel #one', [video], { share_to_feed: true, made_with_ai: true, audio_name: 'Waves', collaborators: ['anna'] });
		expect(steps()).toEqual(['me', 'limit', 'container', 'status', 'status', 'status', 'status', 'publish', 'media']);
		expect(stage.emulator.posts).toMatchObject([
			{
				kind: 'REELS',
				text: 'Reel #one',
				media: [{ sha256: file.sha256 }],
				options: { share_to_feed: 'true', is_ai_generated: 'true', audio_name: 'Waves', collaborators: '["anna"]' },
			},
		]);
		expect(row).toMatchObject({ status: 'published', account: 'demo', permalink: stage.emulator.posts[0]!.permalink });
		expect(BigInt(row.externalPostId!)).toBeGreaterThan(2n ** 53n);
		expect(row.externalPostId).toBe(stage.emulator.posts[0]!.id);
	});

	it('gives a reel its cover, or a moment of the video', async () => {
		await start();
		await post('covered', [video], {}, { cover: online(photo), coverSeconds: 2 });
		await post('a moment', [video], {}, { coverSeconds: 2.5 });
		expect(stage.emulator.posts).toMatchObject([
			{ cover: photo.sha256, thumbOffset: null },
			{ cover: null, thumbOffset: 2500 },
		]);
	});

	it('publishes a picture with its description and tags', async () => {
		await start();
		await post('Picture', [{ ...online(photo), altText: 'A square' }], { user_tags: [{ username: 'anna' }] });
		expect(stage.emulator.posts).toMatchObject([
			{ kind: 'IMAGE', media: [{ sha256: photo.sha256, alt: 'A square' }], options: { user_tags: '[{"username":"anna","x":0.5,"y":0.5}]' } },
		]);
	});

	it('publishes a carousel of pictures and videos in their order', async () => {
		await start();
		await post('Three', [online(photo), video, { ...online(photo), altText: 'Again' }]);
		expect(stage.emulator.posts.map(({ kind, media }) => [kind, media.map(({ sha256, alt }) => [sha256, alt])])).toEqual([
			[
				'CAROUSEL',
				[
					[photo.sha256, null],
					[file.sha256, null],
					[photo.sha256, 'Again'],
				],
			],
		]);
		expect(stage.emulator.count('container')).toBe(4);
		expect(stage.emulator.publicCalls).toBe(1);
		const described = await post('Two', [online(photo), { ...video, altText: 'Waves' }]);
		expect(described.warnings).toEqual(['Instagram has no alternative text for videos: it was left out.']);
	});

	it.each(['instagram', 'facebook'] as const)('publishes stories with the login of %s', async (login) => {
		await start(login);
		await post('', [online(photo)], { placement: 'story' });
		await post('', [video], { placement: 'story' });
		expect(stage.emulator.posts.map(({ kind, media }) => [kind, media[0]!.sha256])).toEqual([
			['STORIES', photo.sha256],
			['STORIES', file.sha256],
		]);
	});

	it('finds a lost story among the stories', async () => {
		await start();
		stage.emulator.fail('publish', { when: 'after', answer: 'drop' });
		const row = await post('', [online(photo)], { placement: 'story' });
		expect(row.externalPostId).toBe(stage.emulator.posts[0]!.id);
		expect([stage.emulator.count('stories'), stage.emulator.publicCalls]).toEqual([1, 1]);
	});

	it('uploads the bytes of a video with Facebook Login, without any address', async () => {
		await start('facebook');
		await post('Bytes', [{ ...upright(file), altText: null }]);
		expect(steps()).toEqual(['me', 'limit', 'container', 'status', 'upload', 'status', 'status', 'status', 'publish', 'media']);
		expect(stage.emulator.posts[0]!.media[0]!.sha256).toBe(file.sha256);
		expect(stage.host.fetched()).toBe(0);
	});

	it('sends only what is missing after the connection broke', async () => {
		await start('facebook');
		stage.emulator.fail('upload', { when: 'during', answer: 'drop', times: 2 });
		await post('Broken', [{ ...upright(file), altText: null }]);
		expect(stage.emulator.posts[0]!.media[0]!.sha256).toBe(file.sha256);
		expect(stage.emulator.count('container')).toBe(1);
	});

	it('uploads again what Instagram forgot in the middle', async () => {
		await start('facebook');
		const given = request(postOf('Forgotten', [{ ...upright(file), altText: null }]));
		stage.emulator.fail('upload', {
			when: 'before',
			answer: { status: 400, body: { debug_info: { retriable: false, type: 'NotAuthorizedError', message: 'User not authorized' } } },
		});
		expect(await failed(publish(given))).toMatchObject({ code: 'needs_reauth', details: { platform_code: 'NotAuthorizedError' } });
		stage.emulator.forgetMedia();
		await publish(given);
		expect(stage.emulator.count('container')).toBe(2);
	});

	it('names the file of a carousel that is refused', async () => {
		await start();
		stage.emulator.fail('container', { when: 'before', skip: 1, answer: graphError({ message: 'Aspect', code: 36003, subcode: 2207009 }) });
		expect((await failed(post('Shape', [online(photo), online(photo)]))).message).toContain('prepare file 2 of 2');
		stage.emulator.failProcessing(2207026);
		expect((await failed(post('Format', [online(photo), video]))).message).toContain('could not process file 2 of 2');
	});

	it.each<[number, RegExp]>([
		[2207026, /use the preset/],
		[2207009, /between 4:5 upright and 1\.91:1/],
	])('says why a video could not be processed (%i)', async (subcode, words) => {
		await start();
		stage.emulator.failProcessing(subcode);
		const error = await failed(post('Bad'));
		expect(error).toMatchObject({ code: 'post_rejected', details: { platform_code: String(subcode) } });
		expect(error.message).toMatch(words);
		expect(stage.emulator.publicCalls).toBe(0);
	});

	it.each([2207053, 2207082, 2207085])('makes a new container after an error that passes (%i)', async (subcode) => {
		await start();
		stage.emulator.failProcessing(subcode);
		await post('Again');
		expect([stage.emulator.count('container'), stage.emulator.posts.length]).toEqual([2, 1]);
	});

	it('makes a new container when the first one is a day old, also in a carousel', async () => {
		await start();
		for (const media of [[video], [online(photo), video]]) {
			const given = request(postOf('Old', media));
			stage.emulator.fail('publish', { when: 'before', answer: stage.answers.expired! });
			await failed(publish(given));
			clock.advance(24 * 3_600_000);
			await publish(given);
		}
		expect([stage.emulator.count('container'), stage.emulator.posts.length]).toEqual([2 + 6, 2]);
	});

	it('waits when the media is not ready after all (9007/2207027)', async () => {
		await start();
		stage.emulator.fail('publish', { when: 'before', answer: graphError({ message: 'Media ID is not available', code: 9007, subcode: 2207027 }) });
		await post('Early');
		expect([stage.emulator.posts.length, stage.emulator.count('publish')]).toEqual([1, 2]);
	});

	it('believes the container and not the answer when Instagram says "blocked" (4/2207051)', async () => {
		await start();
		const blocked = graphError({ message: 'Action is blocked', code: 4, subcode: 2207051 });
		stage.emulator.fail('publish', { when: 'after', answer: blocked });
		const row = await post('Live');
		expect(row.externalPostId).toBe(stage.emulator.posts[0]!.id);
		stage.emulator.fail('publish', { when: 'before', answer: blocked, times: 5 });
		const calls = stage.emulator.count('publish');
		const error = await failed(post('Not live'));
		expect(error).toMatchObject({ code: 'post_rejected', details: { platform_code: '4/2207051', post_status: 'failed' } });
		expect(error.message).toContain('Look at Account Status');
		expect([stage.emulator.posts.length, stage.emulator.count('publish') - calls]).toEqual([1, 1]);
	});

	it('takes a throttle that comes as HTTP 400 for what it is, and waits as long as the header says', async () => {
		await start();
		stage.emulator.fail('container', { when: 'before', answer: graphThrottle(IG, 80_002, 7) });
		const before = clock.now();
		await post('Slow');
		expect(clock.now() - before).toBeGreaterThanOrEqual(7 * 60_000);
	});

	it('never takes another post with the same caption for its own', async () => {
		await start();
		await post('Same words');
		clock.advance(3_600_000);
		stage.emulator.fail('publish', { when: 'after', answer: 'drop' });
		const row = await publishPost({ ...dependencies(on.database, clock), ledger: laterLedger() }, request(postOf('Same words', [video])));
		expect(row.externalPostId).toBe(stage.emulator.posts[1]!.id);
		expect(stage.emulator.publicCalls).toBe(2);
	});

	it('says so when it cannot tell which of several is its own, and posts nothing more', async () => {
		await start();
		await post('Twins');
		stage.emulator.fail('publish', { when: 'after', answer: 'drop' });
		const row = await post('Twins');
		expect(row).toMatchObject({ status: 'published', permalink: null });
		expect(row.warnings).toEqual([expect.stringContaining('several posts of that time with the same text')]);
		expect(stage.emulator.posts).toHaveLength(2);
	});

	/** The database's clock is the real one; the calls were made an hour later. */
	function laterLedger() {
		const { ledger } = dependencies(on.database, clock);
		const later = (row: Awaited<ReturnType<typeof ledger.arm>>) => row && { ...row, armedAt: new Date(clock.now()), openSince: new Date(clock.now()) };
		return { ...ledger, arm: async (...given: Parameters<typeof ledger.arm>) => later(await ledger.arm(...given)) };
	}

	it('reads through an error with HTTP 200, and an answer in HTML', async () => {
		await start();
		stage.emulator.fail('container', { when: 'before', answer: { ...graphError({ message: 'Unknown error', code: 2, transient: true }), status: 200 } });
		stage.emulator.fail('publish', { when: 'after', answer: { status: 200, body: '<!doctype html><html>Sorry, something went wrong.</html>' } });
		await post('Odd');
		expect([stage.emulator.posts.length, stage.emulator.publicCalls, stage.emulator.count('container')]).toEqual([1, 1, 2]);
	});

	it.each<[string, Parameters<typeof graphError>[0], string, RegExp]>([
		['a restricted account', { message: 'User is restricted', code: 25, subcode: 2207050 }, 'post_rejected', /has restricted the account/],
		['a blocked account', { message: 'Temporarily blocked', code: 368 }, 'post_rejected', /blocked for some hours/],
		['the daily cap', { message: 'Limit', code: 9, subcode: 2207042 }, 'post_rejected', /Post again tomorrow/],
		['spam', { message: 'Spam', code: 1349, subcode: 2207001 }, 'post_rejected', /takes it for spam/],
		['a changed password', { message: 'Session invalid', code: 190, subcode: 460 }, 'needs_reauth', /password of the account was changed/],
		[
			'an app that is not reviewed',
			{ message: '(#10) Application does not have permission', code: 10, status: 403 },
			'needs_reauth',
			/has not passed App Review/,
		],
	])('explains %s', async (_, facts, code, words) => {
		await start();
		stage.emulator.fail('publish', { when: 'before', answer: graphError(facts) });
		const error = await failed(post('Refused'));
		expect(error.code).toBe(code);
		expect(error.details?.['platform_code']).toBe(facts.subcode === undefined ? String(facts.code) : `${facts.code}/${facts.subcode}`);
		expect(error.message).toMatch(words);
		expect(stage.emulator.posts).toHaveLength(0);
	});

	it('says that the address of the media must be open when Instagram cannot fetch it', async () => {
		await start();
		const error = await failed(post('Unreachable', [{ ...online(photo), url: `${stage.host.url}/nothing` }]));
		expect(error.message).toContain('check PUBLIC_URL');
		expect(stage.emulator.publicCalls).toBe(0);
	});

	it.each([['instagram_business_content_publish'], ['instagram_business_basic']])(
		'asks to connect again when the permission %s is missing',
		async (missing) => {
			await start();
			const scopes = ['instagram_business_basic', 'instagram_business_content_publish'].filter((scope) => scope !== missing);
			stage.emulator.setToken('instagram-token', { id: IG, username: 'demo', login: 'instagram', scopes });
			expect(await failed(post('Scope'))).toMatchObject({ code: 'needs_reauth', message: expect.stringContaining('instagram_business_content_publish') });
			expect(stage.emulator.publicCalls).toBe(0);
		},
	);

	it('wants a professional account', async () => {
		await start();
		stage.emulator.setToken('instagram-token', { id: IG, username: 'demo', login: 'instagram', accountType: 'PERSONAL', scopes: ['instagram_business_basic'] });
		expect(await failed(post('Personal'))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('Switch to professional account') });
	});

	it('is in the contract suite', async () => {
		await start();
		expect(Object.keys(STAGES)).toContain('instagram');
	});
});
