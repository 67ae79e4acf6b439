import { isNotNull, sql } from 'drizzle-orm';
import { posts } from '../../../../sidecar/src/db/schema.ts';
import { publishPost, type PublishRequest } from '../../../../sidecar/src/social/publish.ts';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import type { PostMedia } from '../../../../sidecar/src/social/platform.ts';
import type { LinkedInEmulator } from '../../../platforms/linkedin.ts';
import { asPage, LinkedInWorld, PAGE, type Setting } from '../linkedinWorld.ts';
import { dependencies, postOf, requestOf, type Clock } from '../support.ts';
import type { Account } from '../stages/stage.ts';

const world = new LinkedInWorld();
let database: OpenDatabase;
let video: PostMedia;
let picture: PostMedia;
let clock: Clock;
let linkedIn: LinkedInEmulator;

beforeAll(async () => {
	await world.open();
	({ database, video, picture } = world);
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

describe('when the answer of LinkedIn was lost', () => {
	describe('as a check of what happened', () => {
		it('sends the same again, and takes the post that is named as a duplicate', async () => {
			const account = await start();
			linkedIn.fail('create', { when: 'after', answer: 'drop' });
			const row = await publish(requestOf(account, postOf('twice', [video])));
			expect(row.externalPostId).toBe(linkedIn.posts[0]!.id);
			expect([linkedIn.posts.length, linkedIn.publicCalls, linkedIn.repeats, linkedIn.count('initialize')]).toEqual([1, 1, 1, 1]);
		});

		it('waits before it repeats: the first call may still be at work', async () => {
			const account = await start();
			linkedIn.fail('create', { when: 'before', answer: 'drop' });
			const before = clock.now();
			await publish(requestOf(account, postOf('patient')));
			expect(clock.now() - before).toBeGreaterThanOrEqual(45_000);
		});

		it('waits as long for each repeat: that may still be at work, too', async () => {
			const account = await start();
			linkedIn.fail('create', { when: 'before', answer: 'drop', times: 3 });
			const before = clock.now();
			await publish(requestOf(account, postOf('very patient')));
			expect(clock.now() - before).toBeGreaterThanOrEqual(3 * 45_000);
		});

		it('counts from the call that is open, not from one that was refused long before', async () => {
			const account = await start();
			const request = requestOf(account, postOf('refused, and posted the next day'));
			linkedIn.fail('create', { when: 'before', answer: { status: 429, body: { message: 'MEMBER DAY limit' } } });
			await publishPost(dependencies(database, clock, { maxWaitSeconds: 60 }), request).catch(() => {});
			await database.db.update(posts).set({ armedAt: sql`now() - interval '30 hours'` }).where(isNotNull(posts.armedAt));
			linkedIn.fail('create', { when: 'after', answer: 'drop' });
			expect((await publish(request)).externalPostId).toBe(linkedIn.posts[0]!.id);
			expect([linkedIn.publicCalls, linkedIn.repeats]).toEqual([1, 1]);
		});

		it('stays with the page that the post was begun as, whatever the settings say at the next try', async () => {
			const account = await start(asPage);
			const request = requestOf(account, postOf('From us, once'));
			linkedIn.fail('create', { when: 'after', answer: 'drop' });
			linkedIn.fail('create', { when: 'before', answer: { status: 401 } });
			await refused(request);
			const row = await publish({ ...request, settings: {} });
			expect([row.externalPostId, row.accountId]).toEqual([linkedIn.posts[0]!.id, PAGE]);
			expect(linkedIn.posts).toHaveLength(1);
		});

		it.each(['before', 'after'] as const)('never exchanges the media of an open call that broke %s it took effect', async (when) => {
			const account = await start();
			const request = requestOf(account, postOf('same media', [video]));
			linkedIn.fail('create', { when, answer: 'drop' });
			linkedIn.fail('create', { when: 'before', answer: { status: 401 } });
			expect(await refused(request)).toMatchObject({ code: 'needs_reauth' });
			linkedIn.forgetMedia();
			const row = await publish(request).catch((error: unknown) => error);
			expect(row).toMatchObject(when === 'after' ? { externalPostId: linkedIn.posts[0]!.id } : { code: 'post_unknown' });
			expect([linkedIn.posts.length, linkedIn.count('initialize')]).toEqual([when === 'after' ? 1 : 0, 1]);
		});

		it('does not take an older post with the same text for its own', async () => {
			const account = await start();
			const older = `urn:li:share:${BigInt(clock.now() - 3_600_000) << 22n}`;
			linkedIn.fail('create', { when: 'before', answer: 'drop' });
			linkedIn.fail('create', { when: 'before', answer: { status: 422, body: { status: 422, message: `Content is a duplicate of ${older}` } } });
			expect(await refused(requestOf(account, postOf('Same words')))).toMatchObject({
				code: 'post_rejected',
				message: expect.stringContaining(`${linkedIn.url}/feed/update/${older}/`),
				details: { post_status: 'failed', platform_code: 'DUPLICATE_POST' },
			});
			expect(linkedIn.posts).toHaveLength(0);
		});

		it('says that it is unknown where LinkedIn names no post, and sends nothing more', async () => {
			const account = await start();
			const request = requestOf(account, postOf('nameless'));
			linkedIn.fail('create', { when: 'after', answer: 'drop' });
			linkedIn.fail('create', { when: 'before', answer: { status: 422, body: { status: 422, message: 'Content is a duplicate of urn:li:person:782bbtaQ' } } });
			expect(await refused(request)).toMatchObject({ code: 'post_unknown', details: { post_status: 'unknown' } });
			const calls = linkedIn.count('create');
			expect(await refused(request)).toMatchObject({ code: 'post_unknown' });
			expect(linkedIn.count('create')).toBe(calls);
		});

		it('does not repeat a post without words: LinkedIn might not notice', async () => {
			const account = await start();
			linkedIn.fail('create', { when: 'after', answer: 'drop' });
			expect(await refused(requestOf(account, postOf('', [picture])))).toMatchObject({ code: 'post_unknown', message: expect.stringContaining('has none') });
			expect([linkedIn.publicCalls, linkedIn.repeats]).toEqual([1, 0]);
		});

		it('does not repeat after so long that a duplicate would not be noticed', async () => {
			const account = await start();
			const request = requestOf(account, postOf('long ago'));
			linkedIn.fail('create', { when: 'after', answer: 'drop' });
			linkedIn.fail('create', { when: 'before', answer: { status: 401 } });
			await refused(request);
			clock.advance(47 * 3_600_000);
			expect(await refused(request)).toMatchObject({ code: 'post_unknown' });
			expect([linkedIn.publicCalls, linkedIn.repeats]).toEqual([1, 0]);
		});
	});

	describe('comments', () => {
		const comment = (text: string, rootId: string) => postOf(text, [], { replyTo: { remoteId: rootId, rootId } });

		it('are written as they are, once', async () => {
			const account = await start();
			const { externalPostId: root } = await publish(requestOf(account, postOf('The post')));
			const row = await publish(requestOf(account, comment('Link (here): https://example.com #now @[Acme](urn:li:organization:1)', root!)));
			expect(linkedIn.posts[0]!.comments.map(({ id, text }) => [id, text])).toEqual([[row.externalPostId, 'Link (here): https://example.com #now Acme']]);
			expect(row.permalink).toContain('commentUrn=');
		});

		it('that may be out are looked up where the app may read, else reported', async () => {
			const account = await start(asPage);
			const { externalPostId: root } = await publish(requestOf(account, postOf('The post')));
			linkedIn.fail('comment', { when: 'after', answer: 'drop' });
			const row = await publish(requestOf(account, comment('Found', root!)));
			expect(linkedIn.posts[0]!.comments.map(({ id }) => id)).toEqual([row.externalPostId]);
			linkedIn.fail('comment', { when: 'before', answer: 'drop' });
			await publish(requestOf(account, comment('Was not there', root!)));
			expect(linkedIn.posts[0]!.comments).toHaveLength(2);

			linkedIn.fail('comment', { when: 'after', answer: 'drop' });
			linkedIn.fail('comments', { when: 'before', answer: { status: 403 } });
			expect(await refused(requestOf(account, comment('Who knows', root!)))).toMatchObject({ code: 'post_unknown', message: expect.stringContaining('not read them') });
			expect([linkedIn.posts[0]!.comments.length, linkedIn.publicCalls]).toEqual([3, 4]);
		});

		it('are found among many, with their links shortened', async () => {
			const account = await start(asPage);
			const { externalPostId: root } = await publish(requestOf(account, postOf('A busy post')));
			const all = linkedIn.posts[0]!.comments;
			const entry = (number: number) => ({ id: `urn:li:comment:(${root},${number})`, actor: 'urn:li:person:else', text: `Comment ${number}`, at: clock.now() });
			all.push(...Array.from({ length: 25 }, (_, number) => entry(number)));
			linkedIn.fail('comment', { when: 'after', answer: 'drop' });
			const held = linkedIn.hold('comments', 'before');
			const work = publish(requestOf(account, comment('More:  https://example.com/a/long/way?x=1', root!)));
			await held.reached;
			all.at(-1)!.text = 'More: https://lnkd.in/abc';
			held.release();
			expect((await work).externalPostId).toBe(all.at(-1)!.id);
			expect(all).toHaveLength(26);
		});

		it('say which scope may be missing', async () => {
			const account = await start();
			const { externalPostId: root } = await publish(requestOf(account, postOf('The post')));
			linkedIn.fail('comment', { when: 'before', answer: { status: 403, body: { status: 403, code: 'ACCESS_DENIED', message: 'No' } } });
			expect(await refused(requestOf(account, comment('x', root!)))).toMatchObject({ code: 'needs_reauth', message: expect.stringContaining('w_member_social_feed') });
		});
	});
});
