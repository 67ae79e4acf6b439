import { randomUUID } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import { Webhook } from 'standardwebhooks';
import { createOutbox } from '../../../sidecar/src/callbacks/outbox.ts';
import { createSender } from '../../../sidecar/src/callbacks/send.ts';
import { newSecret } from '../../../sidecar/src/callbacks/sign.ts';
import type { WebhookEventBody } from '../../../sidecar/src/contract/webhooks.ts';
import { insertCallback } from '../../../sidecar/src/db/callbacks.ts';
import { recordEvents, type NewEvent } from '../../../sidecar/src/db/events.ts';
import { assets, callbacks, events, posts, webhooks } from '../../../sidecar/src/db/schema.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { createGuard } from '../../../sidecar/src/net/guard.ts';
import { createTestPipeline, deliverDue, until, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';
import { startReceiver, type Receiver } from '../../support/receiver.ts';

const DAY = 24 * 3_600_000;

describe('events for webhooks', () => {
	let pipeline: TestPipeline;
	let receiver: Receiver<WebhookEventBody>;
	beforeAll(async () => {
		receiver = await startReceiver<WebhookEventBody>();
		const guard = createGuard({ allowedPrivateHosts: [`127.0.0.1:${receiver.server.port}`] });
		pipeline = await createTestPipeline({ send: createSender(guard) });
		await createWorkspace(pipeline.deps.db, 'theirs', 'key-theirs-0123456789');
	});
	afterAll(async () => {
		await pipeline.close();
		await receiver.server.close();
	});
	afterEach(async () => {
		await pipeline.deps.db.delete(webhooks);
		receiver.received.length = 0;
	});

	const register = async (path: string, eventTypes: string[], change: Partial<typeof webhooks.$inferInsert> = {}) => {
		const { db, vault } = pipeline.deps;
		const id = randomUUID();
		const secret = newSecret();
		const url = path.startsWith('http') ? path : `${receiver.server.url}${path}`;
		await db.insert(webhooks).values({ id, workspaceId: WORKSPACE, url: vault.seal(url), secret: vault.seal(secret), eventTypes, ...change });
		return { id, secret };
	};
	const happen = (...list: Array<Omit<NewEvent, 'workspaceId'>>) => recordEvents(pipeline.deps.db, list.map((event) => ({ workspaceId: WORKSPACE, ...event })));
	const waiting = () => pipeline.deps.db.select().from(callbacks).where(eq(callbacks.kind, 'event'));
	const webhookRow = async (id: string) => (await pipeline.deps.db.select().from(webhooks).where(eq(webhooks.id, id)))[0];
	/** What waits is due now, as if the pauses had passed. */
	const timePasses = async () => {
		await pipeline.deps.db.update(callbacks).set({ nextAt: sql`now()` });
		await pipeline.deps.db.update(webhooks).set({ retryAt: sql`now()` });
	};
	const answer = (path: string, status: number, headers: Record<string, string> = {}) => receiver.answer(path, (response) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end('{}'));
	const asset = async (change: Partial<typeof assets.$inferInsert> = {}) => {
		const id = randomUUID();
		await pipeline.deps.db.insert(assets).values({ id, workspaceId: WORKSPACE, source: 'upload', status: 'ready', ...change });
		return id;
	};

	it('reach those who asked for the type, for its kind, or for all, and nobody else', async () => {
		await register('/type', ['post.published']);
		await register('/kind', ['post.*']);
		await register('/all', ['*']);
		await register('/other', ['job.*', 'asset.failed', 'post.failed']);
		await register('/disabled', ['*'], { status: 'disabled' });
		await register('/theirs', ['*'], { workspaceId: 'theirs' });
		await happen({ type: 'post.published' }, { type: 'post.unknown' });
		await deliverDue(pipeline.deps);
		const got = receiver.received.map(({ path, json }) => `${path} ${json.type}`).sort();
		expect(got).toEqual(['/all post.published', '/all post.unknown', '/kind post.published', '/kind post.unknown', '/type post.published']);
	});

	it('tell nobody of percentages, of dead callbacks, or of types that are not in the list', async () => {
		await register('/all', ['*', 'job.*']);
		await happen({ type: 'job.progress', data: { percent: 5 } }, { type: 'callback.dead' }, { type: 'webhook.disabled' }, { type: 'feedback.given' });
		expect(await waiting()).toEqual([]);
	});

	it('of one asset reach who asked for that asset', async () => {
		const [mine, other] = [await asset(), await asset()];
		await register('/mine', ['asset.*'], { assetId: mine });
		await happen({ type: 'asset.ready', assetId: other }, { type: 'asset.ready', assetId: mine }, { type: 'asset.ready' });
		await deliverDue(pipeline.deps);
		expect(receiver.received.map(({ json }) => json.data.asset_id)).toEqual([mine]);
	});

	it('carry the asset, the job and the post as they are, and the facts of the event as they were', async () => {
		const { secret } = await register('/full', ['post.*', 'job.completed']);
		const { jobs } = await pipeline.submit({ items: [{ operation: 'noop', params: {} }] });
		const [job] = jobs;
		const assetId = await asset({ facts: null, mime: 'video/mp4' });
		const postId = randomUUID();
		await pipeline.deps.db.insert(posts).values({ id: postId, workspaceId: WORKSPACE, assetId, platform: 'x', operationKey: 'k', status: 'published', text: 'Hi', permalink: 'https://x.com/1', externalPostId: '18446744073709551615' });
		await happen(
			{ type: 'post.published', assetId, jobId: job?.id ?? null, data: { post_id: postId, platform: 'x', permalink: 'https://x.com/1' } },
			{ type: 'job.completed', jobId: job?.id ?? null, data: { storage_key: 'a/b.mp4', error: { code: 'internal', message: 'm' } } },
			{ type: 'post.failed', assetId: randomUUID(), jobId: randomUUID(), data: { post_id: randomUUID() } },
		);
		await deliverDue(pipeline.deps);
		const of = (type: string) => receiver.received.find(({ json }) => json.type === type);
		const published = of('post.published');
		expect(published?.json).toMatchObject({
			workspace_id: WORKSPACE,
			data: { asset_id: assetId, job_id: job?.id, post_id: postId, platform: 'x', permalink: 'https://x.com/1', asset: { id: assetId, mime: 'video/mp4' }, job: { id: job?.id, job_type: 'noop' }, post: { id: postId, text: 'Hi', external_post_id: '18446744073709551615' } },
		});
		expect(new Date(published?.json.timestamp ?? '').getTime()).toBeGreaterThan(Date.now() - 60_000);
		expect(of('job.completed')?.json.data).toMatchObject({ url: 'http://files.test/a/b.mp4', error: { code: 'internal' }, asset: null, post: null });
		expect(of('job.completed')?.json.data).not.toHaveProperty('storage_key');
		expect(of('post.failed')?.json.data).toMatchObject({ asset: null, job: null, post: null });
		// By the library that receivers use.
		expect(new Webhook(secret).verify(published?.raw ?? '', published?.headers ?? {})).toEqual(published?.json);
		expect(published?.headers['webhook-id']).toBe(published?.json.event_id);
	});

	it('are signed with the secret of each webhook, under one id for all', async () => {
		const [one, two] = [await register('/one', ['*']), await register('/two', ['*'])];
		await happen({ type: 'job.failed' });
		await deliverDue(pipeline.deps);
		const [first, second] = [await receiver.next('/one'), await receiver.next('/two')];
		expect(() => new Webhook(one.secret).verify(first.raw, first.headers)).not.toThrow();
		expect(() => new Webhook(two.secret).verify(first.raw, first.headers)).toThrow('No matching signature');
		expect(second.headers['webhook-id']).toBe(first.headers['webhook-id']);
	});

	it('are not told of what a transaction took back', async () => {
		await register('/all', ['*']);
		await pipeline.deps.db.transaction(async (tx) => {
			await recordEvents(tx, [{ workspaceId: WORKSPACE, type: 'job.completed' }]);
			throw new Error('taken back');
		}).catch(() => {});
		expect(await waiting()).toEqual([]);
	});

	it('are sent again under the same id until they are received', async () => {
		const { id, secret } = await register('/retry', ['*']);
		answer('/retry', 500);
		answer('/retry', 404);
		answer('/retry', 401);
		await happen({ type: 'job.completed' });
		for (let attempt = 1; attempt <= 3; attempt += 1) {
			await deliverDue(pipeline.deps);
			expect(await webhookRow(id)).toMatchObject({ failures: attempt, failingSince: expect.any(Date), status: 'active' });
			await timePasses();
		}
		expect(await webhookRow(id)).toMatchObject({ lastFailure: expect.stringContaining('HTTP 401') });
		await deliverDue(pipeline.deps);
		expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
		expect(receiver.received).toHaveLength(4);
		for (const { raw, headers } of receiver.received) expect(() => new Webhook(secret).verify(raw, headers)).not.toThrow();
		expect(await webhookRow(id)).toMatchObject({ failures: 0, failingSince: null, lastFailure: null, retryAt: null, lastDeliveredAt: expect.any(Date) });
		expect((await waiting())[0]).toMatchObject({ status: 'delivered', attempts: 4 });
	});

	it('are held back while their webhook fails, and those of others are not', async () => {
		await register('/fails', ['job.*']);
		await register('/works', ['post.*']);
		answer('/fails', 503, { 'retry-after': '3600' });
		await happen({ type: 'job.completed' });
		await deliverDue(pipeline.deps);
		await happen({ type: 'job.failed' }, { type: 'post.failed' });
		await deliverDue(pipeline.deps);
		expect(receiver.received.map(({ path }) => path)).toEqual(['/fails', '/works']);
		await timePasses();
		await deliverDue(pipeline.deps);
		expect(receiver.received.map(({ json }) => json.type).slice(2).sort()).toEqual(['job.completed', 'job.failed']);
	});

	it('that one receiver cannot digest do not hold up the others for long, nor disable it', async () => {
		const { id } = await register('/picky', ['*']);
		answer('/picky', 400);
		await happen({ type: 'job.completed' });
		await pipeline.deps.db.update(callbacks).set({ createdAt: new Date(Date.now() - 3 * DAY) });
		await deliverDue(pipeline.deps);
		expect((await waiting())[0]).toMatchObject({ status: 'dead', reason: 'HTTP 400. Given up after 3 days.' });
		expect((await webhookRow(id))?.status).toBe('active');
	});

	it('disable their webhook when nothing has got through for three days, and say so', async () => {
		const { id } = await register('/gone', ['*'], { failingSince: new Date(Date.now() - 3 * DAY - 1000), failures: 500 });
		answer('/gone', 502);
		await happen({ type: 'job.completed' }, { type: 'job.failed' });
		const [first] = await waiting();
		await pipeline.deps.db.update(callbacks).set({ createdAt: new Date(Date.now() - 3 * DAY) }).where(eq(callbacks.id, first?.id ?? ''));
		await pipeline.deps.db.update(callbacks).set({ nextAt: new Date(Date.now() + DAY) }).where(sql`${callbacks.id} <> ${first?.id ?? ''}`);
		await deliverDue(pipeline.deps);
		expect(await webhookRow(id)).toMatchObject({ status: 'disabled', disabledReason: 'Nothing got through for 3 days. The latest reason: HTTP 502.', disabledAt: expect.any(Date) });
		expect((await waiting()).map(({ status }) => status)).toEqual(['dead', 'dead']);
		const told = await pipeline.deps.db.select().from(events).where(eq(events.type, 'webhook.disabled'));
		expect(told.filter(({ data }) => data['webhook_id'] === id)).toHaveLength(1);
		await happen({ type: 'job.completed' });
		expect(await waiting()).toHaveLength(2);
	});

	it('disable their webhook at once when it answers 410', async () => {
		const { id } = await register('/410', ['*']);
		answer('/410', 410);
		await happen({ type: 'job.completed' });
		await deliverDue(pipeline.deps);
		expect(await webhookRow(id)).toMatchObject({ status: 'disabled', disabledReason: expect.stringContaining('410') });
	});

	it('open no connection to an address that the guard forbids by now', async () => {
		const { id } = await register('http://127.0.0.1:9/', ['*']);
		await happen({ type: 'job.completed' });
		await deliverDue(pipeline.deps);
		expect(await webhookRow(id)).toMatchObject({ failures: 1, lastFailure: expect.stringContaining('ALLOWED_PRIVATE_HOSTS') });
		expect(receiver.received).toEqual([]);
	});

	it('follow no redirect', async () => {
		const { id } = await register('/moved', ['*']);
		answer('/moved', 307, { location: `${receiver.server.url}/elsewhere` });
		await happen({ type: 'job.completed' });
		await deliverDue(pipeline.deps);
		expect(receiver.received.map(({ path }) => path)).toEqual(['/moved']);
		expect(await webhookRow(id)).toMatchObject({ lastFailure: expect.stringContaining('redirects are not followed') });
	});

	it('are forgotten with their webhook, also while one is on its way', async () => {
		const { id } = await register('/slow', ['*']);
		let release = (): void => {};
		receiver.answer('/slow', (response) => (release = () => void response.writeHead(500).end()));
		await happen({ type: 'job.completed' });
		const outbox = createOutbox(pipeline.deps);
		await outbox.round();
		await receiver.next('/slow');
		await pipeline.deps.db.delete(webhooks).where(eq(webhooks.id, id));
		release();
		await outbox.settled();
		expect(await waiting()).toEqual([]);
	});

	it('that nobody answers do not hold up the callback of a batch', async () => {
		await register('/hangs', ['*']);
		const hanging: Array<() => void> = [];
		for (let index = 0; index < 40; index += 1) receiver.answer('/hangs', (response) => hanging.push(() => void response.end()));
		await happen(...Array.from({ length: 40 }, () => ({ type: 'job.completed' })));
		const outbox = createOutbox(pipeline.deps);
		await outbox.round();
		await until(() => hanging.length === 4, 'four to hang');
		// Not for one of another webhook either.
		await register('/works', ['*']);
		await happen({ type: 'job.failed' });
		await outbox.round();
		await receiver.next('/works');
		expect(hanging).toHaveLength(4);
		const { batchId } = await pipeline.submit({ items: [{ operation: 'noop', params: {} }] });
		await insertCallback(pipeline.deps.db, { id: randomUUID(), workspaceId: WORKSPACE, kind: 'batch', batchId, url: pipeline.deps.vault.seal(`${receiver.server.url}/batch`), urlHash: 'h' });
		await outbox.round();
		expect((await receiver.next('/batch')).json).toMatchObject({ batch_id: batchId });
		await until(() => {
			hanging.splice(0).forEach((end) => end());
			return receiver.received.filter(({ path }) => path === '/hangs').length >= 4;
		}, 'the answers');
		await pipeline.deps.db.delete(webhooks);
		hanging.splice(0).forEach((end) => end());
		await outbox.settled();
	});
});
