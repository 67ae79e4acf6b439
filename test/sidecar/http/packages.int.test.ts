import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fixture } from '../../fixtures/media.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';
import { until } from '../../support/pipeline.ts';
import { startTestSidecar, type TestSidecar } from '../../support/sidecar.ts';

const run = promisify(execFile);

/** Plays an address to its end: how many pictures were decoded. Throws at the first error. */
async function play(url: string): Promise<{ pictures: number; seconds: number }> {
	const { stdout } = await run('ffmpeg', ['-nostdin', '-v', 'error', '-xerror', '-i', url, '-map', '0:v:0', '-map', '0:a:0', '-progress', 'pipe:1', '-f', 'null', '-']);
	const last = (key: string): number => Number(stdout.match(new RegExp(`^${key}=(.*)$`, 'gm'))?.at(-1)?.split('=')[1]);
	return { pictures: last('frame'), seconds: last('out_time_us') / 1e6 };
}

describe('what adaptive made', () => {
	let parent: string;
	let files: TestServer;
	let sidecar: TestSidecar;

	beforeAll(async () => {
		parent = await mkdtemp(join(tmpdir(), 'packages-'));
		files = await startServer((_request, response) => void createReadStream(fixture('landscape')).pipe(response));
		// All that ffmpeg's filters and patterns take for signs of their own.
		sidecar = await startTestSidecar({ DATA_DIR: join(parent, "a'b:c[d],e;f %d#?"), ALLOWED_PRIVATE_HOSTS: files.host });
	});
	afterAll(async () => {
		await sidecar.close();
		await files.close();
		await rm(parent, { recursive: true, force: true });
	});

	it('plays from its links, as HLS and as DASH, all rungs of it', async () => {
		const { body } = await sidecar.call('POST', '/api/media/process', {
			original_url: `${files.url}/v.mp4`,
			operations: [{ operation: 'adaptive', params: { heights: [360, 144], segment_seconds: 1 } }, { operation: 'scenes', params: { thumbnails: true } }],
		});
		const jobs = async () => (await sidecar.call('GET', `/api/media/process?asset_id=${body.asset.id}`)).body.jobs;
		await until(async () => (await jobs()).every(({ status }) => status === 'completed' || status === 'failed'), 'the jobs are done');
		const done = await jobs();
		expect(done.map(({ status }) => status)).toEqual(['completed', 'completed']);
		const listed = done.flatMap((job) => job.output_data?.files ?? []);
		const links = listed.filter(({ name }) => name.startsWith('adaptive/'));
		expect(links.map(({ name }) => name).sort()).toEqual(['adaptive/manifest.mpd', 'adaptive/master.m3u8']);
		const played = await Promise.all(links.map(({ url }) => play(url)));
		expect(played[0]).toEqual(played[1]);
		expect(played[0]?.pictures).toBeGreaterThan(30);
		const master = links.find(({ name }) => name.endsWith('.m3u8'))?.url ?? '';
		const rungs = (await (await fetch(master)).text()).split('\n').filter((line) => /^[^#].*\.m3u8$/.test(line));
		expect(rungs.length).toBeGreaterThan(1);
		for (const rung of rungs) expect((await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', new URL(rung, master).href])).stdout).toContain('h264');
	});
});
