import { createReadStream } from 'node:fs';
import { fixture } from '../../fixtures/media.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';
import { until } from '../../support/pipeline.ts';
import { key, startTestSidecar, type Answer, type TestSidecar } from '../../support/sidecar.ts';

interface PipelineAnswer {
	name: string;
	version: number;
	steps: Array<{ operation: string; params: Record<string, unknown> }>;
	pipelines: Array<{ name: string; version: number }>;
	error: { code: string; message: string; details: { problems: Array<{ field: string }> } };
}

describe('named pipelines', () => {
	let files: TestServer;
	let sidecar: TestSidecar;
	const source = (name: Parameters<typeof fixture>[0]): string => `${files.url}/${name}`;
	const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<{ status: number; body: PipelineAnswer }> => {
		const { status, body: answer } = await sidecar.call(method, path, body, headers);
		return { status, body: answer as unknown as PipelineAnswer };
	};
	const done = async (assetId: string): Promise<Answer> => {
		await until(async () => ['processed', 'failed'].includes((await sidecar.call('GET', `/api/media/process?asset_id=${assetId}`)).body.asset.status), 'the asset is done');
		return (await sidecar.call('GET', `/api/media/process?asset_id=${assetId}`)).body;
	};

	beforeAll(async () => {
		files = await startServer((request, response) => void createReadStream(fixture((request.url ?? '/').slice(1) as Parameters<typeof fixture>[0])).pipe(response));
		sidecar = await startTestSidecar({ ALLOWED_PRIVATE_HOSTS: files.host });
	});
	afterAll(async () => {
		await sidecar.close();
		await files.close();
	});

	describe('are kept', () => {
		it('as versions, of which the newest holds', async () => {
			const first = await call('PUT', '/api/media/pipelines/podcast', { steps: [{ operation: 'waveform' }] });
			expect(first).toMatchObject({ status: 200, body: { name: 'podcast', version: 1, steps: [{ operation: 'waveform', params: {} }] } });
			const second = await call('PUT', '/api/media/pipelines/podcast', { description: 'Quiet', steps: [{ operation: 'loudness' }] });
			expect(second.body.version).toBe(2);
			expect((await call('GET', '/api/media/pipelines/podcast')).body.steps[0]?.operation).toBe('loudness');
			expect((await call('GET', '/api/media/pipelines/podcast@1')).body.steps[0]?.operation).toBe('waveform');
			const list = await call('GET', '/api/media/pipelines');
			expect(list.body.pipelines.map(({ name, version }) => [name, version])).toEqual([['default', 0], ['podcast', 2]]);
		});

		it('once for a request that is sent twice', async () => {
			const headers = { 'idempotency-key': key() };
			const body = { steps: [{ operation: 'probe' }] };
			await call('PUT', '/api/media/pipelines/once', body, headers);
			expect((await call('PUT', '/api/media/pipelines/once', body, headers)).body.version).toBe(1);
			expect((await call('GET', '/api/media/pipelines/once')).body.version).toBe(1);
		});

		it('with numbers of their own when they are saved at the same time', async () => {
			const versions = await Promise.all(Array.from({ length: 8 }, () => call('PUT', '/api/media/pipelines/busy', { steps: [{ operation: 'probe' }] })));
			expect(versions.map(({ body }) => body.version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
		});

		it('until they are deleted; what names a version finds it still', async () => {
			await call('PUT', '/api/media/pipelines/gone', { steps: [{ operation: 'probe' }] });
			expect((await call('DELETE', '/api/media/pipelines/gone')).status).toBe(200);
			expect((await call('DELETE', '/api/media/pipelines/gone')).status).toBe(404);
			expect(await call('GET', '/api/media/pipelines/gone')).toMatchObject({ status: 404, body: { error: { code: 'not_found', message: expect.stringContaining('default') } } });
			expect((await call('GET', '/api/media/pipelines/gone@1')).status).toBe(200);
			expect((await call('PUT', '/api/media/pipelines/gone', { steps: [{ operation: 'probe' }] })).body.version).toBe(2);
		});
	});

	it.each(['constructor', 'toString', '__proto__', 'default@abc', 'default@99999999999', 'default@1@2', '@3', 'default@', 'x'.repeat(300)])('are not there under the name %s', async (name) => {
		const { status, body } = await call('GET', `/api/media/pipelines/${name}`);
		expect([status, body.error.code]).toEqual([404, 'not_found']);
		const used = await call('POST', '/api/media/process', { original_url: source('short'), pipeline: name });
		expect(used.status).toBe(name === 'constructor' ? 404 : 400);
		const settings = await call('PATCH', '/api/media/workspace/settings', { pipeline: name });
		expect(settings.status).toBe(name === 'constructor' ? 200 : 400);
		await call('PATCH', '/api/media/workspace/settings', { pipeline: null });
	});

	describe('are checked when they are saved', () => {
		it.each<[name: string, definition: unknown, field: string, words: RegExp]>([
			['no steps', { steps: [] }, 'steps', /at least|>=1|Too small/i],
			['an operation that does not exist', { steps: [{ operation: 'sharpen' }] }, 'steps.0.operation', /no operation "sharpen"/],
			['a wrong parameter', { steps: [{ operation: 'probe' }, { operation: 'compress', params: { height: -5 } }] }, 'steps.1.params.height', /height/],
			['a parameter that does not exist', { steps: [{ operation: 'compress', params: { heigth: 720 } }] }, 'steps.0.params.heigth', /no such field/],
			['a post', { steps: [{ operation: 'publish' }] }, 'steps.0.operation', /tokens.*destinations/],
			['the ingest', { steps: [{ operation: 'ingest' }] }, 'steps.0.operation', /by itself/],
			['a condition that can never hold', { steps: [{ operation: 'thumbnail', when: { file_type: 'audio' } }] }, 'steps.0.when.file_type', /never run/],
			['a condition that does not exist', { steps: [{ operation: 'probe', when: { weather: 'fine' } }] }, 'steps.0.when.weather', /no such field/],
			['bounds that cross', { steps: [{ operation: 'probe', when: { min_width: 800, max_width: 400 } }] }, 'steps.0.when.max_width', /never run/],
			['a guard that may be left out', { steps: [{ operation: 'safety_scan', optional: true }, { operation: 'probe' }] }, 'steps.0.optional', /guards nothing/],
			['a platform that does not exist', { steps: [{ operation: 'probe' }], destinations: { platforms: ['myspace'] } }, 'destinations.platforms.0', /no platform "myspace"/],
		])('%s is refused', async (_name, definition, field, words) => {
			const { status, body } = await call('PUT', '/api/media/pipelines/wrong', definition);
			expect(status).toBe(400);
			expect(body.error.details.problems.map((problem) => problem.field)).toContain(field);
			expect(body.error.message).toMatch(words);
			expect((await call('GET', '/api/media/pipelines/wrong')).status).toBe(404);
		});

		it.each(['Podcast', '1st', 'a b', 'x'.repeat(64), '..%2Fetc'])('the name %s is refused', async (name) => {
			const { status, body } = await call('PUT', `/api/media/pipelines/${name}`, { steps: [{ operation: 'probe' }] });
			expect([status, body.error.code]).toEqual([400, 'invalid_request']);
		});
	});

	describe('are used by POST /api/media/process', () => {
		it('does what the pipeline says, passes over steps whose condition does not hold, and takes other parameters from the request', async () => {
			await call('PUT', '/api/media/pipelines/web', {
				steps: [
					{ operation: 'thumbnail', params: { width: 160 }, when: { file_type: 'video' } },
					{ operation: 'image_thumbnail', when: { file_type: 'image' } },
					{ operation: 'waveform', when: { min_duration_seconds: 3600 } },
				],
				destinations: { platforms: ['x', 'mastodon'], text: 'News', metadata: { campaign: 'spring' } },
			});
			const { status, body } = await sidecar.call('POST', '/api/media/process', { original_url: source('landscape'), pipeline: 'web', params: { thumbnail: { width: 200 } }, metadata: { text: 'Mine' } });
			expect(status).toBe(202);
			const { asset, jobs } = await done(body.asset.id);
			expect(asset.error).toBeNull();
			expect(asset.status).toBe('processed');
			expect(asset.metadata).toMatchObject({ platforms: ['x', 'mastodon'], text: 'Mine', campaign: 'spring', pipeline: 'web' });
			const outputs = Object.fromEntries(jobs.map((job) => [job.job_type, job.output_data as Record<string, unknown>]));
			expect(outputs['image_thumbnail']).toEqual({ skipped: 'the source is video, not image' });
			expect(outputs['waveform']?.['skipped']).toMatch(/below 3600/);
			expect((outputs['thumbnail']?.['files'] as Array<{ width: number }>)[0]?.width).toBe(200);
		});

		it('refuses operations and a pipeline together, and a pipeline that does not exist', async () => {
			const both = await sidecar.call('POST', '/api/media/process', { original_url: source('landscape'), pipeline: 'default', operations: ['probe'] });
			expect([both.status, both.body.error.message]).toEqual([400, expect.stringContaining('either operations or a pipeline')]);
			const none = await sidecar.call('POST', '/api/media/process', { original_url: source('landscape'), pipeline: 'nowhere' });
			expect([none.status, none.body.error.code]).toEqual([404, 'not_found']);
		});

		it('runs the default one when nothing is named: what needs a provider is skipped, and the picture needs nothing else', async () => {
			const { body } = await sidecar.call('POST', '/api/media/process', { original_url: source('jpeg') });
			const { asset, jobs } = await done(body.asset.id);
			expect([asset.status, asset.error]).toEqual(['processed', null]);
			expect(Object.fromEntries(jobs.map((job) => [job.job_type, job.output_data?.['skipped'] === undefined ? 'done' : 'skipped']))).toEqual({
				thumbnail: 'skipped',
				image_thumbnail: 'done',
				preview: 'skipped',
				image_preview: 'done',
				stream: 'skipped',
				transcribe: 'skipped',
				caption: 'skipped',
			});
		});

		it('leaves an asset processed though an optional step failed, and fails it when another one does', async () => {
			const step = { operation: 'trim', params: { start: 500, duration: 5 } };
			await call('PUT', '/api/media/pipelines/lenient', { steps: [{ ...step, optional: true }, { operation: 'probe' }] });
			await call('PUT', '/api/media/pipelines/strict', { steps: [step, { operation: 'probe' }] });
			const lenient = await sidecar.call('POST', '/api/media/process', { original_url: source('landscape'), pipeline: 'lenient' });
			const strict = await sidecar.call('POST', '/api/media/process', { original_url: source('landscape'), pipeline: 'strict' });
			const kept = await done(lenient.body.asset.id);
			expect([kept.asset.status, kept.jobs.map(({ status }) => status)]).toEqual(['processed', ['failed', 'completed']]);
			expect((await done(strict.body.asset.id)).asset.status).toBe('failed');
		});
	});

	it('leave an asset failed whose bytes never came, though every step is optional', async () => {
		await call('PUT', '/api/media/pipelines/all_optional', { steps: [{ operation: 'probe', optional: true }] });
		const { body } = await sidecar.call('POST', '/api/media/process', { original_url: source('textAsMp4'), pipeline: 'all_optional' });
		const { asset } = await done(body.asset.id);
		expect([asset.status, asset.error?.code]).toEqual(['failed', 'input_not_media']);
	});

	it('say where an asset goes anew when another one is used; what people said of it stays', async () => {
		const save = async (name: string, platform: string) => call('PUT', `/api/media/pipelines/${name}`, { steps: [{ operation: 'probe' }], destinations: { platforms: [platform], metadata: { tone: name } } });
		await save('first_place', 'x');
		await save('second_place', 'mastodon');
		const { body } = await sidecar.call('POST', '/api/media/process', { original_url: source('jpeg'), pipeline: 'first_place', metadata: { note: 'mine' } });
		expect((await done(body.asset.id)).asset.metadata).toMatchObject({ platforms: ['x'], tone: 'first_place', note: 'mine' });
		await sidecar.call('POST', '/api/media/process', { asset_id: body.asset.id, pipeline: 'second_place' });
		expect((await done(body.asset.id)).asset.metadata).toMatchObject({ platforms: ['mastodon'], tone: 'second_place', pipeline: 'second_place', note: 'mine' });
		const { body: batch } = await sidecar.call('POST', '/api/media/batch', { items: [{ operation: 'ingest', file_url: source('gif'), pipeline: 'first_place', metadata: { tone: 'mine' } }] });
		const { body: asset } = await sidecar.call('GET', `/api/media/assets/${batch.jobs[0]?.asset_id}`);
		expect(asset.metadata).toMatchObject({ platforms: ['x'], tone: 'mine', pipeline: 'first_place' });
	});

	it('that the settings name and that are gone are told so', async () => {
		await call('PUT', '/api/media/pipelines/house', { steps: [{ operation: 'probe' }] });
		expect((await sidecar.call('PATCH', '/api/media/workspace/settings', { pipeline: 'house' })).status).toBe(200);
		await call('DELETE', '/api/media/pipelines/house');
		const { status, body } = await sidecar.call('POST', '/api/media/process', { original_url: source('jpeg') });
		expect([status, body.error.message]).toEqual([404, expect.stringMatching(/in the settings of the workspace: there is no pipeline "house"/)]);
		await sidecar.call('PATCH', '/api/media/workspace/settings', { pipeline: null });
	});

	it('follow an ingest in the same batch, as further jobs of its item', async () => {
		await call('PUT', '/api/media/pipelines/pair', { steps: [{ operation: 'probe' }, { operation: 'waveform', when: { has_audio: false } }] });
		const { status, body } = await sidecar.call('POST', '/api/media/batch', {
			items: [
				{ operation: 'ingest', file_url: source('landscape'), pipeline: 'pair' },
				{ operation: 'ingest', file_url: source('jpeg') },
			],
		});
		expect(status).toBe(202);
		await until(async () => (await sidecar.call('GET', `/api/media/batches/${body.batch_id}`)).body.status !== 'pending', 'the batch is done');
		const batch = (await sidecar.call('GET', `/api/media/batches/${body.batch_id}`)).body.jobs as unknown as Array<{ item_index: number; operation: string; status: string; output_data: Record<string, unknown> }>;
		expect(batch.map((job) => [job.item_index, job.operation, job.status])).toEqual([
			[0, 'ingest', 'completed'],
			[0, 'probe', 'completed'],
			[0, 'waveform', 'completed'],
			[1, 'ingest', 'completed'],
		]);
		expect(batch[2]?.output_data).toEqual({ skipped: 'the source has sound' });
	});

	it('are refused with another operation than the ingest', async () => {
		const { status, body } = await sidecar.call('POST', '/api/media/batch', { items: [{ operation: 'probe', file_url: source('landscape'), pipeline: 'default' }] });
		expect([status, body.error.message]).toEqual([400, expect.stringContaining('items.0.pipeline')]);
	});
});
