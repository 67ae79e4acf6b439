import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { posts } from '../../../sidecar/src/db/schema.ts';
import { createGuard } from '../../../sidecar/src/net/guard.ts';
import { createHttp } from '../../../sidecar/src/social/http.ts';
import { createMastodon } from '../../../sidecar/src/social/mastodon.ts';
import type { PostMedia } from '../../../sidecar/src/social/platform.ts';
import { publishPost } from '../../../sidecar/src/social/publish.ts';
import { startMastodonEmulator, type MastodonEmulator, type MastodonEmulatorOptions } from '../../platforms/mastodon.ts';
import { accountRunOf, dependencies, fakeClock, imageOf, openTestDatabase, postOf, requestOf, videoOf, type Clock } from './support.ts';
import type { Account } from './stages/stage.ts';

let database: OpenDatabase;
let folder: string;
let video: PostMedia;
let clock: Clock;
let server: MastodonEmulator;

beforeAll(async () => {
	database = await openTestDatabase();
	folder = await mkdtemp(join(tmpdir(), 'mastodon-'));
	video = await videoOf(folder, 300_001);
});
afterAll(async () => {
	await database.close();
	await rm(folder, { recursive: true });
});
afterEach(() => server.close());

async function start(options: MastodonEmulatorOptions = {}): Promise<Account> {
	clock = fakeClock();
	server = await startMastodonEmulator({ now: clock.now, ...options });
	const platform = () => createMastodon({ http: createHttp({ now: () => new Date(clock.now()) }) });
	return { platform, credentials: { accessToken: 'mastodon-token', baseUrl: server.url, extra: {} } };
}
const publish = (request: ReturnType<typeof requestOf>) => publishPost(dependencies(database, clock), request);
async function signedIn(stage: Account): Promise<ReturnType<typeof accountRunOf>> {
	const [platform, run] = accountRunOf(stage, clock);
	const account = await platform.identify(run);
	return [platform, { ...run, account }];
}
const scopes = (...given: string[]) => server.setToken('mastodon-token', { id: '110000000000000001', acct: 'demo', scopes: given });

/** The publishing call was answered by nobody, and its outcome could not be looked up for two hours. */
async function openForTwoHours(request: ReturnType<typeof requestOf>, landed: boolean): Promise<void> {
	server.fail('create', { when: landed ? 'after' : 'before', answer: 'drop' });
	server.fail('create', { when: 'before', answer: { status: 401 } });
	await publish(request).catch(() => {});
	await database.db.update(posts).set({ openSince: sql`now() - interval '2 hours'`, armedAt: sql`now() - interval '2 hours'` }).where(sql`${posts.openSince} is not null`);
	clock.advance(2 * 3_600_000);
}

describe('Mastodon', () => {
	it('asks 202 → 206 → 206 → 200, ever more slowly, before it posts', async () => {
		const stage = await start();
		const before = clock.now();
		await publish(requestOf(stage, postOf('video', [video])));
		expect(server.calls.map((call) => `${call.step} ${call.status}`)).toEqual(['me 200', 'instance 200', 'upload 202', 'media 206', 'media 206', 'media 200', 'create 200']);
		expect(clock.now() - before).toBeGreaterThanOrEqual(3000);
	});

	it('asks no more about a picture that is ready at once', async () => {
		const stage = await start();
		await publish(requestOf(stage, postOf('pictures', [await imageOf(folder, 10, 'a.png'), await imageOf(folder, 11, 'b.png')])));
		expect(server.count('media')).toBe(0);
		expect(server.posts[0]!.media).toHaveLength(2);
	});

	it('goes back to asking when the server says that the media is not finished after all', async () => {
		const stage = await start();
		server.fail('media', { when: 'after', answer: { status: 200, body: { id: '1', url: 'x' } } });
		await publish(requestOf(stage, postOf('not finished', [video])));
		expect(server.calls.map((call) => `${call.step} ${call.status}`).slice(-5)).toEqual(['media 200', 'create 422', 'media 206', 'media 200', 'create 200']);
		expect(server.posts).toHaveLength(1);
	});

	it('passes every option on', async () => {
		const stage = await start();
		await publish(requestOf(stage, postOf('Hallo', [], { visibility: 'unlisted', language: 'de', sensitive: true, spoilerText: 'Achtung' })));
		expect(server.posts[0]).toMatchObject({ text: 'Hallo', visibility: 'unlisted', language: 'de', sensitive: true, spoilerText: 'Achtung' });
	});

	it('leaves scheduling to the server, once', async () => {
		const stage = await start();
		const scheduledAt = new Date(clock.now() + 3_600_000);
		server.fail('create', { when: 'after', answer: 'drop' });
		const row = await publish(requestOf(stage, postOf('Later', [], { scheduledAt })));
		expect(row).toMatchObject({ status: 'scheduled', externalPostId: server.scheduled[0]!.id, permalink: null, publishedAt: null, scheduledFor: scheduledAt });
		expect(server.scheduled).toHaveLength(1);
		expect(server.posts).toHaveLength(0);
		expect(server.repeats).toBe(1);
	});

	it('goes by the limits of the server', async () => {
		const stage = await start({ maxCharacters: 5000, videoSizeLimit: 300_000 });
		await expect(publish(requestOf(stage, postOf('a'.repeat(5001), [video])))).rejects.toMatchObject({ code: 'post_invalid', details: { problems: [{ field: 'text' }, { field: 'media[0]' }] } });
		await publish(requestOf(stage, postOf('a'.repeat(5000))));
		expect(server.posts).toHaveLength(1);
	});

	it('reads the limits of an old server', async () => {
		const stage = await start({ instanceVersion: 1, maxCharacters: 1234 });
		await expect(publish(requestOf(stage, postOf('a'.repeat(1235))))).rejects.toMatchObject({ message: expect.stringContaining('1234') });
		await publish(requestOf(stage, postOf('a'.repeat(1234))));
	});

	it('says when the address is not a Mastodon server', async () => {
		const stage = await start();
		server.fail('instance', { when: 'before', answer: { status: 404 }, times: 2 });
		await expect(publish(requestOf(stage, postOf('where?')))).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('is not a Mastodon server') });
	});

	it('repeats with the same key within the hour: the server gives the same post', async () => {
		const stage = await start();
		server.fail('create', { when: 'after', answer: 'drop' });
		const row = await publish(requestOf(stage, postOf('repeat', [video])));
		expect(row.externalPostId).toBe(server.posts[0]!.id);
		expect({ publicCalls: server.publicCalls, repeats: server.repeats, looks: server.count('statuses') }).toEqual({ publicCalls: 1, repeats: 1, looks: 0 });
	});

	it('waits for each call that was cut off, also for a repeat: it may still be at work', async () => {
		const stage = await start();
		server.fail('create', { when: 'before', answer: 'drop', times: 3 });
		const before = clock.now();
		await publish(requestOf(stage, postOf('patient')));
		expect(clock.now() - before).toBeGreaterThanOrEqual(3 * 45_000);
		expect(server.posts).toHaveLength(1);
	});

	it.each<[string, (request: ReturnType<typeof requestOf>) => Promise<void>]>([
		['at once', async () => server.fail('create', { when: 'after', answer: 'drop' })],
		['after two hours', (request) => openForTwoHours(request, true)],
	])('repeats nothing on a server that is not Mastodon itself, and finds the post by its words %s', async (_, prepare) => {
		const stage = await start({ fork: true });
		for (const media of [[video], []]) {
			const request = requestOf(stage, postOf(`on a fork, with ${media.length} files`, media));
			await prepare(request);
			expect((await publish(request)).externalPostId).toBe(server.posts.at(-1)!.id);
		}
		expect([server.posts.length, server.publicCalls]).toEqual([2, 2]);
	});

	it('leaves it unknown on a server that is not Mastodon itself when the post is not found', async () => {
		const stage = await start({ fork: true });
		server.fail('create', { when: 'before', answer: 'drop' });
		await expect(publish(requestOf(stage, postOf('lost on a fork', [video])))).rejects.toMatchObject({ code: 'post_unknown', message: expect.stringContaining('no such post was found') });
		expect(server.publicCalls).toBe(0);
	});

	it('finds the post by its media when the key has expired', async () => {
		const stage = await start();
		const request = requestOf(stage, postOf('two hours later', [video]));
		await openForTwoHours(request, true);
		const row = await publish(request);
		expect(row.externalPostId).toBe(server.posts[0]!.id);
		expect(server.publicCalls).toBe(1);
		expect(server.repeats).toBe(0);
	});

	it.each([
		['its words', () => [], 'scheduled', 5],
		['its media', () => [video], 'scheduled', 5],
		['its words', () => [], 'published', 1],
		['its media', () => [video], 'published', 1],
	])('finds a scheduled post by %s when the key has expired (case %#)', async (_, media, status, hours) => {
		const stage = await start();
		const request = requestOf(stage, postOf('Later https://example.com/', media(), { scheduledAt: new Date(clock.now() + hours * 3_600_000) }));
		await openForTwoHours(request, true);
		const row = await publish(request);
		// Once it is out it has another id.
		expect(row).toMatchObject({ status, externalPostId: (status === 'published' ? server.posts : server.scheduled)[0]!.id });
		expect(server.publicCalls).toBe(1);
	});

	it('says that a scheduled post is unknown where the token may not read the list, or it is not there', async () => {
		const stage = await start();
		const request = requestOf(stage, postOf('Later', [], { scheduledAt: new Date(clock.now() + 5 * 3_600_000) }));
		await openForTwoHours(request, false);
		await expect(publish(request)).rejects.toMatchObject({ code: 'post_unknown', message: expect.stringContaining('not in the list') });
		scopes('write:media', 'write:statuses', 'read:accounts');
		await expect(publish(request)).rejects.toMatchObject({ code: 'post_unknown', message: expect.stringContaining('read:statuses') });
		expect(server.publicCalls).toBe(0);
	});

	it('finds the post by its text when the key has expired', async () => {
		const stage = await start();
		const request = requestOf(stage, postOf('Two & more https://example.com/a/long/path/that/the/server/cuts?x=1\n\nhi @friend@example.org #tag'));
		await openForTwoHours(request, true);
		const row = await publish(request);
		expect(row.externalPostId).toBe(server.posts[0]!.id);
		expect(server.publicCalls).toBe(1);
	});

	it('finds a public post with a token that may only write', async () => {
		const stage = await start();
		scopes('write:media', 'write:statuses', 'read:accounts');
		const request = requestOf(stage, postOf('narrow token', [video]));
		await openForTwoHours(request, true);
		expect((await publish(request)).externalPostId).toBe(server.posts[0]!.id);
	});

	it('publishes with a token that may not even read the account', async () => {
		const stage = await start();
		scopes('write:media', 'write:statuses');
		expect(await publish(requestOf(stage, postOf('narrowest', [video])))).toMatchObject({ status: 'published', account: '' });
	});

	it('posts when unattached media proves that nothing was posted', async () => {
		const stage = await start();
		const request = requestOf(stage, postOf('proof', [video]));
		await openForTwoHours(request, false);
		await publish(request);
		expect(server.posts).toHaveLength(1);
		expect(server.publicCalls).toBe(1);
	});

	it('reports the outcome as unknown when nothing proves it, and posts nothing more', async () => {
		const stage = await start();
		const request = requestOf(stage, postOf('no proof'));
		await openForTwoHours(request, false);
		await expect(publish(request)).rejects.toMatchObject({ code: 'post_unknown', details: { post_status: 'unknown' } });
		expect(server.publicCalls).toBe(0);
	});

	it('tells that a scope is missing', async () => {
		const stage = await start();
		scopes('write:statuses', 'read:accounts');
		await expect(publish(requestOf(stage, postOf('scope', [video])))).rejects.toMatchObject({ code: 'needs_reauth', message: expect.stringContaining('outside the authorized scopes') });
	});

	it('tells that the server could not process the media', async () => {
		const stage = await start();
		server.failProcessing();
		await expect(publish(requestOf(stage, postOf('bad', [video])))).rejects.toMatchObject({ code: 'post_rejected', message: expect.stringContaining('could not process') });
		expect(server.publicCalls).toBe(0);
	});

	it('makes a thread: each post answers the one before, with a key of its own', async () => {
		const stage = await start();
		const first = await publish(requestOf(stage, postOf('one', [video])));
		const replyTo = { remoteId: first.externalPostId!, rootId: first.externalPostId! };
		const following = (position: number) => ({ parentId: first.id, parentKey: first.operationKey, position });
		const rows = [];
		for (const position of [1, 2]) {
			server.fail('create', { when: 'after', answer: 'drop' });
			rows.push(await publish(requestOf(stage, postOf('the same words', [], { replyTo }), { following: following(position) })));
		}
		expect(server.posts.map((post) => post.replyTo)).toEqual([null, first.externalPostId, first.externalPostId]);
		expect(rows.map((row) => row.externalPostId)).toEqual(server.posts.slice(1).map((post) => post.id));
		expect({ publicCalls: server.publicCalls, repeats: server.repeats }).toEqual({ publicCalls: 3, repeats: 2 });
	});

	it('says that the answered post is gone', async () => {
		const stage = await start();
		const post = postOf('two', [], { replyTo: { remoteId: '1', rootId: '1' } });
		await expect(publish(requestOf(stage, post))).rejects.toMatchObject({ code: 'post_rejected', message: expect.stringContaining('has been deleted') });
	});

	it('sends the cover of a video along with it', async () => {
		const stage = await start();
		const cover = await imageOf(folder, 700, 'cover.png');
		await publish(requestOf(stage, postOf('cover', [video], { cover })));
		expect(server.posts[0]!.media[0]).toMatchObject({ sha256: video.sha256, thumbnail: cover.sha256 });
	});

	it.each<[string, () => Promise<[PostMedia[], PostMedia]>, RegExp]>([
		['of a picture', async () => [[await imageOf(folder, 10)], await imageOf(folder, 10)], /Only a video has a cover/],
		['that is a video', async () => [[video], { ...(await imageOf(folder, 10)), mime: 'video/mp4' }], /video\/mp4 is not taken/],
	])('refuses a cover %s', async (_, given, message) => {
		const stage = await start();
		const [media, cover] = await given();
		await expect(publish(requestOf(stage, postOf('t', media, { cover })))).rejects.toMatchObject({ code: 'post_invalid', message: expect.stringMatching(message) });
	});

	it('explains that the account may not post', async () => {
		const stage = await start();
		server.fail('create', { when: 'before', answer: { status: 403, body: { error: 'Your login is currently disabled' } } });
		await expect(publish(requestOf(stage, postOf('t')))).rejects.toMatchObject({ code: 'post_rejected', message: expect.stringContaining('may not post now') });
	});

	it('looks at a post, deletes it, also when it is gone already, and measures it', async () => {
		const stage = await start();
		const row = await publish(requestOf(stage, postOf('looked at')));
		const id = row.externalPostId!;
		const [platform, run] = await signedIn(stage);
		expect(await platform.look!(run, id)).toEqual({ state: 'published', remoteId: id, permalink: row.permalink });
		server.setMetrics(id, { favourites: 3, reblogs: 2, replies: 1 });
		expect([...(await platform.measure!(run, [id, '1']))]).toEqual([[id, { views: null, likes: 3, comments: 1, shares: 2, saves: null, clicks: null }]]);
		await platform.remove!(run, id, 'published');
		await platform.remove!(run, id, 'published');
		expect(await platform.look!(run, id)).toMatchObject({ state: 'gone' });
	});

	it('looks at what is public with a token that may not read posts', async () => {
		const stage = await start();
		const { externalPostId: id } = await publish(requestOf(stage, postOf('public')));
		scopes('write:media', 'write:statuses', 'read:accounts');
		const [platform, run] = await signedIn(stage);
		expect(await platform.look!(run, id!)).toMatchObject({ state: 'published' });
		expect((await platform.measure!(run, [id!])).has(id!)).toBe(true);
	});

	it('follows a scheduled post until it is out, under its new id', async () => {
		const stage = await start();
		const scheduledAt = new Date(clock.now() + 3_600_000);
		const row = await publish(requestOf(stage, postOf('Later & out', [], { scheduledAt })));
		const [platform, run] = await signedIn(stage);
		const look = () => platform.look!(run, row.externalPostId!, { text: row.text, scheduledFor: scheduledAt });
		expect(await look()).toEqual({ state: 'scheduled', remoteId: row.externalPostId });
		clock.advance(3_600_000);
		expect(await look()).toEqual({ state: 'published', remoteId: server.posts[0]!.id, permalink: server.posts[0]!.permalink });
		expect(server.posts[0]!.id).not.toBe(row.externalPostId);
	});

	it('takes a scheduled post out of the schedule, and says so when it is too late', async () => {
		const stage = await start();
		const scheduledAt = new Date(clock.now() + 3_600_000);
		const [first, second] = [await publish(requestOf(stage, postOf('one', [], { scheduledAt }))), await publish(requestOf(stage, postOf('two', [], { scheduledAt })))];
		const [platform, run] = await signedIn(stage);
		await platform.remove!(run, first.externalPostId!, 'scheduled');
		expect(server.scheduled.map((post) => post.text)).toEqual(['two']);
		expect(await platform.look!(run, first.externalPostId!, { text: 'one', scheduledFor: scheduledAt })).toMatchObject({ state: 'gone' });
		clock.advance(3_600_000);
		await expect(platform.remove!(run, second.externalPostId!, 'scheduled')).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('Get Status') });
	});

	it('reaches no private address that a credential names', async () => {
		const stage = await start();
		const platform = createMastodon({ http: createHttp({ guard: createGuard({ allowedPrivateHosts: [] }) }) });
		await expect(publish(requestOf(stage, postOf('inside'), { platform }))).rejects.toMatchObject({ code: 'input_forbidden' });
		expect(server.calls).toHaveLength(0);
	});
});
