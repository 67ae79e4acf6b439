import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createS3Storage } from '../../../sidecar/src/storage/s3.ts';
import { fixture } from '../../fixtures/media.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';
import { until } from '../../support/pipeline.ts';
import { startS3, type TestS3 } from '../../support/s3.ts';
import { startTestSidecar, type TestSidecar } from '../../support/sidecar.ts';

const run = promisify(execFile);

describe('the pipeline with its files in an S3 store', () => {
	let server: TestS3;
	let bucket: Awaited<ReturnType<TestS3['bucket']>>;
	let files: TestServer;
	let sidecar: TestSidecar;

	beforeAll(async () => {
		server = await startS3();
		bucket = await server.bucket();
		files = await startServer((_request, response) => void createReadStream(fixture('landscape')).pipe(response));
		sidecar = await startTestSidecar({
			STORAGE: 's3',
			S3_ENDPOINT: bucket.endpoint,
			S3_BUCKET: bucket.bucket,
			S3_ACCESS_KEY_ID: server.credentials.accessKeyId,
			S3_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
			S3_FORCE_PATH_STYLE: 'true',
			S3_PREFIX: '/media/pipeline',
			ALLOWED_PRIVATE_HOSTS: files.host,
		});
	});
	afterAll(async () => {
		await sidecar.close();
		await files.close();
		await server.stop();
	});

	const stored = async (prefix: string): Promise<string[]> => {
		const keys: string[] = [];
		for await (const { key } of createS3Storage({ ...bucket, prefix: 'media/pipeline/' }).list(prefix)) keys.push(key);
		return keys;
	};
	const jobsOf = async (assetId: string) => (await sidecar.call('GET', `/api/media/process?asset_id=${assetId}`)).body.jobs;
	const ended = async (assetId: string) => {
		await until(async () => (await jobsOf(assetId)).every(({ status }) => status === 'completed' || status === 'failed'), 'the jobs are done', 90_000);
		const jobs = await jobsOf(assetId);
		expect(jobs.map(({ job_type, status, error }) => ({ job_type, status, error: error ?? null }))).toEqual(jobs.map(({ job_type }) => ({ job_type, status: 'completed', error: null })));
		return jobs;
	};

	it('fetches, makes a thumbnail and HLS, and gives out links that work', async () => {
		const { body } = await sidecar.call('POST', '/api/media/process', {
			original_url: `${files.url}/v.mp4`,
			operations: [{ operation: 'thumbnail' }, { operation: 'adaptive', params: { heights: [144], segment_seconds: 1 } }],
		});
		const jobs = await ended(body.asset.id);
		expect(await stored(`raw/default/${body.asset.id}`)).toHaveLength(1);
		const made = jobs.flatMap((job) => job.output_data?.files ?? []);
		const thumbnail = made.find(({ mime }) => mime.startsWith('image/'));
		const picture = await fetch(thumbnail?.url ?? '');
		expect([picture.status, picture.headers.get('content-type')]).toEqual([200, thumbnail?.mime]);
		expect(Number(picture.headers.get('content-length'))).toBe((await picture.arrayBuffer()).byteLength);

		const master = made.find(({ name }) => name.endsWith('.m3u8'))?.url ?? '';
		const { stdout } = await run('ffprobe', ['-v', 'error', '-count_frames', '-select_streams', 'v:0', '-show_entries', 'stream=codec_name,nb_read_frames', '-of', 'csv=p=0', master]);
		expect(Number(stdout.match(/h264,(\d+)/)?.[1])).toBeGreaterThan(30);

		const original = (await sidecar.call('GET', `/api/media/assets/${body.asset.id}`)).body.file_url ?? '';
		const video = await readFile(fixture('landscape'));
		expect(Buffer.from(await (await fetch(original)).arrayBuffer()).equals(video)).toBe(true);
		const part = await fetch(original, { headers: { range: 'bytes=100-199' } });
		expect(part.status).toBe(206);
		expect(Buffer.from(await part.arrayBuffer()).equals(video.subarray(100, 200))).toBe(true);
		// Nothing is kept here.
		expect(await readdir(join(sidecar.folder, 'files'), { recursive: true })).toEqual([]);
		expect(await readdir(join(sidecar.folder, 'work'))).toEqual([]);
	});

	it('takes an upload straight into the store, and works on it', async () => {
		const video = await readFile(fixture('portrait'));
		const { status, body: link } = await sidecar.call('POST', '/api/media/sign', { file_name: 'b.mp4', file_size: video.length, mime_type: 'video/mp4' });
		expect(status).toBe(201);
		expect(link.upload_url).toContain(bucket.endpoint);
		const { 'content-length': _length, ...headers } = link.headers;
		expect((await fetch(link.upload_url, { method: 'PUT', headers, body: new Uint8Array(video) })).status).toBe(200);
		const complete = 'complete_url' in link ? String(link.complete_url) : '';
		expect((await fetch(complete, { method: 'POST' })).status).toBeLessThan(300);
		await until(async () => (await sidecar.call('GET', `/api/media/assets/${link.asset_id}`)).body.status === 'ready', 'the upload was checked', 60_000);
		expect(await stored(`raw/default/${link.asset_id}`)).toHaveLength(1);
		await until(async () => (await stored('incoming/')).length === 0, 'what was staged is gone', 20_000);
	});
});
