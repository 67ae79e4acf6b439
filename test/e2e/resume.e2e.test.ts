import { fixture } from '../fixtures/media.ts';
import { bodyOf, gate, resumeCalls, submissions } from './harness/callbacks.ts';
import { waitFor } from './harness/wait.ts';
import { WorkflowBuilder } from './harness/workflow.ts';
import { World } from './harness/world.ts';

/** How waiting nodes are resumed: by their own callback, once, and by nothing else. */
describe('a waiting node in a real n8n', () => {
	let world: World;
	beforeAll(async () => {
		world = await World.start({
			'landscape.mp4': fixture('landscape'),
			'portrait.mp4': fixture('portrait'),
			'silent.mp4': fixture('silent'),
			'corrupt.mp4': fixture('mp4Header'),
		});
	});
	afterAll(async () => {
		await world?.close();
	});
	afterEach(() => {
		world.callbacks.intercept(() => undefined);
		world.requests.holdAnswers(() => undefined);
		world.callbacks.passed.length = 0;
		world.requests.passed.length = 0;
	});
	const file = (name: string) => `${world.files.url}/${name}`;
	const thumbnailOf = { operation: 'thumbnail', source: 'url', fileUrl: '={{ $json.url }}' };

	it('works on three input items as one batch and gives them back in their order', async () => {
		const workflow = new WorkflowBuilder('three items').webhook().items().media('Thumbnail', 'mediaTranscode', thumbnailOf).failTo('Thumbnail').nothing('Done');
		const stored = await world.deploy(workflow);
		const names = ['landscape.mp4', 'portrait.mp4', 'silent.mp4'];
		const result = await world.result(await world.fire(workflow, stored, { items: names.map((name) => ({ name, url: file(name) })) }));

		expect(result.status).toBe('success');
		expect(submissions(world)).toHaveLength(1);
		expect(resumeCalls(world).filter(({ answer }) => answer?.status === 200)).toHaveLength(1);
		const items = result.runs.Thumbnail?.[0]?.data?.main[0] ?? [];
		expect(items.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 1 }, { item: 2 }]);
		const shapes = items.map(({ json }) => {
			const [picture] = json.files as Array<{ width: number; height: number; mime: string }>;
			return [picture?.mime, (picture?.width ?? 0) > (picture?.height ?? 0) ? 'wide' : 'tall'];
		});
		expect(shapes).toEqual([
			['image/jpeg', 'wide'],
			['image/jpeg', 'tall'],
			['image/jpeg', 'wide'],
		]);
		expect(result.runs.Done?.[0]?.data?.main[0]).toHaveLength(3);
	});

	it('is resumed although its callback arrives before the execution is parked', async () => {
		const workflow = new WorkflowBuilder('early callback').webhook().media('Thumbnail', 'mediaTranscode', { ...thumbnailOf, fileUrl: file('portrait.mp4') }).failTo('Thumbnail').nothing('Done');
		const stored = await world.deploy(workflow);
		// n8n has got the submission's answer only after it has refused the first callback: the node cannot have parked before.
		world.requests.holdAnswers(async ({ path }) => {
			if (path !== '/api/media/batch') return;
			await waitFor(async () => resumeCalls(world).some(({ answer }) => answer !== null), { what: 'the first callback to be refused', explain: () => world.logs() });
		});
		const result = await world.result(await world.fire(workflow, stored, {}));

		const answers = resumeCalls(world).map(({ answer }) => answer?.status);
		expect(answers[0]).toBe(409);
		expect(answers.at(-1)).toBe(200);
		expect(result.status).toBe('success');
		expect(result.runs.Done).toHaveLength(1);
	});

	it('sends a corrupt video through its Failed output and turns the execution red', async () => {
		const workflow = new WorkflowBuilder('corrupt video')
			.webhook()
			.media('Compress', 'mediaTranscode', { operation: 'compress', source: 'url', fileUrl: file('corrupt.mp4') })
			.failTo('Compress')
			.nothing('After Success');
		const stored = await world.deploy(workflow);
		const result = await world.result(await world.fire(workflow, stored, {}));

		expect(result.status).toBe('error');
		expect(result.error?.message).toMatch(/^input_corrupt: /);
		expect(result.runs['After Success']).toBeUndefined();
		const [done, failed] = result.runs.Compress?.[0]?.data?.main ?? [];
		expect(done ?? []).toEqual([]);
		expect(failed).toHaveLength(1);
		expect(failed?.[0]?.json).toMatchObject({ code: 'input_corrupt', status: 'failed', item_index: 0 });
		// No retry: a second look finds the same file.
		const job = await world.sidecar.job(String(failed?.[0]?.json.job_id));
		expect(job.attempts).toBeLessThanOrEqual(1);
	});

	it('ignores a repeated, altered or unsigned callback of its first run while its second run waits', async () => {
		const workflow = new WorkflowBuilder('loop')
			.webhook()
			.items()
			.add('Loop', 'n8n-nodes-base.splitInBatches', 3, { batchSize: 1, options: {} })
			.after(null)
			.media('Thumbnail', 'mediaTranscode', thumbnailOf)
			.failTo('Thumbnail')
			.after(null)
			.nothing('Done')
			.link('Loop', 'Done', 0)
			.link('Loop', 'Thumbnail', 1)
			.link('Thumbnail', 'Loop');
		const stored = await world.deploy(workflow);
		const second = gate();
		let firstBatch = '';
		world.callbacks.intercept(async (call) => {
			if (!call.path.startsWith('/webhook-waiting/')) return;
			const batch = bodyOf(call).batch_id;
			firstBatch ||= batch;
			if (batch !== firstBatch) await second.pass();
		});
		const id = await world.fire(workflow, stored, { items: [{ url: file('landscape.mp4') }, { url: file('portrait.mp4') }] });
		await second.reached;
		await world.waitForStatus(id, 'waiting');
		const first = resumeCalls(world).find((call) => bodyOf(call).batch_id === firstBatch && call.answer?.status === 200);
		const waiting = resumeCalls(world).find((call) => bodyOf(call).batch_id !== firstBatch);
		if (!first || !waiting) throw new Error('both callbacks must have passed');

		const repeated = await world.callbacks.replay(first);
		expect(repeated).toMatchObject({ status: 409, body: expect.stringContaining('callback_unexpected') as string });
		const altered = Buffer.from(waiting.body.toString('utf8').replace('"completed"', '"failed"'));
		expect(await world.callbacks.replay(waiting, { body: altered })).toMatchObject({ status: 401 });
		const unsigned = { 'webhook-signature': 'v1,AAAA' };
		expect(await world.callbacks.replay(waiting, { headers: unsigned })).toMatchObject({ status: 401 });
		expect((await world.n8n.getExecution(id)).status).toBe('waiting');

		second.open();
		const result = await world.result(id);
		expect(result.status).toBe('success');
		expect(result.runs.Thumbnail).toHaveLength(2);
		expect(result.runs.Done).toHaveLength(1);
		expect(result.runs.Done?.[0]?.data?.main[0]).toHaveLength(2);
	});

	it('gets only its own callback when two nodes wait one after the other', async () => {
		const workflow = new WorkflowBuilder('two in a row')
			.webhook()
			.media('Ingest', 'mediaIngest', { operation: 'ingest', source: 'url', fileUrl: file('landscape.mp4') })
			.failTo('Ingest')
			.media('Thumbnail', 'mediaTranscode', { operation: 'thumbnail', source: 'asset', assetId: '={{ $json.asset_id }}' })
			.failTo('Thumbnail')
			.nothing('Done');
		const stored = await world.deploy(workflow);
		const second = gate();
		world.callbacks.intercept(async (call) => {
			if (call.path.includes(`/${workflow.idOf('Thumbnail')}`)) await second.pass();
		});
		const id = await world.fire(workflow, stored, {});
		await second.reached;
		await world.waitForStatus(id, 'waiting');
		const [first] = resumeCalls(world).filter(({ path, answer }) => path.includes(`/${workflow.idOf('Ingest')}`) && answer?.status === 200);
		if (!first) throw new Error('the callback of Ingest must have passed');

		// Once more to its own address, and then to the address of the node that waits now.
		expect((await world.callbacks.replay(first)).status).toBe(404);
		const otherAddress = first.path.replace(workflow.idOf('Ingest'), workflow.idOf('Thumbnail'));
		expect((await world.callbacks.replay(first, { path: otherAddress })).status).toBe(409);
		expect((await world.n8n.getExecution(id)).status).toBe('waiting');

		second.open();
		const result = await world.result(id);
		expect(result.status).toBe('success');
		expect(result.runs.Ingest).toHaveLength(1);
		expect(result.runs.Ingest?.[0]?.data?.main[0]?.[0]?.json).toMatchObject({ operation: 'ingest', status: 'completed' });
		expect(result.runs.Thumbnail?.[0]?.data?.main[0]?.[0]?.json).toMatchObject({ operation: 'thumbnail', status: 'completed' });
	});

	// Last: the callback to the deleted execution is tried again for ten minutes, among those of whatever came after.
	it.each([
		['stopped', 'stopExecution', 'dead', /has finished/],
		// An unknown execution may only be late in being saved: given up after ten minutes (test/sidecar/callbacks/classify.test.ts).
		['deleted', 'deleteExecution', 'pending', /does not exist/],
	] as const)('leaves its result readable when its execution was %s meanwhile, and says what became of the callback', async (_what, end, status, reason) => {
		const workflow = new WorkflowBuilder(`gone by ${end}`).webhook().media('Thumbnail', 'mediaTranscode', { ...thumbnailOf, fileUrl: file('landscape.mp4') }).nothing('Done');
		const stored = await world.deploy(workflow);
		const held = gate();
		world.callbacks.intercept(async (call) => (call.path.startsWith('/webhook-waiting/') ? held.pass() : undefined));
		const id = await world.fire(workflow, stored, {});
		await held.reached;
		await world.waitForStatus(id, 'waiting');
		await world.n8n[end](id);
		held.open();
		const call = await waitFor(async () => resumeCalls(world).find(({ answer }) => answer !== null), { what: 'the callback to be answered', explain: () => world.logs() });
		const batch = bodyOf(call).batch_id;
		const callback = await waitFor(async () => (await world.sidecar.callbacks()).find((one) => one.batch_id === batch && one.reason !== null), {
			what: 'the reason to be stored',
			explain: () => world.logs(),
		});
		expect(callback).toMatchObject({ status, reason: expect.stringMatching(reason) as string });
		const job = await world.sidecar.job(bodyOf(call).jobs[0]!.job_id);
		expect(job).toMatchObject({ status: 'completed', output_data: { thumbnail_url: expect.stringContaining('/files/') as string } });
	});
});
