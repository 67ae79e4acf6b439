import { randomUUID } from 'node:crypto';
import type { WebhookView } from '../../../sidecar/src/contract/webhooks.ts';
import { recordEvents } from '../../../sidecar/src/db/events.ts';
import { assets, callbacks, events, posts, webhooks } from '../../../sidecar/src/db/schema.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { MAX_WEBHOOKS } from '../../../sidecar/src/http/webhooks.ts';
import { createGuard } from '../../../sidecar/src/net/guard.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, deliverDue, type TestPipeline } from '../../support/pipeline.ts';

const MINE = 'key-mine-0123456789';
const URL_OF_RECEIVER = 'https://hooks.test/media';

interface Answer extends WebhookView {
	secret?: string;
	webhooks: WebhookView[];
	deleted: boolean;
	callbacks: Array<{ id: string; kind: string; webhook_id: string; event_id: string; status: string; reason: string }>;
	error: { code: string; message: string; details?: Record<string, unknown> };
}

describe('registered webhooks', () => {
	let pipeline: TestPipeline;
	let app: TestApp;
	const asset = randomUUID();
	beforeAll(async () => {
		pipeline = await createTestPipeline();
		const resolve = async (host: string) => {
			if (host === 'nowhere.test') throw new Error('ENOTFOUND');
			return [{ address: host === 'inside.test' ? '10.0.0.8' : '93.184.215.14', family: 4 }];
		};
		const guard = createGuard({ allowedPrivateHosts: ['192.168.7.7'], resolve });
		app = await startTestApp(pipeline, { checkCallbackUrl: (url) => guard.checkAddress(url) });
		const { db } = pipeline.deps;
		await createWorkspace(db, 'mine', MINE);
		await createWorkspace(db, 'theirs', 'key-theirs-0123456789');
		await db.insert(assets).values([
			{ id: asset, workspaceId: 'mine', source: 'upload', status: 'ready' },
		]);
	});
	afterAll(async () => {
		await app.close();
		await pipeline.close();
	});
	afterEach(() => pipeline.deps.db.delete(webhooks));

	const call = async (method: string, path: string, body?: unknown, { key = MINE, headers = {} }: { key?: string; headers?: Record<string, string> } = {}) => {
		const response = await fetch(`${app.url}/api/media${path}`, {
			method,
			headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		return { status: response.status, headers: response.headers, body: (await response.json()) as Answer };
	};
	const valid = { url: URL_OF_RECEIVER, events: ['post.*'] };

	it('are answered with their secret once, and listed without it', async () => {
		const { status, body, headers } = await call('POST', '/webhooks', { ...valid, url: `${URL_OF_RECEIVER}?token=hidden`, events: ['post.*', 'job.failed'], asset_id: asset, description: 'The shop' });
		expect([status, headers.get('cache-control')]).toEqual([201, 'no-store']);
		expect(body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
		const { secret, ...shown } = body;
		expect(shown).toEqual({
			id: expect.any(String), url: `${URL_OF_RECEIVER}?…`, events: ['post.*', 'job.failed'], asset_id: asset, description: 'The shop', status: 'active', disabled_reason: null, disabled_at: null,
			failing_since: null, failures: 0, last_failure: null, last_delivered_at: null, pending: 0, created_at: expect.any(String),
		});
		expect((await call('GET', `/webhooks/${body.id}`)).body).toEqual(shown);
		expect((await call('GET', '/webhooks')).body).toEqual({ webhooks: [shown] });
		// Neither secret nor address lies readable in the database.
		const stored = JSON.stringify(await pipeline.deps.db.select().from(webhooks));
		for (const text of [secret, 'hooks.test', 'hidden']) expect(stored).not.toContain(text);
	});

	it('have a secret each, also for the same request again', async () => {
		const headers = { 'idempotency-key': 'the same' };
		const first = await call('POST', '/webhooks', valid, { headers });
		const second = await call('POST', '/webhooks', valid, { headers });
		expect([first.status, second.status]).toEqual([201, 201]);
		expect(second.body.secret).not.toBe(first.body.secret);
	});

	it.each([
		['no URL', { url: undefined }, 'url: '],
		['no URL at all', { url: 'media' }, 'url: must be an http:// or https:// URL'],
		['another scheme', { url: 'ftp://hooks.test/' }, 'url: must be an http:// or https:// URL'],
		['a fragment', { url: `${URL_OF_RECEIVER}#x` }, 'url: must have no #fragment'],
		['a URL that is too long', { url: `${URL_OF_RECEIVER}/${'a'.repeat(2048)}` }, 'url: '],
		['a name without address', { url: 'https://nowhere.test/' }, 'url: nowhere.test has no address'],
		['no events', { events: undefined }, 'events: '],
		['an empty list of events', { events: [] }, 'events: name at least one type of event'],
		['an event that does not exist', { events: ['post.publish'] }, 'events.0: must be one of *, asset.*'],
		['a pattern that does not exist', { events: ['*.failed'] }, 'events.0: must be one of'],
		['percentages', { events: ['job.progress'] }, 'events.0: must be one of'],
		['an event twice', { events: ['post.*', 'post.*'] }, 'events: names a type twice'],
		['an asset that is none', { asset_id: 'mine' }, 'asset_id: '],
		['a description that is too long', { description: 'x'.repeat(201) }, 'description: '],
		['a description that cannot be stored', { description: 'a\u0000b' }, 'description: '],
		['a secret of its own', { secret: 'whsec_YQ==' }, 'secret: there is no such field'],
	])('refuse %s', async (_what, change, message) => {
		const { status, body } = await call('POST', '/webhooks', { ...valid, ...change });
		expect([status, body.error.code]).toEqual([400, 'invalid_request']);
		expect(body.error.message).toContain(message);
		expect((await call('GET', '/webhooks')).body.webhooks).toEqual([]);
	});

	it.each([
		['loopback', 'https://127.0.0.1/'],
		['loopback in another spelling', 'https://2130706433/'],
		['the addresses of clouds', 'https://169.254.169.254/latest'],
		['a name that points inwards', 'https://inside.test/'],
		['a user name in the URL', 'https://me:secret@hooks.test/'],
		['plain http', 'http://hooks.test/'],
	])('refuse %s', async (_what, url) => {
		const { status, body } = await call('POST', '/webhooks', { ...valid, url });
		expect([status, body.error.code, body.error.details?.['field']]).toEqual([422, 'input_forbidden', 'url']);
		expect(body.error.message).toMatch(/^url: /);
		expect(body.error.message).not.toContain('secret');
	});

	it('may be where the operator allows it', async () => {
		expect((await call('POST', '/webhooks', { ...valid, url: 'http://192.168.7.7:5678/webhook/x' })).status).toBe(201);
	});

	it('refuse an asset of somebody else, another workspace, a wrong key, and what is no object', async () => {
		expect(await call('POST', '/webhooks', { ...valid, asset_id: randomUUID() })).toMatchObject({ status: 404, body: { error: { message: expect.stringContaining('asset_id: there is no asset') } } });
		expect((await call('POST', '/webhooks', { ...valid, asset_id: asset }, { key: 'key-theirs-0123456789' })).status).toBe(404);
		expect((await call('POST', '/webhooks', { ...valid, workspace_id: 'theirs' })).status).toBe(403);
		expect((await call('POST', '/webhooks', valid, { key: 'wrong' })).status).toBe(401);
		expect((await call('POST', '/webhooks')).status).toBe(400);
	});

	it('are at most so many in a workspace, also when they are asked for at once', async () => {
		const row = (index: number) => ({ id: randomUUID(), workspaceId: 'mine', url: 'u', secret: 's', eventTypes: ['*'], description: `${index}` });
		await pipeline.deps.db.insert(webhooks).values(Array.from({ length: MAX_WEBHOOKS - 1 }, (_, index) => row(index)));
		const answers = await Promise.all([1, 2, 3].map(() => call('POST', '/webhooks', valid)));
		expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
		expect(answers.find(({ status }) => status === 409)?.body.error.message).toContain(`${MAX_WEBHOOKS} webhooks`);
		// Those of another workspace do not count; and a URL that cannot be decrypted does not make the list unreadable.
		expect((await call('POST', '/webhooks', valid, { key: 'key-theirs-0123456789' })).status).toBe(201);
		expect((await call('GET', '/webhooks')).body.webhooks).toHaveLength(MAX_WEBHOOKS);
	});

	it('are seen, enabled and deleted by their own workspace only', async () => {
		const { id } = (await call('POST', '/webhooks', valid)).body;
		const theirs = { key: 'key-theirs-0123456789' };
		expect((await call('GET', '/webhooks', undefined, theirs)).body.webhooks).toEqual([]);
		for (const [method, path] of [['GET', ''], ['DELETE', ''], ['POST', '/enable']] as const) {
			expect((await call(method, `/webhooks/${id}${path}`, undefined, theirs)).status).toBe(404);
			expect((await call(method, `/webhooks/${randomUUID()}${path}`)).status).toBe(404);
			expect((await call(method, `/webhooks/none${path}`)).status).toBe(404);
		}
		expect((await call('DELETE', `/webhooks/${id}`)).body).toEqual({ id, deleted: true });
		expect((await call('DELETE', `/webhooks/${id}`)).status).toBe(404);
	});

	it('are told once of a post that is reported twice, and again when there is news of it', async () => {
		await call('POST', '/webhooks', valid);
		const report = async (change: object) =>
			(await call('POST', '/distribute-callback', { asset_id: asset, posts: [{ platform: 'x', external_post_id: '9007199254740993', status: 'scheduled', ...change }] })).status;
		const told = async () => (await pipeline.deps.db.select().from(events)).filter(({ type }) => type.startsWith('post.')).map(({ type }) => type);
		await pipeline.deps.db.delete(events);
		expect([await report({}), await report({})]).toEqual([200, 200]);
		expect(await told()).toEqual(['post.scheduled']);
		for (const _ of [1, 2]) expect(await report({ status: 'published', permalink: 'https://x.com/1' })).toBe(200);
		expect(await told()).toEqual(['post.scheduled', 'post.published']);
		expect(await pipeline.deps.db.select().from(posts)).toMatchObject([{ status: 'published', permalink: 'https://x.com/1', publishedAt: expect.any(Date) }]);
	});

	it('are deleted together with what waits for them', async () => {
		const { id } = (await call('POST', '/webhooks', valid)).body;
		await recordEvents(pipeline.deps.db, [{ workspaceId: 'mine', type: 'post.published' }]);
		expect((await call('GET', `/webhooks/${id}`)).body.pending).toBe(1);
		const { body } = await call('GET', '/callbacks?status=pending');
		expect(body.callbacks).toMatchObject([{ kind: 'event', webhook_id: id, event_id: expect.stringMatching(/^evt_\d+$/) }]);
		await call('DELETE', `/webhooks/${id}`);
		expect(await pipeline.deps.db.select().from(callbacks)).toEqual([]);
	});

	it('say why they are disabled, and can be enabled; what they missed is delivered again on request', async () => {
		const { id } = (await call('POST', '/webhooks', valid)).body;
		const gone = { ...pipeline.deps, send: async () => ({ status: 410, contentType: '', body: '' }) };
		await recordEvents(pipeline.deps.db, [{ workspaceId: 'mine', type: 'post.published' }]);
		await deliverDue(gone);
		expect((await call('GET', `/webhooks/${id}`)).body).toMatchObject({ status: 'disabled', disabled_reason: expect.stringContaining('410'), disabled_at: expect.any(String), failures: 1 });
		const missed = (await call('GET', '/callbacks?status=dead')).body.callbacks[0]?.id ?? '';
		await call('POST', `/callbacks/${missed}/redeliver`);
		await deliverDue(pipeline.deps);
		expect((await call('GET', '/callbacks?status=dead')).body.callbacks).toMatchObject([{ id: missed, reason: expect.stringContaining('enable it') }]);
		expect((await call('POST', `/webhooks/${id}/enable`)).body).toMatchObject({ status: 'active', disabled_reason: null, failures: 0, failing_since: null });
		await call('POST', `/callbacks/${missed}/redeliver`);
		await deliverDue(pipeline.deps);
		expect((await call('GET', '/callbacks?status=delivered')).body.callbacks).toMatchObject([{ id: missed }]);
		expect((await call('GET', `/webhooks/${id}`)).body).toMatchObject({ pending: 0, last_delivered_at: expect.any(String) });
	});
});
