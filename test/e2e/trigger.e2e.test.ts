import type { Webhook } from '../../nodes/shared/wire.d.ts';
import type { StoredWorkflow } from '../../scripts/lib/n8n-api.ts';
import { fixture } from '../fixtures/media.ts';
import type { Passed } from './harness/proxy.ts';
import { waitFor } from './harness/wait.ts';
import { WorkflowBuilder } from './harness/workflow.ts';
import { World } from './harness/world.ts';

const TRIGGER = 'Media Pipeline Trigger';

/** Events of the sidecar start workflows: once each, only when they come from it, and across restarts. */
describe('the trigger in a real n8n', () => {
	let world: World;
	let asset: string;
	beforeAll(async () => {
		world = await World.start({ 'landscape.mp4': fixture('landscape') });
		const { jobs } = await world.sidecar.request<{ jobs: Array<{ asset_id: string }> }>('POST', '/api/media/batch', { items: [{ operation: 'ingest', file_url: `${world.files.url}/landscape.mp4` }] });
		asset = jobs[0]?.asset_id ?? '';
	});
	afterAll(async () => {
		await world?.close();
	});
	afterEach(async () => {
		world.callbacks.passed.length = 0;
		for (const { id } of deployed.splice(0)) await world.n8n.deactivateWorkflow(id);
		await waitFor(async () => (await webhooks()).length === 0, { what: 'all webhooks to be gone', explain: () => world.logs() });
	});

	const deployed: StoredWorkflow[] = [];
	const deploy = async (name: string, events: string[], options: Record<string, unknown> = {}): Promise<StoredWorkflow> => {
		const stored = await world.deploy(new WorkflowBuilder(name).media(TRIGGER, 'mediaPipelineTrigger', { events, options }, { webhookId: `hook-${name.replaceAll(' ', '-')}` }).nothing('Done'));
		deployed.push(stored);
		return stored;
	};
	const webhooks = async (): Promise<Webhook[]> => (await world.sidecar.request<{ webhooks: Webhook[] }>('GET', '/api/media/webhooks')).webhooks;
	const report = (platform: string, change: object = {}) =>
		world.sidecar.request('POST', '/api/media/distribute-callback', { asset_id: asset, posts: [{ platform, external_post_id: '18446744073709551615', permalink: `https://social.test/${platform}`, text: 'Hi', ...change }] });
	const executions = async ({ id }: StoredWorkflow) => (await world.n8n.listExecutions(id)).map((execution) => execution.id);
	const nthExecution = async (stored: StoredWorkflow, nth: number) => {
		await waitFor(async () => (await executions(stored)).length >= nth, { what: `execution ${nth} of ${stored.name}`, explain: () => world.logs() });
		return await world.result((await executions(stored)).at(-nth) ?? '');
	};
	const eventCalls = (): Passed[] => world.callbacks.passed.filter(({ path }) => path.startsWith('/webhook') && path.endsWith('/media-pipeline'));

	it('is registered when its workflow is published, starts it with what happened, and is gone when it is not', async () => {
		const stored = await deploy('published posts', ['post.published', 'post.failed']);
		expect(await webhooks()).toMatchObject([{ url: `${world.callbacks.url}/webhook/hook-published-posts/media-pipeline`, events: ['post.published', 'post.failed'], status: 'active', description: `n8n: ${stored.name} / ${TRIGGER}` }]);

		await report('x', { status: 'scheduled' });
		await report('mastodon');
		const { status, mode, runs } = await nthExecution(stored, 1);
		expect([status, mode]).toEqual(['success', 'webhook']);
		const [item] = runs.Done?.[0]?.data?.main[0] ?? [];
		expect(item?.json).toMatchObject({
			type: 'post.published', asset_id: asset, platform: 'mastodon', permalink: 'https://social.test/mastodon', error: null,
			asset: { id: asset, file_type: 'video', status: 'ready' }, post: { platform: 'mastodon', text: 'Hi', external_post_id: '18446744073709551615' }, job: null,
		});
		expect(eventCalls().map(({ answer }) => [answer?.status, answer?.body])).toEqual([[200, '{"status":"received"}']]);
		expect(await webhooks()).toMatchObject([{ failures: 0, pending: 0, last_delivered_at: expect.any(String) }]);
	});

	it('starts on the end of jobs, with their results, only of the asset that it is for', async () => {
		const mine = await deploy('jobs of an asset', ['job.*'], { assetId: asset });
		const items = [{ operation: 'probe', asset_id: asset, reuse: false }, { operation: 'probe', file_url: `${world.files.url}/landscape.mp4`, reuse: false }];
		await world.sidecar.request('POST', '/api/media/batch', { items });
		// Both at once: which of the two comes first is not promised.
		const both = await waitFor(async () => [await executions(mine)].find((ids) => ids.length >= 2), { what: 'both executions', explain: () => world.logs() });
		const all = await Promise.all(both.map((id) => world.result(id)));
		const seen = all.map(({ runs }) => runs.Done?.[0]?.data?.main[0]?.[0]?.json);
		expect(seen.map((json) => json?.type).sort()).toEqual(['job.completed', 'job.created']);
		expect(seen.find((json) => json?.type === 'job.completed')).toMatchObject({ job_type: 'probe', asset_id: asset, job: { status: 'completed', output_data: { video: { width: 1280 } } } });
		await waitFor(async () => (await world.sidecar.jobs()).every(({ completed_at: ended }) => ended !== null), { what: 'all jobs to end' });
		expect(await executions(mine)).toHaveLength(2);
	});

	it('is started by nobody but the sidecar', async () => {
		const stored = await deploy('forged', ['post.*']);
		await report('x');
		await nthExecution(stored, 1);
		const [call] = eventCalls();
		if (!call) throw new Error('an event must have passed');
		const altered = Buffer.from(call.body.toString('utf8').replace('post.published', 'post.failed'));
		expect(await world.callbacks.replay(call, { body: altered })).toMatchObject({ status: 401, body: expect.stringContaining('callback_forged') });
		expect(await world.callbacks.replay(call, { headers: { 'webhook-signature': '' } })).toMatchObject({ status: 401, body: expect.stringContaining('callback_unsigned') });
		// n8n keeps no bytes of such a body to check.
		const form = { headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: Buffer.from('--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n') };
		expect(await world.callbacks.replay(call, form)).toMatchObject({ status: 401, body: expect.stringContaining('callback_forged') });
		// One that another webhook's secret signed.
		const other = await deploy('other', ['post.*']);
		expect(await world.callbacks.replay(call, { path: call.path.replace('hook-forged', 'hook-other') })).toMatchObject({ status: 401, body: expect.stringContaining('callback_forged') });
		expect([(await executions(stored)).length, (await executions(other)).length]).toEqual([1, 0]);
	});

	it('misses nothing while n8n restarts, and is not registered twice', async () => {
		const stored = await deploy('restart', ['post.*']);
		const [before] = await webhooks();
		await world.stopN8n();
		await report('x', { external_post_id: '71' });
		await waitFor(async () => ((await webhooks())[0]?.failures ?? 0) > 0, { what: 'a delivery to fail', explain: () => world.logs() });
		expect(await webhooks()).toMatchObject([{ status: 'active', pending: 1, failing_since: expect.any(String), last_failure: expect.any(String) }]);
		await world.startN8n();
		const { status, runs } = await nthExecution(stored, 1);
		expect(status).toBe('success');
		expect(runs.Done?.[0]?.data?.main[0]?.[0]?.json).toMatchObject({ type: 'post.published', post: { external_post_id: '71' } });
		expect(await webhooks()).toMatchObject([{ id: before?.id, failures: 0, failing_since: null }]);
	});

	it('listens in the editor beside its published version, and stops after one event', async () => {
		const stored = await deploy('editor', ['post.*']);
		const [published] = await webhooks();
		expect(await world.n8n.request('POST', `/rest/workflows/${stored.id}/run`, { triggerToStartFrom: { name: TRIGGER } })).toEqual({ waitingForWebhook: true });
		expect((await webhooks()).map(({ url }) => new URL(url).pathname).sort()).toEqual(['/webhook-test/hook-editor/media-pipeline', '/webhook/hook-editor/media-pipeline']);
		await report('x', { external_post_id: '81' });
		await nthExecution(stored, 2);
		expect((await world.n8n.listExecutions(stored.id)).map(({ mode }) => mode).sort()).toEqual(['manual', 'webhook']);
		await waitFor(async () => (await webhooks()).length === 1, { what: 'the test webhook to be gone', explain: () => world.logs() });
		// The published one still is what it was, and is still believed.
		expect(await webhooks()).toMatchObject([{ id: published?.id }]);
		await report('x', { external_post_id: '82' });
		expect((await nthExecution(stored, 3)).mode).toBe('webhook');
	});

	it('is registered anew when its events have changed', async () => {
		const stored = await deploy('changed', ['post.*']);
		const [before] = await webhooks();
		const now = await world.n8n.getWorkflow(stored.id);
		if (!now) throw new Error('the workflow must be there');
		const nodes = now.nodes.map((node) => (node.name === TRIGGER ? { ...node, parameters: { ...node.parameters, events: ['asset.*'] } } : node));
		await world.n8n.updateWorkflow(stored.id, { ...now, nodes });
		await world.n8n.activateWorkflow(stored.id);
		const after = await waitFor(async () => (await webhooks()).find(({ events }) => events.join() === 'asset.*'), { what: 'the new registration', explain: () => world.logs() });
		expect(after.id).not.toBe(before?.id);
		expect(await webhooks()).toHaveLength(1);
	});

	it('cannot be published for an asset that does not exist, and says why', async () => {
		const workflow = new WorkflowBuilder('no asset').media(TRIGGER, 'mediaPipelineTrigger', { events: ['*'], options: { assetId: '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f' } }, { webhookId: 'hook-no-asset' }).nothing('Done');
		await expect(world.deploy(workflow)).rejects.toThrow(/there is no asset 7b0c7c1e/);
		expect(await webhooks()).toEqual([]);
	});
});
