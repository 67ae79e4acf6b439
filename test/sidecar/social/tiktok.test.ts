import { createPace } from '../../../sidecar/src/db/pace.ts';
import type { Post, Settings } from '../../../sidecar/src/social/platform.ts';
import { publishPost } from '../../../sidecar/src/social/publish.ts';
import { startTikTokEmulator, tiktokAccount, tiktokError, type TikTokEmulator, type TikTokEmulatorOptions } from '../../platforms/tiktok.ts';
import { postOf } from './support.ts';
import { MIB, TikTokWorld } from './tiktokWorld.ts';

let world: TikTokWorld;
let tiktok: TikTokEmulator;
beforeAll(async () => void (world = await TikTokWorld.open()));
afterAll(() => world.close());
afterEach(() => world.stop());
const start = async (options?: TikTokEmulatorOptions) => void (tiktok = await world.start(options));

describe('a video on TikTok', () => {
	it('goes out in chunks, with nothing allowed that was not asked for', async () => {
		await start();
		const row = await world.publish(world.ask(postOf('Words #tag', [world.video], { coverSeconds: 1.5 })));
		expect(tiktok.calls.map(({ step }) => step)).toEqual(['user', 'creator_info', 'creator_info', 'init', 'chunk', 'chunk', 'last_chunk', 'status', 'status', 'creator_info']);
		expect(tiktok.posts[0]).toMatchObject({ text: 'Words #tag', privacy: 'PUBLIC_TO_EVERYONE' });
		expect(tiktok.posts[0]!.media[0]!.sha256).toBe(world.video.sha256);
		expect(tiktok.posts[0]!.info).toEqual({
			title: 'Words #tag',
			privacy_level: 'PUBLIC_TO_EVERYONE',
			disable_comment: true,
			disable_duet: true,
			disable_stitch: true,
			video_cover_timestamp_ms: 1500,
			brand_content_toggle: false,
			brand_organic_toggle: false,
			is_aigc: false,
		});
		// 19 digits, plain in the JSON.
		expect(row.externalPostId).toBe(tiktok.posts[0]!.id);
		expect(row.permalink).toBe(`${tiktok.url}/@demo/video/${row.externalPostId}`);
	});

	it('carries what was asked for', async () => {
		await start();
		const settings = { privacy: undefined, allow_comments: true, allow_duet: true, allow_stitch: true, paid_partnership: true, own_brand: true, ai_generated: true };
		await world.publish(world.ask(postOf('All of it', [world.video], { visibility: 'public' }), settings));
		expect(tiktok.posts[0]!.info).toMatchObject({
			privacy_level: 'PUBLIC_TO_EVERYONE',
			disable_comment: false,
			disable_duet: false,
			disable_stitch: false,
			brand_content_toggle: true,
			brand_organic_toggle: true,
			is_aigc: true,
		});
	});

	it.each<[string, Settings, Partial<Post>, string, RegExp]>([
		['no privacy', { privacy: undefined }, {}, 'settings.privacy', /Choose who can see.*everyone, friends, only_me/],
		['a privacy that the account does not have', { privacy: 'followers' }, {}, 'settings.privacy', /does not allow the privacy "followers".*everyone, friends, only_me/],
		['a privacy that shows what is to be private', {}, { visibility: 'private' }, 'settings.privacy', /Change one of them/],
		['a draft that is to be marked', { mode: 'inbox', privacy: undefined, own_brand: true }, {}, 'settings.own_brand', /in the TikTok app/],
		['a paid partnership that nobody sees', { privacy: 'only_me', paid_partnership: true }, {}, 'settings.paid_partnership', /Choose another privacy/],
		['comments that the account has switched off', { allow_comments: true }, {}, 'settings.allow_comments', /switched comments off/],
		['a text of 2201 units', {}, { text: '😀'.repeat(1100) + 'a' }, 'text', /2201 characters.*takes 2200/],
		['a title', {}, { title: 'A title' }, 'title', /no title/],
		['words alone', {}, { media: [] }, 'media', /no posts of words alone/],
		['a time', {}, { scheduledAt: new Date('2030-01-01') }, 'scheduled_at', /no scheduling of its own/],
	])('is refused before anything is sent with %s', async (_, settings, more, field, message) => {
		await start({ tokens: { 'tiktok-token': tiktokAccount({ commentDisabled: true }) } });
		const problems = await world.problemsOf(world.ask(postOf('Text', [world.video], more), settings));
		expect(problems).toEqual([expect.objectContaining({ field, message: expect.stringMatching(message) })]);
	});

	it('may be as long as the account allows', async () => {
		await start({ tokens: { 'tiktok-token': tiktokAccount({ maxVideoSeconds: 9 }) } });
		expect(await world.problemsOf(world.ask(postOf('Long', [world.video])))).toEqual([{ field: 'media[0]', message: expect.stringContaining('at most 9 s'), fixable: true }]);
	});

	it('that only its owner sees is published without id and link, for ever', async () => {
		await start();
		const row = await world.publish(world.ask(postOf('Mine', [world.video]), { privacy: 'only_me' }));
		expect(row).toMatchObject({ status: 'published', permalink: null, externalPostId: tiktok.posts[0]!.publishId });
		expect(tiktok.count('status')).toBe(2);
		const id = row.externalPostId!;
		expect(await world.platform().look!(world.accountRun(), id)).toEqual({ state: 'published', remoteId: id, permalink: null });
		expect((await world.platform().measure!(world.accountRun(), [id])).get(id)).toMatchObject({ views: null });
		expect(tiktok.count('videos')).toBe(0);
		tiktok.fail('status', { when: 'before', answer: tiktokError('invalid_publish_id') });
		expect(await world.platform().look!(world.accountRun(), id)).toMatchObject({ state: 'published', remoteId: id, warnings: [expect.stringContaining('Look in the app')] });
	});

	it('that is being moderated gets its id a little later, or is found out by a later look', async () => {
		await start({ moderationPolls: 3 });
		const soon = await world.publish(world.ask(postOf('Soon', [world.video])));
		expect(soon.externalPostId).toBe(tiktok.posts[0]!.id);
		await tiktok.close();
		await start({ moderationPolls: 100 });
		const late = await world.publish(world.ask(postOf('Late', [world.video])));
		expect(late).toMatchObject({ status: 'published', permalink: null, externalPostId: tiktok.posts[0]!.publishId });
		for (let poll = 0; poll < 100; poll += 1) {
			const look = await world.platform().look!(world.accountRun(), late.externalPostId!);
			if (look.state !== 'gone' && look.remoteId === tiktok.posts[0]!.id) return expect(look.permalink).toBe(tiktok.posts[0]!.permalink);
			world.clock.advance(3000);
		}
		throw new Error('the id was never found');
	});

	it('goes on where a broken connection left it, whether TikTok kept a part of the chunk or not', async () => {
		for (const brokenChunks of ['dropped', 'kept'] as const) {
			for (const step of ['chunk', 'last_chunk']) {
				await start({ brokenChunks });
				tiktok.fail(step, { when: 'during', answer: 'drop' });
				const row = await world.publish(world.ask(postOf('Broken', [world.video])));
				expect({ brokenChunks, step, hash: tiktok.posts[0]!.media[0]!.sha256 }).toEqual({ brokenChunks, step, hash: world.video.sha256 });
				expect([row.status, tiktok.publicCalls, tiktok.count('init')]).toEqual(['published', 1, 1]);
				if (step === 'chunk') await tiktok.close();
			}
			if (brokenChunks === 'dropped') await tiktok.close();
		}
	});

	it('goes on where TikTok is further than we know', async () => {
		await start();
		tiktok.fail('chunk', { when: 'after', answer: 'drop', skip: 1 });
		await world.publish(world.ask(postOf('Further', [world.video])));
		// Two went well, though the answer to the second was lost; its repeat was refused with what TikTok has.
		expect(tiktok.calls.filter(({ step }) => step === 'chunk').map(({ status }) => status)).toEqual([206, 'dropped', 416]);
		expect([tiktok.count('last_chunk'), tiktok.publicCalls]).toEqual([1, 1]);
	});

	it('is unknown, not posted again, when TikTok says that it lacks the last part and then forgets the upload', async () => {
		await start();
		const request = world.ask(postOf('Doubted', [world.video]));
		tiktok.fail('last_chunk', { when: 'after', answer: 'drop' });
		// As a status would that lags behind.
		const lagging = { status: 200, body: { data: { status: 'PROCESSING_UPLOAD', uploaded_bytes: 2 * MIB, publicaly_available_post_id: [] }, error: { code: 'ok' } } };
		tiktok.fail('status', { when: 'before', answer: lagging, times: 10 });
		tiktok.fail('last_chunk', { when: 'before', answer: { status: 404 }, times: 2 });
		expect(await world.failing(request)).toMatchObject({ code: 'post_unknown', details: { post_status: 'unknown' } });
		expect([tiktok.count('init'), tiktok.publicCalls, tiktok.posts.length]).toEqual([1, 1, 1]);
	});

	/** As a status would say that lags behind. */
	const behind = { status: 200, body: { data: { status: 'PROCESSING_UPLOAD', uploaded_bytes: 2 * MIB, publicaly_available_post_id: [] }, error: { code: 'ok' } } };

	it.each([
		['out', 'after', 1],
		['not out', 'before', 2],
	] as const)('that is %s after a lost call is found out an hour later, before another upload is begun', async (_, when, inits) => {
		await start();
		const request = world.ask(postOf('An hour later', [world.video]));
		tiktok.fail('last_chunk', { when, answer: 'drop' });
		if (when === 'after') tiktok.fail('status', { when: 'before', answer: behind, times: 7 });
		tiktok.fail('last_chunk', { when: 'before', answer: { status: 401 } });
		expect(await world.failing(request)).toMatchObject({ code: 'needs_reauth' });
		world.clock.advance(3_600_000);
		const row = await world.publish(request);
		expect([row.externalPostId, tiktok.count('init'), tiktok.publicCalls, tiktok.posts.length]).toEqual([tiktok.posts[0]!.id, inits, 1, 1]);
	});

	it('is not called refused when a repeat of its last part is: the one before may have arrived', async () => {
		await start();
		tiktok.fail('last_chunk', { when: 'after', answer: 'drop' });
		tiktok.fail('status', { when: 'before', answer: behind, times: 7 });
		tiktok.fail('last_chunk', { when: 'before', answer: { status: 400 } });
		const row = await world.publish(world.ask(postOf('Refused repeat', [world.video])));
		expect([row.externalPostId, tiktok.posts.length]).toEqual([tiktok.posts[0]!.id, 1]);
	});

	it('is uploaded anew when it is to be another post now: who may see it is fixed when an upload begins', async () => {
		await start();
		const ask = (settings: Settings) => world.ask(postOf('Changed', [world.video]), settings, { idempotencyKey: 'changed' });
		tiktok.fail('chunk', { when: 'before', answer: { status: 401 }, skip: 1 });
		expect(await world.failing(ask({ privacy: 'everyone' }))).toMatchObject({ code: 'needs_reauth' });
		await world.publish(ask({ privacy: 'only_me' }));
		expect(tiktok.posts.map(({ privacy }) => privacy)).toEqual(['SELF_ONLY']);
	});

	it('is sent to no address inside of the network', async () => {
		await start();
		const elsewhere = await startTikTokEmulator();
		const data = { publish_id: 'v_pub_file~1', upload_url: `${elsewhere.url}/upload/?upload_id=1` };
		tiktok.fail('init', { when: 'before', answer: { status: 200, body: { data, error: { code: 'ok' } } } });
		const error = await world.failing(world.ask(postOf('Elsewhere', [world.video])));
		await elsewhere.close();
		expect(error).toMatchObject({ code: 'platform_unavailable', message: expect.stringContaining('no usable address') });
		expect(elsewhere.calls).toEqual([]);
	});

	it('was not begun while it waited for its turn, however often that was broken off', async () => {
		await start();
		const post = postOf('Restarted', [world.video]);
		for (let stop = 0; stop < 3; stop += 1) {
			const abort = new AbortController();
			const take = async (bucket: string) => {
				if (bucket !== 'init') return 0;
				abort.abort(Object.assign(new Error('stopped'), { goesOn: true }));
				return 1000;
			};
			const pace = () => ({ take, report: async () => {}, block: async () => {} });
			await publishPost({ ...world.dependencies, pace }, world.ask(post, {}, { signal: abort.signal, idempotencyKey: 'turn' })).catch(() => {});
		}
		expect(tiktok.count('init')).toBe(0);
		await world.publish(world.ask(post, {}, { idempotencyKey: 'turn' }));
		expect(tiktok.publicCalls).toBe(1);
	});

	it('believes the answer to the last part more than a status that lags behind', async () => {
		await start();
		const lagging = { status: 200, body: { data: { status: 'PROCESSING_UPLOAD', uploaded_bytes: 2 * MIB }, error: { code: 'ok' } } };
		tiktok.fail('status', { when: 'before', answer: lagging, times: 20 });
		const row = await world.publish(world.ask(postOf('Lagging', [world.video])));
		expect([row.externalPostId, tiktok.count('last_chunk'), tiktok.count('init')]).toEqual([tiktok.posts[0]!.id, 1, 1]);
	});

	it('begins again when the address of the upload has expired', async () => {
		await start();
		const request = world.ask(postOf('Expired', [world.video]));
		tiktok.fail('last_chunk', { when: 'before', answer: tiktokError('access_token_invalid') });
		expect((await world.failing(request)).code).toBe('needs_reauth');
		world.clock.advance(3_600_000);
		await world.publish(request);
		expect([tiktok.count('init'), tiktok.publicCalls]).toEqual([2, 1]);
	});

	it('asks for an upload once more when the answer was lost, but no third time within the hour', async () => {
		await start();
		const request = world.ask(postOf('Lost', [world.video]));
		tiktok.fail('init', { when: 'after', answer: 'drop', times: 2 });
		expect(await world.failing(request)).toMatchObject({ code: 'platform_unavailable', details: { post_status: 'failed' } });
		const later = await world.failing(request);
		expect(later).toMatchObject({ code: 'platform_unavailable', message: expect.stringContaining('has to wait an hour') });
		expect(later.retryAfterSeconds).toBeGreaterThan(3500);
		expect(tiktok.count('init')).toBe(2);
		world.clock.advance(3_600_000);
		await world.publish(request);
		expect([tiktok.count('init'), tiktok.publicCalls]).toEqual([3, 1]);
	});

	it('never begins anew when the token dies while TikTok works on it', async () => {
		await start();
		const request = world.ask(postOf('Dead token', [world.video]));
		tiktok.fail('status', { when: 'before', answer: tiktokError('access_token_invalid') });
		expect(await world.failing(request)).toMatchObject({ code: 'needs_reauth', details: { post_status: 'needs_reauth' } });
		await world.publish(request);
		expect([tiktok.count('init'), tiktok.publicCalls, tiktok.posts.length]).toEqual([1, 1, 1]);
	});

	it('is explained when TikTok does not publish it, and is uploaded anew when it is tried again', async () => {
		await start();
		const request = world.ask(postOf('Bad frames', [world.video]));
		tiktok.failProcessing('frame_rate_check_failed');
		expect(await world.failing(request)).toMatchObject({
			code: 'post_rejected',
			message: expect.stringContaining('23 to 60 frames a second'),
			details: { post_status: 'failed', platform_code: 'frame_rate_check_failed' },
		});
		const row = await world.publish(request);
		expect([row.status, tiktok.count('init'), tiktok.posts.length]).toEqual(['published', 2, 1]);
	});

	it('is uploaded anew by itself after an error of TikTok', async () => {
		await start();
		tiktok.failProcessing('internal');
		const row = await world.publish(world.ask(postOf('Internal', [world.video])));
		expect([row.externalPostId, tiktok.count('init'), tiktok.posts.length]).toEqual([tiktok.posts[0]!.id, 2, 1]);
	});

	it.each([
		['is taken back when its job is cancelled', {}, 1],
		['is left for the process that goes on with it', { goesOn: true }, 0],
	])('%s', async (_, why, cancelled) => {
		await start();
		const abort = new AbortController();
		const hold = tiktok.hold('chunk', 'after');
		const work = world.failing(world.ask(postOf('Cancelled', [world.video]), {}, { signal: abort.signal }));
		await hold.reached;
		abort.abort(Object.assign(new Error('stopped'), why));
		expect((await work).code).toBe('cancelled');
		hold.release();
		expect([tiktok.count('cancel'), tiktok.publicCalls]).toEqual([cancelled, 0]);
	});

	it.each<[string, string, string, RegExp]>([
		['creator_info', 'spam_risk_too_many_posts', 'post_rejected', /24 hours/],
		['creator_info', 'reached_active_user_cap', 'post_rejected', /audited app/],
		['creator_info', 'spam_risk_user_banned_from_posting', 'post_rejected', /banned the account/],
		['init', 'unaudited_client_can_only_post_to_private_accounts', 'post_rejected', /not passed the audit/],
		['init', 'privacy_level_option_mismatch', 'post_rejected', /Who Can See It/],
		['init', 'scope_not_authorized', 'needs_reauth', /video\.publish to post/],
	])('tells what to do when %s answers %s', async (step, platformCode, code, hint) => {
		await start();
		// Some of them come with HTTP 200.
		tiktok.fail(step, { when: 'before', answer: tiktokError(platformCode, undefined, platformCode === 'scope_not_authorized' ? 401 : 200), times: 2 });
		const error = await world.failing(world.ask(postOf('Refused', [world.video])));
		expect(error).toMatchObject({ code, message: expect.stringMatching(hint), details: { platform_code: platformCode } });
		expect(error.details?.['retry_at'] !== undefined).toBe(/too_many|cap/.test(platformCode));
		expect(tiktok.publicCalls).toBe(0);
	});

	it('is posted although a page of HTML came between', async () => {
		await start();
		for (const step of ['creator_info', 'init', 'status']) tiktok.fail(step, { when: 'before', answer: { status: 200, body: '<html>Busy</html>' } });
		await world.publish(world.ask(postOf('HTML', [world.video])));
		expect(tiktok.publicCalls).toBe(1);
	});

	it('is counted: views, likes, comments and shares of up to 20 videos a call', async () => {
		await start();
		const row = await world.publish(world.ask(postOf('Seen', [world.video])));
		tiktok.setCounts(row.externalPostId!, { views: 9_007_199_254, likes: 3, comments: 2, shares: 1 });
		const others = Array.from({ length: 24 }, (_, index) => `75123456789012${index}`);
		const numbers = await world.platform().measure!(world.accountRun(), [...others, row.externalPostId!]);
		expect([...numbers]).toEqual([[row.externalPostId, { views: 9_007_199_254, likes: 3, comments: 2, shares: 1, saves: null, clicks: null }]]);
		expect(tiktok.count('videos')).toBe(2);
		expect(await world.platform().look!(world.accountRun(), row.externalPostId!)).toEqual({ state: 'published', remoteId: row.externalPostId, permalink: tiktok.posts[0]!.permalink });
		tiktok.posts.length = 0;
		expect(await world.platform().look!(world.accountRun(), row.externalPostId!)).toMatchObject({ permalink: null, warnings: [expect.stringContaining('does not list it')] });
	});

	it('waits for its turn: more than TikTok takes in a minute, and not one call too many', async () => {
		await start();
		const deps = { ...world.dependencies, pace: (account: string) => createPace(world.database.db, account) };
		const before = world.clock.now();
		for (let count = 0; count < 13; count += 1) await publishPost(deps, world.ask(postOf(`Number ${count}`, [world.video])));
		expect(tiktok.posts).toHaveLength(13);
		expect(tiktok.calls.filter(({ status }) => status === 429)).toEqual([]);
		// Six a minute: the thirteenth is in the third one.
		expect(world.clock.now() - before).toBeGreaterThan(120_000);
	});

	it('cannot be deleted, and it is said what to do instead', async () => {
		await start();
		expect(world.platform().remove).toBeUndefined();
		expect(world.platform().cannot?.remove).toContain('in the TikTok app');
	});
});

describe('a draft on TikTok', () => {
	const draft = (more: Settings = {}) => world.ask(postOf('Typed later', [world.video]), { mode: 'inbox', privacy: undefined, ...more });

	it('is delivered to the inbox, with a token that may do nothing else', async () => {
		await start({ tokens: { 'tiktok-token': tiktokAccount({ scopes: ['user.info.basic', 'video.upload'] }) } });
		const row = await world.publish(draft());
		const [found] = tiktok.drafts;
		expect(found!.media[0]!.sha256).toBe(world.video.sha256);
		expect(row).toMatchObject({ status: 'published', permalink: null, externalPostId: found!.publishId, account: 'demo ✨' });
		expect(row.warnings).toEqual([expect.stringContaining('Delivered as a draft, not published')]);
		expect([tiktok.posts.length, tiktok.publicCalls]).toEqual([0, 1]);
		tiktok.finishDraft(found!.publishId);
		// Without video.publish the name in the link is not known.
		expect(await world.platform().look!(world.accountRun(), found!.publishId)).toEqual({ state: 'published', remoteId: tiktok.posts[0]!.id, permalink: null });
	});

	it('belongs to the same account as a post, whatever the token may do', async () => {
		await start();
		expect(await world.platform().identify(world.accountRun())).toEqual({ id: '-000demoOpenId', name: 'demo' });
		// A day's cap of posts stands in no way of looking.
		tiktok.fail('creator_info', { when: 'before', answer: tiktokError('spam_risk_too_many_posts', undefined, 200) });
		expect(await world.platform().identify(world.accountRun())).toEqual({ id: '-000demoOpenId', name: 'demo ✨' });
		// A name is no id: it changes, and with it the account to whom older posts belong.
		for (const scopes of [['video.publish'], ['video.list']]) {
			tiktok.setToken('tiktok-token', tiktokAccount({ scopes }));
			await expect(world.platform().identify(world.accountRun())).rejects.toMatchObject({ decision: 'reauth', platformCode: 'scope_not_authorized', hint: expect.stringContaining('user.info.basic') });
		}
		tiktok.setToken('tiktok-token', tiktokAccount());
		tiktok.fail('user', { when: 'before', answer: tiktokError('invalid_params') });
		await expect(world.platform().identify(world.accountRun())).rejects.toMatchObject({ decision: 'stop' });
	});

	it('is one of five', async () => {
		await start({ rateLimits: false });
		for (let count = 0; count < 5; count += 1) await world.publish(draft());
		expect(await world.failing(draft())).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('Five drafts'), details: { platform_code: 'spam_risk_too_many_pending_share' } });
	});
});
