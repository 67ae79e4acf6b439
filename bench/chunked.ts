/**
 * A long encode cut into chunks on two slots against the same job in one ffmpeg process, on one machine: splitting adds no
 * cores here, so this shows what it costs. Runs alternate, so that a busy machine hits both alike.
 * Usage: npm run bench:chunked [-- SECONDS [PAIRS]]. Bar (docs/architecture.md): wall ratio ≤ 1.05 on two cores.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSidecar, type SidecarProcess } from '../test/support/sidecar-process.ts';

const SECONDS = Number(process.argv[2] ?? 90);
const PAIRS = Number(process.argv[3] ?? 3);
/** Enough work per chunk to matter, as the default of CHUNK_SECONDS_MIN would have it. */
const PARAMS = { height: 720, crf: 23, preset: 'medium' };

const folder = await mkdtemp(join(tmpdir(), 'bench-chunked-'));
const source = join(folder, 'source.mp4');
execFileSync('ffmpeg', [
	...['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=1280x720:rate=25:duration=${SECONDS},noise=c0s=6:c0f=t:all_seed=1`, '-f', 'lavfi', '-i', `sine=frequency=440:duration=${SECONDS}`],
	...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '20', '-g', '50', '-pix_fmt', 'yuv420p', '-c:a', 'flac', '-strict', '-2', '-shortest', source],
]);
const bytes = new Uint8Array(await readFile(source));

interface Side {
	sidecar: SidecarProcess;
	assetId: string;
	walls: number[];
	frames: number;
}

async function side(name: string, environment: Record<string, string>): Promise<Side> {
	const sidecar = await spawnSidecar({ DATA_DIR: join(folder, name), CONCURRENCY: '2', REUSE_RESULTS: 'false', LOG_LEVEL: 'info', MAX_FILE_BYTES: '4000000000', ...environment });
	const signed = await sidecar.call('POST', '/api/media/sign', { file_name: 'source.mp4', file_size: bytes.length, mime_type: 'video/mp4' });
	await fetch(String(signed['upload_url']), { method: 'PUT', body: bytes });
	const assetId = String(signed['asset_id']);
	while ((await sidecar.call('GET', `/api/media/assets/${assetId}`))['status'] !== 'ready') await new Promise((resolve) => setTimeout(resolve, 50));
	return { sidecar, assetId, walls: [], frames: 0 };
}

async function run(one: Side): Promise<void> {
	const start = performance.now();
	const batch = await one.sidecar.call('POST', '/api/media/batch', { items: [{ operation: 'compress', asset_id: one.assetId, params: PARAMS }] });
	const id = (batch['jobs'] as Array<{ id: string }>)[0]?.id ?? '';
	for (;;) {
		const job = await one.sidecar.call('GET', `/api/media/jobs/${id}`);
		if (job['status'] === 'failed') throw new Error(`${JSON.stringify(job['error'])}\n${one.sidecar.log().slice(-3000)}`);
		if (job['status'] === 'completed') {
			one.walls.push((performance.now() - start) / 1000);
			const [file] = (job['output_data'] as { files: Array<{ url: string }> }).files;
			const made = join(folder, 'made.mp4');
			execFileSync('curl', ['-sf', '-o', made, file?.url ?? '']);
			one.frames = Number(execFileSync('ffprobe', ['-v', 'error', '-count_packets', '-select_streams', 'v:0', '-show_entries', 'stream=nb_read_packets', '-of', 'csv=p=0', made], { encoding: 'utf8' }));
			return;
		}
		await new Promise((resolve) => setTimeout(resolve, 25));
	}
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const whole = await side('whole', { CHUNK_SECONDS_MIN: '0' });
const chunked = await side('chunked', { CHUNK_SECONDS_MIN: '10' });
try {
	for (let pair = 0; pair < PAIRS; pair++) {
		for (const one of pair % 2 === 0 ? [whole, chunked] : [chunked, whole]) await run(one);
		console.log(`pair ${pair + 1}: in one process ${whole.walls.at(-1)?.toFixed(2)} s, in chunks ${chunked.walls.at(-1)?.toFixed(2)} s`);
	}
	const split = chunked.sidecar.log().match(/"chunks":(\d+)/)?.[1] ?? 'no';
	const ratios = whole.walls.map((wall, pair) => (chunked.walls[pair] ?? Number.NaN) / wall);
	console.log(`${SECONDS} s of 720p in ${split} rows of chunks; pictures ${whole.frames} : ${chunked.frames}`);
	console.log(`chunked / one process, wall: median of pairs ${median(ratios).toFixed(3)} (bar 1.05)`);
} finally {
	await Promise.all([whole, chunked].map(({ sidecar }) => sidecar.kill('SIGTERM')));
	await rm(folder, { recursive: true, force: true });
}
