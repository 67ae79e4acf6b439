import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import type { PipelineError } from '../../../sidecar/src/errors.ts';
import { createAccountRun } from '../../../sidecar/src/social/account-run.ts';
import { createHttp } from '../../../sidecar/src/social/http.ts';
import type { AccountRun, Platform, Post, PostMedia, Settings } from '../../../sidecar/src/social/platform.ts';
import { publishPost } from '../../../sidecar/src/social/publish.ts';
import { createYouTube } from '../../../sidecar/src/social/youtube.ts';
import { startYouTubeEmulator, type YouTubeEmulator, type YouTubeEmulatorOptions } from '../../platforms/youtube.ts';
import { googleError } from '../../platforms/youtubeRules.ts';
import { crashing, dependencies, expireClaims, fakeClock, imageOf, openTestDatabase, postOf, requestOf, videoOf, type Clock } from './support.ts';
import { STAGES } from './stages/index.ts';

const CHUNK = 1024 * 1024;
const SRT = '1\n00:00:00,000 --> 00:00:01,000\nHi\n';
let database: OpenDatabase;
let folder: string;
let video: PostMedia;
let clock: Clock;
let youtube: YouTubeEmulator;

beforeAll(async () => {
	database = await openTestDatabase();
	folder = await mkdtemp(join(tmpdir(), 'youtube-'));
	video = await videoOf(folder, 3 * CHUNK + 1);
});
afterAll(async () => {
	await database.close();
	await rm(folder, { recursive: true });
});
beforeEach(() => start());
afterEach(() => youtube.close());

async function start(options: YouTubeEmulatorOptions = {}): Promise<void> {
	clock = fakeClock();
	youtube = await startYouTubeEmulator({ now: clock.now, ...options });
}
async function restart(options: YouTubeEmulatorOptions): Promise<void> {
	await youtube.close();
	await start(options);
}
const platform = (): Platform =>
	createYouTube({
		http: createHttp({ now: () => new Date(clock.now()) }),
		apiBaseUrl: `${youtube.url}/youtube/v3/`,
		uploadBaseUrl: `${youtube.url}/upload/youtube/v3`,
		webBaseUrl: youtube.url,
		chunkBytes: CHUNK,
	});
const account = (settings: Settings = {}) => ({ platform, credentials: { accessToken: 'youtube-token', baseUrl: null, extra: {} }, settings });
const request = (post: Post, settings?: Settings) => requestOf(account(settings), post);
const publish = (given: ReturnType<typeof request>) => publishPost(dependencies(database, clock), given);
const post = (text: string, more: Partial<Post> = {}, settings?: Settings) => publish(request(postOf(text, [video], more), settings));
const failing = (work: Promise<unknown>) => work.then(() => Promise.reject(new Error('it should have failed')), (error: PipelineError) => error);
const steps = () => youtube.calls.map((call) => call.step);
function accountRun(): AccountRun {
	return createAccountRun({ now: () => new Date(clock.now()), sleep: clock.sleep }, { ...account(), platform: platform(), signal: new AbortController().signal, log: pino({ level: 'silent' }) }, () => ({
		id: 'UCdemoDemoDemoDemoDemoDe',
		name: 'Demo',
	}));
}
async function jpeg(): Promise<PostMedia> {
	const picture = await imageOf(folder, 1000, 'cover.jpg');
	await writeFile(picture.path, Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(996)]));
	return { ...picture, mime: 'image/jpeg', facts: { ...picture.facts, mime: 'image/jpeg' } };
}
const subtitles = [
	{ language: 'en', label: 'English', srt: SRT, vtt: '' },
	{ language: 'de', label: 'Deutsch', srt: SRT, vtt: '' },
];

describe('uploads to YouTube', () => {
	it('go in pieces, of which only the last one publishes', async () => {
		await post('pieces');
		expect(steps()).toEqual(['channel', 'initialize', 'append', 'append', 'append', 'create', 'videos']);
		expect(youtube.posts[0]!.media[0]!.sha256).toBe(video.sha256);
		expect(youtube.units).toBe(2);
	});

	it('of a file that is smaller than a granule are one piece', async () => {
		const small = await videoOf(folder, 1000, null, 'small.mp4');
		await publish(request(postOf('small', [small])));
		expect(steps()).toEqual(['channel', 'initialize', 'create', 'videos']);
	});

	it('go on behind what YouTube says it has', async () => {
		youtube.shorten(262_144, 0, 524_288);
		await post('short answers');
		expect(youtube.posts[0]!.media[0]!.sha256).toBe(video.sha256);
		expect(youtube.count('probe')).toBe(0);
	});

	it('go on behind what arrived of a piece whose connection broke', async () => {
		youtube.fail('append', { when: 'during', answer: 'drop', skip: 1 });
		await post('broken piece');
		expect(youtube.posts[0]!.media[0]!.sha256).toBe(video.sha256);
		expect(youtube.count('probe')).toBe(1);
	});

	it('go on after a piece whose answer was lost, without sending it again', async () => {
		youtube.fail('append', { when: 'after', answer: 'drop' });
		await post('lost answer');
		expect(youtube.count('append')).toBe(3);
	});

	it('go on after 503, in the same session', async () => {
		youtube.fail('append', { when: 'before', answer: googleError(503, 'backendError'), times: 3 });
		await post('busy');
		expect([youtube.count('initialize'), youtube.posts.length]).toEqual([1, 1]);
	});

	it('begin anew when the session is gone, in the middle and at the end', async () => {
		youtube.fail('append', { when: 'before', answer: { status: 404, body: 'Not Found' }, skip: 1 });
		youtube.fail('create', { when: 'before', answer: { status: 404, body: 'Not Found' } });
		await post('gone');
		expect([youtube.count('initialize'), youtube.posts.length, youtube.publicCalls]).toEqual([3, 1, 1]);
	});

	it('send the rest once more when even the last piece did not arrive whole', async () => {
		const whole = await videoOf(folder, 3 * CHUNK, null, 'whole.mp4');
		youtube.shorten(CHUNK, CHUNK, CHUNK - 262_144, 1000);
		await publish(request(postOf('last piece', [whole])));
		expect(youtube.posts.map((made) => made.media[0]!.sha256)).toEqual([whole.sha256]);
	});

	it('give up when nothing is ever kept', async () => {
		youtube.shorten(0, 0, 0, 0, 0, 0);
		expect(await failing(post('stuck'))).toMatchObject({ code: 'platform_unavailable' });
		expect(youtube.publicCalls).toBe(0);
	});

	it('send the token to no other host', async () => {
		youtube.fail('initialize', { when: 'after', answer: { status: 200, headers: { location: 'https://uploads.example/?upload_id=1' } } });
		expect(await failing(post('elsewhere'))).toMatchObject({ code: 'platform_unavailable', message: expect.not.stringContaining('uploads.example') });
	});

	it('keep the address of the session out of every error', async () => {
		youtube.fail('append', { when: 'before', answer: googleError(400, 'badRequest', 'bad'), times: 5 });
		const error = await failing(post('secret'));
		expect(error.code).toBe('post_rejected');
		expect(JSON.stringify([error.message, error.details])).not.toContain('upload_id');
	});

	it('take a 200 with HTML for no answer', async () => {
		youtube.fail('create', { when: 'after', answer: { status: 200, body: '<html>Login</html>' } });
		youtube.fail('probe', { when: 'before', answer: { status: 200, body: '<html>Login</html>' } });
		const row = await post('html');
		expect([row.externalPostId, youtube.publicCalls]).toEqual([youtube.posts[0]!.id, 1]);
	});
});

describe('a video whose outcome is open', () => {
	/** The answer to the last piece is lost, and with it the session. */
	async function lose(text: string, made: boolean): Promise<ReturnType<typeof request>> {
		const given = request(postOf(text, [video]));
		youtube.fail('create', made ? { when: 'after', answer: 'drop' } : { when: 'during', answer: 'drop' });
		youtube.fail('probe', { when: 'before', answer: googleError(401, 'authError') });
		expect(await failing(publish(given))).toMatchObject({ code: 'needs_reauth' });
		youtube.forgetMedia();
		return given;
	}

	it('is found among the uploads of the channel when the session is gone', async () => {
		const given = await lose('Found again', true);
		expect((await publish(given)).externalPostId).toBe(youtube.posts[0]!.id);
		expect([youtube.publicCalls, youtube.count('initialize')]).toEqual([1, 1]);
	});

	it('is not taken for an older one with the same words', async () => {
		await post('Same words');
		youtube.posts[0]!.at = new Date(clock.now() - 3_600_000);
		const given = await lose('Same words', false);
		expect(await failing(publish(given))).toMatchObject({ code: 'post_unknown', details: { post_status: 'unknown' } });
		expect(youtube.posts).toHaveLength(1);
	});

	it('is not taken for another one that is newer', async () => {
		const given = await lose('Mine', false);
		await post('Of somebody else');
		expect(await failing(publish(given))).toMatchObject({ code: 'post_unknown' });
		expect(youtube.posts).toHaveLength(1);
	});

	it('is not uploaded anew when the session ends between a lost call and its repeat', async () => {
		youtube.fail('create', { when: 'during', answer: 'drop' });
		youtube.fail('create', { when: 'before', answer: { status: 404, body: 'Not Found' } });
		youtube.fail('probe', { when: 'before', answer: { status: 404, body: 'Not Found' }, skip: 1, times: 1000 });
		expect(await failing(post('in between'))).toMatchObject({ code: 'post_unknown' });
		expect([youtube.count('initialize'), youtube.publicCalls]).toEqual([1, 0]);
	});

	it('stays unknown when several could be it', async () => {
		const given = await lose('Twins', true);
		await post('Twins');
		expect(await failing(publish(given))).toMatchObject({ code: 'post_unknown', message: expect.stringContaining('several') });
		expect(youtube.posts).toHaveLength(2);
	});
});

describe('what YouTube makes of a video', () => {
	it('is told when it is private although it was to be public', async () => {
		await restart({ unaudited: true });
		const row = await post('locked');
		expect(row).toMatchObject({ status: 'published', warnings: [expect.stringContaining('made the video private although it was to be public')] });
	});

	it('is no surprise when it was to be private', async () => {
		await restart({ unaudited: true });
		expect((await post('wanted', { visibility: 'private' })).warnings).toBeNull();
		expect(youtube.posts[0]!.status['privacyStatus']).toBe('private');
	});

	it('is a scheduled video where a time was given', async () => {
		const scheduledAt = new Date(clock.now() + 3_600_000);
		const row = await post('later', { scheduledAt });
		expect(row).toMatchObject({ status: 'scheduled', warnings: null });
		expect(youtube.posts[0]!.status).toMatchObject({ privacyStatus: 'private', publishAt: scheduledAt.toISOString() });
		const look = () => platform().look!(accountRun(), row.externalPostId!);
		expect((await look()).state).toBe('scheduled');
		clock.advance(3_600_001);
		expect((await look()).state).toBe('published');
	});

	it('is a Short where it is short and not wider than high', async () => {
		const upright = { ...video, facts: { ...video.facts, video: { ...video.facts.video!, width: 720, height: 1280 } } };
		const row = await publish(request(postOf('upright', [upright]), { short: true }));
		expect(row.permalink).toBe(`${youtube.url}/shorts/${row.externalPostId}`);
		const error = await failing(post('lying', {}, { short: true }));
		expect(error).toMatchObject({ code: 'post_invalid', details: { problems: [{ field: 'media[0]' }] } });
	});

	it('is told when processing fails at once, and by a look later', async () => {
		await restart({ processingPolls: 0 });
		youtube.failProcessing('rejected', 'duplicate');
		const row = await post('again');
		expect(row.warnings).toEqual(['YouTube did not keep the video because the channel has this video already.']);
		expect(await platform().look!(accountRun(), row.externalPostId!)).toMatchObject({ state: 'gone', reason: expect.stringContaining('already') });
	});

	it('has the options that were chosen', async () => {
		await post('Description', { title: 'Title', tags: ['one', 'two words'], language: 'en', visibility: 'unlisted' }, { category_id: '27', made_for_kids: true, synthetic_media: true, notify_subscribers: false });
		expect(youtube.posts[0]).toMatchObject({
			title: 'Title',
			text: 'Description',
			notifySubscribers: false,
			snippet: { tags: ['one', 'two words'], categoryId: '27', defaultLanguage: 'en' },
			status: { privacyStatus: 'unlisted', selfDeclaredMadeForKids: true, containsSyntheticMedia: true },
		});
	});
});

describe('what is added to a video', () => {
	it('is its thumbnail and its subtitles, once each', async () => {
		const cover = await jpeg();
		const row = await post('extras', { cover, subtitles });
		expect(row.warnings).toBeNull();
		expect(youtube.posts[0]!.thumbnail?.mime).toBe('image/jpeg');
		expect(youtube.posts[0]!.captions.map(({ language, name, data }) => [language, name, data.toString()])).toEqual([['en', 'English', SRT], ['de', 'Deutsch', SRT]]);
		// No look at the tracks when all goes well: it costs as much as a thumbnail.
		expect([youtube.count('captions'), youtube.count('caption')]).toEqual([0, 2]);
	});

	it.each([
		['the answer is lost', { when: 'after', answer: 'drop' } as const],
		['the connection breaks', { when: 'during', answer: 'drop' } as const],
		['it answers 503', { when: 'before', answer: googleError(503, 'backendError') } as const],
		['the track is there already', { when: 'after', answer: googleError(409, 'captionExists') } as const],
	])('has each track once when %s', async (_, failure) => {
		youtube.fail('caption', failure);
		expect((await post('tracks', { subtitles })).warnings).toBeNull();
		expect(youtube.posts[0]!.captions.map(({ language }) => language)).toEqual(['en', 'de']);
	});

	it('is complete and single when the process is killed just after any write', async () => {
		await restart({ units: 1e6 });
		const cover = await jpeg();
		for (let write = 1; ; write += 1) {
			const given = request(postOf(`killed ${write}`, [video], { cover, subtitles }));
			const deps = dependencies(database, clock);
			const ledger = crashing(deps.ledger, write, 'after');
			await publishPost({ ...deps, ledger }, given).catch(() => {});
			await expireClaims(database);
			await publish(given);
			const made = youtube.posts.at(-1)!;
			expect({ write, made: made.captions.map(({ language }) => language), thumbnail: made.thumbnail?.mime }).toEqual({ write, made: ['en', 'de'], thumbnail: 'image/jpeg' });
			expect(youtube.posts).toHaveLength(write);
			if (!ledger.died) break;
		}
	});

	it('is missing with a word when YouTube refuses it, and the rest is there', async () => {
		youtube.setToken('youtube-token', { channel: { id: 'UCdemoDemoDemoDemoDemoDe', title: 'Demo' }, scopes: ['youtube.force-ssl'], verified: false });
		const row = await post('unverified', { cover: await jpeg(), subtitles });
		expect(row).toMatchObject({ status: 'published', warnings: [expect.stringMatching(/^The thumbnail was not set: .*youtube\.com\/verify/)] });
		expect(youtube.posts[0]!.captions).toHaveLength(2);
	});

	it('is added later when the token stops working in between', async () => {
		const given = request(postOf('between', [video], { subtitles }));
		youtube.fail('caption', { when: 'before', answer: googleError(401, 'authError'), skip: 1 });
		expect(await failing(publish(given))).toMatchObject({ code: 'needs_reauth' });
		expect(youtube.posts[0]!.captions).toHaveLength(1);
		const row = await publish(given);
		expect(row.externalPostId).toBe(youtube.posts[0]!.id);
		expect([youtube.posts.length, youtube.posts[0]!.captions.length]).toEqual([1, 2]);
	});

	it('is refused before the upload when the thumbnail is of another kind', async () => {
		const cover = { ...(await imageOf(folder, 10, 'c.webp')), mime: 'image/webp' };
		expect(await failing(post('webp', { cover }))).toMatchObject({ code: 'post_invalid', details: { problems: [{ field: 'cover' }] } });
		expect(youtube.uploads).toBe(0);
	});
});

describe('a comment on YouTube', () => {
	// As the operation makes it: with the visibility of the video.
	const comment = (rootId: string, text = 'First!') => request(postOf(text, [], { visibility: 'unlisted', replyTo: { remoteId: rootId, rootId } }));

	it('is made once, and is found when the answer was lost', async () => {
		const { externalPostId } = await post('commented');
		for (const failure of [null, { when: 'after', answer: 'drop' } as const, { when: 'during', answer: 'drop' } as const]) {
			if (failure) youtube.fail('comment', failure);
			const text = `Comment ${failure?.when ?? 'plain'}`;
			const row = await publish(comment(externalPostId!, text));
			const made = youtube.posts[0]!.comments.filter((found) => found.text === text);
			expect(made).toHaveLength(1);
			expect(row).toMatchObject({ externalPostId: made[0]!.id, permalink: `${youtube.url}/watch?v=${externalPostId}&lc=${made[0]!.id}` });
		}
		expect(youtube.commentCalls).toBe(3);
	});

	it('is refused in words where the video is private or gone', async () => {
		const { externalPostId } = await post('hidden', { visibility: 'private' });
		expect(await failing(publish(comment(externalPostId!)))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('private') });
		expect(await failing(publish(comment('AAAAAAAAAAA')))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('does not exist') });
		expect(youtube.commentCalls).toBe(0);
	});

	it('can be looked at, measured and deleted', async () => {
		const { externalPostId } = await post('with comment');
		const { externalPostId: id } = await publish(comment(externalPostId!));
		const run = accountRun();
		expect(await platform().look!(run, id!)).toMatchObject({ state: 'published', permalink: `${youtube.url}/watch?v=${externalPostId}&lc=${id}` });
		expect((await platform().measure!(run, [id!])).get(id!)).toMatchObject({ likes: 0, views: null });
		await platform().remove!(run, id!, 'published');
		await platform().remove!(run, id!, 'published');
		expect(youtube.posts[0]!.comments).toEqual([]);
		expect(await platform().look!(run, id!)).toMatchObject({ state: 'gone' });
	});
});

describe('the numbers of videos', () => {
	it('come for those that exist, as numbers, 50 at a time', async () => {
		const { externalPostId: id } = await post('measured');
		youtube.posts[0]!.statistics = { viewCount: '1234', likeCount: '5' };
		const others = Array.from({ length: 60 }, (_, index) => `missing${String(index).padStart(4, '0')}`);
		const numbers = await platform().measure!(accountRun(), [...others, id!]);
		expect([...numbers]).toEqual([[id, { views: 1234, likes: 5, comments: null, shares: null, saves: null, clicks: null }]]);
		expect(youtube.count('videos')).toBe(3);
	});

	it('end with the video, and deleting it twice is no error', async () => {
		const { externalPostId: id } = await post('deleted');
		await platform().remove!(accountRun(), id!, 'published');
		await platform().remove!(accountRun(), id!, 'published');
		expect((await platform().measure!(accountRun(), [id!])).size).toBe(0);
		expect(await platform().look!(accountRun(), id!)).toMatchObject({ state: 'gone' });
	});
});

describe('an account that YouTube does not let upload', () => {
	const channel = { id: 'UCdemoDemoDemoDemoDemoDe', title: 'Demo' };

	it('without a channel is told so', async () => {
		youtube.setToken('youtube-token', { channel: null, scopes: ['youtube'] });
		expect(await failing(post('none'))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('no YouTube channel'), details: { platform_code: 'youtubeSignupRequired' } });
	});

	it('with too few scopes is asked to connect again', async () => {
		youtube.setToken('youtube-token', { channel, scopes: ['youtube.upload'] });
		expect(await failing(post('narrow'))).toMatchObject({ code: 'needs_reauth', details: { platform_code: 'insufficientPermissions' } });
	});

	it('that is suspended is told so', async () => {
		youtube.setToken('youtube-token', { channel, scopes: ['youtube'], suspended: true });
		expect(await failing(post('banned'))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('suspended') });
	});

	it('of a project without the API is told where to switch it on', async () => {
		youtube.fail('channel', { when: 'before', answer: googleError(403, 'accessNotConfigured', 'YouTube Data API v3 has not been used in project 1') });
		expect(await failing(post('off'))).toMatchObject({ code: 'post_rejected', details: { hint: expect.stringContaining('YouTube Data API v3') } });
	});

	it('with a spent quota waits for midnight in California', async () => {
		await restart({ uploads: 0 });
		const error = await failing(publishPost(dependencies(database, clock, { maxWaitSeconds: 60 }), request(postOf('quota', [video]))));
		expect(error).toMatchObject({ code: 'platform_rate_limited', details: { platform_code: 'quotaExceeded' } });
		expect(error.retryAfterSeconds).toBeGreaterThan(60);
		expect(error.retryAfterSeconds).toBeLessThanOrEqual(25 * 3600);
	});

	it('that was not verified may upload 15 minutes, and is asked only where it matters', async () => {
		youtube.setToken('youtube-token', { channel, scopes: ['youtube'], longUploads: 'eligible' });
		const long = { ...video, facts: { ...video.facts, durationSeconds: 901 } };
		const error = await failing(publish(request(postOf('long', [long]))));
		expect(error).toMatchObject({ code: 'post_invalid', details: { problems: [{ field: 'account', message: expect.stringContaining('youtube.com/verify') }] } });
		expect(youtube.uploads).toBe(0);
		await post('short enough');
		expect(youtube.count('channel')).toBe(3);
	});
});

it('the contract suite covers YouTube', () => expect(Object.keys(STAGES)).toContain('youtube'));
