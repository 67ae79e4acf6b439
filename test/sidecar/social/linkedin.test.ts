import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { createAccountRun } from '../../../sidecar/src/social/account-run.ts';
import { madeBefore } from '../../../sidecar/src/social/linkedin.ts';
import type { PostMedia } from '../../../sidecar/src/social/platform.ts';
import { publishPost, type PublishRequest } from '../../../sidecar/src/social/publish.ts';
import type { LinkedInAccount, LinkedInEmulator } from '../../platforms/linkedin.ts';
import { asPage, LinkedInWorld, PAGE, type Setting } from './linkedinWorld.ts';
import { dependencies, expireClaims, imageOf, postOf, requestOf, type Clock } from './support.ts';
import type { Account } from './stages/stage.ts';

const MEMBER: LinkedInAccount = { sub: '782bbtaQ', name: 'demo', scopes: ['openid', 'profile', 'w_member_social'] };

const world = new LinkedInWorld();
let database: OpenDatabase;
let folder: string;
let video: PostMedia;
let picture: PostMedia;
let clock: Clock;
let linkedIn: LinkedInEmulator;

beforeAll(async () => {
	await world.open();
	({ database, folder, video, picture } = world);
});
afterAll(() => world.close());
afterEach(() => linkedIn.close());

async function start(setting?: Setting): Promise<Account> {
	const account = await world.start(setting);
	({ clock, linkedIn } = world);
	return account;
}
const publish = (request: PublishRequest) => world.publish(request);
const refused = (request: PublishRequest) => world.refused(request);
const runOf = (account: Account, request = requestOf(account, postOf('x'))) => createAccountRun(dependencies(database, clock), request, () => ({ id: 'urn:li:person:782bbtaQ', name: 'demo' }));

describe('LinkedIn', () => {
	it('sends each part to its own address and asks until the video is ready', async () => {
		const account = await start({ processingPolls: 4 });
		const before = clock.now();
		const row = await publish(requestOf(account, postOf('parts', [video], { title: 'A (plain) title' })));
		expect(linkedIn.calls.map((call) => call.step)).toEqual(['me', 'initialize', 'part', 'part', 'part', 'part', 'finalize', 'status', 'status', 'status', 'status', 'status', 'create']);
		expect(clock.now() - before).toBeGreaterThanOrEqual(13_000);
		expect(linkedIn.posts[0]!.media[0]).toMatchObject({ sha256: video.sha256, title: 'A (plain) title' });
		expect(row).toMatchObject({ externalPostId: expect.stringMatching(/^urn:li:ugcPost:\d{19}$/), permalink: linkedIn.posts[0]!.permalink, account: 'demo' });
	});

	it('sends subtitles and a cover picture with the video', async () => {
		const account = await start();
		const srt = '1\n00:00:00,000 --> 00:00:01,000\nHello\n';
		const subtitles = [{ language: 'en-US', label: 'English', srt, vtt: '' }];
		await publish(requestOf(account, postOf('covered', [video], { subtitles, cover: picture })));
		const media = linkedIn.posts[0]!.media[0]!;
		expect([media.captions, media.thumbnail?.sha256]).toEqual([srt, picture.sha256]);
	});

	it('warns where LinkedIn gives no address for the subtitles and the cover picture', async () => {
		const account = await start();
		linkedIn.withoutExtras();
		const subtitles = [{ language: 'en', label: 'English', srt: '1\n00:00:00,000 --> 00:00:01,000\nHello\n', vtt: '' }];
		const row = await publish(requestOf(account, postOf('bare', [video], { subtitles, cover: picture })));
		expect(row.warnings).toEqual([expect.stringContaining('no subtitles'), expect.stringContaining('no cover picture')]);
	});

	it('sends only the missing parts after a break', async () => {
		const account = await start();
		const request = requestOf(account, postOf('resume', [video]));
		linkedIn.fail('part', { when: 'before', answer: { status: 401 }, skip: 2 });
		expect(await refused(request)).toMatchObject({ code: 'needs_reauth' });
		await expireClaims(database);
		await publish(request);
		// Two went well, one was refused, two were missing.
		expect([linkedIn.count('initialize'), linkedIn.count('part')]).toEqual([1, 5]);
		expect(linkedIn.posts[0]!.media[0]!.sha256).toBe(video.sha256);
	});

	it.each([
		['an address has run out', { status: 403, body: { status: 403, code: 'EXPIRED_UPLOAD_URL', message: 'Expired' } }, 1],
		['all addresses have run out meanwhile', { status: 401 }, 2],
	])('begins again when %s', async (_, answer, tries) => {
		const account = await start({ uploadLifeSeconds: 3600 });
		const request = requestOf(account, postOf('begins again', [video]));
		linkedIn.fail('part', { when: 'before', answer, skip: 1 });
		for (let attempt = 1; attempt < tries; attempt += 1) await refused(request).finally(() => clock.advance(3_600_000));
		await publish(request);
		expect(linkedIn.count('initialize')).toBe(2);
		expect(linkedIn.posts.map((post) => post.media[0]!.sha256)).toEqual([video.sha256]);
	});

	it('posts one picture and several, with alternative texts, without asking about them', async () => {
		const account = await start();
		const pictures = await Promise.all([1, 2, 3].map((number) => imageOf(folder, 1000 + number, `${number}.png`)));
		await publish(requestOf(account, postOf('one', [{ ...picture, altText: 'A *picture*' }])));
		await publish(requestOf(account, postOf('three', pictures.map((entry, index) => ({ ...entry, altText: index === 1 ? 'Second' : null })))));
		expect(linkedIn.posts.map((post) => post.media.map(({ sha256, alt }) => [sha256, alt]))).toEqual([
			[[picture.sha256, 'A *picture*']],
			pictures.map(({ sha256 }, index) => [sha256, index === 1 ? 'Second' : null]),
		]);
		expect(linkedIn.count('status')).toBe(0);
	});

	it('waits for pictures that take longer', async () => {
		const account = await start({ imageSeconds: 20 });
		await publish(requestOf(account, postOf('slow', [picture])));
		expect([linkedIn.posts.length, linkedIn.count('bytes')]).toEqual([1, 1]);
	});

	it('shows a link as a card, with a picture', async () => {
		const account = await start({ settings: { link_description: 'What (it) says' } });
		await publish(requestOf(account, postOf('Read this', [], { link: 'https://example.com/a_(b)', title: 'An *article*', cover: picture })));
		expect(linkedIn.posts[0]).toMatchObject({
			article: { source: 'https://example.com/a_(b)', title: 'An *article*', description: 'What (it) says' },
			media: [{ sha256: picture.sha256 }],
		});
	});

	it('posts as a page', async () => {
		const account = await start(asPage);
		const row = await publish(requestOf(account, postOf('From us', [picture])));
		expect(linkedIn.posts[0]).toMatchObject({ authorUrn: PAGE, visibility: 'PUBLIC' });
		expect(row).toMatchObject({ account: 'Page 2414183', accountId: PAGE });
	});

	it('posts to connections only, not to be reposted, where that is asked for', async () => {
		const account = await start({ settings: { disable_reshare: true } });
		await publish(requestOf(account, postOf('Among us', [], { visibility: 'private' })));
		expect(linkedIn.posts[0]).toMatchObject({ visibility: 'CONNECTIONS' });
	});

	it('makes links of hashtags and mentions, and loses nothing behind a bracket', async () => {
		const account = await start();
		await publish(requestOf(account, postOf('Launch (today) with @[Acme (UK)](urn:li:organization:12): #Café_no #Café https://a.example/b_c?d_e=1 [end]')));
		expect(linkedIn.posts[0]).toMatchObject({
			text: 'Launch (today) with Acme (UK): #Café_no #Café https://a.example/b_c?d_e=1 [end]',
			hashtags: ['Café'],
			mentions: ['urn:li:organization:12'],
		});
	});

	it('refuses what does not fit before anything is uploaded', async () => {
		const error = await refused(requestOf(await start(), postOf('('.repeat(3001), [picture, video], { link: 'https://example.com' })));
		const fields = (error as { details: { problems: Array<{ field: string }> } }).details.problems.map(({ field }) => field);
		expect(fields).toEqual(['text', 'title', 'media', 'link']);
		expect(linkedIn.publicCalls + linkedIn.count('initialize')).toBe(0);
	});

	it('takes 3000 characters, however many are escaped', async () => {
		const account = await start();
		await publish(requestOf(account, postOf('('.repeat(3000))));
		expect(linkedIn.posts[0]!.text).toHaveLength(3000);
	});

	describe('errors', () => {
		it.each<[string, LinkedInAccount, Setting, string, RegExp]>([
			['a token of an old app that may not tell whose it is', { ...MEMBER, scopes: ['w_member_social'] }, {}, 'needs_reauth', /"Legacy" off/],
			['a member without the scope', { ...MEMBER, scopes: ['openid', 'profile'] }, {}, 'needs_reauth', /Share on LinkedIn/],
			['a page of somebody else', MEMBER, { settings: asPage.settings! }, 'needs_reauth', /Organization Support/],
			['a content administrator with a video', { ...MEMBER, scopes: [...MEMBER.scopes, 'w_organization_social'], organizations: { 2414183: 'CONTENT_ADMIN' } }, { settings: asPage.settings! }, 'needs_reauth', /content admin is not enough/],
		])('%s', async (_, entry, setting, code, words) => {
			const account = await start(setting);
			linkedIn.setToken('linkedin-token', entry);
			expect(await refused(requestOf(account, postOf('x', [video])))).toMatchObject({ code, message: expect.stringMatching(words) });
			expect(linkedIn.publicCalls).toBe(0);
		});

		it('reads the account of an older app', async () => {
			const account = await start();
			linkedIn.setToken('linkedin-token', { ...MEMBER, scopes: ['r_basicprofile', 'w_member_social'] });
			await publish(requestOf(account, postOf('older')));
			expect(linkedIn.posts[0]!.authorUrn).toBe('urn:li:person:782bbtaQ');
		});

		it('says what to do about a version that has ended', async () => {
			const account = await start({ version: '202409' });
			expect(await refused(requestOf(account, postOf('x')))).toMatchObject({
				code: 'post_rejected',
				message: expect.stringMatching(/version 202409.*LINKEDIN_VERSION/),
				details: { http_status: 426, platform_code: 'NONEXISTENT_VERSION' },
			});
		});

		it('refuses a text that the account has posted before, and names the post', async () => {
			const account = await start();
			await publish(requestOf(account, postOf('again')));
			expect(await refused(requestOf(account, postOf('again')))).toMatchObject({
				code: 'post_rejected',
				message: expect.stringContaining(`${linkedIn.posts[0]!.id})`),
				details: { post_status: 'failed', platform_code: 'DUPLICATE_POST' },
			});
			expect(linkedIn.posts).toHaveLength(1);
		});

		it('waits for the next day when the calls of this one are used up', async () => {
			const account = await start();
			linkedIn.fail('create', { when: 'before', answer: { status: 429, body: { status: 429, serviceErrorCode: 101, message: 'Resource level throttle MEMBER DAY limit for calls to this resource is reached.' } } });
			// At ten in the morning, whenever the test runs.
			clock.advance((34 * 3_600_000 - (clock.now() % 86_400_000)) % 86_400_000);
			const error = await publishPost(dependencies(database, clock, { maxWaitSeconds: 60 }), requestOf(account, postOf('tomorrow'))).catch((thrown: unknown) => thrown);
			expect(error).toMatchObject({ code: 'platform_rate_limited', message: expect.stringContaining('00:00 UTC') });
			expect((error as { retryAfterSeconds: number }).retryAfterSeconds).toBeGreaterThan(14 * 3600 - 60);
			expect((error as { retryAfterSeconds: number }).retryAfterSeconds).toBeLessThanOrEqual(14 * 3600);
			expect(linkedIn.publicCalls).toBe(0);
		});

		it('tells why a video could not be processed', async () => {
			const account = await start();
			linkedIn.failProcessing('Unsupported codec');
			expect(await refused(requestOf(account, postOf('bad', [video])))).toMatchObject({ code: 'post_rejected', message: expect.stringMatching(/Unsupported codec.*Platform Preset/) });
			expect(linkedIn.publicCalls).toBe(0);
		});

		it('tells of a restricted account', async () => {
			const account = await start();
			linkedIn.fail('create', { when: 'before', answer: { status: 403, body: { status: 403, code: 'ACCESS_DENIED', message: 'Member is restricted' } } });
			expect(await refused(requestOf(account, postOf('x')))).toMatchObject({ code: 'needs_reauth', message: expect.stringMatching(/Member is restricted.*restricted is refused/) });
		});

		it('takes a page of HTML for no answer', async () => {
			const account = await start();
			linkedIn.fail('me', { when: 'before', answer: { status: 200, body: '<!doctype html><html>Sorry</html>' }, times: 5 });
			expect(await refused(requestOf(account, postOf('x')))).toMatchObject({ code: 'platform_unavailable' });
			linkedIn.fail('create', { when: 'after', answer: { status: 200, body: '<!doctype html><html>Sorry</html>' } });
			const row = await publish(requestOf(account, postOf('html')));
			expect([row.externalPostId, linkedIn.publicCalls]).toEqual([linkedIn.posts[0]!.id, 1]);
		});

		it('takes an upload address that is none for no answer', async () => {
			const account = await start();
			linkedIn.fail('initialize', { when: 'before', answer: { status: 200, body: { value: { image: 'urn:li:image:1', uploadUrl: '/relative' } } }, times: 5 });
			expect(await refused(requestOf(account, postOf('x', [picture])))).toMatchObject({ code: 'platform_unavailable' });
		});

		it('gives its token to no other host', async () => {
			const seen: Array<string | undefined> = [];
			const stranger = createServer((request, response) => {
				seen.push(request.headers.authorization);
				request.resume().on('end', () => response.writeHead(201).end());
			}).listen(0, '127.0.0.1');
			await once(stranger, 'listening');
			const account = await start();
			const { port } = stranger.address() as AddressInfo;
			for (const host of ['localhost', '127.0.0.1']) {
				const uploadUrl = `http://${host}:${port}/x`;
				linkedIn.fail('initialize', { when: 'before', answer: { status: 200, body: { value: { image: 'urn:li:image:1', uploadUrl } } } });
				// What it made of the picture LinkedIn does not know, so it is uploaded to where it belongs.
				await publish(requestOf(account, postOf(`by way of ${host}`, [picture])));
			}
			stranger.close();
			expect(seen).toEqual([undefined, undefined]);
		});
	});

	describe('afterwards', () => {
		it('looks, measures and deletes', async () => {
			const account = await start(asPage);
			const row = await publish(requestOf(account, postOf('Numbers')));
			const reply = await publish(requestOf(account, postOf('First', [], { replyTo: { remoteId: row.externalPostId!, rootId: row.externalPostId! } })));
			const [id, commentId] = [row.externalPostId!, reply.externalPostId!];
			const run = { ...runOf(account), account: { id: PAGE, name: 'Page 2414183' }, settings: asPage.settings! };
			const platform = account.platform();
			linkedIn.posts[0]!.likes = 3;
			const none = { views: null, shares: null, saves: null, clicks: null };
			expect([...(await platform.measure!(run, [id, 'urn:li:share:1', commentId]))]).toEqual([
				[id, { ...none, likes: 3, comments: 1 }],
				[commentId, { ...none, likes: 0, comments: 0 }],
			]);
			expect(await platform.look!(run, id)).toMatchObject({ state: 'published', permalink: linkedIn.posts[0]!.permalink });
			expect(await platform.look!(run, commentId)).toMatchObject({ state: 'published', remoteId: commentId });
			for (let round = 0; round < 2; round += 1) await platform.remove!(run, commentId, 'published');
			expect(linkedIn.posts[0]!.comments).toEqual([]);
			expect(await platform.look!(run, commentId)).toMatchObject({ state: 'gone' });
			for (let round = 0; round < 2; round += 1) await platform.remove!(run, id, 'published');
			expect(linkedIn.posts).toEqual([]);
			expect(await platform.look!(run, id)).toMatchObject({ state: 'gone' });
		});

		it('says that numbers need a scope that LinkedIn rarely grants', async () => {
			const account = await start();
			const { externalPostId: id } = await publish(requestOf(account, postOf('No numbers')));
			await expect(account.platform().measure!(runOf(account), [id!])).rejects.toMatchObject({ decision: 'stop', hint: expect.stringContaining('r_member_social') });
		});
	});
});

describe('madeBefore', () => {
	const urn = (time: number) => `urn:li:share:${(BigInt(time) << 22n) + 7n}`;
	const now = Date.parse('2026-11-21T10:00:00Z');
	it('reads the time of an id, with some minutes for clocks, and believes no nonsense', () => {
		expect(madeBefore(urn(now - 3_600_000), new Date(now))).toBe(true);
		expect(madeBefore(urn(now - 60_000), new Date(now))).toBe(false);
		expect(madeBefore(urn(now + 1), new Date(now))).toBe(false);
		expect(madeBefore('urn:li:share:12345', new Date(now))).toBe(false);
		// A post of December 2023, as LinkedIn named it to somebody.
		expect(madeBefore('urn:li:share:7141138937766391808', new Date('2023-12-15'))).toBe(true);
		expect(madeBefore('urn:li:share:7141138937766391808', new Date('2023-12-14T00:00:00Z'))).toBe(false);
	});
});
