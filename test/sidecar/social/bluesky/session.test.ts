import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import { createBluesky } from '../../../../sidecar/src/social/bluesky.ts';
import { issuedAt, sessionOf } from '../../../../sidecar/src/social/bluesky/session.ts';
import { createHttp } from '../../../../sidecar/src/social/http.ts';
import type { Platform, PostMedia } from '../../../../sidecar/src/social/platform.ts';
import { publishPost } from '../../../../sidecar/src/social/publish.ts';
import { startBlueskyEmulator, type BlueskyEmulator } from '../../../platforms/bluesky.ts';
import type { Account } from '../stages/stage.ts';
import { accountRunOf, dependencies, fakeClock, openTestDatabase, postOf, requestOf, videoOf, type Clock } from '../support.ts';

const PASSWORD = 'abcd-efgh-ijkl-mnop';

let database: OpenDatabase;
let folder: string;
let video: PostMedia;
let clock: Clock;
let server: BlueskyEmulator;

beforeAll(async () => {
	database = await openTestDatabase();
	folder = await mkdtemp(join(tmpdir(), 'bluesky-session-'));
	video = await videoOf(folder, 300_001);
});
afterAll(async () => {
	await database.close();
	await rm(folder, { recursive: true });
});
/** One process: the platform is made once, as there. */
async function start(): Promise<Account> {
	clock = fakeClock();
	server = await startBlueskyEmulator({ now: clock.now });
	const one = newProcess();
	return { platform: () => one, credentials: { accessToken: PASSWORD, baseUrl: server.url, extra: { identifier: 'demo.test' } } };
}
function newProcess(): Platform {
	const http = createHttp({ now: () => new Date(clock.now()) });
	return createBluesky({ http, videoHttp: http, videoBaseUrl: server.videoUrl, webBaseUrl: server.url });
}
type Request = ReturnType<typeof requestOf>;
const publish = (request: Request) => publishPost(dependencies(database, clock), request);
async function failed(request: Request): Promise<PipelineError> {
	const end: unknown = await publish(request).catch((error: unknown) => error);
	if (end instanceof PipelineError) return end;
	throw new Error('it should have failed');
}
const demo = () => server.accounts[0]!;

describe('when a token was made', () => {
	it.each<[string, string, number | null]>([
		['is read from it', `a.${Buffer.from('{"iat":1700000000}').toString('base64url')}.c`, 1_700_000_000_000],
		['is not known of one without a time', `a.${Buffer.from('{}').toString('base64url')}.c`, null],
		['is not known of anything else', 'abcdefgh', null],
		['is not known of nothing', '', null],
	])('%s', (_, token, expected) => expect(issuedAt(token)).toBe(expected));
});

describe('where the posts of an account are', () => {
	const answer = (serviceEndpoint: string) => ({ did: 'did:plc:a', handle: 'demo.test', accessJwt: 'a.b.c', refreshJwt: 'd.e.f', active: true, didDoc: { service: [{ id: '#atproto_pds', serviceEndpoint }] } });
	it.each([
		['https://pds.example/', 'https://bsky.social', 'https://pds.example'],
		['http://pds.example', 'https://bsky.social', 'https://bsky.social'],
		['http://localhost:2583', 'http://localhost:2582', 'http://localhost:2583'],
		['file:///etc/passwd', 'https://bsky.social', 'https://bsky.social'],
		['nonsense', 'https://bsky.social', 'https://bsky.social'],
	])('%s named by %s is %s', (named, service, expected) => expect(sessionOf(answer(named), service, new Date()).pds).toBe(expected));
});

describe('who signs in on Bluesky', () => {
	afterEach(() => server.close());

	it('signs in once for many posts, also when they come at once', async () => {
		const account = await start();
		await Promise.all(['a', 'b', 'c'].map((text) => publish(requestOf(account, postOf(text)))));
		for (let more = 0; more < 40; more += 1) await publish(requestOf(account, postOf(`post ${more}`)));
		expect(server.count('session')).toBe(1);
		expect(server.posts).toHaveLength(43);
	});

	it('renews a token that has run out, once for all who wait, and goes on where it was', async () => {
		const account = await start();
		await publish(requestOf(account, postOf('before')));
		clock.advance(60_000);
		server.expireTokens();
		await Promise.all(['a', 'b', 'c'].map((text) => publish(requestOf(account, postOf(text)))));
		expect({ sessions: server.count('session'), renewals: server.count('refresh'), posts: server.posts.length, publicCalls: server.publicCalls }).toEqual({ sessions: 1, renewals: 1, posts: 4, publicCalls: 4 });
	});

	it('whose name is lost is linked by the identifier', async () => {
		const account = await start();
		const row = await publish(requestOf(account, postOf('Nameless'), { account: { id: demo().did, name: 'handle.invalid' } }));
		expect(row.permalink).toContain(`/profile/${demo().did}/post/`);
	});

	it('signs in anew where nothing can be renewed', async () => {
		const account = await start();
		await publish(requestOf(account, postOf('before')));
		clock.advance(61 * 86_400_000);
		const idle = newProcess();
		await publish(requestOf({ ...account, platform: () => idle }, postOf('after')));
		server.expireTokens();
		server.fail('refresh', { when: 'before', answer: { status: 400, body: { error: 'ExpiredToken', message: 'Token has been revoked' } } });
		await publish(requestOf({ ...account, platform: () => idle }, postOf('and on')));
		expect(server.count('session')).toBe(3);
		expect(server.posts).toHaveLength(3);
	});

	it('keeps what it has uploaded when the app password is deleted, and goes on with a new one', async () => {
		const account = await start();
		const request = requestOf(account, postOf('New password', [video]));
		const hold = server.hold('job', 'after');
		const work = failed(request);
		await hold.reached;
		server.expireTokens();
		server.revoke(PASSWORD);
		hold.release();
		const error = await work;
		expect(error).toMatchObject({ code: 'needs_reauth', message: expect.stringContaining('new app password'), details: { platform_code: 'AuthenticationRequired', post_status: 'needs_reauth' } });
		expect(error.message).not.toContain(PASSWORD);
		server.setToken('qrst-uvwx-yzab-cdef');
		await publish({ ...request, credentials: { ...account.credentials, accessToken: 'qrst-uvwx-yzab-cdef' } });
		expect({ uploads: server.count('upload'), posts: server.posts.length }).toEqual({ uploads: 1, posts: 1 });
	});

	it('is not stopped by somebody else who is stopped while signing in', async () => {
		const account = await start();
		const abort = new AbortController();
		const hold = server.hold('session', 'after');
		const first = failed(requestOf(account, postOf('stopped'), { signal: abort.signal }));
		await hold.reached;
		const second = publish(requestOf(account, postOf('goes on')));
		abort.abort(new Error('stopped by the user'));
		expect((await first).code).toBe('cancelled');
		hold.release();
		await second;
		expect(server.posts.map(({ text }) => text)).toEqual(['goes on']);
	});

	it.each<[string, () => void, string, RegExp]>([
		['a wrong password', () => server.revoke(PASSWORD), 'needs_reauth', /Check the handle.*new app password/],
		['the password of the account', () => server.fail('session', { when: 'before', answer: { status: 401, body: { error: 'AuthFactorTokenRequired', message: 'A sign in code has been sent' } } }), 'needs_reauth', /code sent by e-mail.*app password/],
		['a banned account', () => (demo().status = 'takendown'), 'post_rejected', /stopped this account.*appeal/],
		['a deactivated account', () => (demo().status = 'deactivated'), 'post_invalid', /deactivated.*activate it again/],
		['a page instead of an answer', () => server.fail('session', { when: 'before', answer: { status: 200, body: '<html>Sign in to the Wi-Fi</html>' }, times: 5 }), 'platform_unavailable', /not in the documented form/],
	])('is told of %s', async (_, prepare, code, message) => {
		const account = await start();
		prepare();
		const error = await failed(requestOf(account, postOf('who?')));
		expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
		expect(error.message).not.toContain(PASSWORD);
		expect(server.publicCalls).toBe(0);
	});

	it('waits when it has signed in too often', async () => {
		const account = await start();
		for (let more = 0; more < 30; more += 1) await newProcess().identify(accountRunOf(account, clock)[1]);
		const before = clock.now();
		await publish(requestOf({ ...account, platform: () => newProcess() }, postOf('patience')));
		expect(clock.now() - before).toBeGreaterThanOrEqual(290_000);
	});
});
