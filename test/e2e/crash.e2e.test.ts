import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixture } from '../fixtures/media.ts';
import { resumeCalls, submissions } from './harness/callbacks.ts';
import { probeFile } from './harness/probe-file.ts';
import { waitFor } from './harness/wait.ts';
import { WorkflowBuilder } from './harness/workflow.ts';
import { World } from './harness/world.ts';

/** What happens when one side goes away while the other works for it. */
describe('a restart in the middle of a job', () => {
	let world: World;
	let folder: string;
	beforeAll(async () => {
		// Made here, because only these tests need work of several seconds on any machine.
		folder = await mkdtemp(join(tmpdir(), 'media-pipeline-long-'));
		const long = join(folder, 'long.mp4');
		execFileSync('ffmpeg', ['-v', 'error', '-y', '-stream_loop', '2', '-i', fixture('hd'), '-c', 'copy', long]);
		world = await World.start({ 'n8n-away.mp4': long, 'sidecar-away.mp4': long });
	});
	afterAll(async () => {
		await world?.close();
		await rm(folder, { recursive: true, force: true });
	});
	afterEach(() => {
		world.callbacks.passed.length = 0;
		world.requests.passed.length = 0;
	});

	/** Another quality for each test: a result that exists already would be returned at once. */
	const compressing = (name: string, crf: number) =>
		new WorkflowBuilder(name)
			.webhook()
			.media('Compress', 'mediaTranscode', { operation: 'compress', source: 'url', fileUrl: `${world.files.url}/${name.replace(' ', '-')}.mp4`, height: 720, crf })
			.failTo('Compress')
			.nothing('Done');

	/** The job of the only submission so far, once ffmpeg works on it. */
	async function jobAtWork(executionId: string): Promise<string> {
		await world.waitForStatus(executionId, 'waiting', 'error');
		const accepted = submissions(world)[0]?.answer;
		if (!accepted) throw new Error(`nothing was submitted: ${(await world.execution(executionId)).error?.message}`);
		const [job] = (JSON.parse(accepted.body) as { jobs: Array<{ id: string }> }).jobs;
		if (!job) throw new Error('the batch has no job');
		await waitFor(
			async () => {
				const { status, progress } = await world.sidecar.job(job.id);
				if (status !== 'pending' && status !== 'processing') throw new Error(`the job is ${status} already: the video is too short for this test`);
				return status === 'processing' && progress > 0;
			},
			{ what: 'ffmpeg to work on the job', explain: () => world.logs() },
		);
		return job.id;
	}

	it('ends well when n8n is stopped while the job runs, and started again', async () => {
		const workflow = compressing('n8n away', 23);
		const stored = await world.deploy(workflow);
		const id = await world.fire(workflow, stored, {});
		const jobId = await jobAtWork(id);
		await world.stopN8n();
		await waitFor(async () => (await world.sidecar.job(jobId)).status === 'completed', { what: 'the job to complete', explain: () => world.logs() });
		await waitFor(async () => resumeCalls(world).length > 0, { what: 'a first try to call back', explain: () => world.logs() });
		expect(resumeCalls(world).every(({ answer }) => answer === null)).toBe(true);

		await world.startN8n();
		const result = await world.result(id);
		expect(result.status).toBe('success');
		expect(result.runs.Done).toHaveLength(1);
		expect(resumeCalls(world).filter(({ answer }) => answer?.status === 200)).toHaveLength(1);
	});

	it('ends well when the sidecar is killed in the middle of a transcode, and started again', async () => {
		const workflow = compressing('sidecar away', 24);
		const stored = await world.deploy(workflow);
		const id = await world.fire(workflow, stored, {});
		const jobId = await jobAtWork(id);
		await world.killSidecar();
		await world.startSidecar();

		const result = await world.result(id);
		expect(result.status).toBe('success');
		const [item] = result.runs.Compress?.[0]?.data?.main[0] ?? [];
		expect(item?.json).toMatchObject({ job_id: jobId, status: 'completed' });
		const file = await probeFile(String(item?.json.processed_url), world.folder);
		expect(file.video).toMatchObject({ codec: 'h264', height: 720 });
		expect(file.seconds).toBeCloseTo(30, 0);
		expect((await world.sidecar.job(jobId)).attempts).toBeGreaterThanOrEqual(2);
	});
});
