import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { completeFacts } from '../../../sidecar/src/media/facts.ts';
import { createAccountRun } from '../../../sidecar/src/social/account-run.ts';
import type { Post, PostMedia } from '../../../sidecar/src/social/platform.ts';
import { publishPost } from '../../../sidecar/src/social/publish.ts';
import { graphError } from '../../platforms/graph.ts';
import type { ThreadsEmulatorOptions } from '../../platforms/threads.ts';
import { STAGES } from './stages/index.ts';
import { startThreadsStage, type ThreadsStage } from './stages/threads.ts';
import { dependencies, fakeClock, openTestDatabase, postOf, requestOf, videoOf, type Clock } from './support.ts';

let database: OpenDatabase;
let folder: string;
let file: PostMedia;
let clock: Clock;
let stage: ThreadsStage;
let video: PostMedia;
let picture: PostMedia;

beforeAll(async () => {
	database = await openTestDatabase();
	folder = await mkdtemp(join(tmpdir(), 'threads-'));
	file = await videoOf(folder, 100_001, 'A counter');
});
afterAll(async () => {
	await database.close();
	await rm(folder, { recursive: true });
});
afterEach(() => stage.close());

async function start(options: ThreadsEmulatorOptions = {}): Promise<void> {
	clock = fakeClock();
	stage = await startThreadsStage(clock, options);
	video = stage.media!(file);
	const bytes = await sharp({ create: { width: 400, height: 300, channels: 3, background: '#456' } })
		.png()
		.toBuffer();
	const path = join(folder, 'a.png');
	await writeFile(path, bytes);
	picture = {
		...file,
		path,
		mime: 'image/png',
		bytes: bytes.length,
		sha256: 'p',
		altText: null,
		url: stage.host.serve('a.png', { mime: 'image/png', path }),
		facts: completeFacts({
			mime: 'image/png',
			fileType: 'image',
			container: 'png_pipe',
			bytes: bytes.length,
			durationSeconds: 0,
			bitrate: null,
			video: { codec: 'png', width: 400, height: 300, frameRate: 0, pixelFormat: 'rgb24', rotation: 0, bitrate: null },
			audio: null,
		}),
	};
}
const request = (post: Post, settings = {}) => requestOf(stage, post, { settings: stage.platform().settings.parse(settings) });
const publish = (given: ReturnType<typeof requestOf>) => publishPost(dependencies(database, clock), given);
const post = (text: string, media: PostMedia[] = [], settings = {}, more: Partial<Post> = {}) => publish(request(postOf(text, media, more), settings));
const failed = (work: Promise<unknown>): Promise<PipelineError> =>
	work.then(
		() => Promise.reject(new Error('it should have failed')),
		(error: unknown) => (error instanceof PipelineError ? error : Promise.reject(error instanceof Error ? error : new Error(String(error)))),
	);
const fields = (error: PipelineError) => (error.details?.['problems'] as Array<{ field: string }>).map(({ field }) => field);
const run = () => createAccountRun(dependencies(database, clock), request(postOf('x')), () => null);

describe('Threads', () => {
	it('publishes words with their topic, their link and who may answer', async () => {
		await start();
		const row = await post('Only words', [], { topic: '#Travel', reply_control: 'followers_only' }, { link: 'https://example.com/a?b=1&c=2' });
		expect(stage.emulator.posts).toMatchObject([
			{ kind: 'TEXT', text: 'Only words', options: { topic_tag: 'Travel', reply_control: 'followers_only', link_attachment: 'https://example.com/a?b=1&c=2' } },
		]);
		expect(stage.emulator.calls.map(({ step }) => step)).toEqual(['me', 'limit', 'container', 'status', 'publish', 'media']);
		expect(row).toMatchObject({ account: 'demo', externalPostId: stage.emulator.posts[0]!.id, permalink: stage.emulator.posts[0]!.permalink });
		expect(BigInt(row.externalPostId!)).toBeGreaterThan(2n ** 53n);
	});

	it('publishes a picture, hidden where it is sensitive, and a carousel of both kinds', async () => {
		await start();
		await post('Picture', [{ ...picture, altText: 'Blue' }], {}, { sensitive: true });
		await post('Both', [picture, video]);
		expect(stage.emulator.posts).toMatchObject([
			{ kind: 'IMAGE', media: [{ alt: 'Blue' }], options: { is_spoiler_media: 'true' } },
			{
				kind: 'CAROUSEL',
				text: 'Both',
				media: [
					{ mime: 'image/png', alt: null },
					{ mime: 'video/mp4', alt: 'A counter', sha256: file.sha256 },
				],
			},
		]);
	});

	it('takes 500 letters, and counts an emoji as its bytes', async () => {
		await start();
		await post('a'.repeat(500));
		const error = await failed(post(`${'a'.repeat(499)}😀`));
		expect(error).toMatchObject({ code: 'post_invalid', message: expect.stringMatching(/has 503 characters.*takes 500/) });
		expect(stage.emulator.posts).toHaveLength(1);
		expect(stage.emulator.count('container')).toBe(1);
	});

	it('says everything else that is wrong before it begins', async () => {
		await start();
		const links = [1, 2, 3, 4, 5, 6].map((number) => `https://example.com/${number}`).join(' ');
		expect(fields(await failed(post(links, [video], {}, { link: 'https://example.com/7' })))).toEqual(['text', 'link']);
		expect(fields(await failed(post('x', [], {}, { sensitive: true })))).toEqual(['sensitive']);
		expect(fields(await failed(post('x', [{ ...video, url: null }])))).toEqual(['media[0]']);
		expect(stage.emulator.count('container')).toBe(0);
	});

	it('makes a thread: each post answers the one before it, once each', async () => {
		await start();
		const first = (await post('One')).externalPostId!;
		stage.emulator.fail('publish', { when: 'after', answer: 'drop' });
		const second = await post('Two', [], {}, { replyTo: { remoteId: first, rootId: first } });
		expect(second.externalPostId).toBe(stage.emulator.posts[1]!.id);
		await post('Three', [], { topic: 'Travel', reply_control: 'everyone' }, { replyTo: { remoteId: second.externalPostId!, rootId: first } });
		expect(stage.emulator.posts.map(({ text, replyTo, options }) => [text, replyTo, options])).toEqual([
			['One', null, {}],
			['Two', first, {}],
			['Three', second.externalPostId, {}],
		]);
		expect([stage.emulator.publicCalls, stage.emulator.count('replies'), stage.emulator.count('list')]).toEqual([3, 1, 0]);
	});

	it.each<[string, RegExp]>([
		['INVALID_ASPEC_RATIO', /ten times as wide/],
		['INVALID_DURATION', /at most 5 minutes/],
		['INVALID_SOMETHING_NEW', /INVALID_SOMETHING_NEW/],
	])('explains %s', async (message, words) => {
		await start();
		stage.emulator.failProcessing(message);
		const error = await failed(post('Bad', [video]));
		expect(error).toMatchObject({ code: 'post_rejected', details: { platform_code: message } });
		expect(error.message).toMatch(words);
		expect(stage.emulator.publicCalls).toBe(0);
	});

	it.each(['FAILED_DOWNLOADING_VIDEO', 'UNKNOWN'])('tries a new container after %s', async (message) => {
		await start();
		stage.emulator.failProcessing(message);
		await post('Again', [video]);
		expect([stage.emulator.count('container'), stage.emulator.posts.length]).toEqual([2, 1]);
	});

	it('stops trying when the file can never be fetched, and says what to look at', async () => {
		await start();
		const error = await failed(post('Never', [{ ...video, url: `${stage.host.url}/nothing` }]));
		expect(error).toMatchObject({ code: 'platform_unavailable', message: expect.stringContaining('PUBLIC_URL') });
		expect(stage.emulator.publicCalls).toBe(0);
	});

	it('waits when Threads does not find the container yet', async () => {
		await start();
		stage.emulator.fail('publish', { when: 'before', answer: graphError({ message: 'The requested resource does not exist', code: 24, subcode: 4_279_009 }) });
		await post('Early', [video]);
		expect([stage.emulator.posts.length, stage.emulator.count('publish'), stage.emulator.count('container')]).toEqual([1, 2, 1]);
	});

	it('makes a new container when the first one is a day old', async () => {
		await start();
		const given = request(postOf('Old', [video]));
		stage.emulator.fail('publish', { when: 'before', answer: stage.answers.expired! });
		await failed(publish(given));
		clock.advance(24 * 3_600_000);
		await publish(given);
		// Nobody asks for what became of the old one.
		expect([stage.emulator.count('container'), stage.emulator.count('status'), stage.emulator.posts.length]).toEqual([2, 6, 1]);
	});

	it('knows how many posts and how many answers the account has left', async () => {
		await start({ quota: 1, replyQuota: 1 });
		const first = (await post('One')).externalPostId!;
		expect((await failed(post('Two'))).message).toContain('1 posts through apps in 24 hours; Threads allows 1');
		const reply = { replyTo: { remoteId: first, rootId: first } };
		await post('Answer', [], {}, reply);
		expect((await failed(post('Answer again', [], {}, reply))).message).toContain('1 replies');
		expect(stage.emulator.publicCalls).toBe(2);
	});

	it('asks to connect again when a permission is missing', async () => {
		await start();
		const first = (await post('One')).externalPostId!;
		stage.emulator.setToken('threads-token', { id: '26084512345678901', username: 'demo', scopes: ['threads_basic', 'threads_content_publish'] });
		const error = await failed(post('Two', [], {}, { replyTo: { remoteId: first, rootId: first } }));
		expect(error).toMatchObject({ code: 'needs_reauth', message: expect.stringContaining('threads_manage_replies') });
		stage.emulator.revoke('threads-token');
		expect(await failed(post('Three'))).toMatchObject({ code: 'needs_reauth', details: { platform_code: '190' } });
	});

	it('reads numbers, leaves out what is gone, looks, and deletes', async () => {
		await start();
		const id = (await post('Numbers')).externalPostId!;
		const platform = stage.platform();
		expect([...(await platform.measure!(run(), [id, '18099999999999999']))]).toEqual([
			[id, { views: 340, likes: 21, comments: 4, shares: 8, saves: null, clicks: null }],
		]);
		expect(await platform.look!(run(), id)).toEqual({ state: 'published', remoteId: id, permalink: stage.emulator.posts[0]!.permalink });
		await platform.remove!(run(), id, 'published');
		await platform.remove!(run(), id, 'published');
		expect(stage.emulator.posts).toEqual([]);
		expect(await platform.look!(run(), id)).toMatchObject({ state: 'gone' });
	});

	it('finds an answer that was lost, or says that it is out when answers may not be read', async () => {
		await start();
		const first = (await post('One')).externalPostId!;
		const scopes = ['threads_basic', 'threads_content_publish', 'threads_manage_replies'];
		stage.emulator.setToken('threads-token', { id: '26084512345678901', username: 'demo', scopes });
		stage.emulator.fail('publish', { when: 'after', answer: 'drop' });
		const row = await post('Two', [], {}, { replyTo: { remoteId: first, rootId: first } });
		expect(row).toMatchObject({ status: 'published', permalink: null, warnings: [expect.stringContaining('its address is not known')] });
		expect(stage.emulator.posts.map(({ text }) => text)).toEqual(['One', 'Two']);
	});

	it('takes a list that is longer than it reads for no proof, when the container is gone', async () => {
		await start();
		const given = request(postOf('Among many'));
		stage.emulator.fail('publish', { when: 'after', answer: 'drop' });
		stage.emulator.fail('status', { when: 'before', answer: stage.answers.expired!, skip: 1 });
		expect(await failed(publish(given))).toMatchObject({ code: 'needs_reauth' });
		stage.emulator.forgetMedia();
		const [own] = stage.emulator.posts;
		for (let index = 0; index < 205; index += 1) stage.emulator.posts.push({ ...own!, id: `${18_100_000_000_000_000 + index}`, text: 'Another' });
		expect(await failed(publish(given))).toMatchObject({ code: 'post_unknown' });
		expect(stage.emulator.publicCalls).toBe(1);
	});

	it('believes no refusal of a repeat when the container cannot be looked at', async () => {
		await start();
		const given = request(postOf('Late'));
		// The first call lands long after it was given up; the second one is refused for it.
		stage.emulator.fail('publish', { when: 'before', answer: 'drop' });
		stage.emulator.fail('publish', { when: 'after', answer: graphError({ message: 'The requested resource does not exist', code: 24 }) });
		const looks = () => stage.emulator.count('status');
		const before = looks();
		const platform = given.platform;
		given.platform = {
			...platform,
			finish: async (run, arming) => {
				if (arming.attempts > 1) stage.emulator.fail('status', { when: 'before', answer: stage.answers.expired! });
				return platform.finish(run, arming);
			},
		};
		const row = await publish(given);
		expect(row).toMatchObject({ status: 'published', externalPostId: stage.emulator.posts[0]!.id });
		expect([stage.emulator.posts.length, looks() > before]).toEqual([1, true]);
	});

	it('tells what Threads says without the addresses of files, and no deletion that was none', async () => {
		await start();
		const id = (await post('Stays')).externalPostId!;
		const message = 'Cannot read https://files.example/a.mp4?signature=TOPSECRET';
		stage.emulator.fail('status', { when: 'before', answer: { status: 200, body: { id: '1', status: 'ERROR', error_message: message } } });
		const error = await failed(post('Secret'));
		expect(error.message).toContain('Cannot read https://files.example/…');
		expect(JSON.stringify([error.message, error.details])).not.toContain('TOPSECRET');
		stage.emulator.fail('delete', { when: 'before', answer: graphError({ message: 'Unsupported delete request', code: 100, subcode: 33 }) });
		expect(await failed(stage.platform().remove!(run(), id, 'published'))).toMatchObject({ code: 'post_rejected', message: expect.stringContaining('threads_delete') });
	});

	it('is in the contract suite', async () => {
		await start();
		expect(Object.keys(STAGES)).toContain('threads');
	});
});
