import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { createHttp } from '../../../sidecar/src/social/http.ts';
import { createPinterest } from '../../../sidecar/src/social/pinterest.ts';
import { sameTexts } from '../../../sidecar/src/social/pinterest/pin.ts';
import type { PostMedia } from '../../../sidecar/src/social/platform.ts';
import { publishPost } from '../../../sidecar/src/social/publish.ts';
import type { Failure } from '../../platforms/emulator.ts';
import { PINTEREST_SCOPES, startPinterestEmulator, type PinterestEmulator, type PinterestEmulatorOptions } from '../../platforms/pinterest.ts';
import type { Account } from './stages/stage.ts';
import { accountRunOf, dependencies, fakeClock, imageOf, openTestDatabase, postOf, requestOf, videoOf, type Clock } from './support.ts';

let database: OpenDatabase;
let folder: string;
let video: PostMedia;
let picture: PostMedia;
let clock: Clock;
let pinterest: PinterestEmulator;

beforeAll(async () => {
	database = await openTestDatabase();
	folder = await mkdtemp(join(tmpdir(), 'pinterest-'));
	video = await videoOf(folder, 300_001, 'A counter');
	picture = await imageOf(folder, 200_000);
});
afterAll(async () => {
	await database.close();
	await rm(folder, { recursive: true });
});
afterEach(() => pinterest.close());

const ACCOUNT = { id: '549755885175000001', username: 'demo', scopes: PINTEREST_SCOPES };

async function start(options: PinterestEmulatorOptions = {}): Promise<Account> {
	clock = fakeClock();
	pinterest = await startPinterestEmulator({ now: clock.now, ...options });
	const platform = () => createPinterest({ http: createHttp({ now: () => new Date(clock.now()) }), apiBaseUrl: `${pinterest.apiUrl}/`, webBaseUrl: pinterest.url });
	return { platform, credentials: { accessToken: 'pinterest-token', baseUrl: null, extra: {} }, settings: { board: 'Ideas' } };
}
const publish = (request: ReturnType<typeof requestOf>) => publishPost(dependencies(database, clock), request);
const failed = async (request: ReturnType<typeof requestOf>): Promise<PipelineError> => {
	const end: unknown = await publish(request).catch((error: unknown) => error);
	if (end instanceof PipelineError) return end;
	throw new Error('it should have failed');
};
const problems = (error: PipelineError) => error.details?.['problems'] as Array<{ field: string; message: string }>;
const steps = () => pinterest.calls.map((call) => call.step);
const accountRun = (account: Account) => accountRunOf(account, clock);
/** Somebody else pins on the board. */
const pin = (more: object) =>
	fetch(`${pinterest.apiUrl}/pins`, {
		method: 'POST',
		headers: { authorization: 'Bearer pinterest-token', 'content-type': 'application/json' },
		body: JSON.stringify({ board_id: pinterest.boards[0]!.id, media_source: { source_type: 'image_url', url: 'https://example.com/a.jpg' }, ...more }),
	});

describe('Pinterest', () => {
	it('uploads a video to the bucket, polls as long as it is processed, and gives it the cover that was chosen', async () => {
		const account = await start();
		const before = clock.now();
		await publish(requestOf(account, postOf('Words', [video], { title: 'A title', link: 'https://example.com/a?b=1', coverSeconds: 3.7 })));
		expect(steps()).toEqual(['me', 'boards', 'register', 'bucket', 'media', 'media', 'media', 'boardPins', 'create']);
		expect(clock.now() - before).toBeGreaterThanOrEqual(15_000);
		expect(pinterest.posts[0]).toMatchObject({ text: 'Words', title: 'A title', link: 'https://example.com/a?b=1', boardId: pinterest.boards[0]!.id, cover: { seconds: 3 } });
	});

	it('sends a picture as the cover, and else takes a moment that is not the first', async () => {
		const account = await start();
		const cover = await imageOf(folder, 5000, 'cover.png');
		await publish(requestOf(account, postOf('with a cover', [video], { cover })));
		await publish(requestOf(account, postOf('without', [video])));
		expect(pinterest.posts.map((post) => post.cover)).toEqual([{ sha256: cover.sha256 }, { seconds: 1 }]);
	});

	it('sends pictures within the publishing call, whole and in their order', async () => {
		const account = await start();
		const pictures = await Promise.all([1, 2, 3, 4, 5].map(async (number) => ({ ...(await imageOf(folder, 70_000 + number, `${number}.png`)), altText: `picture ${number}` })));
		await publish(requestOf(account, postOf('one', [picture])));
		await publish(requestOf(account, postOf('five', pictures)));
		expect(pinterest.posts.map((post) => post.media.map((media) => media.sha256))).toEqual([[picture.sha256], pictures.map((media) => media.sha256)]);
		expect(pinterest.posts[1]!.media[0]!.alt).toBe('picture 1\npicture 2\npicture 3\npicture 4\npicture 5');
		expect(pinterest.count('register')).toBe(0);
	});

	it.each<[string, Record<string, string>]>([
		['its ID', { board: '549755813888000002' }],
		['its name', { board: 'Videos' }],
		['its name in other letters', { board: 'vIDEOS' }],
	])('finds the board by %s', async (_, settings) => {
		const account = await start();
		await publish(requestOf({ ...account, settings: { ...settings, board_section_id: '77' } }, postOf('here', [picture])));
		expect(pinterest.posts[0]).toMatchObject({ boardId: '549755813888000002', boardSectionId: '77' });
	});

	it('looks for the board on every page, and takes the only one without being told', async () => {
		const account = await start();
		for (let number = 0; number < 300; number += 1) pinterest.boards.push({ id: `9${number}`, name: `Board ${number}`, owner: 'demo', privacy: 'PUBLIC' });
		await publish(requestOf({ ...account, settings: { board: 'Board 299' } }, postOf('last', [picture])));
		expect(pinterest.posts[0]!.boardId).toBe('9299');
		pinterest.boards.splice(1);
		await publish(requestOf({ ...account, settings: {} }, postOf('only', [picture])));
		expect(pinterest.posts[1]!.boardId).toBe(pinterest.boards[0]!.id);
	});

	it.each<[string, object, RegExp]>([
		['which board is meant', {}, /Say which board the pin goes to\. Boards of this account: Ideas \(549755813888000001\), Videos/],
		['that there is no such board', { board: 'Recipes' }, /no board "Recipes"\. Boards of this account: Ideas/],
	])('says %s, before it uploads', async (_, settings, message) => {
		const account = await start();
		const error = await failed(requestOf({ ...account, settings: settings as Record<string, unknown> }, postOf('where?', [video])));
		expect(error.code).toBe('post_invalid');
		expect(problems(error)).toEqual([{ field: 'settings.board', message: expect.stringMatching(message) }]);
		expect(pinterest.count('register')).toBe(0);
	});

	it('says that the account has no board', async () => {
		const account = await start();
		pinterest.boards.splice(0);
		expect((await failed(requestOf(account, postOf('t', [picture])))).message).toContain('Make one on pinterest.com first');
	});

	it('names all that is wrong with a pin', async () => {
		const account = await start();
		const small = { ...picture, facts: { ...picture.facts, video: { ...picture.facts.video!, width: 400 } } };
		const error = await failed(requestOf(account, postOf('a'.repeat(801), [picture, small], { title: 't'.repeat(101), link: 'example.com', cover: picture })));
		expect(problems(error).map(({ field }) => field).sort()).toEqual(['cover', 'link', 'media', 'text', 'title']);
	});

	it.each<[string, () => Partial<PostMedia>, RegExp]>([
		['a WebP', () => ({ mime: 'image/webp' }), /image\/webp is not taken; allowed: image\/jpeg, image\/png/],
		['a GIF', () => ({ mime: 'image/gif' }), /takes no gif files/],
		['a long alternative text', () => ({ altText: 'a'.repeat(501) }), /501 characters; Pinterest takes 500/],
	])('refuses %s', async (_, change, message) => {
		const account = await start();
		expect((await failed(requestOf(account, postOf('t', [{ ...picture, ...change() }])))).message).toMatch(message);
	});

	it('refuses a short video, and a time', async () => {
		const account = await start();
		const short = { ...video, facts: { ...video.facts, durationSeconds: 3 } };
		const error = await failed(requestOf(account, postOf('t', [short], { scheduledAt: new Date(clock.now() + 1e6) })));
		expect(problems(error).map(({ field }) => field)).toEqual(['media[0]', 'scheduled_at']);
	});

	it('asks for a new form when that of the upload has expired', async () => {
		const account = await start({ uploadLifeSeconds: 600 });
		const request = requestOf(account, postOf('expired form', [video]));
		pinterest.fail('bucket', { when: 'before', answer: { status: 401 } });
		expect(await failed(request)).toMatchObject({ code: 'needs_reauth' });
		clock.advance(600_000);
		await publish(request);
		expect(pinterest.count('register')).toBe(2);
		expect(pinterest.posts[0]!.media[0]!.sha256).toBe(video.sha256);
	});

	it('tells no signature when the bucket refuses', async () => {
		const account = await start();
		const answer = { status: 400, headers: { 'content-type': 'application/xml' }, body: '<Error><Code>EntityTooLarge</Code><Message>Too large: token-1040190845164935004</Message></Error>' };
		pinterest.fail('bucket', { when: 'before', answer });
		const error = await failed(requestOf(account, postOf('large', [video])));
		expect(error).toMatchObject({ code: 'post_rejected', details: { platform_code: 'EntityTooLarge' } });
		expect(error.message).toContain('Too large: «redacted»');
	});

	it('waits while the API has not heard of the upload yet, and not for ever', async () => {
		const account = await start();
		const registered = { when: 'before' as const, answer: { status: 200, body: { media_id: '1', media_type: 'video', status: 'registered' } } };
		pinterest.fail('media', { ...registered, times: 3 });
		await publish(requestOf(account, postOf('late', [video])));
		expect(pinterest.count('bucket')).toBe(1);
		pinterest.fail('media', { ...registered, times: 13 });
		await publish(requestOf(account, postOf('lost', [video])));
		expect(pinterest.count('bucket')).toBe(3);
	});

	it('says that the video could not be processed', async () => {
		const account = await start();
		pinterest.failProcessing();
		expect(await failed(requestOf(account, postOf('bad', [video])))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('could not process the video') });
		expect(pinterest.publicCalls).toBe(0);
	});

	it('asks again when the video is not ready after all', async () => {
		const account = await start();
		pinterest.fail('media', { when: 'after', answer: { status: 200, body: { status: 'succeeded' } } });
		await publish(requestOf(account, postOf('early', [video])));
		expect(pinterest.posts).toHaveLength(1);
		expect(pinterest.count('create')).toBe(2);
	});

	it.each<[string, object, string, RegExp]>([
		['a missing scope', { scopes: PINTEREST_SCOPES.filter((scope) => scope !== 'pins:write') }, 'needs_reauth', /lacks a permission: it needs boards:read.*Reconnect the account/],
		['an app that was not approved', { access: 'trial' }, 'post_rejected', /trial access.*Ask for standard access.*Nothing was posted/],
	])('explains %s', async (_, change, code, message) => {
		const account = await start();
		pinterest.setToken('pinterest-token', { ...ACCOUNT, ...change });
		const error = await failed(requestOf(account, postOf('t', [picture])));
		expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
		expect(pinterest.publicCalls).toBe(0);
	});

	it.each<[string, number, object | string, string, RegExp, string | undefined]>([
		['a suspended account', 403, { code: 4, message: 'Your account has been suspended.' }, 'post_rejected', /only Pinterest can lift that/, '4'],
		['a board that is gone', 404, { code: 40, message: 'Board not found.' }, 'post_rejected', /Choose another one/, '40'],
		['a board that it may not use', 403, { code: 403, message: 'Not authorized to access board or Pin.' }, 'post_rejected', /may save to the board/, '403'],
		['a link that is blocked', 400, { code: 1, message: 'Sorry! Unable to reach the URL.' }, 'post_rejected', /Check the link/, '1'],
		['a page of HTML', 403, '<html><body>Forbidden</body></html>', 'post_rejected', /an HTML page/, undefined],
	])('explains %s', async (_, status, body, code, message, platformCode) => {
		const account = await start();
		pinterest.fail('create', { when: 'before', answer: { status, body } });
		const error = await failed(requestOf(account, postOf('t', [picture])));
		expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
		expect(error.details?.['platform_code']).toBe(platformCode);
	});

	it('leaves the account alone for an hour when it is taken for spam', async () => {
		const account = await start();
		pinterest.fail('create', { when: 'before', answer: { status: 403, body: { code: 9, message: "Sorry! You've hit a block (Pins) we have in place to combat spam. Please try again later!" } } });
		const error = await publishPost(dependencies(database, clock, { maxWaitSeconds: 60 }), requestOf(account, postOf('t', [picture]))).catch((thrown: unknown) => thrown);
		expect(error).toMatchObject({ code: 'platform_rate_limited', retryAfterSeconds: 3600, message: expect.stringContaining('Leave more time between pins') });
	});

	it('keeps 19-digit ids whole', async () => {
		const account = await start();
		const row = await publish(requestOf(account, postOf('id', [picture])));
		expect(row.externalPostId).toMatch(/^\d{19}$/);
		expect(row).toMatchObject({ externalPostId: pinterest.posts[0]!.id, permalink: `${pinterest.url}/pin/${pinterest.posts[0]!.id}/` });
	});
});

describe('a pin of pictures', () => {
	it.each<[string, Failure]>([
		['the connection breaks before it', { when: 'before', answer: 'drop' }],
		['the connection breaks during it', { when: 'during', answer: 'drop' }],
		['the connection breaks after it', { when: 'after', answer: 'drop' }],
		['it answers 503', { when: 'before', answer: { status: 503 } }],
		['it takes effect and answers 502', { when: 'after', answer: { status: 502 } }],
		['it takes effect and answers a page of HTML', { when: 'after', answer: { status: 200, body: '<html></html>' } }],
	])('is made once, when %s', async (_, failure) => {
		const account = await start();
		const other = await imageOf(folder, 150_001, 'other.png');
		pinterest.fail('create', failure);
		const row = await publish(requestOf(account, postOf('pictures', [picture, other])));
		expect(pinterest.posts.map((post) => [post.id, post.media.map((media) => media.sha256)])).toEqual([[row.externalPostId, [picture.sha256, other.sha256]]]);
		expect(pinterest.publicCalls).toBe(1);
	});
});

describe('a pin whose answer was lost', () => {
	it('is found on the board by its texts, though clocks differ', async () => {
		const account = await start();
		pinterest.fail('create', { when: 'after', answer: 'drop' });
		const request = requestOf(account, postOf('Found & <kept>', [picture], { title: 'T', link: 'https://example.com/' }));
		const row = await publish(request);
		expect(row.externalPostId).toBe(pinterest.posts[0]!.id);
		expect(row.warnings).toBeNull();
		expect(pinterest.publicCalls).toBe(1);
	});

	it('is found in the section that it went to, whatever section the settings name at the next try', async () => {
		const account = await start();
		pinterest.fail('create', { when: 'after', answer: 'drop' });
		pinterest.fail('sectionPins', { when: 'before', answer: { status: 401 }, skip: 1 });
		const request = requestOf({ ...account, settings: { board: 'Ideas', board_section_id: '77' } }, postOf('In a section', [picture]));
		expect(await failed(request)).toMatchObject({ code: 'needs_reauth' });
		const row = await publish({ ...request, settings: { board: 'Ideas', board_section_id: '78' } });
		expect(pinterest.posts.map(({ id, boardSectionId }) => [id, boardSectionId])).toEqual([[row.externalPostId, '77']]);
	});

	it('is not taken for an older one with the same texts', async () => {
		const account = await start();
		const first = await publish(requestOf(account, postOf('Same words', [picture])));
		pinterest.fail('create', { when: 'before', answer: 'drop' });
		const second = await publish(requestOf(account, postOf('Same words', [picture])));
		expect(second.externalPostId).not.toBe(first.externalPostId);
		expect(pinterest.posts).toHaveLength(2);
		expect(pinterest.publicCalls).toBe(2);
	});

	it('is waited for before its absence counts', async () => {
		const account = await start();
		pinterest.fail('create', { when: 'before', answer: 'drop' });
		const before = clock.now();
		await publish(requestOf(account, postOf('patient', [picture])));
		expect(clock.now() - before).toBeGreaterThanOrEqual(120_000);
		expect(pinterest.posts).toHaveLength(1);
	});

	it('is found behind many newer ones', async () => {
		const account = await start();
		pinterest.fail('create', { when: 'after', answer: 'drop' });
		pinterest.fail('boardPins', { when: 'before', answer: { status: 401, body: { code: 2, message: 'Authentication failed.' } }, skip: 1 });
		const request = requestOf(account, postOf('buried', [picture]));
		expect(await failed(request)).toMatchObject({ code: 'needs_reauth' });
		for (let number = 0; number < 300; number += 1) await pin({ description: `newer ${number}` });
		expect((await publish(request)).externalPostId).toBe(pinterest.posts[0]!.id);
	});

	it('stays unknown when a new pin is almost the same, and nothing more is posted', async () => {
		const account = await start();
		pinterest.fail('create', { when: 'before', answer: 'drop' });
		const request = requestOf(account, postOf('Almost', [picture], { link: 'https://example.com/' }));
		pinterest.fail('boardPins', { when: 'before', answer: { status: 401 }, skip: 1 });
		await failed(request);
		await pin({ description: 'Almost', link: 'https://example.com/?utm=1' });
		const error = await failed(request);
		expect(error).toMatchObject({ code: 'post_unknown', message: expect.stringContaining('resembles it') });
		expect(error.message).toContain('/pin/');
		expect(pinterest.posts).toHaveLength(1);
	});

	it('warns when several new pins look like it', async () => {
		const account = await start();
		pinterest.fail('create', { when: 'after', answer: 'drop' });
		pinterest.fail('boardPins', { when: 'before', answer: { status: 401 }, skip: 1 });
		const request = requestOf(account, postOf('Twin', [picture]));
		await failed(request);
		await pin({ description: 'Twin' });
		const row = await publish(request);
		expect(row.externalPostId).toBe(pinterest.posts[0]!.id);
		expect(row.warnings).toEqual([expect.stringContaining('several new pins')]);
	});
});

describe('sameTexts', () => {
	const post = postOf('words', [], { title: 'T', link: 'https://example.com/a' });
	const shown = { description: ' words', title: 'T', link: 'http://example.com/a/', media: { media_type: 'image' } };
	it.each<[string, object, string]>([
		['all texts alike', shown, 'all'],
		['another title', { ...shown, title: 'U' }, 'some'],
		['another description', { ...shown, description: 'other' }, 'none'],
		['another kind of media', { ...shown, media: { media_type: 'video' } }, 'some'],
		['another kind of media and another title', { ...shown, title: 'U', media: { media_type: 'video' } }, 'none'],
	])('sees %s', (_, pin_, result) => {
		const withMedia = { ...post, media: [{ ...picture, altText: null }] };
		expect(sameTexts(pin_, withMedia)).toBe(result);
	});
});

describe('a pin that exists', () => {
	it('is looked at and deleted, also when it is gone already', async () => {
		const account = await start();
		const { externalPostId } = await publish(requestOf(account, postOf('t', [picture])));
		const [platform, run] = accountRun(account);
		expect(await platform.look!(run, externalPostId!)).toEqual({ state: 'published', remoteId: externalPostId, permalink: `${pinterest.url}/pin/${externalPostId}/` });
		await platform.remove!(run, externalPostId!, 'published');
		await platform.remove!(run, externalPostId!, 'published');
		expect(pinterest.posts).toHaveLength(0);
		expect(await platform.look!(run, externalPostId!)).toMatchObject({ state: 'gone' });
	});

	it('is measured: plays of a video, impressions of a picture, and nothing where the account may not ask', async () => {
		const account = await start();
		const ids: string[] = [];
		for (const media of [video, picture]) ids.push((await publish(requestOf(account, postOf('t', [media])))).externalPostId!);
		for (const id of ids) pinterest.setMetrics(id, { IMPRESSION: 240, VIDEO_MRC_VIEW: 20, SAVE: 7, TOTAL_REACTIONS: 3, TOTAL_COMMENTS: 2, OUTBOUND_CLICK: 5 });
		const [platform, run] = accountRun(account);
		const numbers = { likes: 3, comments: 2, shares: null, saves: 7, clicks: 5 };
		expect([...(await platform.measure!(run, [...ids, '1']))]).toEqual([[ids[0], { ...numbers, views: 20 }], [ids[1], { ...numbers, views: 240 }]]);
		pinterest.fail('analytics', { when: 'before', answer: { status: 403, body: { code: 403, message: 'Not authorized to access board or Pin.' } } });
		expect((await platform.measure!(run, [ids[0]!])).get(ids[0]!)).toEqual({ ...numbers, views: 240, saves: null });
	});
});
