import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Webhook } from 'standardwebhooks';
import type { BatchCallback } from '../../../nodes/shared/wire.js';
import { fixture } from '../../fixtures/media.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';
import { until } from '../../support/pipeline.ts';
import { startReceiver, type Receiver } from '../../support/receiver.ts';
import { key, startTestSidecar, type TestSidecar } from '../../support/sidecar.ts';

/** Body of a callback: of a batch, of one job, or of an asset. */
type Received = BatchCallback & { job_id: string; progress: number; asset_id: string; error: unknown; output_data: Record<string, unknown> };

describe('the HTTP interface', () => {
	let files: TestServer;
	let receiver: Receiver<Received>;
	let sidecar: TestSidecar;
	const url = (name: Parameters<typeof fixture>[0]) => `${files.url}/${basename(fixture(name))}?name=${name}`;

	beforeAll(async () => {
		files = await startServer((request, response) => {
			const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x');
			if (pathname === '/huge') return void response.writeHead(200, { 'content-length': String(600 * 1024 * 1024), 'content-type': 'video/mp4' }).end();
			if (pathname === '/endless') {
				response.writeHead(200, { 'content-type': 'video/mp4' });
				const more = (): void => void (response.destroyed || response.write(Buffer.alloc(1024 * 1024), () => setImmediate(more)));
				return more();
			}
			createReadStream(fixture(searchParams.get('name') as Parameters<typeof fixture>[0])).pipe(response);
		});
		receiver = await startReceiver<Received>();
		sidecar = await startTestSidecar({ ALLOWED_PRIVATE_HOSTS: `${files.host},${receiver.server.host}`, MAX_FILE_BYTES: String(50 * 1024 * 1024) });
	});
	afterAll(async () => {
		await sidecar.close();
		await files.close();
		await receiver.server.close();
	});

	const finished = async (assetId: string) => {
		await until(async () => ['processed', 'failed'].includes((await sidecar.call('GET', `/api/media/process?asset_id=${assetId}`)).body.asset.status), 'the asset is done');
		return (await sidecar.call('GET', `/api/media/process?asset_id=${assetId}`)).body;
	};

	describe('authorisation', () => {
		it.each([
			['no key', {}],
			['a wrong key', { authorization: 'Bearer wrong-wrong-wrong' }],
			['another scheme', { authorization: 'Basic dGVzdC1hcGkta2V5LTAxMjM0NTY3ODk=' }],
		])('answers 401 without detail to %s', async (_name, headers) => {
			const response = await fetch(`${sidecar.url}/api/media/process`, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: '{"operations":' });
			expect(response.status).toBe(401);
			expect(await response.json()).toEqual({ error: { code: 'unauthorized', message: 'Unauthorized' } });
		});

		it('guards the operation endpoints as well, and leaves health and documentation open', async () => {
			expect((await fetch(`${sidecar.url}/thumbnail`, { method: 'POST' })).status).toBe(401);
			expect((await fetch(`${sidecar.url}/healthz`)).status).toBe(200);
			expect(await (await fetch(`${sidecar.url}/readyz`)).json()).toEqual({ status: 'ready', problems: [] });
			const document = (await (await fetch(`${sidecar.url}/openapi.json`)).json()) as { openapi: string; paths: object };
			expect(document.openapi).toBe('3.1.0');
			expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/api/media/process', '/thumbnail', '/compress', '/transcribe', '/publish', '/files/{key}']));
			expect(await (await fetch(`${sidecar.url}/docs/`)).text()).toContain('setup.js');
		});

		it("does not let a key name another workspace, nor see another workspace's things", async () => {
			expect((await sidecar.call('POST', '/api/media/process', { workspace_id: 'other', original_url: url('landscape'), operations: ['thumbnail'] })).status).toBe(403);
			expect((await sidecar.call('GET', '/api/media/jobs/00000000-0000-4000-8000-000000000000')).status).toBe(404);
			expect((await sidecar.call('GET', '/api/media/jobs/nonsense')).status).toBe(404);
		});
	});

	describe('wrong requests', () => {
		it.each([
			['an unknown operation', { original_url: 'https://example.com/a.mp4', operations: ['explode'] }, 'unknown_operation', /operations\.0.*explode.*Known: .*thumbnail/],
			['a wrong parameter', { original_url: 'https://example.com/a.mp4', operations: ['compress'], params: { compress: { crf: 99 } } }, 'invalid_request', /operations\.0\.params\.crf.*given: 99/],
			['an unknown field', { original_url: 'https://example.com/a.mp4', operations: ['thumbnail'], colour: 'red' }, 'invalid_request', /colour/],
			['no source', { operations: ['thumbnail'] }, 'invalid_request', /original_url/],
			['operations beside a pipeline', { original_url: 'https://example.com/a.mp4', operations: ['thumbnail'], pipeline: 'default' }, 'invalid_request', /pipeline: give either/],
			['a URL that is none', { original_url: 'file:///etc/passwd', operations: ['thumbnail'] }, 'invalid_request', /original_url/],
		])('names the field for %s', async (_name, body, code, message) => {
			const { status, body: answer } = await sidecar.call('POST', '/api/media/process', body);
			expect(status).toBe(400);
			expect(answer.error).toMatchObject({ code, message: expect.stringMatching(message) });
		});

		it('answers broken JSON and unknown paths in the same shape', async () => {
			const broken = await fetch(`${sidecar.url}/api/media/process`, { method: 'POST', headers: { authorization: `Bearer ${sidecar.apiKey}`, 'content-type': 'application/json' }, body: '{' });
			expect([broken.status, ((await broken.json()) as { error: { code: string } }).error.code]).toEqual([400, 'invalid_request']);
			expect((await sidecar.call('GET', '/api/media/nothing')).body.error.code).toBe('not_found');
		});
	});

	describe('processing', () => {
		it('makes one asset and one job per operation, and everything they make can be opened', async () => {
			const { status, body } = await sidecar.call('POST', '/api/media/process', {
				original_url: `${url('landscape')}&token=hidden`,
				file_type: 'video',
				operations: ['thumbnail', 'compress'],
				params: { compress: { height: 360 } },
				metadata: { campaign: 'launch' },
				callback_url: `${receiver.server.url}/asset`,
			});
			expect(status).toBe(202);
			expect(body.jobs.map((job) => job.job_type)).toEqual(['thumbnail', 'compress']);
			expect(JSON.stringify(body)).not.toContain('hidden');
			const done = await finished(body.asset.id);
			expect(done.asset).toMatchObject({ status: 'processed', file_type: 'video', width: 1280, height: 720, metadata: { campaign: 'launch' } });
			expect(done.progress).toEqual({ total: 2, completed: 2, failed: 0 });
			const compressed = done.jobs[1]!.output_data!.files![0]!;
			expect(compressed).toMatchObject({ mime: 'video/mp4', height: 360 });
			const whole = Buffer.from(await (await fetch(compressed.url)).arrayBuffer());
			expect(whole.length).toBe(compressed.bytes);

			const part = await fetch(compressed.url, { headers: { range: 'bytes=100-199' } });
			expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 100-199/${whole.length}`]);
			expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(100, 200))).toBe(true);
			expect((await fetch(compressed.url, { headers: { range: `bytes=${whole.length}-` } })).status).toBe(416);
			expect((await fetch(compressed.url, { headers: { 'if-none-match': part.headers.get('etag')! } })).status).toBe(304);
			expect((await fetch(compressed.url, { method: 'HEAD' })).headers.get('content-length')).toBe(String(whole.length));

			expect((await fetch(compressed.url.replace(/signature=.../, 'signature=AAA'))).status).toBe(403);
			expect((await fetch(compressed.url.split('?')[0]!)).status).toBe(401);
			expect((await receiver.next('/asset')).json).toMatchObject({ type: 'asset.processed', asset_id: body.asset.id });
		});

		it('does the same request with the same key once, and refuses another request with it', async () => {
			const idempotency = { 'idempotency-key': key() };
			const request = { original_url: url('landscape'), operations: ['thumbnail'] };
			const [first, second] = await Promise.all([1, 2].map(() => sidecar.call('POST', '/api/media/process', request, idempotency)));
			expect(second!.body).toEqual(first!.body);
			const { body: jobs } = await sidecar.call('GET', `/api/media/jobs?asset_id=${first!.body.asset.id}`);
			expect(jobs.jobs.filter((job) => job.job_type === 'thumbnail')).toHaveLength(1);
			expect((await sidecar.call('POST', '/api/media/process', { ...request, operations: ['compress'] }, idempotency)).body.error.code).toBe('idempotency_conflict');
			await finished(first!.body.asset.id);
		});

		it('answers an operation endpoint at once, and calls back with the shape of one job, signed', async () => {
			const { status, body } = await sidecar.call('POST', '/thumbnail', { job_id: 'mine-1', file_url: url('landscape'), params: { width: 320 }, callback_url: `${receiver.server.url}/one` });
			expect(status).toBe(202);
			expect(body).toMatchObject({ job_id: expect.any(String), status: 'pending', estimated_duration: expect.any(Number) });
			const { json, raw, headers } = await receiver.next('/one');
			expect(json).toMatchObject({ job_id: 'mine-1', status: 'completed', error: null, output_data: { thumbnail_url: expect.stringContaining('/files/') } });
			expect(new Webhook(sidecar.callbackSecret).verify(raw, headers)).toEqual(json);
		});

		it('tells a progress URL the percentage while a job runs, signed', async () => {
			await sidecar.call('POST', '/compress', { file_url: url('hd'), params: { height: 720, preset: 'slow' }, progress_url: `${receiver.server.url}/progress` });
			const { json, raw, headers } = await receiver.next('/progress');
			expect(json).toEqual({ job_id: expect.any(String), status: 'processing', progress: expect.any(Number) });
			expect(json.progress).toBeGreaterThan(0);
			expect(json.progress).toBeLessThan(100);
			expect(new Webhook(sidecar.callbackSecret).verify(raw, headers)).toEqual(json);
			await sidecar.call('POST', `/api/media/jobs/${json.job_id}/cancel`);
		});

		it('streams progress and ends as events', async () => {
			const response = await fetch(`${sidecar.url}/api/media/events`, { headers: { authorization: `Bearer ${sidecar.apiKey}` } });
			const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
			const { body } = await sidecar.call('POST', '/api/media/batch', { items: [{ operation: 'thumbnail', file_url: url('landscape') }] });
			let text = '';
			const events = () => text.split('\n\n').slice(0, -1).flatMap((block) => /^data: (.*)$/m.exec(block)?.slice(1).map((data) => JSON.parse(data) as { type: string; job_id: string }) ?? []);
			const ended = () => events().find((event) => event.type === 'job.completed' && event.job_id === body.jobs[0]!.id);
			while (!ended()) text += (await reader.read()).value;
			expect(ended()).toMatchObject({ job_type: 'thumbnail', batch_id: body.batch_id });
			expect(events().map((event) => event.type)).toEqual(expect.arrayContaining(['asset.created', 'job.created', 'asset.ready']));
			await reader.cancel();
		});

		it('takes an upload by signed link, once, and refuses one that is larger than announced', async () => {
			const path = fixture('landscape');
			const { size } = await stat(path);
			const sign = () => sidecar.call('POST', '/api/media/sign', { file_name: '../../evil name.mp4', file_size: size, mime_type: 'video/mp4' });
			const { status, body } = await sign();
			expect(status).toBe(201);
			const put = (link: string, content: Buffer) => fetch(link, { method: 'PUT', body: new Uint8Array(content), headers: body.headers });
			const bytes = await readFile(path);
			expect((await put((await sign()).body.upload_url, Buffer.concat([bytes, bytes]))).status).toBe(413);
			expect((await put(body.upload_url.replace('max_bytes=', 'max_bytes=9'), bytes)).status).toBe(403);
			expect((await put(body.upload_url, bytes)).status).toBe(201);
			expect((await put(body.upload_url, bytes)).status).toBe(409);
			const { body: batch } = await sidecar.call('POST', '/api/media/batch', { items: [{ operation: 'ingest', asset_id: body.asset_id }, { operation: 'thumbnail', asset_id: body.asset_id }], callback_url: `${receiver.server.url}/upload` });
			expect(batch.jobs).toHaveLength(2);
			const { json } = await receiver.next('/upload');
			expect(json.jobs.map((job) => [job.operation, job.status])).toEqual([['ingest', 'completed'], ['thumbnail', 'completed']]);
			expect(json.jobs[0]!.output_data).toMatchObject({ file_type: 'video', width: 1280, video_codec: 'h264' });
			expect((await sidecar.call('GET', `/api/media/assets/${body.asset_id}`)).body).toMatchObject({ status: 'ready', metadata: { file_name: expect.not.stringContaining('/') } });
		});

		it('cancels a job that waits, retries it on request, and lists failed ones', async () => {
			const { body } = await sidecar.call('POST', '/api/media/batch', { items: [{ operation: 'compress', file_url: url('speech'), params: { height: 240 } }] });
			const id = body.jobs[0]!.id;
			expect((await sidecar.call('POST', `/api/media/jobs/${id}/cancel`)).body.status).toBe('cancelled');
			expect((await sidecar.call('POST', `/api/media/jobs/${id}/retry`)).body).toMatchObject({ id, status: 'pending' });
			await until(async () => (await sidecar.call('GET', `/api/media/jobs/${id}`)).body.status === 'completed', 'the retried job is done');
		});
	});

	describe('bad media fails with its own code, in plain words, without a second try', () => {
		it.each([
			['textAsMp4', 'input_not_media'],
			['playlistAsMp4', 'input_not_media'],
			['concatAsMp4', 'input_not_media'],
			['empty', 'input_empty'],
			['truncated', 'input_corrupt'],
		] as const)('%s is %s', async (name, code) => {
			const { body } = await sidecar.call('POST', '/api/media/process', { original_url: url(name), operations: ['thumbnail'] });
			const done = await finished(body.asset.id);
			expect(done.asset).toMatchObject({ status: 'failed', error: { code } });
			expect(done.jobs[0]).toMatchObject({ status: 'failed', error: { code, message: expect.stringMatching(/\w+ \w+/) } });
			const { body: all } = await sidecar.call('GET', `/api/media/jobs?asset_id=${body.asset.id}`);
			expect(all.jobs.find((job) => job.job_type === 'ingest')?.attempts).toBe(1);
		});

		it('a video without sound cannot be transcribed', async () => {
			const { body } = await sidecar.call('POST', '/transcribe', { file_url: url('silent') });
			await until(async () => (await sidecar.call('GET', `/api/media/jobs/${body.job_id}`)).body.status === 'failed', 'the job failed');
			expect((await sidecar.call('GET', `/api/media/jobs/${body.job_id}`)).body.error.code).toBe('input_no_audio');
		});

		it.each(['/huge', '/endless'])('a file over the limit is refused (%s)', async (path) => {
			const { body } = await sidecar.call('POST', '/api/media/process', { original_url: `${files.url}${path}`, operations: ['thumbnail'] });
			expect((await finished(body.asset.id)).asset.error).toMatchObject({ code: 'input_too_large', message: expect.stringContaining('MAX_FILE_BYTES') });
		});

		it.each(['http://127.0.0.1:9/x.mp4', 'http://169.254.169.254/latest/meta-data', 'http://[::1]/x.mp4', 'http://2130706433/x.mp4', 'http://10.0.0.8/x.mp4'])('%s is forbidden', async (target) => {
			const { body } = await sidecar.call('POST', '/api/media/process', { original_url: target, operations: ['thumbnail'] });
			expect((await finished(body.asset.id)).asset.error?.code).toBe('input_forbidden');
		});

		it('says what is missing when no provider is configured', async () => {
			// Post texts: the only task that no local engine serves.
			const { body } = await sidecar.call('POST', '/caption', { file_url: url('speech') });
			await until(async () => (await sidecar.call('GET', `/api/media/jobs/${body.job_id}`)).body.status === 'failed', 'the job failed');
			expect((await sidecar.call('GET', `/api/media/jobs/${body.job_id}`)).body.error).toMatchObject({ code: 'provider_not_configured', message: expect.stringMatching(/OPENAI_API_KEY/) });
		});
	});
});
