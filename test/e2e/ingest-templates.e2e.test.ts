import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredWorkflow, WorkflowFile, WorkflowNode } from '../../scripts/lib/n8n-api.ts';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { audioFixture } from '../fixtures/audio.ts';
import { fixture, SPEECH_TEXT } from '../fixtures/media.ts';
import { probeFile } from './harness/probe-file.ts';
import { waitFor } from './harness/wait.ts';
import { World, type Execution } from './harness/world.ts';

/** Seconds between the publishing of a template and its hour. */
const SOON = 15;

/** The templates that fetch what is new by the clock, from their schedule to their last node. */
describe('the templates that fetch what is new', () => {
	let world: World;
	let folder = '';
	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), 'media-pipeline-feed-'));
		world = await World.start({ 'episode-1.mp4': fixture('speech'), 'episode-2.mp3': audioFixture('speechMp3'), 'feed.xml': join(folder, 'feed.xml') });
		await world.addCredential({ name: 'Drive', type: 'googleDriveOAuth2Api', data: { clientId: 'e2e', clientSecret: 'e2e', oauthTokenData: { access_token: 'valid-token', token_type: 'bearer' } } });
		world.openai.transcript = { text: SPEECH_TEXT, language: 'english', segments: [{ start: 0, end: 9, text: SPEECH_TEXT }] };
	});
	afterAll(async () => {
		await world?.close();
		await rm(folder, { recursive: true, force: true });
	});

	const items = ({ runs }: Execution, node: string, output = 0) => (runs[node]?.[0]?.data?.main[output] ?? []).map(({ json }) => json);
	const cron = (expression: string) => ({ rule: { interval: [{ field: 'cronExpression', expression }] } });
	const isSchedule = ({ type }: WorkflowNode) => type.endsWith('.scheduleTrigger');
	/** As its users fill it in, and not yet due. */
	const deploy = async (name: string, filledIn: Record<string, object>): Promise<StoredWorkflow> => {
		const file = JSON.parse(readFileSync(join(ROOT, 'workflows', `${name}.json`), 'utf8')) as WorkflowFile;
		const nodes = file.nodes.map((node) => ({ ...node, parameters: { ...node.parameters, ...(isSchedule(node) ? cron('0 0 29 2 *') : filledIn[node.name]) } }));
		return await world.deploy({ ...file, nodes });
	};
	/** Its schedule comes due in a few seconds, and it is published until it has been started for the `nth` time. */
	const onSchedule = async (stored: StoredWorkflow, nth: number): Promise<Execution> => {
		const now = await world.n8n.getWorkflow(stored.id);
		if (!now) throw new Error('the workflow must be there');
		// The hour does not matter, and minutes are the same in most places; n8n's clock need not be this machine's.
		const at = new Date(Date.now() + SOON * 1000);
		const nodes = now.nodes.map((node) => (isSchedule(node) ? { ...node, parameters: cron(`${at.getUTCSeconds()} ${at.getUTCMinutes()} * * * *`) } : node));
		await world.n8n.updateWorkflow(stored.id, { ...now, nodes });
		await world.n8n.activateWorkflow(stored.id);
		const execution = (await world.ended(stored.id, nth)).at(-1);
		await world.n8n.deactivateWorkflow(stored.id);
		if (!execution) throw new Error('there must be an execution');
		return execution;
	};

	it('compress what lies in a folder of Google Drive and below it, and only what came since', async () => {
		const FOLDER = 'folder-1234567890';
		const content = readFileSync(fixture('hd'));
		world.drive.files.set(FOLDER, { name: 'Clips', mimeType: 'application/vnd.google-apps.folder' });
		world.drive.files.set('folder-below', { name: 'Below', mimeType: 'application/vnd.google-apps.folder', parents: [FOLDER] });
		world.drive.files.set('drive-file-1', { name: 'one.mp4', mimeType: 'video/mp4', content, parents: [FOLDER] });
		world.drive.files.set('drive-file-2', { name: 'two.mp4', mimeType: 'video/mp4', content: readFileSync(fixture('portrait')), parents: ['folder-below'] });
		world.drive.files.set('drive-picture', { name: 'logo.png', mimeType: 'image/png', content: readFileSync(fixture('png')), parents: [FOLDER] });
		const stored = await deploy('drive-folder-batch', { 'Fetch What Is New': { folderId: { __rl: true, mode: 'id', value: FOLDER } } });

		const first = await onSchedule(stored, 1);
		expect([first.status, first.mode, first.error]).toEqual(['success', 'trigger', null]);
		const [summary] = items(first, 'Summary') as Array<{ fetched: number; compressed: number; files: Array<{ asset_id: string; url: string; megabytes: number }> }>;
		expect(summary).toMatchObject({ fetched: 3, compressed: 2 });
		const probed = await Promise.all((summary?.files ?? []).map(({ url }) => probeFile(url, world.folder)));
		expect(probed.map(({ video }) => [video?.codec, video?.height])).toEqual([
			['h264', 720],
			['h264', 720],
		]);
		expect((await Promise.all(items(first, 'Fetch What Is New').map(({ asset_id: id }) => world.sidecar.asset(String(id))))).map(({ metadata }) => metadata?.file_name).sort()).toEqual(['logo.png', 'one.mp4', 'two.mp4']);

		const nothing = await onSchedule(stored, 2);
		expect([nothing.status, nothing.runs['Videos Only'], nothing.runs.Summary]).toEqual(['success', undefined, undefined]);

		world.drive.files.set('drive-file-3', { name: 'three.mp4', mimeType: 'video/mp4', content: readFileSync(fixture('landscape')), parents: ['folder-below'] });
		const third = await onSchedule(stored, 3);
		expect([third.status, items(third, 'Summary')]).toMatchObject(['success', [{ fetched: 1, compressed: 1 }]]);
	});

	it('write down what is said in new episodes of a feed, so that it can be searched', async () => {
		const feed = (...episodes: string[]) =>
			writeFileSync(
				join(folder, 'feed.xml'),
				`<rss version="2.0"><channel><title>Tea talk</title>${episodes.map((name) => `<item><title>About ${name}</title><guid isPermaLink="false">${name}</guid><enclosure url="${world.files.url}/${name}" type="${name.endsWith('3') ? 'audio/mpeg' : 'video/mp4'}" length="1"/></item>`).join('')}</channel></rss>`,
			);
		const stored = await deploy('rss-to-library', { 'Fetch New Episodes': { feedUrl: `${world.files.url}/feed.xml` } });

		feed('episode-1.mp4');
		const first = await onSchedule(stored, 1);
		expect([first.status, first.mode, first.error]).toEqual(['success', 'trigger', null]);
		expect(items(first, 'In the Library').map(({ operation, status }) => [operation, status])).toEqual([
			['transcribe', 'completed'],
			['index_asset', 'completed'],
		]);

		feed('episode-2.mp3', 'episode-1.mp4');
		const second = await onSchedule(stored, 2);
		expect([second.status, second.error]).toEqual(['success', null]);
		const [episode] = items(second, 'Fetch New Episodes');
		expect(await world.sidecar.asset(String(episode?.asset_id))).toMatchObject({ title: 'About episode-2.mp3', file_type: 'audio', tags: [{ tag: 'podcast', source: 'person' }] });
		expect(items(second, 'In the Library')).toHaveLength(2);

		const { results } = await world.sidecar.request<{ results: Array<{ asset_id: string }> }>('GET', '/api/media/assets/search?q=green%20tea');
		const known = [first, second].map((execution) => items(execution, 'Fetch New Episodes')[0]?.asset_id);
		expect(results.map(({ asset_id: id }) => id)).toEqual(expect.arrayContaining(known));
	});

	it('end with a message that names the file when one cannot be fetched', async () => {
		writeFileSync(
			join(folder, 'feed.xml'),
			`<rss version="2.0"><channel><title>Gone</title><item><title>Gone</title><guid isPermaLink="false">gone</guid><enclosure url="${world.files.url}/gone.mp4" type="video/mp4" length="1"/></item></channel></rss>`,
		);
		const stored = await deploy('rss-to-library', { 'Fetch New Episodes': { feedUrl: `${world.files.url}/feed.xml` } });
		const failed = await onSchedule(stored, 1);
		expect(failed.status).toBe('error');
		expect(failed.error?.message).toMatch(/An episode could not be taken in: .*gone\.mp4.* \(code \w+, job /);
		await waitFor(async () => (await world.sidecar.jobs()).every(({ completed_at: ended }) => ended !== null), { what: 'all jobs to end' });
	});
});
