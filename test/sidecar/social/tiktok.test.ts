import { once } from 'node:events';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { createPace } from '../../../sidecar/src/db/pace.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { createAccountRun } from '../../../sidecar/src/social/account-run.ts';
import { createHttp } from '../../../sidecar/src/social/http.ts';
import type { Post, PostMedia, Settings } from '../../../sidecar/src/social/platform.ts';
import { publishPost, type PublishRequest } from '../../../sidecar/src/social/publish.ts';
import { createTikTok } from '../../../sidecar/src/social/tiktok.ts';
import { startTikTokEmulator, tiktokAccount, tiktokError, type TikTokEmulator, type TikTokEmulatorOptions } from '../../platforms/tiktok.ts';
import { crashing, dependencies, expireClaims, fakeClock, imageOf, openTestDatabase, postOf, requestOf, videoOf, type Clock } from './support.ts';

const MIB = 1024 * 1024;
let database: OpenDatabase;
let folder: string;
let video: PostMedia;
let clock: Clock;
let tiktok: TikTokEmulator;

beforeAll(async () => {
	database = await openTestDatabase();
	folder = await mkdtemp(join(tmpdir(), 'tiktok-'));
	video = await videoOf(folder, 3 * MIB + 5);
});
afterAll(async () => {
	await database.close();
	await rm(folder, { recursive: true });
});
afterEach(() => tiktok.close());

async function start(options: TikTokEmulatorOptions = {}): Promise<void> {
	clock = fakeClock();
	tiktok = await startTikTokEmulator({ now: clock.now, minChunkBytes: MIB, ...options });
}
const platform = () =>
	createTikTok({ http: createHttp({ now: () => new Date(clock.now()) }), apiBaseUrl: `${tiktok.url}/`, webBaseUrl: tiktok.url, chunkBytes: MIB });
const credentials = { accessToken: 'tiktok-token', baseUrl: null, extra: {} };
const ask = (post: Post, settings: Settings = {}, more: Partial<PublishRequest> = {}) =>
	requestOf({ platform, credentials, settings: { privacy: 'everyone', ...settings } }, post, more);
const publish = (request: PublishRequest) => publishPost(dependencies(database, clock), request);
const failing = (request: PublishRequest): Promise<PipelineError> =>
	publish(request).then(
		() => {
			throw new Error('it should have failed');
		},
		(error: unknown) => {
			if (error instanceof PipelineError) return error;
			throw error;
		},
	);
const problemsOf = async (request: PublishRequest) => {
	const error = await failing(request);
	expect(error.code).toBe('post_invalid');
	expect(tiktok.count('init') + tiktok.count('content_init')).toBe(0);
	return error.details?.['problems'] as Array<{ field: string; message: string }>;
};
const accountRun = (settings: Settings = {}) =>
	createAccountRun(dependencies(database, clock), { platform: platform(), credentials, settings, signal: new AbortController().signal, log: ask(postOf('')).log }, () => ({ id: 'demo', name: 'demo' }));

describe('a video on TikTok', () => {
	it('goes out in chunks, with nothing allowed that was not asked for', async () => {
		await start();
		const row = await publish(ask(postOf('Words #tag', [video], { coverSeconds: 1.5 })));
		expect(tiktok.calls.map(({ step }) => step)).toEqual(['user', 'creator_info', 'creator_info', 'init', 'chunk', 'chunk', 'last_chunk', 'status', 'status', 'creator_info']);
		expect(tiktok.posts[0]).toMatchObject({ text: 'Words #tag', privacy: 'PUBLIC_TO_EVERYONE' });
		expect(tiktok.posts[0]!.media[0]!.sha256).toBe(video.sha256);
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
		await publish(ask(postOf('All of it', [video], { visibility: 'public' }), settings));
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
		['a paid partnership that nobody sees', { privacy: 'only_me', paid_partnership: true }, {}, 'settings.paid_partnership', /Choose another privacy/],
		['comments that the account has switched off', { allow_comments: true }, {}, 'settings.allow_comments', /switched comments off/],
		['a text of 2201 units', {}, { text: '😀'.repeat(1100) + 'a' }, 'text', /2201 characters.*takes 2200/],
		['a title', {}, { title: 'A title' }, 'title', /no title/],
		['words alone', {}, { media: [] }, 'media', /no posts of words alone/],
		['a time', {}, { scheduledAt: new Date('2030-01-01') }, 'scheduled_at', /no scheduling of its own/],
	])('is refused before anything is sent with %s', async (_, settings, more, field, message) => {
		await start({ tokens: { 'tiktok-token': tiktokAccount({ commentDisabled: true }) } });
		const problems = await problemsOf(ask(postOf('Text', [video], more), settings));
		expect(problems).toEqual([expect.objectContaining({ field, message: expect.stringMatching(message) })]);
	});

	it('may be as long as the account allows', async () => {
		await start({ tokens: { 'tiktok-token': tiktokAccount({ maxVideoSeconds: 9 }) } });
		expect(await problemsOf(ask(postOf('Long', [video])))).toEqual([{ field: 'media[0]', message: expect.stringContaining('at most 9 s'), fixable: true }]);
	});

	it('that only its owner sees is published without id and link, for ever', async () => {
		await start();
		const row = await publish(ask(postOf('Mine', [video]), { privacy: 'only_me' }));
		expect(row).toMatchObject({ status: 'published', permalink: null, externalPostId: tiktok.posts[0]!.publishId });
		expect(tiktok.count('status')).toBe(2);
		const id = row.externalPostId!;
		expect(await platform().look!(accountRun(), id)).toEqual({ state: 'published', remoteId: id, permalink: null });
		expect((await platform().measure!(accountRun(), [id])).get(id)).toMatchObject({ views: null });
		expect(tiktok.count('videos')).toBe(0);
	});

	it('that is being moderated gets its id a little later, or is found out by a later look', async () => {
		await start({ moderationPolls: 3 });
		const soon = await publish(ask(postOf('Soon', [video])));
		expect(soon.externalPostId).toBe(tiktok.posts[0]!.id);
		await tiktok.close();
		await start({ moderationPolls: 100 });
		const late = await publish(ask(postOf('Late', [video])));
		expect(late).toMatchObject({ status: 'published', permalink: null, externalPostId: tiktok.posts[0]!.publishId });
		for (let poll = 0; poll < 100; poll += 1) {
			const look = await platform().look!(accountRun(), late.externalPostId!);
			if (look.state !== 'gone' && look.remoteId === tiktok.posts[0]!.id) return expect(look.permalink).toBe(tiktok.posts[0]!.permalink);
			clock.advance(3000);
		}
		throw new Error('the id was never found');
	});

	it('goes on where a broken connection left it, whether TikTok kept a part of the chunk or not', async () => {
		for (const brokenChunks of ['dropped', 'kept'] as const) {
			for (const step of ['chunk', 'last_chunk']) {
				await start({ brokenChunks });
				tiktok.fail(step, { when: 'during', answer: 'drop' });
				const row = await publish(ask(postOf('Broken', [video])));
				expect({ brokenChunks, step, hash: tiktok.posts[0]!.media[0]!.sha256 }).toEqual({ brokenChunks, step, hash: video.sha256 });
				expect([row.status, tiktok.publicCalls, tiktok.count('init')]).toEqual(['published', 1, 1]);
				if (step === 'chunk') await tiktok.close();
			}
			if (brokenChunks === 'dropped') await tiktok.close();
		}
	});

	it('goes on where TikTok is further than we know', async () => {
		await start();
		tiktok.fail('chunk', { when: 'after', answer: 'drop', skip: 1 });
		await publish(ask(postOf('Further', [video])));
		// Two went well, though the answer to the second was lost; its repeat was refused with what TikTok has.
		expect(tiktok.calls.filter(({ step }) => step === 'chunk').map(({ status }) => status)).toEqual([206, 'dropped', 416]);
		expect([tiktok.count('last_chunk'), tiktok.publicCalls]).toEqual([1, 1]);
	});

	it('is unknown, not posted again, when TikTok says that it lacks the last part and then forgets the upload', async () => {
		await start();
		const request = ask(postOf('Doubted', [video]));
		tiktok.fail('last_chunk', { when: 'after', answer: 'drop' });
		// As a status would that lags behind.
		const lagging = { status: 200, body: { data: { status: 'PROCESSING_UPLOAD', uploaded_bytes: 2 * MIB, publicaly_available_post_id: [] }, error: { code: 'ok' } } };
		tiktok.fail('status', { when: 'before', answer: lagging, times: 10 });
		tiktok.fail('last_chunk', { when: 'before', answer: { status: 404 }, times: 2 });
		expect(await failing(request)).toMatchObject({ code: 'post_unknown', details: { post_status: 'unknown' } });
		expect([tiktok.count('init'), tiktok.publicCalls, tiktok.posts.length]).toEqual([1, 1, 1]);
	});

	it('believes the answer to the last part more than a status that lags behind', async () => {
		await start();
		const lagging = { status: 200, body: { data: { status: 'PROCESSING_UPLOAD', uploaded_bytes: 2 * MIB }, error: { code: 'ok' } } };
		tiktok.fail('status', { when: 'before', answer: lagging, times: 20 });
		const row = await publish(ask(postOf('Lagging', [video])));
		expect([row.externalPostId, tiktok.count('last_chunk'), tiktok.count('init')]).toEqual([tiktok.posts[0]!.id, 1, 1]);
	});

	it('begins again when the address of the upload has expired', async () => {
		await start();
		const request = ask(postOf('Expired', [video]));
		tiktok.fail('last_chunk', { when: 'before', answer: tiktokError('access_token_invalid') });
		expect((await failing(request)).code).toBe('needs_reauth');
		clock.advance(3_600_000);
		await publish(request);
		expect([tiktok.count('init'), tiktok.publicCalls]).toEqual([2, 1]);
	});

	it('asks for an upload once more when the answer was lost, but no third time within the hour', async () => {
		await start();
		const request = ask(postOf('Lost', [video]));
		tiktok.fail('init', { when: 'after', answer: 'drop', times: 2 });
		expect(await failing(request)).toMatchObject({ code: 'platform_unavailable', details: { post_status: 'failed' } });
		const later = await failing(request);
		expect(later).toMatchObject({ code: 'platform_unavailable', message: expect.stringContaining('has to wait an hour') });
		expect(later.retryAfterSeconds).toBeGreaterThan(3500);
		expect(tiktok.count('init')).toBe(2);
		clock.advance(3_600_000);
		await publish(request);
		expect([tiktok.count('init'), tiktok.publicCalls]).toEqual([3, 1]);
	});

	it('never begins anew when the token dies while TikTok works on it', async () => {
		await start();
		const request = ask(postOf('Dead token', [video]));
		tiktok.fail('status', { when: 'before', answer: tiktokError('access_token_invalid') });
		expect(await failing(request)).toMatchObject({ code: 'needs_reauth', details: { post_status: 'needs_reauth' } });
		await publish(request);
		expect([tiktok.count('init'), tiktok.publicCalls, tiktok.posts.length]).toEqual([1, 1, 1]);
	});

	it('is explained when TikTok does not publish it, and is uploaded anew when it is tried again', async () => {
		await start();
		const request = ask(postOf('Bad frames', [video]));
		tiktok.failProcessing('frame_rate_check_failed');
		expect(await failing(request)).toMatchObject({
			code: 'post_rejected',
			message: expect.stringContaining('23 to 60 frames a second'),
			details: { post_status: 'failed', platform_code: 'frame_rate_check_failed' },
		});
		const row = await publish(request);
		expect([row.status, tiktok.count('init'), tiktok.posts.length]).toEqual(['published', 2, 1]);
	});

	it('is uploaded anew by itself after an error of TikTok', async () => {
		await start();
		tiktok.failProcessing('internal');
		const row = await publish(ask(postOf('Internal', [video])));
		expect([row.externalPostId, tiktok.count('init'), tiktok.posts.length]).toEqual([tiktok.posts[0]!.id, 2, 1]);
	});

	it.each([
		['is taken back when its job is cancelled', {}, 1],
		['is left for the process that goes on with it', { goesOn: true }, 0],
	])('%s', async (_, why, cancelled) => {
		await start();
		const abort = new AbortController();
		const hold = tiktok.hold('chunk', 'after');
		const work = failing(ask(postOf('Cancelled', [video]), {}, { signal: abort.signal }));
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
		const error = await failing(ask(postOf('Refused', [video])));
		expect(error).toMatchObject({ code, message: expect.stringMatching(hint), details: { platform_code: platformCode } });
		expect(error.details?.['retry_at'] !== undefined).toBe(/too_many|cap/.test(platformCode));
		expect(tiktok.publicCalls).toBe(0);
	});

	it('is posted although a page of HTML came between', async () => {
		await start();
		for (const step of ['creator_info', 'init', 'status']) tiktok.fail(step, { when: 'before', answer: { status: 200, body: '<html>Busy</html>' } });
		await publish(ask(postOf('HTML', [video])));
		expect(tiktok.publicCalls).toBe(1);
	});

	it('is counted: views, likes, comments and shares of up to 20 videos a call', async () => {
		await start();
		const row = await publish(ask(postOf('Seen', [video])));
		tiktok.setCounts(row.externalPostId!, { views: 9_007_199_254, likes: 3, comments: 2, shares: 1 });
		const others = Array.from({ length: 24 }, (_, index) => `75123456789012${index}`);
		const numbers = await platform().measure!(accountRun(), [...others, row.externalPostId!]);
		expect([...numbers]).toEqual([[row.externalPostId, { views: 9_007_199_254, likes: 3, comments: 2, shares: 1, saves: null, clicks: null }]]);
		expect(tiktok.count('videos')).toBe(2);
		expect(await platform().look!(accountRun(), row.externalPostId!)).toEqual({ state: 'published', remoteId: row.externalPostId, permalink: tiktok.posts[0]!.permalink });
		tiktok.posts.length = 0;
		expect(await platform().look!(accountRun(), row.externalPostId!)).toMatchObject({ permalink: null, warnings: [expect.stringContaining('does not list it')] });
	});

	it('waits for its turn: more than TikTok takes in a minute, and not one call too many', async () => {
		await start();
		const deps = { ...dependencies(database, clock), pace: (account: string) => createPace(database.db, account) };
		const before = clock.now();
		for (let count = 0; count < 13; count += 1) await publishPost(deps, ask(postOf(`Number ${count}`, [video])));
		expect(tiktok.posts).toHaveLength(13);
		expect(tiktok.calls.filter(({ status }) => status === 429)).toEqual([]);
		// Six a minute: the thirteenth is in the third one.
		expect(clock.now() - before).toBeGreaterThan(120_000);
	});

	it('cannot be deleted, and it is said what to do instead', async () => {
		await start();
		expect(platform().remove).toBeUndefined();
		expect(platform().cannot?.remove).toContain('in the TikTok app');
	});
});

describe('a draft on TikTok', () => {
	const draft = (more: Settings = {}) => ask(postOf('Typed later', [video]), { mode: 'inbox', privacy: undefined, ...more });

	it('is delivered to the inbox, with a token that may do nothing else', async () => {
		await start({ tokens: { 'tiktok-token': tiktokAccount({ scopes: ['user.info.basic', 'video.upload'] }) } });
		const row = await publish(draft());
		const [found] = tiktok.drafts;
		expect(found!.media[0]!.sha256).toBe(video.sha256);
		expect(row).toMatchObject({ status: 'published', permalink: null, externalPostId: found!.publishId, account: 'demo ✨' });
		expect(row.warnings).toEqual([expect.stringContaining('Delivered as a draft, not published')]);
		expect([tiktok.posts.length, tiktok.publicCalls]).toEqual([0, 1]);
		tiktok.finishDraft(found!.publishId);
		// Without video.publish the name in the link is not known.
		expect(await platform().look!(accountRun(), found!.publishId)).toEqual({ state: 'published', remoteId: tiktok.posts[0]!.id, permalink: null });
	});

	it('belongs to the same account as a post, whatever the token may do', async () => {
		await start();
		expect(await platform().identify(accountRun())).toEqual({ id: '-000demoOpenId', name: 'demo' });
		// A day's cap of posts stands in no way of looking.
		tiktok.fail('creator_info', { when: 'before', answer: tiktokError('spam_risk_too_many_posts', undefined, 200) });
		expect(await platform().identify(accountRun())).toEqual({ id: '-000demoOpenId', name: 'demo ✨' });
		tiktok.setToken('tiktok-token', tiktokAccount({ scopes: ['video.publish'] }));
		expect(await platform().identify(accountRun())).toEqual({ id: 'demo', name: 'demo' });
		tiktok.setToken('tiktok-token', tiktokAccount({ scopes: ['video.list'] }));
		await expect(platform().identify(accountRun())).rejects.toMatchObject({ decision: 'reauth', platformCode: 'scope_not_authorized' });
	});

	it('is one of five', async () => {
		await start({ rateLimits: false });
		for (let count = 0; count < 5; count += 1) await publish(draft());
		expect(await failing(draft())).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('Five drafts'), details: { platform_code: 'spam_risk_too_many_pending_share' } });
	});
});

describe('photos on TikTok', () => {
	let files: Server;
	let photos: PostMedia[];
	beforeAll(async () => {
		const pictures = await Promise.all([1, 2].map((number) => imageOf(folder, 1000 + number, `${number}.jpg`)));
		files = createServer((request, response) => {
			const picture = pictures.find(({ path }) => path.endsWith(request.url ?? '-'));
			if (!picture) return void response.writeHead(404).end();
			void readFile(picture.path).then((bytes) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(bytes));
		}).listen(0, '127.0.0.1');
		await once(files, 'listening');
		const origin = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
		photos = pictures.map((picture, index) => ({ ...picture, mime: 'image/jpeg', url: `${origin}/${index + 1}.jpg` }));
	});
	afterAll(() => void files.close());

	it('are fetched by TikTok, and the call that asks for it is the public one', async () => {
		await start();
		const row = await publish(ask(postOf('Described', photos, { title: 'Titled' }), { cover_photo: 2, auto_add_music: true, allow_comments: true }));
		expect(tiktok.posts[0]).toMatchObject({ text: 'Described', title: 'Titled', kind: 'photo', info: { auto_add_music: true, disable_comment: false } });
		expect(tiktok.posts[0]!.media.map((media) => media.sha256)).toEqual(photos.map((photo) => photo.sha256));
		expect(row).toMatchObject({ externalPostId: tiktok.posts[0]!.id, permalink: tiktok.posts[0]!.permalink });
		expect(tiktok.publicCalls).toBe(1);
	});

	it('whose call was not answered are unknown, and never sent again', async () => {
		await start();
		const request = ask(postOf('Unanswered', photos));
		tiktok.fail('content_init', { when: 'after', answer: 'drop' });
		expect(await failing(request)).toMatchObject({ code: 'post_unknown', details: { post_status: 'unknown' }, message: expect.stringContaining('Look at the account') });
		expect(await failing(request)).toMatchObject({ code: 'post_unknown' });
		expect([tiktok.publicCalls, tiktok.count('content_init')]).toEqual([1, 1]);
	});

	it.each(['before', 'after'] as const)('are one post, or unknown, when the process is killed just %s any write to the ledger', async (when) => {
		await start({ rateLimits: false });
		for (let write = 1; ; write += 1) {
			const calls = tiktok.publicCalls;
			const request = ask(postOf(`killed ${when} ${write}`, photos));
			const deps = dependencies(database, clock);
			const ledger = crashing(deps.ledger, write, when);
			await publishPost({ ...deps, ledger }, request).catch(() => {});
			await expireClaims(database);
			const end = await publish(request).catch((error: unknown) => error);
			if (end instanceof PipelineError) expect({ write, code: end.code }).toEqual({ write, code: 'post_unknown' });
			expect({ write, calls: tiktok.publicCalls - calls <= 1 }).toEqual({ write, calls: true });
			if (!ledger.died) break;
		}
		expect(tiktok.posts.length).toBeGreaterThan(4);
	});

	it('that TikTok cannot fetch are refused in words, and may be tried again', async () => {
		await start();
		const gone = photos.map((photo) => ({ ...photo, url: `${photo.url}x` }));
		const request = ask(postOf('Gone', gone));
		expect(await failing(request)).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('reachable from the internet'), details: { platform_code: 'photo_pull_failed' } });
		// The second try must not be taken for the first one, whose end is known.
		tiktok.fail('content_init', { when: 'after', answer: 'drop' });
		expect((await failing(request)).code).toBe('post_unknown');
	});

	it('need an address, a verified host, JPEG or WebP, and at most 1080 pixels on the shorter side', async () => {
		await start({ verifiedHosts: [] });
		const [photo] = photos;
		expect((await problemsOf(ask(postOf('', [{ ...photo!, url: null }])))).map(({ message }) => message)).toEqual([expect.stringContaining('PUBLIC_URL')]);
		const large = { ...photo!, mime: 'image/png', facts: { ...photo!.facts, video: { ...photo!.facts.video!, width: 2000, height: 1100 } } };
		expect((await problemsOf(ask(postOf('', [large])))).map(({ message }) => message)).toEqual([expect.stringContaining('image/png'), expect.stringContaining('1080')]);
		expect(await problemsOf(ask(postOf('', [photo!]), { ai_generated: true, cover_photo: 2 }))).toHaveLength(2);
		expect(await failing(ask(postOf('', [photo!])))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('URL Properties'), details: { platform_code: 'url_ownership_unverified' } });
	});

	it('may go to the inbox', async () => {
		await start();
		const row = await publish(ask(postOf('Later', photos), { mode: 'inbox', privacy: undefined }));
		expect(tiktok.drafts[0]).toMatchObject({ text: 'Later', publishId: row.externalPostId });
		expect(tiktok.posts).toEqual([]);
	});
});
