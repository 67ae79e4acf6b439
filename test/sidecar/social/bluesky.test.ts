import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { createGuard } from '../../../sidecar/src/net/guard.ts';
import { createBluesky } from '../../../sidecar/src/social/bluesky.ts';
import { createHttp } from '../../../sidecar/src/social/http.ts';
import type { Platform, PostMedia } from '../../../sidecar/src/social/platform.ts';
import { publishPost } from '../../../sidecar/src/social/publish.ts';
import { startBlueskyEmulator, type BlueskyEmulator, type BlueskyEmulatorOptions } from '../../platforms/bluesky.ts';
import type { Account } from './stages/stage.ts';
import { accountRunOf, dependencies, fakeClock, imageOf, openTestDatabase, postOf, requestOf, videoOf, type Clock } from './support.ts';

const PASSWORD = 'abcd-efgh-ijkl-mnop';
const DID = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz';

let database: OpenDatabase;
let folder: string;
let video: PostMedia;
let clock: Clock;
let server: BlueskyEmulator;

beforeAll(async () => {
	database = await openTestDatabase();
	folder = await mkdtemp(join(tmpdir(), 'bluesky-'));
	video = await videoOf(folder, 300_001, 'A counter');
});
afterAll(async () => {
	await database.close();
	await rm(folder, { recursive: true });
});
afterEach(() => server.close());

/** One process: the platform is made once, as there. */
async function start(options: BlueskyEmulatorOptions = {}, settings = {}): Promise<Account> {
	clock = fakeClock();
	server = await startBlueskyEmulator({ now: clock.now, ...options });
	const one = newProcess();
	return { platform: () => one, credentials: { accessToken: PASSWORD, baseUrl: server.url, extra: { identifier: 'demo.test' } }, settings };
}
function newProcess(now = () => new Date(clock.now())): Platform {
	const http = createHttp({ now });
	return createBluesky({ http, videoHttp: http, videoBaseUrl: `${server.videoUrl}/`, webBaseUrl: server.url });
}
type Request = ReturnType<typeof requestOf>;
const publish = (request: Request) => publishPost(dependencies(database, clock), request);
async function failed(request: Request): Promise<PipelineError> {
	const end: unknown = await publish(request).catch((error: unknown) => error);
	if (end instanceof PipelineError) return end;
	throw new Error('it should have failed');
}
const problems = (error: PipelineError) => error.details?.['problems'] as Array<{ field: string; message: string }>;
const steps = () => server.calls.map((call) => `${call.step} ${call.status}`);
const demo = () => server.accounts[0]!;
const subtitles = (vtt: string, language = 'en') => ({ language, label: language, srt: '', vtt });

describe('a video on Bluesky', () => {
	it.each(['bare', 'wrapped'] as const)('goes to the video service with a token for it, and is asked for until it is ready (%s answer)', async (uploadAnswer) => {
		const account = await start({ uploadAnswer });
		const before = clock.now();
		await publish(requestOf(account, postOf('video', [video])));
		expect(steps()).toEqual(['session 200', 'serviceAuth 200', 'limits 200', 'serviceAuth 200', 'upload 200', 'job 200', 'job 200', 'create 200']);
		expect(server.misdirected).toBe(0);
		expect(clock.now() - before).toBeGreaterThanOrEqual(1000);
		expect(server.posts[0]!.media).toEqual([{ sha256: video.sha256, mime: 'video/mp4', alt: 'A counter', aspectRatio: { width: 1280, height: 720 } }]);
	});

	it('goes on with the job of the same bytes that are there already', async () => {
		const account = await start();
		await publish(requestOf(account, postOf('first', [video])));
		await publish(requestOf(account, postOf('second', [video])));
		expect(steps()).toContain('upload 409');
		expect(server.posts.map(({ text, media }) => [text, media[0]!.sha256])).toEqual([['first', video.sha256], ['second', video.sha256]]);
	});

	it('carries its subtitles, and plays as a GIF where that is wanted', async () => {
		const account = await start({}, { as_gif: true });
		await publish(requestOf(account, postOf('', [video], { subtitles: [subtitles('WEBVTT\n\n00:00.000 --> 00:01.000\nHello'), subtitles('WEBVTT', 'pt-BR')] })));
		expect(server.posts[0]!.captions.map(({ lang }) => lang)).toEqual(['en', 'pt-BR']);
		expect(server.posts[0]!.captionTexts[0]).toContain('Hello');
		expect([...server.records.values()][0]!.value['embed']).toMatchObject({ presentation: 'gif' });
	});

	it.each([
		['encoding_failure', /could not read this video.*Platform Rendition/],
		['validation_failure', /does not take this video/],
		['pds_upload_unsupported_blob_size', /takes no files as large/],
	])('is refused in plain words when processing ends as %s', async (code, message) => {
		const account = await start();
		server.failProcessing(code, 'no');
		const error = await failed(requestOf(account, postOf('bad', [video])));
		expect(error).toMatchObject({ code: 'post_rejected', message: expect.stringMatching(message), details: { platform_code: code } });
		expect(server.publicCalls).toBe(0);
	});

	it('is uploaded once more when the service could not store it', async () => {
		const account = await start();
		server.failProcessing('pds_upload_failure', 'try again');
		await publish(requestOf(account, postOf('again', [video])));
		expect(server.count('upload')).toBe(2);
		expect(server.posts).toHaveLength(1);
	});

	it('is not even begun without a confirmed e-mail address, or when the day is over', async () => {
		const account = await start({ videosPerDay: 1 });
		demo().emailConfirmed = false;
		const unconfirmed = await failed(requestOf(account, postOf('x', [video])));
		expect(problems(unconfirmed)).toEqual([{ field: 'account', message: expect.stringContaining('confirmed e-mail address') }]);
		demo().emailConfirmed = true;
		await publish(requestOf(account, postOf('x', [video])));
		expect(problems(await failed(requestOf(account, postOf('y', [video]))))[0]!.message).toContain('Try again tomorrow');
		expect(server.count('upload')).toBe(1);
	});

	it('is uploaded although the limits are not told, and refused by the upload itself then', async () => {
		const account = await start();
		server.fail('limits', { when: 'before', answer: { status: 404, body: { error: 'NotFound', message: 'no' } }, times: 2 });
		await publish(requestOf(account, postOf('x', [video])));
		demo().emailConfirmed = false;
		const error = await failed(requestOf(account, postOf('y', [await videoOf(folder, 10, null, 'other.mp4')])));
		expect(error).toMatchObject({ code: 'post_rejected', message: expect.stringContaining("confirm it in Bluesky's settings"), details: { platform_code: 'unconfirmed_email' } });
	});

	it('survives a clock that is two hours wrong, and a token that runs out while a throttled call waits', async () => {
		const account = await start();
		const wrong = () => new Date(clock.now() - 2 * 3_600_000);
		const deps = { ...dependencies(database, clock), now: wrong };
		server.fail('upload', { when: 'before', answer: { status: 429, headers: { 'retry-after': '1900' }, body: { error: 'RateLimitExceeded', message: 'slow' } } });
		await publishPost(deps, requestOf({ ...account, platform: () => newProcess(wrong) }, postOf('clock', [video])));
		expect(steps().filter((step) => step.startsWith('upload'))).toEqual(['upload 429', 'upload 401', 'upload 200']);
		expect(server.posts).toHaveLength(1);
	});
});

describe('what else a post on Bluesky carries', () => {
	it('four pictures as pictures, five as a gallery, each described', async () => {
		const account = await start();
		const pictures = await Promise.all([1, 2, 3, 4, 5].map((size) => imageOf(folder, size, `p${size}.png`)));
		await publish(requestOf(account, postOf('four', pictures.slice(0, 4).map((picture) => ({ ...picture, altText: picture.path.slice(-6) })))));
		await publish(requestOf(account, postOf('five', pictures)));
		const embeds = [...server.records.values()].map(({ value }) => (value['embed'] as { $type: string }).$type);
		expect(embeds).toEqual(['app.bsky.embed.images', 'app.bsky.embed.gallery']);
		expect(server.posts[0]!.media.map(({ alt, aspectRatio }) => [alt, aspectRatio])[2]).toEqual(['p3.png', { width: 800, height: 600 }]);
		expect(server.posts[1]!.media).toHaveLength(5);
	});

	it('pictures without the place where they were taken, and upright', async () => {
		const account = await start();
		const gps = { IFD0: { Model: 'Secret Camera' }, IFD3: { GPSLatitude: '51/1 30/1 0/1', GPSLatitudeRef: 'N' } };
		const media: PostMedia[] = [];
		for (const orientation of [1, 6]) {
			const bytes = await sharp({ create: { width: 40, height: 20, channels: 3, background: '#f00' } }).withExif(gps).withMetadata({ orientation, exif: gps }).jpeg().toBuffer();
			expect(bytes.includes('Secret Camera')).toBe(true);
			const path = join(folder, `photo${orientation}.jpg`);
			await writeFile(path, bytes);
			const plain = await imageOf(folder, 1);
			media.push({ ...plain, path, mime: 'image/jpeg', bytes: bytes.length, facts: { ...plain.facts, mime: 'image/jpeg' } });
		}
		await publish(requestOf(account, postOf('photos', media)));
		for (const { sha256 } of server.posts[0]!.media) {
			const bytes = Buffer.from(await (await fetch(`${server.url}/emulator/media/${sha256}`)).arrayBuffer());
			expect(bytes.includes('Secret Camera')).toBe(false);
			expect((await sharp(bytes).metadata()).exif).toBeUndefined();
		}
		const turned = Buffer.from(await (await fetch(`${server.url}/emulator/media/${server.posts[0]!.media[1]!.sha256}`)).arrayBuffer());
		expect(await sharp(turned).metadata()).toMatchObject({ width: 20, height: 40 });
	});

	it('links, mentions and tags at their bytes; whoever is not known stays text, and is told', async () => {
		const account = await start();
		const row = await publish(requestOf(account, postOf('👨‍👩‍👧‍👦 see https://example.com/ä, @demo.test, @nobody.test #größe', [], { tags: ['extra'], language: 'de' })));
		expect(server.posts[0]).toMatchObject({ links: ['https://example.com/ä'], mentions: [DID], tags: ['größe', 'extra'], langs: ['de'] });
		expect(row.warnings).toEqual(['Bluesky knows no account @nobody.test: it is plain text in the post.']);
		expect(row.permalink).toBe(server.posts[0]!.permalink);
	});

	it('labels of its own, or the one for what is sensitive; languages of its own', async () => {
		const account = await start({}, { labels: ['nudity', '!no-unauthenticated'], languages: ['en', 'pt-BR'] });
		await publish(requestOf(account, postOf('a', [], { sensitive: true, language: 'de' })));
		await publish(requestOf({ ...account, settings: {} }, postOf('b', [], { sensitive: true })));
		expect(server.posts.map(({ labels, langs }) => [labels, langs])).toEqual([[['nudity', '!no-unauthenticated'], ['en', 'pt-BR']], [['graphic-media'], []]]);
	});

	it('a link card with title, second line and picture', async () => {
		const account = await start({}, { link_description: 'About this' });
		const cover = await imageOf(folder, 500, 'cover.png');
		await publish(requestOf(account, postOf('read', [], { link: 'https://example.com/page', title: 'A page', cover })));
		await publish(requestOf({ ...account, settings: {} }, postOf('more', [], { link: 'https://example.com/page' })));
		expect(server.posts[0]!.card).toMatchObject({ uri: 'https://example.com/page', title: 'A page', description: 'About this', thumb: { mime: 'image/png', size: 500 } });
		expect(server.posts[1]!.card).toMatchObject({ title: 'example.com', description: '', thumb: null });
	});

	it('an answer to another post, with both of its references', async () => {
		const account = await start();
		const first = (await publish(requestOf(account, postOf('1/3')))).externalPostId!;
		const second = (await publish(requestOf(account, postOf('2/3', [], { replyTo: { remoteId: first, rootId: first } })))).externalPostId!;
		await publish(requestOf(account, postOf('3/3', [], { replyTo: { remoteId: second, rootId: first } })));
		const ref = (id: string) => `${id} ${server.records.get(id)!.cid}`;
		expect(server.posts.map(({ reply }) => reply)).toEqual([null, { root: ref(first), parent: ref(first) }, { root: ref(first), parent: ref(second) }]);
		// The last character of a key is any of 32.
		const another = `${first.slice(0, -1)}${first.endsWith('2') ? '3' : '2'}`;
		const gone = await failed(requestOf(account, postOf('late', [], { replyTo: { remoteId: another, rootId: first } })));
		expect(gone).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('not on Bluesky any more') });
	});
});

describe('what is refused before it is sent to Bluesky', () => {
	it.each<[string, Parameters<typeof postOf>, string, RegExp]>([
		['301 characters', ['a'.repeat(301)], 'text', /301 characters.*takes 300/],
		['300 joined emoji, which are more than 3000 bytes', ['👨‍👩‍👧‍👦'.repeat(121)], 'text', /takes 300/],
		['tags that are none', ['t', [], { tags: ['2026'] }], 'tags', /"2026" is no tag/],
		['nine tags', ['t', [], { tags: [...'abcdefghi'] }], 'tags', /takes 8 tags/],
		['subtitles without a video', ['t', [], { subtitles: [subtitles('WEBVTT')] }], 'subtitles', /belong to a video/],
		['a content warning', ['t', [], { spoilerText: 'w' }], 'spoiler_text', /no content warning/],
		['a time', ['t', [], { scheduledAt: new Date(Date.now() + 3_600_000) }], 'scheduled_at', /no scheduling/],
		['a title without a link', ['t', [], { title: 'T' }], 'title', /no title/],
		['a cover without a link', ['t', [], { coverSeconds: 1 }], 'cover_seconds', /cover/],
	])('%s', async (_, post, field, message) => {
		const account = await start();
		const [problem] = problems(await failed(requestOf(account, postOf(...post))));
		expect(problem).toMatchObject({ field, message: expect.stringMatching(message) });
		expect(server.publicCalls).toBe(0);
	});

	it('counts as people do: 300 letters with accents in two parts are not too many', async () => {
		const account = await start();
		await publish(requestOf(account, postOf('e\u0301'.repeat(300))));
		expect(server.posts).toHaveLength(1);
	});

	it('a link card beside media, and a card picture that is too large', async () => {
		const account = await start();
		const cover = { ...(await imageOf(folder, 10)), bytes: 1_000_001 };
		const found = problems(await failed(requestOf(account, postOf('t', [await imageOf(folder, 11)], { link: 'https://example.com', cover }))));
		expect(found.map(({ field }) => field)).toEqual(['link', 'cover']);
	});

	it('subtitles of more than 20,000 bytes', async () => {
		const account = await start();
		const [problem] = problems(await failed(requestOf(account, postOf('t', [video], { subtitles: [subtitles('a'.repeat(20_001))] }))));
		expect(problem).toMatchObject({ field: 'subtitles', message: expect.stringContaining('Burn Subtitles') });
	});

	it('a GIF, which would stand still', async () => {
		const account = await start();
		const [problem] = problems(await failed(requestOf(account, postOf('t', [{ ...(await imageOf(folder, 12)), mime: 'image/gif' }]))));
		expect(problem).toMatchObject({ field: 'media[0]', message: expect.stringContaining('takes no gif files') });
	});
});

describe('exactly one post on Bluesky', () => {
	it('finds the post by its key when the answer was lost', async () => {
		const account = await start();
		server.fail('create', { when: 'after', answer: 'drop' });
		const row = await publish(requestOf(account, postOf('lost')));
		expect(row.externalPostId).toBe(server.posts[0]!.id);
		expect(steps()).toEqual(['session 200', 'create dropped', 'record 200']);
	});

	it('puts the same record again when it cannot be found yet: nothing changes', async () => {
		const account = await start();
		server.fail('create', { when: 'after', answer: 'drop' });
		server.fail('record', { when: 'before', answer: { status: 400, body: { error: 'RecordNotFound', message: 'Could not locate record' } } });
		const row = await publish(requestOf(account, postOf('slow', [video])));
		expect(row.externalPostId).toBe(server.posts[0]!.id);
		expect({ publicCalls: server.publicCalls, repeats: server.repeats, posts: server.posts.length }).toEqual({ publicCalls: 1, repeats: 1, posts: 1 });
	});

	it('never changes what an earlier call has put there', async () => {
		const account = await start();
		const request = requestOf(account, postOf('with @demo.test'));
		server.fail('create', { when: 'after', answer: 'drop' });
		server.fail('record', { when: 'before', answer: { status: 400, body: { error: 'RecordNotFound', message: 'Could not locate record' } }, times: 2 });
		// Meanwhile the mention means somebody else, and what was known of it is lost.
		server.fail('create', { when: 'before', answer: { status: 400, body: { error: 'BlobNotFound', message: 'Could not find blob' } } });
		server.fail('resolve', { when: 'before', answer: { status: 400, body: { error: 'InvalidRequest', message: 'Unable to resolve handle' } }, skip: 1 });
		const row = await publish(request);
		expect(row.externalPostId).toBe(server.posts[0]!.id);
		expect(steps().slice(-3)).toEqual(['record 400', 'create 400', 'record 200']);
		expect(server.posts.map(({ mentions }) => mentions)).toEqual([[DID]]);
	});

	it('says that it does not know when something else has the key', async () => {
		const account = await start();
		server.fail('create', { when: 'after', answer: 'drop' });
		server.fail('record', { when: 'before', answer: { status: 401, body: { error: 'AuthMissing', message: 'Authentication Required' } } });
		const request = requestOf(account, postOf('mine'));
		await failed(request);
		for (const record of server.records.values()) record.value = { ...record.value, text: 'edited' };
		expect(await failed(request)).toMatchObject({ code: 'post_unknown', message: expect.stringContaining('another post has taken its place') });
		expect(server.publicCalls).toBe(1);
	});

	it('waits for the hour when too much was written, and posts then', async () => {
		const account = await start({ writes: { points: 2, windowSeconds: 3600 } });
		await publish(requestOf(account, postOf('one')));
		const before = clock.now();
		await publish(requestOf(account, postOf('two')));
		expect(clock.now() - before).toBeGreaterThanOrEqual(3_590_000);
		expect(server.posts).toHaveLength(2);
	});

	it('reaches no private address: neither the one in the credential nor the one in the DID document', async () => {
		const account = await start();
		const platformOf = (allowedPrivateHosts: string[]) => createBluesky({ http: createHttp({ guard: createGuard({ allowedPrivateHosts }) }), videoHttp: createHttp(), videoBaseUrl: server.videoUrl });
		expect(await failed(requestOf(account, postOf('inside'), { platform: platformOf([]) }))).toMatchObject({ code: 'input_forbidden' });
		expect(server.calls).toHaveLength(0);
		expect(await failed(requestOf(account, postOf('inside'), { platform: platformOf([new URL(server.url).host]) }))).toMatchObject({ code: 'input_forbidden' });
		expect(steps()).toEqual(['session 200']);
	});
});

describe('a post that is out on Bluesky', () => {
	it('is looked at, measured and deleted', async () => {
		const account = await start();
		const ids: string[] = [];
		for (let at = 0; at < 27; at += 1) ids.push((await publish(requestOf(account, postOf(`post ${at}`)))).externalPostId!);
		server.engage(ids[26]!, { likeCount: 5, repostCount: 2, quoteCount: 1, replyCount: 3, bookmarkCount: 4 });
		const [platform, run] = accountRunOf(account, clock);
		const numbers = await platform.measure!(run, [...ids, `${ids[0]!.slice(0, -1)}2`]);
		expect(numbers.size).toBe(27);
		expect(numbers.get(ids[26]!)).toEqual({ views: null, likes: 5, comments: 3, shares: 3, saves: 4, clicks: null });
		expect(server.count('posts')).toBe(2);
		expect(await platform.look!(run, ids[0]!)).toMatchObject({ state: 'published', remoteId: ids[0] });
		await platform.remove!(run, ids[0]!, 'published');
		await platform.remove!(run, ids[0]!, 'published');
		expect(await platform.look!(run, ids[0]!)).toMatchObject({ state: 'gone' });
		expect((await platform.measure!(run, ids)).has(ids[0]!)).toBe(false);
		await expect(platform.remove!(run, '123', 'published')).rejects.toMatchObject({ code: 'invalid_request' });
	});

	it('was uploaded byte by byte', async () => {
		const account = await start();
		await publish(requestOf(account, postOf('bytes', [video])));
		const shown = await (await fetch(`${server.url}/emulator/media/${server.posts[0]!.media[0]!.sha256}`)).arrayBuffer();
		expect(Buffer.from(shown).equals(await readFile(video.path))).toBe(true);
	});
});
