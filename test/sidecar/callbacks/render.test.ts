import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { fit, renderCallback } from '../../../sidecar/src/callbacks/render.ts';
import { batchCallbackSchema, jobCallbackSchema } from '../../../sidecar/src/contract/views.ts';
import type { CallbackRow } from '../../../sidecar/src/db/callbacks.ts';
import { assets, files, jobs, type JobStatus } from '../../../sidecar/src/db/schema.ts';
import { runJob } from '../../../sidecar/src/pipeline/run.ts';
import { createTestPipeline, failing, noop, task, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

const never = new AbortController().signal;
const kB = (count: number) => 'x'.repeat(count * 1024);

describe('fit', () => {
	const output = { text: 'hello', segments: [kB(30)], words: [kB(50)], few: [1, 2], files: [{ name: kB(5) }] };

	it('leaves what fits as it is', () => {
		expect(fit(output, 100 * 1024)).toBe(output);
	});

	it('leaves out the largest list, then the next, until the rest fits, and names them', () => {
		expect(fit(output, 60 * 1024)).toEqual({ text: 'hello', segments: output.segments, few: [1, 2], files: output.files, omitted: ['words'] });
		expect(fit(output, 10 * 1024)).toEqual({ text: 'hello', few: [1, 2], files: output.files, omitted: ['words', 'segments'] });
		expect(output.words).toHaveLength(1);
	});

	it('never leaves out files or what is no list', () => {
		expect(fit({ text: kB(9), files: [kB(9)], words: [1] }, 1024)).toEqual({ text: kB(9), files: [kB(9)], omitted: ['words'] });
	});

	it('counts bytes, not characters', () => {
		expect(fit({ words: ['ü'.repeat(600)] }, 1024)).toEqual({ omitted: ['words'] });
	});
});

describe('the body of a callback', () => {
	let pipeline: TestPipeline;
	beforeAll(async () => {
		pipeline = await createTestPipeline({
			operations: [noop(), failing('bad', 'input_corrupt'), task('wordy', async () => ({ text: 'short', segments: [kB(40)], words: [kB(50)] }))],
		});
	});
	afterAll(() => pipeline.close());

	const render = (row: Pick<CallbackRow, 'kind'> & Partial<CallbackRow>) =>
		renderCallback(pipeline.deps.db, { batchId: null, assetId: null, payload: {}, workspaceId: WORKSPACE, ...row } as CallbackRow, pipeline.deps.fileUrl);
	const run = async (submitted: { jobs: Array<{ id: string }> }) => {
		for (const { id } of submitted.jobs) await runJob(pipeline.deps, id, never);
	};
	const processed = async (metadata: Record<string, unknown> = {}) => {
		const { db } = pipeline.deps;
		const id = randomUUID();
		await db.insert(assets).values({ id, workspaceId: WORKSPACE, source: 'url', originalUrl: 'https://a.test/b.mp4', status: 'processed', fileType: 'video', metadata });
		const job = (itemIndex: number, jobType: string, status: JobStatus, output: Record<string, unknown> | null) => ({
			id: randomUUID(), workspaceId: WORKSPACE, assetId: id, process: true, itemIndex, jobType, status, params: { note: jobType }, output, createdAt: new Date(itemIndex),
		});
		const made = [job(1, 'compress', 'completed', { reason: 'too tall' }), job(2, 'caption', 'completed', { captions: [{ text: 'Look!' }], words: [kB(70)] })];
		await db.insert(jobs).values(made);
		await db.insert(files).values({ id: randomUUID(), workspaceId: WORKSPACE, assetId: id, jobId: made[0]!.id, name: 'a.mp4', storageKey: `jobs/${id}/a.mp4`, mime: 'video/mp4', bytes: 3 });
		return { id, jobIds: made.map((one) => one.id) };
	};

	it('of a batch has every job in the order of the items, with fresh links and without long lists', async () => {
		const submitted = await pipeline.submit({ items: ['noop', 'bad', 'wordy'].map((operation) => ({ operation, params: {} })) });
		await run(submitted);
		const body = await render({ kind: 'batch', batchId: submitted.batchId });
		expect(batchCallbackSchema.strict().parse(body)).toEqual(body);
		expect(body).toMatchObject({
			type: 'batch.finished',
			batch_id: submitted.batchId,
			status: 'partial',
			jobs: [
				{ job_id: submitted.jobs[0]!.id, item_index: 0, operation: 'noop', status: 'completed', output_data: { ok: true }, error: null },
				{ item_index: 1, status: 'failed', output_data: null, error: { code: 'input_corrupt' } },
				{ item_index: 2, output_data: { text: 'short', segments: [expect.any(String)], omitted: ['words'] } },
			],
		});
	});

	it('of a large batch stays small enough for n8n', async () => {
		const submitted = await pipeline.submit({ items: Array.from({ length: 300 }, () => ({ operation: 'noop', params: {} })) });
		await pipeline.deps.db.update(jobs).set({ status: 'completed', output: { text: 'short', words: [kB(60)] } }).where(eq(jobs.batchId, submitted.batchId));
		const body = await render({ kind: 'batch', batchId: submitted.batchId });
		expect(JSON.stringify(body).length).toBeLessThan(8 * 1024 * 1024);
		expect(body).toMatchObject({ jobs: { length: 300 }, status: 'completed' });
	});

	it('of a large batch of long texts leaves out those that n8n would not take, and names them', async () => {
		const submitted = await pipeline.submit({ items: Array.from({ length: 120 }, () => ({ operation: 'noop', params: {} })) });
		await pipeline.deps.db.update(jobs).set({ status: 'completed', output: { transcription: kB(160), language: 'en', words: [kB(60)] } }).where(eq(jobs.batchId, submitted.batchId));
		const body = await render({ kind: 'batch', batchId: submitted.batchId });
		expect(JSON.stringify(body).length).toBeLessThan(16 * 1024 * 1024);
		expect(body).toMatchObject({ jobs: { 0: { output_data: { language: 'en', omitted: ['words', 'transcription'] } } } });
		await pipeline.deps.db.update(jobs).set({ output: { transcription: kB(20), language: 'en' } }).where(eq(jobs.batchId, submitted.batchId));
		expect(await render({ kind: 'batch', batchId: submitted.batchId })).toMatchObject({ jobs: { 0: { output_data: { transcription: kB(20) } } } });
	});

	it("of one job has the caller's own reference as its id, where one was given", async () => {
		const named = await pipeline.submit({ kind: 'job', items: [{ operation: 'noop', job_id: 'mine-7', params: {} }] });
		const unnamed = await pipeline.submit({ kind: 'job', items: [{ operation: 'bad', params: {} }] });
		await run(named);
		await run(unnamed);
		const body = await render({ kind: 'job', batchId: named.batchId });
		expect(jobCallbackSchema.strict().parse(body)).toEqual({ job_id: 'mine-7', status: 'completed', output_data: { ok: true }, error: null });
		expect(await render({ kind: 'job', batchId: unnamed.batchId })).toMatchObject({ job_id: unnamed.jobs[0]!.id, status: 'failed', output_data: null, error: { code: 'input_corrupt' } });
	});

	it("to n8n's process workflow names the jobs to start, their parameters and the media", async () => {
		const { id, jobIds } = await processed({ campaign: 'launch' });
		expect(await render({ kind: 'process', assetId: id })).toMatchObject({
			action: 'process_media',
			asset_id: id,
			workspace_id: WORKSPACE,
			file_url: 'https://a.test/b.mp4',
			file_type: 'video',
			metadata: { campaign: 'launch' },
			operations: ['compress', 'caption'],
			jobs: [{ job_id: jobIds[0], operation: 'compress', params: { note: 'compress' } }, { job_id: jobIds[1], operation: 'caption' }],
		});
	});

	it("to n8n's distribute workflow has the outputs by operation, the platforms, and the text to post", async () => {
		const { id } = await processed({ target_platforms: ['x', 7, 'mastodon'] });
		expect(await render({ kind: 'distribute', assetId: id })).toMatchObject({
			action: 'upload_media',
			asset_id: id,
			platforms: ['x', 'mastodon'],
			text: 'Look!',
			outputs: {
				compress: { reason: 'too tall', processed_url: `http://files.test/jobs/${id}/a.mp4`, files: [{ name: 'a.mp4' }] },
				caption: { captions: [{ text: 'Look!' }], omitted: ['words'] },
			},
		});
	});

	it("to n8n's distribute workflow prefers the user's own text, and what a request passed on", async () => {
		const { id } = await processed({ text: 'My own words', platforms: ['x'] });
		expect(await render({ kind: 'distribute', assetId: id })).toMatchObject({ text: 'My own words', platforms: ['x'] });
		expect(await render({ kind: 'distribute', assetId: id, payload: { text: 'Of the request', platforms: ['mastodon'] } })).toMatchObject({ text: 'Of the request', platforms: ['mastodon'] });
	});

	it('of a processed asset has the asset and its jobs', async () => {
		const { id, jobIds } = await processed();
		expect(await render({ kind: 'asset', assetId: id })).toMatchObject({
			type: 'asset.processed',
			asset_id: id,
			asset: { id, status: 'processed', processed_url: `http://files.test/jobs/${id}/a.mp4` },
			jobs: [{ id: jobIds[0], output_data: { reason: 'too tall' } }, { id: jobIds[1], output_data: { omitted: ['words'] } }],
		});
	});

	it('is none when what it speaks of is gone, or belongs to another workspace', async () => {
		const { id } = await processed();
		for (const kind of ['batch', 'job', 'process', 'distribute', 'asset'] as const) {
			expect(await render({ kind })).toBeNull();
			expect(await render({ kind, assetId: randomUUID(), batchId: randomUUID() })).toBeNull();
		}
		expect(await render({ kind: 'asset', assetId: id, workspaceId: 'other' })).toBeNull();
	});
});
