import type { Post, Settings } from '../../../../sidecar/src/social/platform.ts';
import type { FacebookEmulatorOptions } from '../../../platforms/facebook.ts';
import { graphError } from '../../../platforms/graph.ts';
import { facebookTest, PAGE } from './support.ts';
import { postOf, requestOf } from '../support.ts';

const on = facebookTest();
const { start, publish, failed, steps, inMinutes } = on;

describe('the Page that is posted to', () => {
	const two = ['110000000000000123', '110000000000000456'].map((id, index) => ({ id, name: `page ${index}`, token: `page-${index}`, tasks: ['CREATE_CONTENT'] }));

	it('takes the token of a Page as well', async () => {
		const account = await start();
		const credentials = { accessToken: 'facebook-page-token', baseUrl: null, extra: {} };
		await publish(requestOf({ ...account, credentials }, postOf('as the Page')));
		expect(steps()).toEqual(['accounts', 'me', 'feed']);
	});

	it('takes the token of a Page also where Facebook does not show it to itself', async () => {
		const account = await start({}, { page_id: PAGE });
		const credentials = { accessToken: 'facebook-page-token', baseUrl: null, extra: {} };
		on.facebook.fail('page', { when: 'after', answer: { status: 200, body: { id: PAGE, name: 'demo' } } });
		await publish(requestOf({ ...account, credentials }, postOf('as the Page')));
		expect(steps()).toEqual(['page', 'me', 'feed']);
	});

	it('wants to be told which of several', async () => {
		const account = await start({ pages: two });
		const error = await failed(publish(requestOf(account, postOf('where'))));
		expect(error).toMatchObject({ code: 'post_invalid', message: expect.stringContaining('page 1 (110000000000000456)') });
		await publish(requestOf({ ...account, settings: { page_id: two[1]!.id } }, postOf('there')));
		expect(on.facebook.posts.map(({ page }) => page)).toEqual([two[1]!.id]);
	});

	it.each<[string, FacebookEmulatorOptions, Settings, RegExp]>([
		['the account has no Page', { pages: [] }, {}, /Pages only, not to profiles or groups/],
		['the person may not post there', { pages: [{ ...two[0]!, tasks: ['ANALYZE'] }] }, {}, /may not create content on the Page page 0/],
		['the Page does not exist', {}, { page_id: '119' }, /no Page 119/],
		['others manage the Page', { pages: two, tokens: { 'facebook-token': { id: '122', username: 'u', scopes: ['pages_show_list'], kind: 'user', pages: [two[0]!.id] } } }, { page_id: two[1]!.id }, /does not manage the Page page 1/],
	])('says so when %s', async (_, options, settings, words) => {
		const account = await start(options, settings);
		const error = await failed(publish(requestOf(account, postOf('nowhere'))));
		expect(error.code).toBe('post_invalid');
		expect(error.message).toMatch(words);
		expect(on.facebook.publicCalls).toBe(0);
	});

	it('sends the token of the Page nowhere but to Facebook', async () => {
		const account = await start();
		on.facebook.fail('reelStart', { when: 'after', answer: { status: 200, body: { video_id: '2123', upload_url: 'https://evil.example/upload' } } });
		const error = await failed(publish(requestOf(account, postOf('no', [on.reel]))));
		expect(error).toMatchObject({ code: 'platform_unavailable', message: expect.stringContaining('evil.example') });
	});
});

describe('what Facebook refuses', () => {
	it.each<[string, object, string, RegExp]>([
		['a missing permission', { message: '(#200) no permission', code: 200, status: 403 }, 'needs_reauth', /pages_manage_posts/],
		['an app that is not reviewed', { message: '(#10) not approved', code: 10 }, 'needs_reauth', /Meta has not reviewed/],
		['an expired token', { message: 'expired', code: 190, subcode: 463 }, 'needs_reauth', /expired/],
		['a role that was lost', { message: 'role', code: 190, subcode: 492 }, 'needs_reauth', /no role on the Page/],
		['a blocked Page', { message: 'blocked', code: 368, subcode: 1_390_008 }, 'post_rejected', /Wait some hours/],
		['a bad link', { message: 'link', code: 1_609_005 }, 'post_rejected', /link/],
	])('explains %s', async (_, facts, code, words) => {
		const account = await start();
		on.facebook.fail('feed', { when: 'before', answer: graphError(facts as Parameters<typeof graphError>[0]) });
		const error = await failed(publish(requestOf(account, postOf('refused'))));
		expect(error.code).toBe(code);
		expect(error.message).toMatch(words);
		expect(error.message).not.toContain('facebook-page-token');
		expect(on.facebook.posts).toHaveLength(0);
	});

	it('waits as many minutes as a throttle says, and repeats what was only busy', async () => {
		const account = await start();
		const usage = JSON.stringify({ [PAGE]: [{ type: 'pages', call_count: 100, total_cputime: 1, total_time: 1, estimated_time_to_regain_access: 7 }] });
		on.facebook.fail('photo', { when: 'before', answer: graphError({ message: 'busy', code: 2, transient: true }) });
		on.facebook.fail('photo', { when: 'before', answer: graphError({ message: 'limit', code: 80_001, headers: { 'X-Business-Use-Case-Usage': usage } }) });
		const before = on.clock.now();
		await publish(requestOf(account, postOf('throttled', on.pictures)));
		expect(on.clock.now() - before).toBeGreaterThanOrEqual(7 * 60_000);
		expect(on.facebook.posts).toHaveLength(1);
	});

	it('takes a page of HTML for no answer', async () => {
		const account = await start();
		on.facebook.fail('feed', { when: 'after', answer: { status: 200, body: '<!doctype html><html>Sorry</html>' } });
		const row = await publish(requestOf(account, postOf('html')));
		expect(row.externalPostId).toBe(on.facebook.posts[0]!.id);
		expect(on.facebook.publicCalls).toBe(1);
	});

	it.each<[string, Settings, () => Post, RegExp]>([
		['a wide video as a reel', { form: 'reel' }, () => postOf('w', [{ ...on.wide, facts: { ...on.wide.facts, video: { ...on.wide.facts.video!, width: 1920, height: 1080 } } }]), /wider than high.*Choose "Video"/],
		['a text that is too long', {}, () => postOf('x'.repeat(63_207)), /63207 characters; Facebook takes 63206/],
		['a WebP picture', {}, () => postOf('w', [{ ...on.pictures[0]!, mime: 'image/webp' }]), /image\/webp is not taken/],
		['a scheduled story', { form: 'story' }, () => postOf('', [{ ...on.pictures[0]!, altText: null }], { scheduledAt: inMinutes(60) }), /no scheduling/],
		['a long story', { form: 'story' }, () => postOf('', [{ ...on.reel, facts: { ...on.reel.facts, durationSeconds: 61 } }]), /at most 60 s/],
		['subtitles of a photo', {}, () => postOf('', on.pictures, { subtitles: [{ language: 'en', label: 'English', srt: '', vtt: '' }] }), /no track of subtitles/],
		['eleven photos', {}, () => postOf('', Array.from({ length: 11 }, () => on.pictures[0]!)), /at most 10/],
	])('finds %s before anything is uploaded', async (_, settings, post, words) => {
		const account = await start({}, settings);
		const error = await failed(publish(requestOf(account, post())));
		expect(error.code).toBe('post_invalid');
		expect(error.message).toMatch(words);
		expect(steps()).toEqual(['accounts']);
	});

	it('stops at 30 reels a day', async () => {
		const account = await start({ reelsPerDay: 0 });
		const error = await failed(publish(requestOf(account, postOf('31', [on.reel]))));
		expect(error).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('30 reels in 24 hours') });
	});
});

