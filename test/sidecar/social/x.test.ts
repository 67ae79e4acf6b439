import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import type { PostMedia } from '../../../sidecar/src/social/platform.ts';
import { publishPost } from '../../../sidecar/src/social/publish.ts';
import { createHttp } from '../../../sidecar/src/social/http.ts';
import { createX, isSame } from '../../../sidecar/src/social/x.ts';
import { startXEmulator, type XEmulator, type XEmulatorOptions } from '../../platforms/x.ts';
import { accountRunOf, crashing, dependencies, expireClaims, fakeClock, imageOf, openTestDatabase, postOf, requestOf, videoOf, type Clock } from './support.ts';
import { STAGES } from './stages/index.ts';
import type { Account } from './stages/stage.ts';

let database: OpenDatabase;
let folder: string;
let video: PostMedia;
let clock: Clock;
let x: XEmulator;

beforeAll(async () => {
	database = await openTestDatabase();
	folder = await mkdtemp(join(tmpdir(), 'x-'));
	video = await videoOf(folder, 3 * 1024 * 1024 + 1);
});
afterAll(async () => {
	await database.close();
	await rm(folder, { recursive: true });
});
afterEach(() => x.close());

async function start(options: XEmulatorOptions = {}): Promise<Account> {
	clock = fakeClock();
	x = await startXEmulator({ now: clock.now, ...options });
	const platform = () => createX({ http: createHttp({ now: () => new Date(clock.now()) }), apiBaseUrl: `${x.url}/`, webBaseUrl: x.url });
	return { platform, credentials: { accessToken: 'x-token', baseUrl: null, extra: {} } };
}
const publish = (request: ReturnType<typeof requestOf>) => publishPost(dependencies(database, clock), request);
const accountRun = (account: Account) => accountRunOf(account, clock);

describe('X', () => {
	it('sends a video in segments of 1 MiB and polls as often as it is told', async () => {
		const stage = await start({ processingPolls: 3, checkAfterSeconds: 7 });
		const before = clock.now();
		await publish(requestOf(stage, postOf('segments', [video])));
		expect(x.calls.map((call) => call.step)).toEqual(['me', 'initialize', 'append', 'append', 'append', 'append', 'finalize', 'status', 'status', 'status', 'status', 'create']);
		expect(clock.now() - before).toBeGreaterThanOrEqual(4 * 7000);
		expect(x.posts[0]!.media[0]!.sha256).toBe(video.sha256);
	});

	it('does not ask for the status of pictures', async () => {
		const stage = await start();
		const pictures = await Promise.all([1, 2, 3, 4].map((number) => imageOf(folder, 1000 + number, `${number}.png`)));
		await publish(requestOf(stage, postOf('', pictures)));
		expect(x.count('status')).toBe(0);
		expect(x.posts[0]!.media.map((media) => media.sha256)).toEqual(pictures.map((picture) => picture.sha256));
	});

	it('keeps 19-digit ids whole', async () => {
		const stage = await start();
		const row = await publish(requestOf(stage, postOf('id')));
		expect(row.externalPostId).toMatch(/^\d{19}$/);
		expect(row.externalPostId).toBe(x.posts[0]!.id);
		expect(row.permalink).toBe(`${x.url}/demo/status/${x.posts[0]!.id}`);
	});

	it('finds a text without media again, though it is shown with short links', async () => {
		const stage = await start();
		x.fail('create', { when: 'after', answer: 'drop' });
		const row = await publish(requestOf(stage, postOf('Read https://example.com/a?b=1&c=2 and example.org <now> & then')));
		expect(row.externalPostId).toBe(x.posts[0]!.id);
		expect(x.publicCalls).toBe(1);
		expect(x.count('timeline')).toBe(1);
	});

	it('does not take an older post with the same text for its own', async () => {
		const stage = await start();
		const first = await publish(requestOf(stage, postOf('Same words')));
		x.posts[0]!.at = new Date(clock.now() - 3_600_000);
		x.fail('create', { when: 'before', answer: 'drop' });
		const error = await publish(requestOf(stage, postOf('Same words'))).catch((thrown: unknown) => thrown);
		// The repeat after the broken call is refused as a duplicate; whose, nobody can tell.
		expect(error).toMatchObject({ code: 'post_unknown' });
		expect(first.externalPostId).toBe(x.posts[0]!.id);
		expect(x.posts).toHaveLength(1);
	});

	it('looks through several pages', async () => {
		const stage = await start();
		x.fail('create', { when: 'after', answer: 'drop' });
		x.fail('timeline', { when: 'before', answer: { status: 401 } });
		const request = requestOf(stage, postOf('buried', [video]));
		await publish(request).catch(() => {});
		for (let number = 0; number < 120; number += 1) await post(`newer ${number}`);
		const row = await publish(request);
		expect(row.externalPostId).toBe(x.posts[0]!.id);
		expect(x.publicCalls).toBe(121);
	});

	it('waits until the timeline has settled before it believes that nothing was posted', async () => {
		const stage = await start();
		x.fail('create', { when: 'before', answer: 'drop' });
		const before = clock.now();
		await publish(requestOf(stage, postOf('patient', [video])));
		expect(x.posts).toHaveLength(1);
		// Longer than the answer is waited for (30 s): X may have gone on with the call until then.
		expect(clock.now() - before).toBeGreaterThanOrEqual(75_000);
	});

	it('looks once more before it gives up the media by which a late post would be found', async () => {
		const stage = await start();
		x.fail('create', { when: 'after', answer: 'drop' });
		x.fail('timeline', { when: 'before', answer: { status: 200, body: { meta: { result_count: 0 } } }, times: 16 });
		x.fail('create', { when: 'before', answer: { status: 400, body: { title: 'Invalid Request', detail: 'Your media IDs are invalid.', status: 400 } } });
		const row = await publish(requestOf(stage, postOf('late, and its media is used up', [video])));
		expect([row.externalPostId, x.posts.length, x.count('initialize')]).toEqual([x.posts[0]!.id, 1, 1]);
	});

	it('takes "duplicate" after an unknown outcome as a sign, and finds the post', async () => {
		const stage = await start();
		x.fail('create', { when: 'after', answer: 'drop' });
		// The timeline shows the post late: sixteen looks find nothing.
		x.fail('timeline', { when: 'before', answer: { status: 200, body: { meta: { result_count: 0 } } }, times: 16 });
		const row = await publish(requestOf(stage, postOf('late in the timeline', [video])));
		expect(row.externalPostId).toBe(x.posts[0]!.id);
		expect(x.posts).toHaveLength(1);
	});

	it('says that the outcome is unknown when "duplicate" is all it learns, and never posts again', async () => {
		const stage = await start();
		x.fail('create', { when: 'after', answer: 'drop' });
		x.fail('timeline', { when: 'before', answer: { status: 200, body: { meta: { result_count: 0 } } }, times: 100 });
		const request = requestOf(stage, postOf('never in the timeline'));
		const error = await publish(request).catch((thrown: unknown) => thrown);
		expect(error).toMatchObject({ code: 'post_unknown', details: { post_status: 'unknown' } });
		const calls = x.publicCalls;
		await publish(request).catch(() => {});
		expect(x.publicCalls).toBe(calls);
		expect(x.posts).toHaveLength(1);
	});

	it('refuses a duplicate of an earlier post', async () => {
		const stage = await start();
		await publish(requestOf(stage, postOf('again')));
		await expect(publish(requestOf(stage, postOf('again')))).rejects.toMatchObject({ code: 'post_rejected', details: { post_status: 'failed' } });
	});

	it('tells why X could not process a video', async () => {
		const stage = await start();
		x.failProcessing('UnsupportedMedia', 'Duration exceeds 140 s');
		await expect(publish(requestOf(stage, postOf('bad', [video])))).rejects.toMatchObject({ code: 'post_rejected', message: expect.stringContaining('UnsupportedMedia, Duration exceeds 140 s') });
		expect(x.publicCalls).toBe(0);
	});

	it.each([
		['media.write', [video], 'append'],
		['users.read', [], 'create'],
	])('asks for a new token when the scope %s is missing', async (missing) => {
		const stage = await start();
		const scopes = ['tweet.read', 'tweet.write', 'users.read', 'media.write'].filter((scope) => scope !== missing);
		x.setToken('x-token', { id: '1450000000000000001', username: 'demo', scopes });
		await expect(publish(requestOf(stage, postOf('scopes', [video])))).rejects.toMatchObject({ code: 'needs_reauth' });
		expect(x.publicCalls).toBe(0);
	});

	it('does not wait for a billing cap', async () => {
		const stage = await start();
		x.fail('create', { when: 'before', answer: { status: 429, body: { title: 'Usage cap', type: 'https://api.twitter.com/2/problems/usage-capped' } } });
		await expect(publish(requestOf(stage, postOf('capped')))).rejects.toMatchObject({ code: 'post_rejected' });
		expect(x.publicCalls).toBe(0);
	});

	it('uploads again what has expired', async () => {
		const stage = await start({ mediaLifeSeconds: 3600 });
		const request = requestOf(stage, postOf('expired', [video]));
		x.fail('create', { when: 'before', answer: { status: 401 } });
		await publish(request).catch(() => {});
		clock.advance(3_600_000);
		await publish(request);
		expect(x.count('initialize')).toBe(2);
		expect(x.posts[0]!.media[0]!.sha256).toBe(video.sha256);
	});

	it('begins again when X forgot an upload in the middle', async () => {
		const stage = await start();
		const request = requestOf(stage, postOf('forgot', [video]));
		x.fail('append', { when: 'before', answer: { status: 401 }, skip: 2 });
		await publish(request).catch(() => {});
		x.forgetMedia();
		await publish(request);
		expect(x.count('initialize')).toBe(2);
		expect(x.posts[0]!.media[0]!.sha256).toBe(video.sha256);
	});

	it('sends only the missing segments after a break', async () => {
		const stage = await start();
		const request = requestOf(stage, postOf('resume', [video]));
		x.fail('append', { when: 'before', answer: { status: 401 }, skip: 2 });
		await publish(request).catch(() => {});
		await expireClaims(database);
		await publish(request);
		// Two went well, one was refused, two were missing.
		expect(x.count('append')).toBe(5);
		expect(x.count('initialize')).toBe(1);
	});

	it('uploads subtitles, attaches them to the video, and goes on there after a break', async () => {
		const stage = await start();
		const subtitles = [
			{ language: 'en', label: 'English', srt: '1\n00:00:00,000 --> 00:00:01,000\nhello', vtt: '' },
			{ language: 'pt-BR', label: 'Português', srt: '1\n00:00:00,000 --> 00:00:01,000\nolá', vtt: '' },
		];
		const request = requestOf(stage, postOf('with subtitles', [video], { subtitles }));
		x.fail('subtitles', { when: 'before', answer: { status: 401 }, skip: 1 });
		await publish(request).catch(() => {});
		await publish(request);
		expect([...x.posts[0]!.media[0]!.subtitles]).toEqual([
			['EN', { text: subtitles[0]!.srt, name: 'English' }],
			['PT', { text: subtitles[1]!.srt, name: 'Português' }],
		]);
		// The video and two tracks, once each.
		expect([x.count('initialize'), x.count('append'), x.count('subtitles')]).toEqual([3, 6, 3]);
	});

	it('shows a picture before the video plays, uploaded once', async () => {
		const stage = await start();
		const cover = await imageOf(folder, 2000, 'cover.png');
		const request = requestOf(stage, postOf('with a cover', [video], { cover }));
		x.fail('create', { when: 'before', answer: { status: 401 } });
		await publish(request).catch(() => {});
		await publish(request);
		expect([x.posts[0]!.cover?.sha256, x.count('initialize')]).toEqual([cover.sha256, 2]);
		const large = { ...cover, bytes: 6_000_000 };
		await expect(publish(requestOf(stage, postOf('large cover', [video], { cover: large })))).rejects.toMatchObject({ code: 'post_invalid', message: expect.stringContaining('cover: X: the file has 6.0 MB') });
		await expect(publish(requestOf(stage, postOf('no video', [cover], { cover })))).rejects.toMatchObject({ code: 'post_invalid', message: expect.stringContaining('takes no cover picture') });
	});

	it('uploads everything again when X has forgotten a video whose subtitles were missing', async () => {
		const stage = await start();
		const subtitles = [{ language: 'en', label: 'English', srt: '1\n00:00:00,000 --> 00:00:01,000\nhello', vtt: '' }];
		const request = requestOf(stage, postOf('forgotten subtitles', [video], { subtitles }));
		x.fail('subtitles', { when: 'before', answer: { status: 401 } });
		await publish(request).catch(() => {});
		x.forgetMedia();
		await publish(request);
		expect(x.posts[0]!.media[0]!.subtitles.size).toBe(1);
	});

	it.each(['before', 'after'] as const)('makes one post with its subtitles when the process is killed just %s any write to the ledger', async (when) => {
		const stage = await start({ processingPolls: 0 });
		const small = await videoOf(folder, 1000, 'A counter', 'small.mp4');
		const subtitles = [{ language: 'en', label: 'English', srt: '1\n00:00:00,000 --> 00:00:01,000\nhello', vtt: '' }];
		for (let write = 1, died = true; died; write += 1) {
			const text = `subtitles, killed ${when} write ${write}`;
			const request = requestOf(stage, postOf(text, [small], { subtitles }));
			const deps = dependencies(database, clock);
			const ledger = crashing(deps.ledger, write, when);
			await publishPost({ ...deps, ledger }, request).catch(() => {});
			await expireClaims(database);
			await publish(request);
			expect(x.posts.at(-1)).toMatchObject({ text, media: [{ sha256: small.sha256, alt: 'A counter', subtitles: new Map([['EN', { text: subtitles[0]!.srt, name: 'English' }]]) }] });
			expect({ write, posts: x.posts.length, calls: x.publicCalls }).toEqual({ write, posts: write, calls: write });
			({ died } = ledger);
		}
	});

	it('refuses 281 letters, and says by how many they are too many', async () => {
		const stage = await start();
		await expect(publish(requestOf(stage, postOf('a'.repeat(281))))).rejects.toMatchObject({ code: 'post_invalid', message: expect.stringContaining('Shorten it by 1.') });
		expect(x.publicCalls).toBe(0);
	});

	it.each<[string, string, number]>([
		['that is no answer', '<html><body>Just a moment…</body></html>', 200],
		['that refuses', '<html><body>Forbidden</body></html>', 403],
	])('posts nothing on a page of HTML %s', async (_, body, status) => {
		const stage = await start();
		x.fail('me', { when: 'before', answer: { status, body }, times: 5 });
		const error = await publish(requestOf(stage, postOf('html'))).catch((thrown: unknown) => thrown);
		expect(error).toMatchObject({ code: status === 200 ? 'platform_unavailable' : 'needs_reauth', message: expect.stringContaining(status === 200 ? 'not in the documented form' : 'an HTML page') });
		expect(x.publicCalls).toBe(0);
	});

	it.each<[string, string[], () => PostMedia[], RegExp]>([
		['without a video', ['en'], () => [], /Only a video has subtitles/],
		['in a language without two letters', ['fil'], () => [video], /"fil" has no such name/],
		['twice in one language', ['pt-BR', 'pt-PT'], () => [video], /one track per language.*"pt-PT"/],
	])('refuses subtitles %s', async (_, languages, media, message) => {
		const stage = await start();
		const subtitles = languages.map((language) => ({ language, label: language, srt: 's', vtt: 'v' }));
		await expect(publish(requestOf(stage, postOf('t', media(), { subtitles })))).rejects.toMatchObject({ code: 'post_invalid', message: expect.stringMatching(message) });
		expect(x.count('initialize')).toBe(0);
	});

	it('makes a thread: each post answers the one before', async () => {
		const stage = await start();
		const settings = { reply_settings: 'following', made_with_ai: true, paid_partnership: true };
		const first = await publish(requestOf({ ...stage, settings }, postOf('one')));
		const replyTo = { remoteId: first.externalPostId!, rootId: first.externalPostId! };
		x.fail('create', { when: 'after', answer: 'drop' });
		const second = await publish(requestOf({ ...stage, settings }, postOf('two', [], { replyTo })));
		expect(x.posts).toMatchObject([
			{ replyTo: null, replySettings: 'following', madeWithAi: true, paidPartnership: true },
			{ id: second.externalPostId, replyTo: first.externalPostId, replySettings: null, madeWithAi: true, paidPartnership: true },
		]);
		expect(x.publicCalls).toBe(2);
	});

	it('looks at a post, and deletes it, also when it is gone already', async () => {
		const stage = await start();
		const { externalPostId: id } = await publish(requestOf(stage, postOf('looked at')));
		const [platform, run] = accountRun(stage);
		expect(await platform.look!(run, id!)).toEqual({ state: 'published', remoteId: id, permalink: `${x.url}/i/status/${id}` });
		await platform.remove!(run, id!, 'published');
		await platform.remove!(run, id!, 'published');
		expect(x.posts).toHaveLength(0);
		expect(await platform.look!(run, id!)).toMatchObject({ state: 'gone' });
	});

	it('says when X keeps a post that is to be deleted', async () => {
		const stage = await start();
		const { externalPostId: id } = await publish(requestOf(stage, postOf('kept')));
		x.fail('delete', { when: 'before', answer: { status: 200, body: { data: { deleted: false } } } });
		const [platform, run] = accountRun(stage);
		await expect(platform.remove!(run, id!, 'published')).rejects.toMatchObject({ code: 'post_rejected', message: expect.stringContaining('Delete it on x.com') });
	});

	it('measures posts, a hundred in a call, older ones without clicks, deleted ones not at all', async () => {
		const stage = await start();
		const old = (await publish(requestOf(stage, postOf('old')))).externalPostId!;
		clock.advance(31 * 86_400_000);
		const fresh = (await publish(requestOf(stage, postOf('fresh')))).externalPostId!;
		for (const id of [old, fresh]) x.setMetrics(id, { impressions: 70, likes: 3, replies: 1, reposts: 2, quotes: 4, bookmarks: 5, linkClicks: 6 });
		const [platform, run] = accountRun(stage);
		const gone = Array.from({ length: 120 }, (_, number) => String(100 + number));
		const numbers = { views: 70, likes: 3, comments: 1, shares: 6, saves: 5 };
		const measured = await platform.measure!(run, [old, ...gone, fresh]);
		expect(Object.fromEntries(measured)).toEqual({ [old]: { ...numbers, clicks: null }, [fresh]: { ...numbers, clicks: 6 } });
		// Two hundreds, and once more for the old one.
		expect(x.count('lookup')).toBe(3);
	});

	it.each<[string, number, object, RegExp, string | undefined]>([
		['a locked account', 403, { detail: 'Your account is temporarily locked.' }, /only X can lift that/, undefined],
		['a suspended account', 403, { detail: 'User has been suspended', type: 'https://api.twitter.com/2/problems/client-forbidden' }, /only X can lift that/, 'client-forbidden'],
		['an app without access', 403, { detail: 'Forbidden', type: 'https://api.twitter.com/2/problems/client-forbidden' }, /write access and a plan/, 'client-forbidden'],
		['a duplicate', 403, { detail: 'You are not allowed to create a Tweet with duplicate content.' }, /Change the text/, undefined],
		['an answer to a stranger', 403, { detail: 'Reply to this conversation is not allowed because you have not been mentioned.' }, /posts of the account itself/, undefined],
		['a spent limit', 429, { title: 'UsageCapExceeded', type: 'https://api.twitter.com/2/problems/usage-capped' }, /Nothing was posted/, 'usage-capped'],
	])('explains %s', async (_, status, body, message, code) => {
		const stage = await start();
		x.fail('create', { when: 'before', answer: { status, body } });
		const error: unknown = await publish(requestOf(stage, postOf('t'))).catch((thrown: unknown) => thrown);
		expect(error).toMatchObject({ code: 'post_rejected', message: expect.stringMatching(message) });
		expect((error as { details: Record<string, unknown> }).details['platform_code']).toBe(code);
	});

	const post = (text: string) =>
		fetch(`${x.url}/2/tweets`, { method: 'POST', headers: { authorization: 'Bearer x-token', 'content-type': 'application/json' }, body: JSON.stringify({ text }) });
});

describe('isSame', () => {
	it('goes by the media where there is any, by the text where there is none', () => {
		const shown = { id: '1', text: 'hello', attachments: { media_keys: ['7_1', '7_2'] } };
		expect(isSame(shown, 'other', ['7_2', '7_1'])).toBe(true);
		expect(isSame(shown, 'hello', ['7_3'])).toBe(false);
		expect(isSame({ id: '1', text: 'hello' }, 'hello', [])).toBe(true);
		expect(isSame({ id: '1', text: 'hello!' }, 'hello', [])).toBe(false);
	});
});

it('the contract suite covers X', () => expect(Object.keys(STAGES)).toContain('x'));
