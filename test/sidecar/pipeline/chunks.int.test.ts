import { execFileSync, spawnSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from '../../../nodes/shared/wire.js';
import { compress } from '../../../sidecar/src/operations/video/compress.ts';
import { longFixture } from '../../fixtures/long.ts';
import { runOperationOn } from '../../support/engine.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';
import { until } from '../../support/pipeline.ts';
import { startPostgres } from '../../support/postgres.ts';
import { freePort, spawnSidecar, type SidecarProcess } from '../../support/sidecar-process.ts';

const PARAMS = { height: 180, crf: 20, preset: 'slow', audio_bitrate_kbps: 96 };

const ffmpeg = (...args: string[]): Buffer => execFileSync('ffmpeg', ['-nostdin', '-v', 'error', ...args], { maxBuffer: 1e8, stdio: ['ignore', 'pipe', 'pipe'] });
const frames = (path: string): number =>
	Number(execFileSync('ffprobe', ['-v', 'error', '-count_frames', '-select_streams', 'v:0', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', path], { encoding: 'utf8' }));

/** Seconds at which the picture turns white. */
function flashes(path: string): number[] {
	const grey = ffmpeg('-i', path, '-vf', 'fps=25:start_time=0,scale=8:8,format=gray', '-f', 'rawvideo', '-');
	const bright = Array.from({ length: grey.length / 64 }, (_, index) => grey.subarray(index * 64, index * 64 + 64).every((level) => level > 220));
	return bright.flatMap((now, index) => (now && !bright[index - 1] ? [index / 25] : []));
}

/** Seconds at which a beep begins. */
function beeps(path: string): number[] {
	const samples = ffmpeg('-i', path, '-af', 'aresample=8000:async=1:first_pts=0', '-ac', '1', '-f', 's16le', '-');
	const loud = Array.from({ length: samples.length / 2 }, (_, index) => Math.abs(samples.readInt16LE(index * 2)) > 6000);
	let lastLoud = -Infinity;
	return loud.flatMap((now, index) => {
		const begins = now && index - lastLoud > 8000;
		if (now) lastLoud = index;
		return begins ? [index / 8000] : [];
	});
}

describe('a long encode', () => {
	let files: TestServer;
	let folder: string;
	let running: SidecarProcess[];

	beforeAll(async () => {
		const path = longFixture('flashes');
		files = await startServer((_request, response) => void createReadStream(path).pipe(response));
	}, 60_000);
	afterAll(() => files.close());
	beforeEach(async () => {
		running = [];
		folder = await mkdtemp(join(tmpdir(), 'chunks-'));
	});
	afterEach(async () => {
		await Promise.all(running.map((sidecar) => sidecar.kill('SIGKILL')));
		await rm(folder, { recursive: true, force: true });
	});

	const start = async (environment: Record<string, string> = {}): Promise<SidecarProcess> => {
		const sidecar = await spawnSidecar({ DATA_DIR: join(folder, 'data'), ALLOWED_PRIVATE_HOSTS: files.host, CONCURRENCY: '2', CHUNK_SECONDS_MIN: '1', LOG_LEVEL: 'debug', ...environment });
		running.push(sidecar);
		return sidecar;
	};
	const submit = async (sidecar: SidecarProcess, params: object = PARAMS): Promise<string> => {
		const answer = await sidecar.call('POST', '/api/media/batch', { items: [{ operation: 'compress', params, file_url: `${files.url}/long.mp4` }] });
		return (answer['jobs'] as Array<{ id: string }>)[0]!.id;
	};
	const job = async (sidecar: SidecarProcess, id: string) => (await sidecar.call('GET', `/api/media/jobs/${id}`)) as unknown as Job;
	const ended = async (sidecar: SidecarProcess, id: string): Promise<Job> => {
		await until(async () => ['completed', 'failed', 'cancelled'].includes((await job(sidecar, id)).status), 'the job has ended', 150_000);
		return job(sidecar, id);
	};
	const split = (sidecar: SidecarProcess) => until(() => sidecar.log().includes('the encode was split'), 'the encode was split');
	const chunkFiles = async (): Promise<string[]> => (await readdir(join(folder, 'data', 'files'), { recursive: true })).filter((name) => /(piece|sound)\.mp4$/.test(name));

	it('is made in chunks and joined: no picture more or less, as good, in sync; a kill in the middle changes nothing', async () => {
		const environment = { PORT: String(await freePort()) };
		const first = await start(environment);
		const id = await submit(first);
		await split(first);
		await until(async () => (await chunkFiles()).length > 0, 'the first chunk is stored');
		running = [];
		await first.kill('SIGKILL');
		const second = await start(environment);
		const done = await ended(second, id);
		expect(done).toMatchObject({ status: 'completed', output_data: { width: 320, height: 180 } });
		expect(done.output_data!.files).toHaveLength(1);
		const made = join(folder, 'made.mp4');
		await writeFile(made, new Uint8Array(await (await fetch(done.output_data!.files![0]!.url)).arrayBuffer()));

		await runOperationOn(compress, longFixture('flashes'), PARAMS, async ({ files: [whole] }) => {
			expect(frames(made)).toBe(frames(whole!.path));
			const { stderr } = spawnSync('ffmpeg', ['-nostdin', '-i', made, '-i', whole!.path, '-lavfi', 'ssim', '-f', 'null', '-'], { encoding: 'utf8' });
			expect(Number(/All:([\d.]+)/.exec(stderr)?.[1])).toBeGreaterThanOrEqual(0.99);
		});
		expect(flashes(made)).toHaveLength(12);
		expect(beeps(made)).toHaveLength(12);
		const offsets = beeps(made).map((beep, index) => Math.abs(beep - flashes(made)[index]!));
		expect(Math.max(...offsets)).toBeLessThanOrEqual(0.02);

		await until(async () => (await chunkFiles()).length === 0, 'the chunks are removed');
		const listed = (await second.call('GET', '/api/media/jobs')) as { jobs?: Job[] };
		expect((listed.jobs ?? []).map(({ job_type }) => job_type)).not.toContain('chunk');
	}, 240_000);

	it('is made by two workers on one Postgres, each chunk once', async () => {
		const server = await startPostgres();
		try {
			// Two at once each: whichever of them joins the chunks can make some as well.
			const environment = { DATABASE_URL: server.url, ENCRYPTION_KEY: 'the-same-for-all-processes', PUBLIC_URL: 'http://127.0.0.1:9' };
			const api = await start({ ...environment, ROLE: 'api' });
			const workers = [await start({ ...environment, ROLE: 'worker' }), await start({ ...environment, ROLE: 'worker' })];
			const done = await ended(api, await submit(api));
			expect(done).toMatchObject({ status: 'completed', output_data: { width: 320, height: 180 } });
			const made = workers.map((worker) => [...worker.log().matchAll(/^.*"job_type":"chunk".*ffmpeg made the files.*$/gm)].map(([line]) => (JSON.parse(line) as { job_id: string }).job_id));
			for (const ids of made) expect(ids.length).toBeGreaterThan(0);
			expect(new Set(made.flat()).size).toBe(made.flat().length);
			expect(workers.flatMap((worker) => worker.log().match(/the encode was split/g) ?? [])).toHaveLength(1);
		} finally {
			await Promise.all(running.splice(0).map((sidecar) => sidecar.kill('SIGKILL')));
			await server.stop();
		}
	}, 240_000);

	it('that is cancelled takes its chunks with it', async () => {
		// Slow enough not to be over before the worker asks whether it still is to go on.
		const sidecar = await start({ CHUNK_SECONDS_MIN: '6' });
		const id = await submit(sidecar, { ...PARAMS, preset: 'veryslow' });
		await until(() => /"job_type":"chunk".*piece\.mp4.*ffmpeg starts/.test(sidecar.log()), 'a chunk is being made');
		await sidecar.call('POST', `/api/media/jobs/${id}/cancel`);
		expect(await job(sidecar, id)).toMatchObject({ status: 'cancelled' });
		await until(() => /"job_type":"chunk".*(stopped: the job was cancelled|its result is thrown away)/.test(sidecar.log()), 'a chunk was stopped');
		await until(async () => (await chunkFiles()).length === 0, 'nothing is left of the chunks');
	}, 120_000);
});
