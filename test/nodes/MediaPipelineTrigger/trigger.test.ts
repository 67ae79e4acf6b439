import { createHmac } from 'node:crypto';
import type { IDataObject, IHookFunctions, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import { MediaPipelineTrigger } from '../../../nodes/MediaPipelineTrigger/MediaPipelineTrigger.node';
import type { Webhook } from '../../../nodes/shared/wire';
import { fakeContext, NODE } from '../support/context';
import { startServer, type TestServer } from '../support/sidecar';

const ADDRESS = 'https://n8n.test/webhook/7f3/media-pipeline';
const SECRET = `whsec_${Buffer.from('a secret of the webhook').toString('base64')}`;
const node = new MediaPipelineTrigger();
const { checkExists, create, delete: remove } = node.webhookMethods.default;

const MOST = 5;

/** A sidecar that keeps webhooks as the real one does: their addresses as the parser of URLs writes them. */
async function startSidecar(): Promise<{ server: TestServer; webhooks: Map<string, Webhook> }> {
	const webhooks = new Map<string, Webhook>();
	let last = 0;
	const server = await startServer(({ method, path, body }) => {
		const [, id] = /^\/api\/media\/webhooks(?:\/(.+))?$/.exec(path) ?? [];
		if (method === 'POST' && path.endsWith('/enable')) {
			const found = webhooks.get(path.split('/').at(-2) ?? '');
			if (!found) return { status: 404, body: { error: { code: 'not_found', message: 'none' } } };
			webhooks.set(found.id, { ...found, status: 'active' });
			return { status: 200, body: { ...found, status: 'active' } };
		}
		if (method === 'POST') {
			if (webhooks.size >= MOST) return { status: 409, body: { error: { code: 'conflict', message: 'This workspace has 5 webhooks.' } } };
			const { url, events, asset_id: asset = null, description = '' } = JSON.parse(body) as { url: string; events: string[]; asset_id?: string; description?: string };
			if (asset === 'none') return { status: 404, body: { error: { code: 'not_found', message: 'asset_id: there is no asset none in this workspace.' } } };
			if (url.includes('inside')) return { status: 422, body: { error: { code: 'input_forbidden', message: 'url: inside may not be reached.' } } };
			const webhook = { ...WEBHOOK, id: `w${(last += 1)}`, url: `${new URL(url).origin}${new URL(url).pathname}`, events, asset_id: asset, description };
			webhooks.set(webhook.id, webhook);
			return { status: 201, body: { ...webhook, secret: SECRET } };
		}
		if (id === undefined) return { status: 200, body: { webhooks: [...webhooks.values()] } };
		const found = webhooks.get(id);
		if (!found) return { status: 404, body: { error: { code: 'not_found', message: `There is no webhook ${id} in this workspace.` } } };
		if (method === 'DELETE') webhooks.delete(id);
		return { status: 200, body: method === 'DELETE' ? { id, deleted: true } : found };
	});
	return { server, webhooks };
}

const WEBHOOK: Webhook = {
	id: 'w0', url: ADDRESS, events: ['post.*'], asset_id: null, description: '', status: 'active', disabled_reason: null, disabled_at: null, failing_since: null, failures: 0, last_failure: null,
	last_delivered_at: null, pending: 0, created_at: '2026-01-01T00:00:00Z',
};

interface Activation {
	parameters?: Record<string, unknown>;
	staticData?: IDataObject;
	url?: string;
	address?: string | undefined;
}

function hooks(server: TestServer, { parameters = { events: ['post.*'] }, staticData = {}, url = server.url, address = ADDRESS }: Activation = {}) {
	const { context } = fakeContext({ parameters, credentials: { mediaSidecarApi: { url, apiKey: 'key-1' } } });
	const warnings: unknown[] = [];
	const given: object = {
		...context,
		getNodeParameter: (name: string, fallback: unknown) => context.getNodeParameter(name, 0, fallback as string),
		getNodeWebhookUrl: () => address,
		getWorkflow: () => ({ id: '5', name: 'Alerts', active: true }),
		getWorkflowStaticData: () => staticData,
		logger: { warn: (...words: unknown[]) => void warnings.push(words) },
	};
	return { context: given as IHookFunctions, staticData, warnings };
}

describe('activating the trigger', () => {
	let sidecar: Awaited<ReturnType<typeof startSidecar>>;
	beforeEach(async () => {
		sidecar = await startSidecar();
	});
	afterEach(() => sidecar.server.close());
	const posts = () => sidecar.server.received.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body) as Record<string, unknown>);

	it('registers its address with the chosen events, and keeps id and secret', async () => {
		const { context, staticData } = hooks(sidecar.server, { parameters: { events: ['post.*', 'job.failed', 'post.*'], options: { assetId: ' a-1 ' } } });
		expect(await checkExists.call(context)).toBe(false);
		expect(await create.call(context)).toBe(true);
		expect(posts()).toEqual([{ url: ADDRESS, events: ['post.*', 'job.failed'], asset_id: 'a-1', description: 'n8n: Alerts / Media "A"' }]);
		expect(sidecar.server.received[0]?.headers.authorization).toBe('Bearer key-1');
		expect(staticData).toEqual({ webhookId: 'w1', secret: SECRET });
		expect(await checkExists.call(context)).toBe(true);
	});

	it('takes the events of an expression as text', async () => {
		await create.call(hooks(sidecar.server, { parameters: { events: 'post.failed, job.failed' } }).context);
		expect(posts()).toMatchObject([{ events: ['post.failed', 'job.failed'] }]);
	});

	it.each([
		['has been deleted', { id: 'other' }],
		['is for another address', { url: 'https://old.test/webhook' }],
		['is for fewer events', { events: ['post.failed'] }],
		['is for more events', { events: ['post.*', 'job.*'] }],
		['is for one asset', { asset_id: 'a-1' }],
	])('registers anew when the webhook %s', async (_what, change) => {
		const webhook = { ...WEBHOOK, ...change };
		sidecar.webhooks.set(webhook.id, webhook);
		const { context, staticData } = hooks(sidecar.server, { staticData: { webhookId: 'w0', secret: 'whsec_old' } });
		expect(await checkExists.call(context)).toBe(false);
		await create.call(context);
		expect(staticData.secret).toBe(SECRET);
		// What was there at this address is gone; nothing of somebody else is touched.
		expect([...sidecar.webhooks.values()].filter(({ url }) => url === ADDRESS)).toHaveLength(1);
		expect(sidecar.webhooks.has(webhook.id)).toBe(webhook.url !== ADDRESS);
	});

	it('enables a webhook that the sidecar has given up, and keeps what is known of it', async () => {
		sidecar.webhooks.set('w0', { ...WEBHOOK, status: 'disabled' });
		const { context } = hooks(sidecar.server, { staticData: { webhookId: 'w0', secret: SECRET } });
		expect(await checkExists.call(context)).toBe(true);
		expect([...sidecar.webhooks.values()]).toEqual([{ ...WEBHOOK, status: 'active' }]);
	});

	it.each(['https://N8N.test/webhook/7f3/media-pipeline', 'https://n8n.test:443/webhook/7f3/media-pipeline'])('knows its webhook again where WEBHOOK_URL is written otherwise: %s', async (address) => {
		const { context, staticData } = hooks(sidecar.server, { address });
		await create.call(context);
		expect(await checkExists.call(context)).toBe(true);
		// Activated by an n8n that has lost what it knew.
		await create.call(hooks(sidecar.server, { address }).context);
		expect([...sidecar.webhooks.values()].map(({ url }) => url)).toEqual([ADDRESS]);
		expect(await checkExists.call(context)).toBe(false);
		expect(staticData.webhookId).toBe('w1');
	});

	it.each(['https://old.test/webhook/7f3/media-pipeline', ''])('leaves no webhook of its own behind where n8n has another address now, or the sidecar cannot read it: %j', async (url) => {
		sidecar.webhooks.set('w0', { ...WEBHOOK, url });
		sidecar.webhooks.set('others', { ...WEBHOOK, id: 'others', url });
		const { context } = hooks(sidecar.server, { staticData: { webhookId: 'w0', secret: SECRET } });
		expect(await checkExists.call(context)).toBe(false);
		await create.call(context);
		expect([...sidecar.webhooks.keys()]).toEqual(['others', 'w1']);
	});

	it('leaves the published webhook alone while a test listens, which is given a copy of what is known', async () => {
		sidecar.webhooks.set('w0', WEBHOOK);
		const { context } = hooks(sidecar.server, { staticData: { webhookId: 'w0', secret: SECRET }, address: ADDRESS.replace('/webhook/', '/webhook-test/') });
		expect(await checkExists.call(context)).toBe(false);
		await create.call(context);
		expect([...sidecar.webhooks.keys()]).toEqual(['w0', 'w1']);
	});

	it('lets the sidecar say what is wrong with an address that is none', async () => {
		await expect(create.call(hooks(sidecar.server, { address: 'n8n.test/inside' }).context)).rejects.toThrow('url: inside may not be reached');
	});

	it('leaves the earlier webhook where the new one is refused, and tells of events without a gap', async () => {
		sidecar.webhooks.set('w0', WEBHOOK);
		await expect(create.call(hooks(sidecar.server, { parameters: { events: ['*'], options: { assetId: 'none' } } }).context)).rejects.toThrow('no asset');
		const refused = sidecar.server.received.length;
		expect(sidecar.webhooks.has('w0')).toBe(true);
		await create.call(hooks(sidecar.server).context);
		expect(sidecar.server.received.slice(refused).map(({ method }) => method)).toEqual(['GET', 'POST', 'DELETE']);
	});

	it('takes the place of the earlier webhook where there is no other', async () => {
		for (const id of ['a', 'b', 'c', 'd']) sidecar.webhooks.set(id, { ...WEBHOOK, id, url: `https://others.test/${id}` });
		sidecar.webhooks.set('w0', WEBHOOK);
		await create.call(hooks(sidecar.server).context);
		expect([...sidecar.webhooks.keys()]).toEqual(['a', 'b', 'c', 'd', 'w1']);
		sidecar.webhooks.set('w1', { ...WEBHOOK, id: 'w1', url: 'https://others.test/w1' });
		await expect(create.call(hooks(sidecar.server).context)).rejects.toThrow('5 webhooks');
	});

	it('registers anew when n8n has lost the secret', async () => {
		sidecar.webhooks.set('w0', WEBHOOK);
		expect(await checkExists.call(hooks(sidecar.server, { staticData: { webhookId: 'w0' } }).context)).toBe(false);
	});

	it('says what the sidecar refuses, and keeps nothing', async () => {
		const { context, staticData } = hooks(sidecar.server, { address: 'http://inside/webhook' });
		await expect(create.call(context)).rejects.toMatchObject({ message: 'url: inside may not be reached.', httpCode: '422' });
		expect(staticData).toEqual({});
	});

	it('fails when the sidecar does not answer, so that n8n tries again', async () => {
		const staticData = { webhookId: 'w0', secret: SECRET };
		const { context } = hooks(sidecar.server, { url: 'http://127.0.0.1:9', staticData });
		await expect(checkExists.call(context)).rejects.toThrow('does not answer');
		await expect(create.call(context)).rejects.toThrow('does not answer');
		expect(staticData).toEqual({ webhookId: 'w0', secret: SECRET });
	});

	it('wants events and an address', async () => {
		for (const events of [[], '', undefined]) await expect(create.call(hooks(sidecar.server, { parameters: { events } }).context)).rejects.toThrow('"Events" is empty');
		await expect(create.call({ ...hooks(sidecar.server).context, getNodeWebhookUrl: () => undefined })).rejects.toThrow('no address');
		expect(sidecar.webhooks.size).toBe(0);
	});

	it('is undone by deactivating, also when the webhook is gone or the sidecar is', async () => {
		const { context, staticData } = hooks(sidecar.server);
		await create.call(context);
		expect(await remove.call(context)).toBe(true);
		expect([sidecar.webhooks.size, staticData]).toEqual([0, {}]);
		expect(await remove.call(context)).toBe(true);
		expect(await remove.call(hooks(sidecar.server, { staticData: { webhookId: 'gone', secret: SECRET } }).context)).toBe(true);

		const away = hooks(sidecar.server, { url: 'http://127.0.0.1:9', staticData: { webhookId: 'w9', secret: SECRET } });
		expect(await remove.call(away.context)).toBe(false);
		expect([away.staticData, away.warnings.length]).toEqual([{}, 1]);
	});
});

const EVENT = {
	event_id: 'evt_7',
	type: 'post.published',
	timestamp: '2026-01-01T00:00:00.000Z',
	workspace_id: 'default',
	data: { asset_id: 'a', job_id: 'j', post_id: 'p', platform: 'x', permalink: 'https://x.com/1', asset: { id: 'a' }, job: { id: 'j' }, post: { id: 'p', platform: 'x', permalink: 'https://x.com/1', error: null } },
};

function signed(body: string, { secret = SECRET, age = 0 } = {}): Record<string, string> {
	const timestamp = String(Math.floor(Date.now() / 1000) - age);
	const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
	const signature = createHmac('sha256', key).update(`evt_7.${timestamp}.${body}`).digest('base64');
	return { 'webhook-id': 'evt_7', 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}

interface Arrival {
	headers?: Record<string, string>;
	raw?: string;
	staticData?: IDataObject;
	/** n8n cannot tell what was kept. */
	broken?: boolean;
	/** As n8n keeps them. */
	bytes?: Buffer | undefined;
}

async function receive(body: unknown, arrival: Arrival = {}) {
	const { headers, raw = JSON.stringify(body), staticData = { webhookId: 'w1', secret: SECRET } } = arrival;
	const answer: { status?: number; body?: { error: { code: string; message: string } } } = {};
	const response = {
		status: (code: number) => ((answer.status = code), response),
		json: (value: unknown) => ((answer.body = value as Required<typeof answer>['body']), response),
	};
	const given: object = {
		getNode: () => NODE,
		logger: { error: () => {} },
		getWorkflowStaticData: () => (arrival.broken ? JSON.parse('{') : staticData) as IDataObject,
		getHeaderData: () => headers ?? signed(raw),
		getBodyData: () => body,
		getRequestObject: () => ({ rawBody: 'bytes' in arrival ? arrival.bytes : Buffer.from(raw) }),
		getResponseObject: () => response,
	};
	const result: IWebhookResponseData = await node.webhook.call(given as IWebhookFunctions);
	return { items: result.workflowData?.[0]?.map(({ json }) => json), noWebhookResponse: result.noWebhookResponse, ...answer };
}

describe('an event that arrives at the trigger', () => {
	it('becomes one item with everything that a workflow needs', async () => {
		const { items, noWebhookResponse } = await receive(EVENT);
		expect(noWebhookResponse).toBeUndefined();
		expect(items).toEqual([{ event_id: 'evt_7', type: 'post.published', timestamp: '2026-01-01T00:00:00.000Z', workspace_id: 'default', ...EVENT.data, error: null }]);
	});

	it('has platform, permalink and error in every item: of the event, else of the post, else null', async () => {
		const error = { code: 'post_rejected', message: 'Too long.' };
		const of = async (data: object) => (await receive({ ...EVENT, data })).items?.[0];
		expect(await of({ post: { platform: 'x', permalink: 'https://x.com/2', error } })).toMatchObject({ platform: 'x', permalink: 'https://x.com/2', error });
		expect(await of({ error, post: { error: { code: 'internal' } } })).toMatchObject({ error });
		expect(await of({ post: null, asset_id: null })).toMatchObject({ platform: null, permalink: null, error: null });
	});

	it('is checked over the bytes as they arrived', async () => {
		expect((await receive(EVENT, { raw: JSON.stringify(EVENT, null, 2) })).items).toHaveLength(1);
		const raw = JSON.stringify(EVENT);
		expect(await receive(EVENT, { raw: `${raw} `, headers: signed(raw) })).toMatchObject({ status: 401, body: { error: { code: 'callback_forged' } } });
	});

	it.each([
		['unsigned', { headers: {} }, 401, 'callback_unsigned'],
		['old', { headers: signed(JSON.stringify(EVENT), { age: 301 }) }, 401, 'callback_stale'],
		['signed with another secret', { headers: signed(JSON.stringify(EVENT), { secret: `whsec_${Buffer.from('other').toString('base64')}` }) }, 401, 'callback_forged'],
		['for a trigger whose secret is lost', { staticData: {} }, 401, 'callback_forged'],
	])('starts nothing when it is %s', async (_what, change, status, code) => {
		const { items, ...answer } = await receive(EVENT, change);
		expect(items).toBeUndefined();
		expect(answer).toMatchObject({ noWebhookResponse: true, status, body: { error: { code } } });
	});

	it('starts nothing when n8n has kept no bytes of it, as of a form with files', async () => {
		const { items, ...answer } = await receive({ data: {}, files: {} }, { headers: signed(''.padEnd(8, 'x')), bytes: undefined });
		expect(items).toBeUndefined();
		expect(answer).toMatchObject({ noWebhookResponse: true, status: 401, body: { error: { code: 'callback_forged' } } });
	});

	it('starts nothing when n8n fails to read it, and may come again', async () => {
		const answer = await receive(EVENT, { broken: true });
		expect(answer).toMatchObject({ noWebhookResponse: true, status: 500, body: { error: { code: 'event_unreadable' } } });
	});

	it.each([[{}], [[]], [null], ['text'], [{ ...EVENT, data: null }], [{ ...EVENT, type: 5 }], [{ type: 'batch.finished', batch_id: 'b', jobs: [] }]])('starts nothing when it is no event: %j', async (body) => {
		const { items, ...answer } = await receive(body);
		expect(items).toBeUndefined();
		expect(answer).toMatchObject({ noWebhookResponse: true, status: 400, body: { error: { code: 'event_malformed' } } });
	});
});
