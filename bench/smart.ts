/**
 * Smart compression: bytes at equal SSIM against what people type (`-c:v libx264 -crf 23`), on four kinds of content, and
 * how long the search takes beside the encode. Everything is generated, so every run measures the same pictures.
 * The reference is encoded at several CRFs; its bytes at the SSIM that smart reached are read off that curve.
 * Usage: npm run bench:smart [-- SECONDS [CONTENT …]]. Bars (docs/architecture.md): mean ratio ≤ 0.8; search ≤ 0.25 of the encode.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { runPlan } from '../sidecar/src/media/engine.ts';
import { probe } from '../sidecar/src/media/probe.ts';
import { compress } from '../sidecar/src/operations/video/compress.ts';
import { runMedia } from '../sidecar/src/operations/run-media.ts';

const SECONDS = Number(process.argv[2] ?? 24);
/** Around 23, where smart is asked to arrive. */
const CRFS = [21, 23, 26];
/** Default: all. */
const ONLY = process.argv.slice(3);
const folder = await mkdtemp(join(tmpdir(), 'bench-smart-'));
process.on('exit', () => spawnSync('rm', ['-rf', folder]));

function ffmpeg(...args: string[]): string {
	const { status, stderr } = spawnSync('ffmpeg', ['-nostdin', '-hide_banner', '-y', ...args], { encoding: 'utf8', maxBuffer: 1e8 });
	if (status !== 0) throw new Error(`ffmpeg ${args.join(' ')}\n${stderr.slice(-2000)}`);
	return stderr;
}

/** Lines as in an editor, from a small generator of its own, so that they never change. */
function code(): string {
	const words = 'const let return await async function export import type interface string number result plan media facts video frame'.split(' ');
	let state = 5;
	const next = (most: number): number => {
		state = (state * 1103515245 + 12345) % 2 ** 31;
		return Math.floor((state / 2 ** 31) * most);
	};
	return Array.from({ length: 160 }, () => '  '.repeat(next(5)) + Array.from({ length: 2 + next(9) }, () => words[next(words.length)]).join(' ')).join('\n');
}
await writeFile(join(folder, 'code.txt'), code());

const SIZE = 's=1280x720';
const CONTENTS: Record<string, string> = {
	// Somebody who talks: a soft background, a textured figure that sways, a mouth and eyes that move, a little sensor noise.
	talk: [
		`gradients=${SIZE}:r=25:c0=0x2b3a55:c1=0xb0c4c0:x0=0:y0=0:x1=1280:y1=720:d=${SECONDS}:speed=0.008:seed=7[back]`,
		`cellauto=s=420x520:r=25:rule=110:random_seed=3:full=1:scroll=0,format=yuv420p,gblur=sigma=2.5,eq=contrast=0.35:brightness=0.05[texture]`,
		`[texture]drawbox=x=90:y='130+3*sin(2*t)':w=70:h=26:c=0x202020:t=fill,drawbox=x=260:y='130+3*sin(2*t)':w=70:h=26:c=0x202020:t=fill,drawbox=x=150:y=340:w=120:h='14+12*abs(sin(7*t))':c=0x803030:t=fill,gblur=sigma=1.5[face]`,
		`[back][face]overlay=x='430+14*sin(0.9*t)':y='180+6*sin(1.7*t)',noise=c0s=2:c0f=t:all_seed=3,format=yuv420p`,
	].join(';'),
	grain: `mandelbrot=${SIZE}:r=25:start_scale=3:end_scale=0.3:end_pts=600,noise=c0s=12:c0f=t:all_seed=11,format=yuv420p`,
	screen: `color=c=0x1e1e1e:${SIZE}:r=25,drawtext=textfile=${join(folder, 'code.txt')}:fontsize=18:fontcolor=0xd4d4d4:x=20:y='10-54*floor(t/1.5)':line_spacing=4,drawbox=x='100+60*floor(mod(t*2,15))':y=300:w=10:h=20:c=white:t=fill,drawbox=x=0:y=690:w=1280:h=30:c=0x007acc:t=fill,format=yuv420p`,
	motion: `mandelbrot=${SIZE}:r=25:start_scale=2:end_scale=0.001:end_pts=400,rotate=0.1*t,format=yuv420p`,
};

function ssim(made: string, source: string): number {
	const graph = '[0:v]setpts=N/25/TB[a];[1:v]setpts=N/25/TB[b];[a][b]ssim';
	return Number(/All:([\d.]+)/.exec(ffmpeg('-i', made, '-i', source, '-lavfi', graph, '-f', 'null', '-'))?.[1]);
}

interface Point {
	bytes: number;
	decibels: number;
}
const decibels = (value: number): number => -10 * Math.log10(1 - value);

/** Bytes of the reference at a likeness, between the two points around it (the ends are continued). */
function bytesAt(curve: Point[], wanted: number): number {
	const sorted = curve.toSorted((a, b) => a.bytes - b.bytes);
	const above = Math.min(sorted.length - 1, Math.max(1, sorted.findIndex((point) => point.decibels >= wanted)));
	const [left, right] = [sorted[above - 1] as Point, sorted[above] as Point];
	const share = (wanted - left.decibels) / (right.decibels - left.decibels);
	return Math.exp(Math.log(left.bytes) + (Math.log(right.bytes) - Math.log(left.bytes)) * share);
}

async function reference(source: string, options: string[]): Promise<Array<Point & { crf: number; ssim: number }>> {
	const points = [];
	for (const crf of CRFS) {
		const made = join(folder, 'reference.mp4');
		ffmpeg('-i', source, '-c:v', 'libx264', ...options, '-crf', String(crf), made);
		const value = ssim(made, source);
		points.push({ crf, bytes: (await stat(made)).size, ssim: value, decibels: decibels(value) });
	}
	return points;
}

async function smart(source: string, target: number) {
	const workDir = await mkdtemp(join(folder, 'smart-'));
	const cpu = { measure: 0, ffmpeg: 0 };
	let step: keyof typeof cpu = 'measure';
	const result = await runMedia(compress, compress.params.parse({ mode: 'smart', target_ssim: target }), {
		source: { path: source, facts: await probe(source) },
		inputs: [],
		workDir,
		signal: new AbortController().signal,
		log: pino({ level: 'silent' }),
		onProgress: () => {},
		step: (name, work) => {
			step = name as keyof typeof cpu;
			return work();
		},
		runPlan: async (request) => {
			const made = await runPlan(request);
			cpu[step] += made.cpuSeconds;
			return made;
		},
		probe,
	});
	const file = result.files?.[0];
	if (!file) throw new Error('smart made no file');
	const made = { bytes: (await stat(file.path)).size, ssim: ssim(file.path, source), output: result.output, cpu };
	await rm(workDir, { recursive: true });
	return made;
}

const ratios: number[] = [];
const searches: number[] = [];
for (const [name, graph] of Object.entries(CONTENTS)) {
	if (ONLY.length > 0 && !ONLY.includes(name)) continue;
	const source = join(folder, `${name}.mkv`);
	ffmpeg('-filter_complex', graph, '-t', String(SECONDS), '-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '0', source);
	const typed = await reference(source, []);
	const veryfast = await reference(source, ['-preset', 'veryfast']);
	const target = typed.find(({ crf }) => crf === 23)?.ssim ?? 0;
	const made = await smart(source, target);
	const reached = decibels(made.ssim);
	const ratio = made.bytes / bytesAt(typed, reached);
	const search = made.cpu.measure / made.cpu.ffmpeg;
	ratios.push(ratio);
	searches.push(search);
	console.log(
		`${name.padEnd(7)} SSIM ${target.toFixed(4)} wanted, ${made.ssim.toFixed(4)} reached with CRF ${String(made.output['crf'])} (samples said ${String(made.output['quality_reached'])})\n` +
			`        bytes at equal SSIM: ${(made.bytes / 1000).toFixed(0)} kB : ${(bytesAt(typed, reached) / 1000).toFixed(0)} kB = ${ratio.toFixed(3)}; against preset veryfast ${(made.bytes / bytesAt(veryfast, reached)).toFixed(3)}; smart against the file of CRF 23 as it is ${(made.bytes / (typed.find(({ crf }) => crf === 23)?.bytes ?? 1)).toFixed(3)}\n` +
			`        search / encode, CPU: ${made.cpu.measure.toFixed(1)} s / ${made.cpu.ffmpeg.toFixed(1)} s = ${search.toFixed(3)}`,
	);
	await rm(source);
}
const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
console.log(`mean ratio at equal SSIM ${mean.toFixed(3)} (bar 0.8); largest share of the search ${Math.max(...searches).toFixed(3)} (bar 0.25)`);
