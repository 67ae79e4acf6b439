import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runPlan } from '../../../sidecar/src/media/engine.ts';
import { ffmpegCall } from '../../../sidecar/src/media/ffmpeg-arguments.ts';
import type { PlannedOutput, PlanResult } from '../../../sidecar/src/media/plan.ts';
import { probe } from '../../../sidecar/src/media/probe.ts';
import { oddFile } from '../../fixtures/corpus.ts';
import { inFolder, silentLog } from '../../support/engine.ts';

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];
const AAC = ['-c:a', 'aac', '-b:a', '96k'];
const movie = (name: string, videoFilters: string[], more: Partial<PlannedOutput> = {}): PlannedOutput => ({
	...{ name: `${name}.mp4`, kind: 'video', mime: 'video/mp4', videoFilters, options: [...X264, ...AAC], expectedSeconds: 1 },
	...more,
});
const still = (name: string, videoFilters: string[], more: Partial<PlannedOutput> = {}): PlannedOutput => ({
	...{ name: `${name}.jpg`, kind: 'image', mime: 'image/jpeg', videoFilters, options: ['-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p'], expectedSeconds: 0 },
	...more,
});
const SCALE = 'scale=128:72';
/** All that may meet in one process: other sizes, rates and pixels, pictures that are done at once, sheets, text, sound, later parts. */
const OUTPUTS: PlannedOutput[] = [
	still('first', [SCALE]),
	movie('small', [SCALE, 'setsar=1'], { options: [...X264, '-crf', '30', ...AAC] }),
	movie('good', [SCALE, 'setsar=1'], { options: [...X264, '-crf', '20', '-an'] }),
	movie('smaller', [SCALE, 'hflip', 'scale=64:36']),
	movie('slow', ['fps=5', SCALE]),
	movie('slower', ['fps=5', 'scale=64:36']),
	movie('deep', [SCALE], { options: ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p10le', '-an'] }),
	movie('whole', []),
	still('sheet', ['tpad=stop_mode=clone:stop=-1', 'fps=4:start_time=0', 'trim=start_frame=0:end_frame=4', 'scale=64:36', 'tile=2x2:nb_frames=4']),
	{ name: 'scenes', kind: 'text', mime: 'text/plain', videoFilters: [SCALE, 'signalstats', 'metadata=print:file={text}'], options: [], expectedSeconds: 1 },
	{ name: 'sound.m4a', kind: 'audio', mime: 'audio/mp4', options: [...AAC], expectedSeconds: 1 },
	movie('graph', [], { graph: { filters: `[v]split[x][y];[x]${SCALE}[p];[y]${SCALE},hflip[q];[p][q]hstack[out]`, map: ['[out]', 'a?'] } }),
	movie('later', [SCALE], { seekSeconds: 1 }),
	movie('later-slow', [SCALE, 'fps=5'], { seekSeconds: 1 }),
	movie('part', [SCALE], { seekSeconds: 0.5, durationSeconds: 0.8, expectedSeconds: 0.8 }),
	movie('part-again', [SCALE], { seekSeconds: 0.5, durationSeconds: 0.8, expectedSeconds: 0.8 }),
	still('later', [SCALE], { seekSeconds: 1 }),
];

/** Of each decoded picture and piece of sound: its time and a hash. */
async function frames(path: string): Promise<string[]> {
	const { stdout } = await promisify(execFile)('ffmpeg', ['-v', 'error', '-i', path, '-f', 'framemd5', '-'], { maxBuffer: 1e8 });
	return stdout.split('\n').filter((line) => line && !line.startsWith('#'));
}

describe('outputs that share filters', () => {
	it.each([
		['HDR', 'hdrPq'],
		['fields, in a format without an index', 'fieldsMpeg2'],
		['uneven times', 'uneven'],
		['10 bits', 'tenBit'],
	])('are what they are alone: %s', (_, source) =>
		inFolder(async (folder) => {
			const inputPath = oddFile(source);
			const facts = await probe(inputPath);
			const run = async (name: string, outputs: PlannedOutput[]): Promise<PlanResult> => {
				const workDir = join(folder, name);
				await mkdir(workDir);
				const plan = { outputs, estimatedCpuSeconds: 1 };
				return runPlan({ inputPath, facts, workDir, plan, signal: new AbortController().signal, onProgress: () => {}, log: silentLog });
			};
			const call = ffmpegCall({ inputPath, facts, plan: { outputs: OUTPUTS, estimatedCpuSeconds: 1 } }, ({ name }) => name);
			expect(call.outputs.filter(({ options }) => options.some((option) => /^\[s\d+_\d+\]$/.test(option))).length).toBeGreaterThan(5);
			const together = await run('together', OUTPUTS);
			for (const [index, output] of OUTPUTS.entries()) {
				const alone = await run(`alone-${index}`, [output]);
				if (output.kind === 'text') expect(together.texts[output.name]).toBe(alone.texts[output.name]);
				else {
					const found = await frames(join(folder, 'together', output.name));
					expect(found.length).toBeGreaterThan(0);
					expect({ name: output.name, frames: found }).toEqual({ name: output.name, frames: await frames(join(folder, `alone-${index}`, output.name)) });
				}
			}
		}),
	120_000);
});
