/**
 * CPU time (user and system, of the sidecar and all its children) of a preview, a ladder of three rungs, a sheet of thumbnails,
 * the sound and its loudness, submitted as one batch, against one plain ffmpeg command each: the same sizes, qualities and
 * presets, no more threads, no decoding that could be avoided (`-vn` where only sound is wanted).
 * Usage: npm run bench:one-pass, of which 1080p takes three and a half minutes on two idle cores. Bar (docs/architecture.md): ratio ≤ 0.55. Linux only (reads
 * /proc). What is shared is decoding and equal scaling: what the encoders take is the same either way, and bounds the ratio.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { alternate, median, verdict, withSidecar } from './lib/bench-sidecar.ts';

const BAR = 0.55;
interface Source {
	name: string;
	size: [number, number];
	bitrate: string;
	seconds: number;
	pairs: number;
}
const PAIRS = process.env['PAIRS'];
const SECONDS = process.env['SECONDS'];
const SOURCES: Source[] = [
	{ name: '1080p', size: [1920, 1080], bitrate: '16M', seconds: Number(SECONDS ?? 12), pairs: Number(PAIRS ?? 3) },
	{ name: '4K', size: [3840, 2160], bitrate: '45M', seconds: Number(SECONDS ?? 6), pairs: Number(PAIRS ?? 2) },
];

/** Like a hand-held camera: everything moves, with a little grain, at the bitrate of a phone. testsrc2 would be too easy to decode. */
function makeFilm(path: string, { size: [width, height], bitrate, seconds }: Source): string {
	execFileSync('ffmpeg', [
		...['-v', 'error', '-f', 'lavfi', '-i', `mandelbrot=size=${Math.round(width / 4)}x${Math.round(height / 4)}:rate=30:start_scale=2:end_scale=0.01:end_pts=600`],
		...['-f', 'lavfi', '-i', 'anoisesrc=color=pink:amplitude=0.2:sample_rate=48000', '-t', String(seconds)],
		...['-vf', `scale=${width * 1.25}:${height * 1.25},crop=${width}:${height}:${width / 8}+${width / 10}*sin(t):${height / 8}+${height / 10}*cos(t),noise=alls=5:allf=t`],
		...['-c:v', 'libx264', '-preset', 'fast', '-b:v', bitrate, '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-b:a', '192k', path],
	]);
	return path;
}

const HEIGHTS = [720, 480, 360];
const X264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p'];
const MP4 = ['-c:a', 'aac', '-movflags', '+faststart'];

/** What somebody would type, by what it makes. */
const byHand = (source: string, to: string, seconds: number): Record<string, string[]> => ({
	preview: ['-i', source, '-vf', 'scale=-2:720', ...X264, '-crf', '28', '-g', '60', ...MP4, '-b:a', '96k', join(to, 'preview.mp4')],
	...Object.fromEntries(HEIGHTS.map((height) => [`${height}p`, ['-i', source, '-vf', `scale=-2:${height}`, ...X264, '-crf', '23', ...MP4, '-b:a', '128k', join(to, `${height}.mp4`)]])),
	thumbnails: ['-i', source, '-an', '-vf', `fps=1/${seconds / 20},scale=160:-2,tile=5x4`, '-frames:v', '1', '-q:v', '5', join(to, 'sheet.jpg')],
	audio: ['-i', source, '-vn', '-c:a', 'copy', join(to, 'audio.m4a')],
	loudness: ['-i', source, '-vn', '-af', 'ebur128=peak=true', '-f', 'null', '-'],
});
/** The three rungs by somebody who knows filter graphs. */
const ladderInOne = (source: string, to: string): string[] => [
	...['-i', source, '-filter_complex', `[0:v]split=3[a][b][c];${HEIGHTS.map((height, index) => `[${'abc'[index]}]scale=-2:${height}[o${index}]`).join(';')}`],
	...HEIGHTS.flatMap((height, index) => ['-map', `[o${index}]`, '-map', '0:a', ...X264, '-crf', '23', ...MP4, '-b:a', '128k', join(to, `ladder-${height}.mp4`)]),
];
const ITEMS = [
	{ operation: 'preview', params: { height: 720, crf: 28 } },
	...HEIGHTS.map((height) => ({ operation: 'compress', params: { height, crf: 23, preset: 'veryfast' } })),
	{ operation: 'sprite', params: { count: 20, columns: 5, width: 160 } },
	{ operation: 'extract_audio', params: {} },
	{ operation: 'loudness', params: {} },
];

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
/** utime, stime, cutime and cstime: fields 14 to 17 of proc(5), after the name in parentheses. `own`: with the process itself. */
function cpuSeconds(pid: number | 'self', own: boolean): number {
	const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ').map(Number);
	const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15);
	return (childUser + childSystem + (own ? user + system : 0)) / TICKS_PER_SECOND;
}

async function run(options: string[]): Promise<number> {
	const before = cpuSeconds('self', false);
	const child = spawn('ffmpeg', ['-nostdin', '-y', '-v', 'error', ...options], { stdio: ['ignore', 'ignore', 'inherit'] });
	const [code] = (await once(child, 'exit')) as [number];
	if (code !== 0) throw new Error(`ffmpeg ${options.join(' ')} ended with ${code}`);
	return cpuSeconds('self', false) - before;
}

for (const film of SOURCES) {
	const { name, seconds, pairs } = film;
	await withSidecar({ CONCURRENCY: '1', REUSE_RESULTS: 'false', LOG_LEVEL: 'info' }, async ({ folder, sidecar, upload }) => {
		const source = makeFilm(join(folder, 'source.mp4'), film);
		const assetId = await upload(source);
		const items = ITEMS.map((item) => ({ ...item, asset_id: assetId, reuse: false }));
		const together = async (): Promise<number> => {
			const before = cpuSeconds(sidecar.pid, true);
			const { batch_id: id } = await sidecar.call('POST', '/api/media/batch', { items });
			for (;;) {
				const batch = await sidecar.call('GET', `/api/media/batches/${String(id)}`);
				if (batch['status'] === 'completed') return cpuSeconds(sidecar.pid, true) - before;
				if (batch['status'] !== 'pending') throw new Error(`the batch is ${JSON.stringify(batch)}`);
				// Seldom: n8n is called back, so that asking is no part of the work.
				await new Promise((resolve) => setTimeout(resolve, 1000));
			}
		};
		let parts: Record<string, number> = {};
		const apart = async (): Promise<number> => {
			parts = {};
			for (const [what, options] of Object.entries(byHand(source, folder, seconds))) parts[what] = await run(options);
			return Object.values(parts).reduce((sum, one) => sum + one, 0);
		};
		const ladders: number[] = [];
		const ratios = await alternate(pairs, together, apart, (pair, one, each) => {
			console.log(`${name}, pair ${pair}: one pass ${one.toFixed(1)} s CPU, one command each ${each.toFixed(1)} s, ratio ${(one / each).toFixed(3)}`);
			ladders.push(one);
		});
		const decode = await run(['-i', source, '-an', '-f', 'null', '-']);
		const ladder = await run(ladderInOne(source, folder));
		console.log(`${name}: decoding alone ${decode.toFixed(1)} s; by hand: ${Object.entries(parts).map(([what, cpu]) => `${what} ${cpu.toFixed(1)} s`).join(', ')}`);
		const rungs = HEIGHTS.reduce((sum, height) => sum + (parts[`${height}p`] ?? 0), 0);
		const sum = Object.values(parts).reduce((all, one) => all + one, 0);
		console.log(`${name}: against a ladder that is one command already (${ladder.toFixed(1)} s instead of ${rungs.toFixed(1)} s): ${(median(ladders) / (sum - rungs + ladder)).toFixed(3)}`);
		verdict(`${name}: one pass / one command each, CPU, median`, median(ratios), BAR);
	});
}
