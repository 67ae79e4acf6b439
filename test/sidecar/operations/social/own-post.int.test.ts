import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq, sql } from 'drizzle-orm';
import { findPosts } from '../../../../sidecar/src/db/engagement.ts';
import { posts } from '../../../../sidecar/src/db/schema.ts';
import type { Platform } from '../../../../sidecar/src/social/platform.ts';
import { STAGES } from '../../social/stages/index.ts';
import { fakeClock, openTestDatabase, WORKSPACE } from '../../social/support.ts';
import { caught, eventTypes, forgetPosts, operate, secretsOf, type World } from './support.ts';

let world: World;
beforeAll(async () => {
	const folder = await mkdtemp(join(tmpdir(), 'own-'));
	world = { database: await openTestDatabase(), clock: fakeClock(), folder, stages: [], media: [] };
});
afterAll(async () => {
	await world.database.close();
	await rm(world.folder, { recursive: true });
});
beforeEach(async () => {
	world = { ...world, clock: fakeClock() };
	world.stages = [await STAGES['mastodon']!(world.clock), await STAGES['x']!(world.clock)];
});
afterEach(async () => {
	await Promise.all(world.stages.map((stage) => stage.close()));
	await forgetPosts(world);
});
const mastodon = () => world.stages[0]!;
const x = () => world.stages[1]!;
const viewOf = (output: Record<string, unknown>) => output['post'] as { id: string; external_post_id: string };
const publish = async (text: string, more: Record<string, unknown> = {}) => viewOf(await operate(world, 'publish', { platform: 'mastodon', text, media: [], ...more }));
const publishX = async (text: string, more: Record<string, unknown> = {}) => viewOf(await operate(world, 'publish', { platform: 'x', text, media: [], ...more }, { secrets: secretsOf(x()) }));
const rowOf = async (id: string) => (await world.database.db.select().from(posts).where(eq(posts.id, id)))[0]!;
const soon = () => new Date(world.clock.now() + 3_600_000).toISOString();
const expired = { status: 401, body: { error: 'The access token is invalid' } };

describe('post_status', () => {
	it('looks on the platform', async () => {
		const { id } = await publish('Hello');
		expect(await operate(world, 'post_status', { post_id: id })).toMatchObject({ status: 'published', looked: true });
	});

	it('finds a scheduled post published once its time has come, under its new id, and tells of it once', async () => {
		const { id, external_post_id: scheduledId } = await publish('Later', { scheduled_at: soon() });
		expect(await operate(world, 'post_status', { post_id: id })).toMatchObject({ status: 'scheduled', looked: true });
		world.clock.advance(3_700_000);
		for (const _ of [1, 2]) {
			const output = await operate(world, 'post_status', { post_id: id });
			expect(output).toMatchObject({ status: 'published', looked: true, permalink: mastodon().emulator.posts[0]!.permalink });
			expect(output['external_post_id']).not.toBe(scheduledId);
		}
		expect(await eventTypes(world)).toEqual(['post.scheduled', 'post.published']);
	});

	it('says that it is gone, once', async () => {
		const { id, external_post_id: remoteId } = await publish('Hello');
		await fetch(`${mastodon().emulator.url}/api/v1/statuses/${remoteId}`, { method: 'DELETE', headers: { authorization: 'Bearer mastodon-token' } });
		expect(await operate(world, 'post_status', { post_id: id })).toMatchObject({ status: 'deleted', looked: true, reason: expect.any(String) });
		expect(await operate(world, 'post_status', { post_id: id })).toMatchObject({ status: 'deleted', looked: false });
		expect(await eventTypes(world)).toEqual(['post.published', 'post.deleted']);
	});

	it('says what can be done about a post of which nobody knows', async () => {
		const { id } = await publish('Hello');
		await world.database.db.update(posts).set({ status: 'unknown', externalPostId: null, openSince: sql`now()` }).where(eq(posts.id, id));
		expect(await operate(world, 'post_status', { post_id: id })).toMatchObject({ status: 'unknown', looked: false, reason: expect.stringContaining('Retry its job') });
	});

	it('does not call a post failed because it cannot be looked at', async () => {
		const { id } = await publish('Hello');
		mastodon().emulator.fail('me', { when: 'before', answer: expired });
		const error = await caught(operate(world, 'post_status', { post_id: id }));
		expect(error).toMatchObject({ code: 'needs_reauth', details: { post_id: id } });
		expect(error.details).not.toHaveProperty('post_status');
		expect(error.message).not.toMatch(/uploads|Nothing was posted|mastodon-token/);
		expect((await rowOf(id)).status).toBe('published');
	});

	it.each(['post_status', 'delete_post'])('finds no post of another workspace, and none that is not there (%s)', async (operation) => {
		const { id } = await publish('Hello');
		for (const [post_id, workspaceId] of [[id, 'elsewhere'], [randomUUID(), WORKSPACE]] as const) {
			const error = await caught(operate(world, operation, { post_id }, { workspaceId, jobId: randomUUID() }));
			expect(error).toMatchObject({ code: 'not_found', message: expect.stringContaining(`there is no post ${post_id}`) });
		}
		expect(mastodon().emulator.posts).toHaveLength(1);
	});

	it.each(['post_status', 'delete_post'])('refuses the credential of another account (%s)', async (operation) => {
		const { id } = await publish('Hello');
		await world.database.db.update(posts).set({ accountId: 'somebody', account: 'somebody' }).where(eq(posts.id, id));
		const error = await caught(operate(world, operation, { post_id: id }));
		expect(error).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('made by somebody on Mastodon, but the credential belongs to demo') });
		expect(mastodon().emulator.posts).toHaveLength(1);
	});

	it('chooses the account that the post is of, where a token reaches several', async () => {
		const { id } = await publish('Hello');
		const seen: unknown[] = [];
		const several: Platform = {
			...mastodon().platform(),
			settingsOf: (accountId) => ({ page: accountId }),
			settings: mastodon().platform().settings.or((await import('zod')).z.strictObject({ page: (await import('zod')).z.string() })),
			identify: async ({ settings }) => (seen.push(settings), { id: String(settings['page']), name: 'page' }),
		};
		await operate({ ...world, platforms: [several] }, 'post_status', { post_id: id });
		expect(seen).toEqual([{ page: (await rowOf(id)).accountId }]);
	});
});

describe('delete_post', () => {
	it('takes a post away, and one that is gone already is a success', async () => {
		const { id, external_post_id: remoteId } = await publish('Hello');
		expect(await operate(world, 'delete_post', { post_id: id })).toMatchObject({ status: 'deleted', external_post_id: remoteId });
		expect(mastodon().emulator.posts).toEqual([]);
		const calls = mastodon().emulator.calls.length;
		expect(await operate(world, 'delete_post', { post_id: id })).toMatchObject({ status: 'deleted' });
		expect(mastodon().emulator.calls).toHaveLength(calls);
		expect(await eventTypes(world)).toEqual(['post.published', 'post.deleted']);
		const other = await publish('Again');
		await fetch(`${mastodon().emulator.url}/api/v1/statuses/${other.external_post_id}`, { method: 'DELETE', headers: { authorization: 'Bearer mastodon-token' } });
		expect(await operate(world, 'delete_post', { post_id: other.id })).toMatchObject({ status: 'deleted' });
	});

	it('takes a scheduled post out of the schedule', async () => {
		const { id } = await publish('Later', { scheduled_at: soon() });
		await operate(world, 'delete_post', { post_id: id });
		world.clock.advance(3_700_000);
		expect(mastodon().remoteTexts()).toEqual([]);
		expect(await eventTypes(world)).toEqual(['post.scheduled', 'post.deleted']);
	});

	it('takes the post itself away when its time has come since', async () => {
		const { id } = await publish('Later', { scheduled_at: soon() });
		world.clock.advance(3_700_000);
		expect(await operate(world, 'delete_post', { post_id: id })).toMatchObject({ status: 'deleted' });
		expect(mastodon().remoteTexts()).toEqual([]);
		expect(await eventTypes(world)).toEqual(['post.scheduled', 'post.published', 'post.deleted']);
	});

	it('says that there is nothing to delete, and that an unknown one may be out', async () => {
		const { id } = await publish('Hello');
		await world.database.db.update(posts).set({ status: 'unknown', externalPostId: null }).where(eq(posts.id, id));
		expect(await caught(operate(world, 'delete_post', { post_id: id }))).toMatchObject({ code: 'conflict', message: expect.stringContaining('it may be out') });
		await world.database.db.update(posts).set({ status: 'failed' }).where(eq(posts.id, id));
		expect(await caught(operate(world, 'delete_post', { post_id: id }))).toMatchObject({ code: 'conflict', message: expect.stringContaining('there is nothing on Mastodon') });
	});

	it('keeps the post as it is when the platform refuses', async () => {
		const { id } = await publish('Hello');
		mastodon().emulator.fail('delete', { when: 'before', answer: { status: 422, body: { error: 'not now' } } });
		const error = await caught(operate(world, 'delete_post', { post_id: id }));
		expect(error.code).toBe('post_rejected');
		expect(error.details).not.toHaveProperty('post_status');
		expect((await rowOf(id)).status).toBe('published');
	});

	it('says what to do where the API deletes nothing', async () => {
		const { id } = await publish('Hello');
		const { remove: _, ...rest } = mastodon().platform();
		const error = await caught(operate({ ...world, platforms: [{ ...rest, cannot: { remove: 'Delete it in the app.' } }] }, 'delete_post', { post_id: id }));
		expect(error).toMatchObject({ code: 'invalid_request', message: 'Delete it in the app.' });
	});
});

describe('get_posts', () => {
	const get = (given: Record<string, unknown>) => operate(world, 'get_posts', { platform: 'x', ...given }, { assetId: null, secrets: secretsOf(x()) });
	type Listed = Array<{ id: string; text: string; status: string; engagement: { likes: number } | null; series: unknown[] }>;
	const listed = (output: Record<string, unknown>) => output['posts'] as Listed;

	it('reads the numbers that are due, and keeps all of them', async () => {
		const { id } = await publishX('Hello');
		expect(await get({ refresh: 'due' })).toMatchObject({ measured: 0, posts: [{ id, engagement: null, series: [] }] });
		world.clock.advance(3_700_000);
		expect(await get({ refresh: 'due' })).toMatchObject({ measured: 1, posts: [{ id, engagement: { likes: expect.any(Number) } }] });
		expect(await get({ refresh: 'due' })).toMatchObject({ measured: 0 });
		world.clock.advance(86_400_000);
		const output = await get({ refresh: 'due' });
		expect(output).toMatchObject({ measured: 1 });
		expect(listed(output)[0]!.series).toHaveLength(2);
		expect(await get({ refresh: 'all' })).toMatchObject({ measured: 1 });
	});

	it('reads those of the account of the token only, whatever it was called', async () => {
		const { id } = await publishX('Mine');
		await publishX('Somebody else');
		await world.database.db.update(posts).set({ account: 'old-name' }).where(eq(posts.id, id));
		await world.database.db.update(posts).set({ accountId: 'somebody' }).where(eq(posts.text, 'Somebody else'));
		const output = await get({ refresh: 'all' });
		expect(output['measured']).toBe(1);
		expect(listed(output).map(({ text, engagement }) => [text, engagement !== null])).toEqual([['Somebody else', false], ['Mine', true]]);
	});

	it('does not ask again for one that is gone', async () => {
		const { id, external_post_id: remoteId } = await publishX('Hello');
		await fetch(`${x().emulator.url}/2/tweets/${remoteId}`, { method: 'DELETE', headers: { authorization: 'Bearer x-token' } });
		world.clock.advance(3_700_000);
		expect(await get({ refresh: 'due' })).toMatchObject({ measured: 0 });
		expect((await rowOf(id)).measureAt).toBeNull();
	});

	it('finds out what became of scheduled posts, and reads their numbers from then on', async () => {
		const { id } = await publish('Later', { scheduled_at: soon() });
		const ask = () => operate(world, 'get_posts', { platform: 'mastodon', refresh: 'due' }, { assetId: null });
		expect(listed(await ask())).toMatchObject([{ id, status: 'scheduled' }]);
		world.clock.advance(3_610_000);
		expect(await ask()).toMatchObject({ measured: 0, posts: [{ id, status: 'published' }] });
		world.clock.advance(3_610_000);
		expect(await ask()).toMatchObject({ measured: 1, posts: [{ id, status: 'published', engagement: expect.anything() }] });
		expect(await eventTypes(world)).toEqual(['post.scheduled', 'post.published']);
	});

	it('reads the numbers of the others when one scheduled post cannot be looked at', async () => {
		await publish('Later', { scheduled_at: soon() });
		await publish('Out');
		world.clock.advance(3_700_000);
		mastodon().emulator.fail('scheduled', { when: 'before', answer: { status: 422, body: { error: 'no' } } });
		expect(await operate(world, 'get_posts', { platform: 'mastodon', refresh: 'due' }, { assetId: null })).toMatchObject({ measured: 1 });
	});

	it('lists by what is asked for, the newest first, of this workspace', async () => {
		await publishX('One', { experiment: { name: 'e', variant: 'a' } });
		await publishX('Two', { experiment: { name: 'e', variant: 'b' } });
		await publish('Elsewhere');
		expect(listed(await get({ experiment: 'e' })).map(({ text }) => text)).toEqual(['Two', 'One']);
		expect(listed(await get({ limit: 1 })).map(({ text }) => text)).toEqual(['Two']);
		expect(listed(await get({ status: 'failed' }))).toEqual([]);
		expect(listed(await get({ account: 'nobody' }))).toEqual([]);
		expect(await findPosts(world.database.db, { workspaceId: 'elsewhere' }, 10)).toEqual([]);
	});

	it('needs no account to list, and a platform to read', async () => {
		await publishX('One');
		expect(listed(await operate(world, 'get_posts', {}, { assetId: null, secrets: {} }))).toHaveLength(1);
		await expect(operate(world, 'get_posts', { refresh: 'all' }, { assetId: null })).rejects.toThrow('must be given to read numbers');
	});

	it('says why there are no numbers', async () => {
		const { measure: _, ...rest } = x().platform();
		expect(await operate({ ...world, platforms: [{ ...rest, cannot: { measure: 'X keeps them.' } }] }, 'get_posts', { platform: 'x', refresh: 'all' }, { assetId: null, secrets: secretsOf(x()) })).toMatchObject({ measured: 0, reason: 'X keeps them.' });
	});
});
