import { fixture, SPEECH_TEXT } from '../fixtures/media.ts';
import { download, probeFile } from './harness/probe-file.ts';
import { parseSrt } from './harness/srt.ts';
import { waitFor } from './harness/wait.ts';
import { workflowId } from '../../scripts/lib/seed-n8n.ts';
import { World } from './harness/world.ts';

/** The whole way: a request to the sidecar, the two workflow templates in n8n, posts on the platforms. */
describe('a video on its way from a URL to published posts', () => {
	let world: World;
	beforeAll(async () => {
		world = await World.start({ 'speech.mp4': fixture('speech') });
		world.openai.transcript = {
			text: SPEECH_TEXT,
			language: 'english',
			segments: SPEECH_TEXT.split('. ').map((text, index) => ({ start: index * 3, end: index * 3 + 2.5, text })),
		};
		await world.importTemplates();
	});
	afterAll(async () => {
		await world?.close();
	});

	it('is processed and distributed by the two webhooks, with one post per platform', async () => {
		const { asset, jobs } = await world.sidecar.process({
			original_url: `${world.files.url}/speech.mp4`,
			operations: ['thumbnail', 'compress', 'transcribe', 'caption'],
			params: { compress: { height: 360 }, caption: { platforms: ['x', 'mastodon'] } },
			metadata: { platforms: ['x', 'mastodon'] },
		});
		expect(jobs.map(({ job_type: type }) => type)).toEqual(['thumbnail', 'compress', 'transcribe', 'caption']);
		const explain = async () => `${JSON.stringify(await world.sidecar.processView(asset.id), null, 1)}\n${await world.logs()}`;
		await waitFor(async () => (await world.sidecar.posts(asset.id)).filter(({ status }) => status === 'published').length === 2, { what: 'both posts', explain });

		const view = await world.sidecar.processView(asset.id);
		expect(view.progress).toEqual({ total: 4, completed: 4, failed: 0 });
		expect(view.asset.status).toBe('processed');
		const output = (type: string) => view.jobs.find(({ job_type: name }) => name === type)?.output_data ?? {};

		const picture = await probeFile(String(output('thumbnail').thumbnail_url), world.folder);
		expect(picture.video).toMatchObject({ codec: 'mjpeg' });
		const video = await probeFile(String(output('compress').processed_url), world.folder);
		expect(video).toMatchObject({ mime: 'video/mp4', video: { codec: 'h264', width: 640, height: 360 }, audio: { codec: 'aac' } });
		expect(video.seconds).toBeCloseTo(10, 0);

		const subtitles = output('transcribe').files?.find(({ name }) => name.endsWith('.srt'));
		const cues = parseSrt((await download(String(subtitles?.url))).bytes.toString('utf8'));
		expect(cues.map(({ text }) => text).join(' ')).toContain('green tea');
		expect(cues.at(-1)?.end).toBeLessThanOrEqual(10.5);

		const posts = await world.sidecar.posts(asset.id);
		expect(posts.map(({ platform }) => platform).sort()).toEqual(['mastodon', 'x']);
		expect([world.x.posts.length, world.x.publicCalls]).toEqual([1, 1]);
		expect([world.mastodon.posts.length, world.mastodon.publicCalls]).toEqual([1, 1]);
		expect(world.x.posts[0]).toMatchObject({ id: posts.find(({ platform }) => platform === 'x')?.external_post_id });
		expect(world.x.posts[0]?.text).not.toBe('');
		// The compressed file, byte for byte.
		expect(world.x.posts[0]?.media.map(({ bytes }) => bytes.length)).toEqual([video.bytes]);
		expect(world.mastodon.posts[0]?.media.map(({ bytes }) => bytes.length)).toEqual([video.bytes]);

		for (const file of ['process-media.json', 'distribute-media.json']) {
			const executions = await waitFor(
				async () => {
					const all = await world.n8n.listExecutions(workflowId(file));
					return all.every(({ status }) => status === 'success' || status === 'error') && all;
				},
				{ what: `the execution of ${file} to end`, explain },
			);
			expect(executions.map(({ status }) => status)).toEqual(['success']);
		}
		expect((await world.sidecar.callbacks()).map(({ kind, status }) => [kind, status])).toEqual(
			expect.arrayContaining([
				['process', 'delivered'],
				['distribute', 'delivered'],
			]),
		);
	});

	it('writes down what is said though no job of the picture succeeded', async () => {
		const { asset } = await world.sidecar.process({
			original_url: `${world.files.url}/speech.mp4`,
			operations: ['trim', 'transcribe'],
			// It is ten seconds long.
			params: { trim: { start: 1000 } },
		});
		const explain = async () => `${JSON.stringify(await world.sidecar.processView(asset.id), null, 1)}\n${await world.logs()}`;
		await waitFor(async () => (await world.sidecar.processView(asset.id)).asset.status === 'failed', { what: 'the asset to be told failed', explain });
		expect((await world.sidecar.processView(asset.id)).jobs.map(({ job_type: type, status }) => [type, status])).toEqual([
			['trim', 'failed'],
			['transcribe', 'completed'],
		]);
	});
});
