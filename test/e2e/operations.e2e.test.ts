import { operations as captionOperations } from '../../nodes/MediaCaption/operations/index.ts';
import { resources } from '../../nodes/MediaTranscode/operations/index.ts';
import { fixture } from '../fixtures/media.ts';
import { person } from '../fixtures/person.ts';
import { WorkflowBuilder } from './harness/workflow.ts';
import { World } from './harness/world.ts';

/** Fields that have no default. FILES stands for the address of the file server. */
const REQUIRED: Record<string, Record<string, string>> = {
	concatenate: { clips: 'FILES/landscape.mp4' },
	watermark: { logo: 'FILES/logo.png' },
	mix_music: { music: 'FILES/song.mp3' },
	image_overlay: { logo: 'FILES/logo.png' },
	collage: { pictures: 'FILES/logo.png' },
	style_transfer: { prompt: 'watercolour on rough paper' },
	search: { query: 'what is said' },
	feedback: { wrong: 'Cooper Netties', right: 'Kubernetes' },
};

/** The nodes as a user drops them on the canvas: only what has no default is filled in. */
describe('the operations of the nodes in a real n8n', () => {
	let world: World;
	beforeAll(async () => {
		world = await World.start({ 'speech.mp4': fixture('speech'), 'landscape.mp4': fixture('landscape'), 'picture.jpg': fixture('jpeg'), 'person.png': person(), 'logo.png': fixture('png'), 'song.mp3': fixture('audio') });
	});
	afterAll(async () => {
		await world?.close();
	});

	it.each(resources.map(({ name, operations }) => [name, operations] as const))('%s work one after the other with the defaults of the editor', async (name, operations) => {
		const file = { Image: 'picture.jpg', Enhance: 'person.png' }[name] ?? 'speech.mp4';
		const workflow = new WorkflowBuilder(`defaults ${name}`).webhook().media('Ingest', 'mediaIngest', { operation: 'ingest', source: 'url', fileUrl: `${world.files.url}/${file}` }).failTo('Ingest');
		const values = operations.map(({ value }) => value).filter((value) => value !== 'several');
		const resource = resources.find((candidate) => candidate.name === name)?.value;
		for (const value of values) {
			const required = Object.fromEntries(Object.entries(REQUIRED[value] ?? {}).map(([field, given]) => [field, given.replace('FILES', world.files.url)]));
			workflow.media(value, 'mediaTranscode', { resource, operation: value, assetId: "={{ $('Ingest').first().json.asset_id }}", ...required }).failTo(value);
		}
		const stored = await world.deploy(workflow);
		const result = await world.result(await world.fire(workflow, stored, {}));

		expect(result.error?.message).toBeUndefined();
		expect(result.status).toBe('success');
		expect(values.map((value) => [value, result.runs[value]?.[0]?.data?.main[0]?.[0]?.json.status])).toEqual(values.map((value) => [value, 'completed']));
	});

	it('of Media Caption work one after the other with the defaults of the editor', async () => {
		const workflow = new WorkflowBuilder('captions').webhook().media('Ingest', 'mediaIngest', { operation: 'ingest', source: 'url', fileUrl: `${world.files.url}/speech.mp4` }).failTo('Ingest');
		const names = captionOperations.map(({ value }) => value).filter((value) => value !== 'several');
		for (const name of names) workflow.media(name, 'mediaCaption', { operation: name, assetId: "={{ $('Ingest').first().json.asset_id }}", ...REQUIRED[name] }).failTo(name);
		const stored = await world.deploy(workflow);
		const result = await world.result(await world.fire(workflow, stored, {}));

		expect(result.error?.message).toBeUndefined();
		expect(names.map((name) => [name, result.runs[name]?.[0]?.data?.main[0]?.[0]?.json.status])).toEqual(names.map((name) => [name, 'completed']));
	});

	it('give expressions the text of a caption, and the item that it belongs to', async () => {
		const workflow = new WorkflowBuilder('expressions')
			.webhook()
			.items()
			.media('Caption', 'mediaCaption', { operation: 'caption', source: 'url', fileUrl: '={{ $json.url }}', platforms: '={{ $json.platforms }}' })
			.add('Post', 'n8n-nodes-base.set', 3.4, {
				assignments: {
					assignments: [
						{ id: 'a', name: 'text', type: 'string', value: '={{ $json.captions[0].text }}' },
						{ id: 'b', name: 'name', type: 'string', value: "={{ $('Items').item.json.name }}" },
					],
				},
				options: {},
			})
			.after(null)
			.add('Failed', 'n8n-nodes-base.set', 3.4, {
				assignments: {
					assignments: [
						{ id: 'a', name: 'code', type: 'string', value: '={{ $json.code }}' },
						{ id: 'b', name: 'name', type: 'string', value: "={{ $('Items').item.json.name }}" },
					],
				},
				options: {},
			})
			.link('Caption', 'Failed', 1);
		const stored = await world.deploy(workflow);
		const items = [
			{ name: 'nothing seen or said', url: `${world.files.url}/song.mp3`, platforms: ['x'] },
			{ name: 'a film', url: `${world.files.url}/speech.mp4`, platforms: 'mastodon, x' },
			{ name: 'a picture', url: `${world.files.url}/picture.jpg`, platforms: ['threads'] },
		];
		const result = await world.result(await world.fire(workflow, stored, { items }));

		expect(result.error?.message).toBeUndefined();
		expect(result.runs.Post?.[0]?.data?.main[0]?.map(({ json }) => json)).toEqual([
			{ text: expect.stringMatching(/^A text written/) as string, name: 'a film' },
			{ text: expect.stringMatching(/^A text written/) as string, name: 'a picture' },
		]);
		expect(result.runs.Failed?.[0]?.data?.main[0]?.map(({ json }) => json)).toEqual([{ code: 'input_unsupported', name: 'nothing seen or said' }]);
	});

	it('take in a file that an earlier node has put into n8n', async () => {
		const workflow = new WorkflowBuilder('binary')
			.webhook()
			.add('Download', 'n8n-nodes-base.httpRequest', 4.2, {
				url: `${world.files.url}/landscape.mp4`,
				options: { response: { response: { responseFormat: 'file' } } },
			})
			.media('Ingest', 'mediaIngest', { operation: 'ingest', source: 'binary' })
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
