import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from '../../../nodes/shared/wire.js';
import { fixture } from '../../fixtures/media.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';
import { until } from '../../support/pipeline.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { freePort, spawnSidecar, type SidecarProcess } from '../../support/sidecar-process.ts';

/** Long enough to be killed in the middle: ten seconds of 1080p, decoded and encoded. */
const LONG = { operation: 'compress', params: { height: 720, preset: 'medium', max_bitrate_kbps: 400 } };

describe('kill -9', () => {
	let files: TestServer;
	let receiver: TestServer;
	let callbacks: string[];
	let folder: string;
	let running: SidecarProcess[];

	beforeAll(async () => {
		files = await startServer((_request, response) => void createReadStream(fixture('hd')).pipe(response));
		receiver = await startServer((request, response) => {
			let body = '';
			request.setEncoding('utf8').on('data', (text: string) => (body += text));
			request.on('end', () => {
				callbacks.push(body);
				response.setHeader('content-type', 'application/json').end('{}');
			});
		});
	});
	afterAll(async () => {
		await files.close();
		await receiver.close();
	});
	beforeEach(async () => {
		callbacks = [];
		running = [];
		folder = await mkdtemp(join(tmpdir(), 'crash-'));
	});
	afterEach(async () => {
		await Promise.all(running.map((sidecar) => sidecar.kill('SIGKILL')));
		await rm(folder, { recursive: true, force: true });
	});

	const start = async (environment: Record<string, string>): Promise<SidecarProcess> => {
		const sidecar = await spawnSidecar({ DATA_DIR: folder, ALLOWED_PRIVATE_HOSTS: `${files.host},${receiver.host}`, ...environment });
		running.push(sidecar);
		return sidecar;
	};
	const kill = async (sidecar: SidecarProcess): Promise<void> => {
		running = running.filter((other) => other !== sidecar);
		await sidecar.kill('SIGKILL');
	};
	const submit = async (sidecar: SidecarProcess): Promise<string> => {
		const answer = await sidecar.call('POST', '/api/media/batch', { items: [{ ...LONG, file_url: `${files.url}/hd.mp4` }], callback_url: `${receiver.url}/done` });
		return (answer['jobs'] as Array<{ id: string }>)[0]!.id;
	};
	const job = async (sidecar: SidecarProcess, id: string) => (await sidecar.call('GET', `/api/media/jobs/${id}`)) as unknown as Job;
	const encoding = (sidecar: SidecarProcess, id: string) => until(async () => (await job(sidecar, id)).progress > 0, 'the encode has begun');
	const ended = (sidecar: SidecarProcess, id: string) => until(async () => ['completed', 'failed'].includes((await job(sidecar, id)).status), 'the job has ended');

	it('in the middle of a transcode: after a restart the job is done, called back once, and nothing half-made is left', async () => {
		const environment = { PORT: String(await freePort()) };
		const first = await start(environment);
		const id = await submit(first);
		await encoding(first, id);
		await kill(first);
		const second = await start(environment);
		await ended(second, id);
		expect(await job(second, id)).toMatchObject({ status: 'completed', attempts: 2 });
		await until(() => callbacks.length > 0, 'the callback');
		expect(callbacks).toHaveLength(1);
		expect(JSON.parse(callbacks[0]!)).toMatchObject({ status: 'completed', jobs: [{ job_id: id }] });
		expect(await readdir(join(folder, 'work'))).toEqual([]);
		const [file] = (await job(second, id)).output_data!.files!;
		const whole = await (await fetch(file!.url)).arrayBuffer();
		expect(whole.byteLength).toBe(file!.bytes);
	}, 120_000);

	it('of a group of jobs on one source: each is done once, and what the killed tries stored early is gone', async () => {
		const environment = { PORT: String(await freePort()), CONCURRENCY: '1' };
		const first = await start(environment);
		const items = [{ operation: 'adaptive', params: {} }, LONG, { operation: 'compress', params: { height: 480, preset: 'medium', max_bitrate_kbps: 300 } }].map((item) => ({ ...item, file_url: `${files.url}/hd.mp4` }));
		const answer = await first.call('POST', '/api/media/batch', { items, callback_url: `${receiver.url}/done` });
		const ids = (answer['jobs'] as Array<{ id: string }>).map(({ id }) => id);
		const stored = async (): Promise<string[]> => (await readdir(join(folder, 'files', 'jobs'), { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
		await until(async () => (await stored()).some((path) => path.includes(`/${ids[0]}/1/`)), 'a segment is stored early', 90_000);
		expect((await Promise.all(ids.map((id) => job(first, id)))).map(({ status }) => status)).toEqual(['processing', 'processing', 'processing']);
		await kill(first);
		const second = await start(environment);
		for (const id of ids) await until(async () => ['completed', 'failed'].includes((await job(second, id)).status), 'the job has ended', 120_000);
		expect((await Promise.all(ids.map((id) => job(second, id)))).map(({ status, attempts }) => [status, attempts])).toEqual(ids.map(() => ['completed', 2]));
		await until(() => callbacks.length > 0, 'the callback');
		expect(callbacks).toHaveLength(1);
		expect((await stored()).filter((path) => !/[/]2[/]/.test(path))).toEqual([]);
		await until(async () => (await readdir(join(folder, 'work'))).length === 0, 'the scratch folders are gone');
	}, 300_000);

	it('of a worker on Postgres: another worker finishes the job', async () => {
		const server: TestPostgres = await startPostgres();
		try {
			const environment = { DATABASE_URL: server.url, CONCURRENCY: '1', ENCRYPTION_KEY: 'the-same-for-all-processes', PUBLIC_URL: 'http://127.0.0.1:9' };
			const api = await start({ ...environment, ROLE: 'api' });
			const first = await start({ ...environment, ROLE: 'worker' });
			const id = await submit(api);
			await encoding(api, id);
			await kill(first);
			await start({ ...environment, ROLE: 'worker' });
			// A worker counts as lost when its lease of 30 s has run out: nobody can know earlier, from another machine.
			await until(async () => (await job(api, id)).attempts >= 2, 'another worker has taken the job', 60_000);
			await until(async () => (await job(api, id)).status === 'completed', 'the job is done', 60_000);
			await until(() => callbacks.length > 0, 'the callback');
			expect(callbacks).toHaveLength(1);
		} finally {
			await Promise.all(running.splice(0).map((sidecar) => sidecar.kill('SIGKILL')));
			await server.stop();
		}
	}, 180_000);
});
