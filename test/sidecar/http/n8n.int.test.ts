import { createReadStream } from 'node:fs';
import { Webhook } from 'standardwebhooks';
import { fixture } from '../../fixtures/media.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';
import { until } from '../../support/pipeline.ts';
import { startReceiver, type Receiver } from '../../support/receiver.ts';
import { startTestSidecar, type TestSidecar } from '../../support/sidecar.ts';

interface Trigger {
	action: string;
	asset_id: string;
	jobs: Array<{ job_id: string; operation: string; params: Record<string, unknown>; status?: string }>;
	platforms: string[];
	text: string;
	metadata: Record<string, unknown>;
	outputs: Record<string, { thumbnail_url?: string }>;
}

const SECRET = 'whsec_bjhuLXNlY3JldC1uOG4tc2VjcmV0IQ==';

describe('with n8n webhooks configured', () => {
	let files: TestServer;
	let n8n: Receiver<Trigger>;
	let sidecar: TestSidecar;
	let broken = false;

	beforeAll(async () => {
		files = await startServer((_request, response) => void createReadStream(fixture(broken ? 'textAsMp4' : 'landscape')).pipe(response));
		n8n = await startReceiver<Trigger>();
		sidecar = await startTestSidecar({
			ALLOWED_PRIVATE_HOSTS: files.host,
			N8N_WEBHOOK_URL: `${n8n.server.url}/process`,
			N8N_DISTRIBUTE_WEBHOOK_URL: `${n8n.server.url}/distribute`,
			N8N_WEBHOOK_SECRET: SECRET,
		});
	});
	afterAll(async () => {
		await sidecar.close();
		await files.close();
		await n8n.server.close();
	});
	beforeEach(() => {
		broken = false;
		n8n.received.length = 0;
	});

	const process = (body: Record<string, unknown> = {}) =>
		sidecar.call('POST', '/api/media/process', { original_url: `${files.url}/v.mp4`, operations: ['thumbnail', 'probe'], ...body });
	const view = async (assetId: string) => (await sidecar.call('GET', `/api/media/process?asset_id=${assetId}`)).body;

	it('lets n8n start the jobs, and has it distribute the asset once all of them are done', async () => {
		const { body } = await process({ metadata: { platforms: ['x', 'mastodon'], text: 'Hello' } });
		const trigger = await n8n.next('/process');
		expect(new Webhook(SECRET).verify(trigger.raw, trigger.headers)).toEqual(trigger.json);
		expect(trigger.headers).toMatchObject({ 'x-media-pipeline-secret': SECRET });
		expect(trigger.json).toMatchObject({ action: 'process_media', asset_id: body.asset.id, jobs: [{ operation: 'thumbnail' }, { operation: 'probe' }] });
		await until(async () => (await view(body.asset.id)).asset.status === 'processing', 'the media is stored');
		expect((await view(body.asset.id)).jobs.map(({ status }) => status)).toEqual(['pending', 'pending']);

		// In another order than asked for: the answers keep the order of the request.
		const items = trigger.json.jobs.toReversed().map(({ job_id, operation, params }) => ({ job_id, operation, params, asset_id: body.asset.id }));
		const batch = await sidecar.call('POST', '/api/media/batch', { items });
		expect(batch.body.jobs.map(({ id }) => id)).toEqual(body.jobs.map(({ id }) => id).toReversed());
		expect((await view(body.asset.id)).jobs.map(({ id }) => id)).toEqual(body.jobs.map(({ id }) => id));
		const distribute = await n8n.next('/distribute');
		expect(distribute.json).toMatchObject({ action: 'upload_media', asset_id: body.asset.id, platforms: ['x', 'mastodon'], text: 'Hello', outputs: { thumbnail: { thumbnail_url: expect.stringContaining('/files/') } } });
		expect(await view(body.asset.id)).toMatchObject({ asset: { status: 'processed' }, progress: { total: 2, completed: 2 } });
		expect(n8n.received.filter(({ path }) => path === '/distribute')).toHaveLength(1);
	});

	it('takes results of an external processor, once, and counts them', async () => {
		const { body } = await process({ operations: ['thumbnail'] });
		await n8n.next('/process');
		const report = { job_id: body.jobs[0]!.id, status: 'completed', output_data: { thumbnail_url: 'https://elsewhere.example/t.jpg' } };
		expect((await sidecar.call('POST', '/api/media/callback', report)).status).toBe(200);
		expect((await sidecar.call('POST', '/api/media/callback', report)).status).toBe(200);
		expect((await sidecar.call('POST', '/api/media/callback', { ...report, status: 'failed', error: 'no' })).status).toBe(409);
		expect((await n8n.next('/distribute')).json.outputs).toMatchObject({ thumbnail: { thumbnail_url: 'https://elsewhere.example/t.jpg' } });
		expect(n8n.received.filter(({ path }) => path === '/distribute')).toHaveLength(1);
	});

	it('does not distribute what failed, and runs only the failed jobs again on request', async () => {
		broken = true;
		const { body } = await process({ operations: ['thumbnail', 'probe'] });
		await n8n.next('/process');
		await until(async () => (await view(body.asset.id)).asset.status === 'failed', 'the asset has failed');
		expect((await view(body.asset.id)).jobs.map(({ error }) => error?.code)).toEqual(['input_not_media', 'input_not_media']);
		broken = false;
		const again = await sidecar.call('POST', '/api/media/process', { asset_id: body.asset.id, retry_failed_only: true });
		expect(again.body.jobs).toHaveLength(2);
		await until(async () => (await view(body.asset.id)).asset.status === 'processed', 'the asset is processed');
		await n8n.next('/distribute');
	});

	it('fails jobs that n8n cannot start any more, and says so', async () => {
		n8n.answer('/process', (response) => response.writeHead(403).end('no'));
		const { body } = await process();
		await until(async () => (await view(body.asset.id)).asset.status === 'failed', 'the asset has failed');
		expect((await view(body.asset.id)).jobs[0]?.error).toMatchObject({ code: 'n8n_unreachable', message: expect.stringContaining('N8N_WEBHOOK_URL') });
		const { callbacks } = (await sidecar.call('GET', '/api/media/callbacks?status=dead')).body;
		expect(callbacks[0]).toMatchObject({ kind: 'process', last_http_status: 403, asset_id: body.asset.id });
		expect((await sidecar.call('POST', `/api/media/callbacks/${callbacks[0]!.id}/redeliver`)).status).toBe(202);
		await n8n.next('/process', 2);
	});

	it('triggers distribution on request, with the text and platforms of the request', async () => {
		const { body } = await process({ operations: ['probe'] });
		await until(async () => (await view(body.asset.id)).asset.status === 'processing', 'the media is stored');
		expect((await sidecar.call('POST', '/api/media/distribute', { asset_id: body.asset.id, platforms: ['x'], text: 'Again' })).status).toBe(202);
		expect((await n8n.next('/distribute')).json).toMatchObject({ platforms: ['x'], text: 'Again' });
	});

	it('stores posts that somebody else made, once each, linked to their asset', async () => {
		const { body } = await process({ operations: ['probe'] });
		const report = { asset_id: body.asset.id, posts: [{ platform: 'linkedin', external_post_id: 'urn:li:share:1', permalink: 'https://www.linkedin.com/feed/update/urn:li:share:1' }] };
		for (const _ of [1, 2]) expect((await sidecar.call('POST', '/api/media/distribute-callback', report)).status).toBe(200);
		const { posts } = (await sidecar.call('GET', `/api/media/posts?asset_id=${body.asset.id}`)).body;
		expect(posts).toEqual([expect.objectContaining({ platform: 'linkedin', status: 'published', external_post_id: 'urn:li:share:1', asset_id: body.asset.id })]);
		expect((await sidecar.call('POST', '/api/media/distribute-callback', { asset_id: body.asset.id, posts: [{ platform: 'x' }] })).body.error.message).toContain('external_post_id');
	});
});
