import { fixture } from '../fixtures/media.ts';
import { WorkflowBuilder } from './harness/workflow.ts';
import { World } from './harness/world.ts';

/** The nodes as a user drops them on the canvas: only what has no default is filled in. */
describe('the operations of the nodes in a real n8n', () => {
	let world: World;
	beforeAll(async () => {
		world = await World.start({ 'speech.mp4': fixture('speech'), 'landscape.mp4': fixture('landscape') });
	});
	afterAll(async () => {
		await world?.close();
	});

	it('work one after the other with the defaults of the editor', async () => {
		const names = ['probe', 'thumbnail', 'compress', 'convert', 'crop'];
		const workflow = new WorkflowBuilder('defaults').webhook().media('Ingest', 'mediaIngest', { operation: 'fromUrl', fileUrl: `${world.files.url}/speech.mp4` }).failTo('Ingest');
		for (const name of names) workflow.media(name, 'mediaTranscode', { operation: name }).failTo(name);
		for (const name of ['transcribe', 'caption']) workflow.media(name, 'mediaCaption', { operation: name }).failTo(name);
		const stored = await world.deploy(workflow);
		const result = await world.result(await world.fire(workflow, stored, {}));

		expect(result.error?.message).toBeUndefined();
		expect(result.status).toBe('success');
		const outputs = [...names, 'transcribe', 'caption'].map((name) => result.runs[name]?.[0]?.data?.main[0]?.[0]?.json);
		expect(outputs.map((json) => [json?.operation, json?.status])).toEqual([...names, 'transcribe', 'caption'].map((name) => [name, 'completed']));
	});

	it('take in a file that an earlier node has put into n8n', async () => {
		const workflow = new WorkflowBuilder('binary')
			.webhook()
			.add('Download', 'n8n-nodes-base.httpRequest', 4.2, {
				url: `${world.files.url}/landscape.mp4`,
				options: { response: { response: { responseFormat: 'file' } } },
			})
			.media('Ingest', 'mediaIngest', { operation: 'fromBinary' })
			.failTo('Ingest');
		const stored = await world.deploy(workflow);
		const result = await world.result(await world.fire(workflow, stored, {}));

		expect(result.error?.message).toBeUndefined();
		const [item] = result.runs.Ingest?.[0]?.data?.main[0] ?? [];
		expect(item?.json).toMatchObject({ status: 'completed', mime: 'video/mp4', width: 1280, height: 720 });
	});

	it('hold and poll, or go on at once, where the user wants that', async () => {
		const source = { resource: 'media', operation: 'probe', source: 'url', fileUrl: `${world.files.url}/landscape.mp4` };
		const workflow = new WorkflowBuilder('wait modes')
			.webhook()
			.media('Poll', 'mediaTranscode', { ...source, waitMode: 'poll' })
			.media('Go On', 'mediaTranscode', { ...source, waitMode: 'none' });
		const stored = await world.deploy(workflow);
		const result = await world.result(await world.fire(workflow, stored, {}));

		expect(result.error?.message).toBeUndefined();
		expect(result.runs.Poll?.[0]?.data?.main[0]?.[0]?.json).toMatchObject({ operation: 'probe', status: 'completed' });
		expect(result.runs['Go On']?.[0]?.data?.main[0]?.[0]?.json).toMatchObject({ operation: 'probe', job_id: expect.any(String) as string, batch_id: expect.any(String) as string });
		expect(world.callbacks.passed.filter(({ path }) => path.startsWith('/webhook-waiting/') && path.includes(workflow.idOf('Poll')))).toEqual([]);
	});

	it('name the address and what to check when the sidecar cannot be reached', async () => {
		const workflow = new WorkflowBuilder('unreachable').webhook().media('Probe', 'mediaTranscode', { resource: 'media', operation: 'probe', source: 'url', fileUrl: `${world.files.url}/landscape.mp4` }).nothing('After');
		const stored = await world.deploy(workflow);
		await world.killSidecar();
		try {
			const result = await world.result(await world.fire(workflow, stored, {}));
			expect(result.status).toBe('error');
			expect(result.error?.message).toContain(world.requests.url);
			expect(result.runs.After).toBeUndefined();
		} finally {
			await world.startSidecar();
		}
	});
});
