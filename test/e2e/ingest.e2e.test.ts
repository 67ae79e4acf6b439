import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowFile } from '../../scripts/lib/n8n-api.ts';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { fixture } from '../fixtures/media.ts';
import { submissions } from './harness/callbacks.ts';
import { waitFor } from './harness/wait.ts';
import { WorkflowBuilder } from './harness/workflow.ts';
import { World, type Execution } from './harness/world.ts';

const template = (name: string): WorkflowFile => JSON.parse(readFileSync(join(ROOT, 'workflows', `${name}.json`), 'utf8')) as WorkflowFile;

/** Everything that Media Ingest does, in a real n8n. */
describe('Media Ingest in a real n8n', () => {
	let world: World;
	let folder = '';
	const names = Array.from({ length: 19 }, (_, index) => `clip-${index}.mp4`);
	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), 'media-pipeline-feed-'));
		const clips = Object.fromEntries(names.map((name) => [name, fixture('landscape')]));
		world = await World.start({ ...clips, 'speech.mp4': fixture('speech'), 'portrait.mp4': fixture('portrait'), 'feed.xml': join(folder, 'feed.xml') });
	});
	afterAll(async () => {
		await world?.close();
		await rm(folder, { recursive: true, force: true });
	});
	const url = (name: string) => `${world.files.url}/${name}`;
	const done = ({ runs }: Execution, node: string) => (runs[node]?.[0]?.data?.main[0] ?? []).map(({ json }) => json);

	it('takes a file from the form of the template, runs the pipeline on it and shows what was made', async () => {
		const workflow = template('upload-form-to-pipeline');
		const form = workflow.nodes.find(({ type }) => type.endsWith('.formTrigger'))!;
		// Who may see the form is the business of n8n.
		form.parameters.authentication = 'none';
		const stored = await world.deploy(workflow);
		const address = `http://127.0.0.1:${world.n8nPort}/form/${String(form.webhookId)}`;
		expect(await (await fetch(address)).text()).toContain('Upload to the library');

		const body = new FormData();
		body.append('field-0', new File([readFileSync(fixture('portrait'))], 'portrait.mp4', { type: 'video/mp4' }));
		['A portrait', 'Of somebody', 'people, berlin'].forEach((text, index) => body.append(`field-${index + 1}`, text));
		const answer = await fetch(address, { method: 'POST', body });
		const { formWaitingUrl } = (await answer.json()) as { formWaitingUrl: string };
		const page = new URL(formWaitingUrl);
		const status = new URL(`${page.pathname}/n8n-execution-status${page.search}`, page);
		await waitFor(async () => (await (await fetch(status)).text()) === 'form-waiting', { what: 'the answer page', timeoutMs: 200_000, explain: () => world.logs() });
		const shown = await (await fetch(page)).text();
		const [execution] = await world.n8n.listExecutions(stored.id);
		const result = await world.execution(execution!.id);
		const made = done(result, 'Take It In');
		const asset = String(made[0]?.asset_id);
		expect(made.map(({ operation }) => operation)).toEqual(['ingest', 'thumbnail', 'image_thumbnail', 'preview', 'image_preview', 'stream', 'transcribe', 'caption']);
		expect(result.runs['Take It In']?.[0]?.data?.main[1] ?? []).toEqual([]);
		expect(shown).toContain('A portrait is in the library');
		expect(shown).toContain(asset);
		expect(shown).toContain('preview.mp4');
		expect(await world.sidecar.asset(asset)).toMatchObject({ title: 'A portrait', description: 'Of somebody', status: 'ready', metadata: { file_name: 'portrait.mp4' } });
	});

	it('takes from a feed what is new, and passes on nothing when there is nothing new', async () => {
		const feed = (...episodes: string[]) =>
			writeFileSync(
				join(folder, 'feed.xml'),
				`<rss version="2.0"><channel><title>Clips</title>${episodes.map((name) => `<item><title>About ${name}</title><guid isPermaLink="false">${name}</guid><enclosure url="${url(name)}" type="video/mp4" length="1"/></item>`).join('')}</channel></rss>`,
			);
		const workflow = new WorkflowBuilder('feed').webhook().media('Ingest', 'mediaIngest', { operation: 'ingest', source: 'rss', feedUrl: url('feed.xml'), onlyNew: true, options: { tags: 'podcast' } }).failTo('Ingest').nothing('After');
		const stored = await world.deploy(workflow);
		const run = async () => world.result(await world.fire(workflow, stored, {}));

		feed('clip-0.mp4', 'clip-1.mp4');
		const first = await run();
		expect(first.error?.message).toBeUndefined();
		expect(done(first, 'After').map(({ status }) => status)).toEqual(['completed', 'completed']);
		const asset = await world.sidecar.asset(String(done(first, 'After')[0]?.asset_id));
		expect(asset).toMatchObject({ title: 'About clip-0.mp4', tags: [{ tag: 'podcast', source: 'person' }] });

		feed('clip-2.mp4', 'clip-0.mp4', 'clip-1.mp4');
		const second = await run();
		expect(second.error?.message).toBeUndefined();
		expect(done(second, 'After')).toHaveLength(1);

		const third = await run();
		expect([third.status, third.runs.After]).toEqual(['success', undefined]);
	});

	it('takes from a folder of Google Drive what is new', async () => {
		await world.addCredential({ name: 'Drive', type: 'googleDriveOAuth2Api', data: { clientId: 'e2e', clientSecret: 'e2e', oauthTokenData: { access_token: 'valid-token', token_type: 'bearer' } } });
		const content = readFileSync(fixture('landscape'));
		const FOLDER = 'folder-1234567890';
		world.drive.files.set(FOLDER, { name: 'Clips', mimeType: 'application/vnd.google-apps.folder' });
		world.drive.files.set('drive-file-1', { name: 'one.mp4', mimeType: 'video/mp4', content, parents: [FOLDER] });
		world.drive.files.set('drive-document', { name: 'Script', mimeType: 'application/vnd.google-apps.document', parents: [FOLDER] });
		const parameters = { operation: 'ingest', source: 'googleDriveFolder', folderId: { __rl: true, mode: 'id', value: FOLDER }, onlyNew: true };
		const workflow = new WorkflowBuilder('drive folder').webhook().media('Ingest', 'mediaIngest', parameters).failTo('Ingest').nothing('After');
		const stored = await world.deploy(workflow);
		const run = async () => world.result(await world.fire(workflow, stored, {}));

		const first = await run();
		expect(first.error?.message).toBeUndefined();
		expect(done(first, 'After')).toMatchObject([{ operation: 'ingest', mime: 'video/mp4' }]);
		world.drive.files.set('drive-file-2', { name: 'two.mp4', mimeType: 'video/mp4', content, parents: [FOLDER] });
		const second = await run();
		expect(second.error?.message).toBeUndefined();
		expect(done(second, 'After')).toHaveLength(1);
		expect(await world.sidecar.asset(String(done(second, 'After')[0]?.asset_id))).toMatchObject({ source_id: 'drive-file-2', metadata: { file_name: 'two.mp4' } });
	});

	it('takes twenty addresses as one call, and one that is named twice once', async () => {
		const workflow = new WorkflowBuilder('twenty').webhook().items().media('Ingest', 'mediaIngest', { operation: 'ingest', source: 'url', fileUrl: '={{ $json.url }}' }).failTo('Ingest').nothing('After');
		const stored = await world.deploy(workflow);
		world.requests.passed.length = 0;
		const items = [...names, 'clip-0.mp4'].map((name) => ({ url: url(name) }));
		const result = await world.result(await world.fire(workflow, stored, { items }));
		expect(result.error?.message).toBeUndefined();
		expect(submissions(world)).toHaveLength(1);
		const assets = done(result, 'After').map(({ asset_id: id }) => id);
		expect([assets.length, new Set(assets).size, assets.at(-1) === assets[0]]).toEqual([20, 19, true]);
	});

	it('looks after what is in the library', async () => {
		const asset = "={{ $('Ingest').first().json.asset_id }}";
		const chosen = { __rl: true, mode: 'id', value: asset };
		const workflow = new WorkflowBuilder('library')
			.webhook()
			.media('Ingest', 'mediaIngest', { operation: 'ingest', source: 'url', fileUrl: url('speech.mp4'), options: { title: 'Before', tags: 'interview, ada', metadata: '{"a": 1}' } })
			.failTo('Ingest')
			.media('Update', 'mediaIngest', { operation: 'updateAsset', asset: chosen, fields: { title: 'After', tags: '', metadata: '{"a": null, "b": 2}' } })
			.failTo('Update')
			.media('Get', 'mediaIngest', { operation: 'getAsset', asset: chosen })
			.failTo('Get')
			.media('List', 'mediaIngest', { operation: 'listAssets', limit: 5, filters: { name: 'After', fileType: 'video', createdAfter: '2020-01-01T00:00:00' } })
			.failTo('List')
			.media('Link', 'mediaIngest', { operation: 'createUploadLink', fileName: 'a.mp4', fileSize: readFileSync(fixture('portrait')).length, mimeType: 'video/mp4', options: { title: 'By link' } })
			.failTo('Link')
			.media('Delete', 'mediaIngest', { operation: 'deleteAsset', asset: chosen })
			.failTo('Delete')
			.media('Gone', 'mediaIngest', { operation: 'getAsset', asset: chosen }, { onError: 'continueRegularOutput' });
		const stored = await world.deploy(workflow);
		const result = await world.result(await world.fire(workflow, stored, {}));
		expect(result.error?.message).toBeUndefined();
		const [id] = done(result, 'Ingest').map(({ asset_id }) => asset_id);
		expect(done(result, 'Get')).toMatchObject([{ id, title: 'After', tags: [], metadata: { b: 2, file_name: 'speech.mp4' } }]);
		expect(done(result, 'List').map((one) => one.id)).toEqual([id]);
		expect(done(result, 'Delete')).toMatchObject([{ asset_id: id, deleted: true }]);
		expect(done(result, 'Gone')).toEqual([]);
		expect(result.runs.Gone?.[0]?.data?.main[1]?.[0]?.json).toMatchObject({ status: 'failed', message: expect.stringContaining('There is no asset') as string });

		const [link] = done(result, 'Link') as Array<{ asset_id: string; upload_url: string; method: string; headers: Record<string, string> }>;
		const uploaded = await fetch(link!.upload_url, { method: link!.method, headers: link!.headers, body: readFileSync(fixture('portrait')) });
		expect(uploaded.status).toBeLessThan(300);
		await waitFor(async () => (await world.sidecar.asset(link!.asset_id)).status === 'ready', { what: 'the upload to be ready', explain: () => world.logs() });
		expect(await world.sidecar.asset(link!.asset_id)).toMatchObject({ title: 'By link', width: expect.any(Number) as number });
	});

	it('waits when it has asked too often, and goes on', async () => {
		const workflow = new WorkflowBuilder('too often').webhook().items().media('List', 'mediaIngest', { operation: 'listAssets', limit: 1 }).failTo('List');
		const stored = await world.deploy(workflow);
		await world.killSidecar();
		await world.startSidecar({ API_REQUESTS_PER_MINUTE: '10' });
		world.requests.passed.length = 0;
		const result = await world.result(await world.fire(workflow, stored, { items: Array.from({ length: 15 }, (_, index) => ({ index })) }));
		expect(result.error?.message).toBeUndefined();
		expect(result.status).toBe('success');
		expect(done(result, 'List')).toHaveLength(15);
		expect(world.requests.passed.some(({ answer }) => answer?.status === 429)).toBe(true);
	});
});
