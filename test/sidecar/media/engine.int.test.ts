import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { deadlineSeconds, runPlan, type RunPlan } from '../../../sidecar/src/media/engine.ts';
import type { MediaPlan, PlannedOutput } from '../../../sidecar/src/media/plan.ts';
import { fixture } from '../../fixtures/media.ts';
import { inFolder, request } from '../../support/engine.ts';
import { imageFacts, videoFacts } from '../../support/facts.ts';

const movie = (
	name: string,
	height: number,
	options: string[] = ['-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac'],
): PlannedOutput => ({
	name,
	kind: 'video',
	mime: 'video/mp4',
	videoFilters: [`scale=-2:${height}`],
	options,
	expectedSeconds: 10,
});
const picture = (name: string, seekSeconds: number): PlannedOutput => ({
	name,
	kind: 'image',
	mime: 'image/jpeg',
	seekSeconds,
	options: ['-c:v', 'mjpeg'],
	expectedSeconds: 0,
});
const plan = (...outputs: PlannedOutput[]): MediaPlan => ({ outputs, estimatedCpuSeconds: 1 });
/** Takes a minute and a half without keeping the machine busy. */
const slow = plan({ ...movie('slow.mp4', 90), videoFilters: ['scale=-2:90', 'realtime=speed=0.1'] });

const failure = async (work: Promise<unknown>): Promise<PipelineError> => {
	const error: unknown = await work.then(
		() => new Error('it succeeded'),
		(thrown: unknown) => thrown,
	);
	if (error instanceof PipelineError) return error;
	throw error;
};
/** Processes whose command line holds `text`; zombies have none. */
const processesWith = async (text: string): Promise<string[]> => {
	const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,args=']);
	return stdout.split('\n').filter((line) => line.includes(text) && line.includes('-progress'));
};
const until = async (condition: () => Promise<boolean>): Promise<void> => {
	while (!(await condition())) await new Promise((next) => setTimeout(next, 50));
};

describe('runPlan', () => {
	it('makes all outputs in one process, and says how far it is', () =>
		inFolder(async (folder) => {
			const percents: number[] = [];
			const commands: unknown[] = [];
			const asked = await request('hd', folder, {
				plan: plan(movie('large.mp4', 720), movie('small.mp4', 360), picture('early.jpg', 1), picture('late.jpg', 8)),
				onProgress: (percent) => percents.push(percent),
			});
			asked.log = Object.assign(Object.create(asked.log), {
				debug: (fields: unknown) => commands.push(fields),
			}) as RunPlan['log'];
			const { files, cpuSeconds } = await runPlan(asked);
			expect(files.map(({ name, width, height }) => [name, width, height])).toEqual([
				['large.mp4', 1280, 720],
				['small.mp4', 640, 360],
				['early.jpg', 1920, 1080],
				['late.jpg', 1920, 1080],
			]);
			expect(files[0]?.durationSeconds).toBeCloseTo(10, 0);
			expect(await readdir(folder)).toEqual(['early.jpg', 'large.mp4', 'late.jpg', 'small.mp4']);
			expect(commands).toHaveLength(1);
			expect(cpuSeconds).toBeGreaterThan(0.1);
			expect(percents.length).toBeGreaterThan(2);
			expect(percents).toEqual([...new Set(percents)].sort((a, b) => a - b));
			expect(percents.at(-1)).toBe(100);
		}));

	it('ends ffmpeg and leaves nothing behind when it is aborted', () =>
		inFolder(async (folder) => {
			const controller = new AbortController();
			const error = await failure(
				request('hd', folder, { plan: slow, signal: controller.signal, onProgress: () => controller.abort() }).then(
					runPlan,
				),
			);
			expect(error.code).toBe('cancelled');
			expect(await processesWith(folder)).toEqual([]);
			expect(await readdir(folder)).toEqual([]);
		}));

	it('passes on why it was aborted', () =>
		inFolder(async (folder) => {
			const signal = AbortSignal.abort(new PipelineError('deadline_exceeded', 'too late'));
			expect((await failure(request('landscape', folder, { plan: slow, signal }).then(runPlan))).code).toBe(
				'deadline_exceeded',
			);
		}));

	it('ends ffmpeg at the deadline', () =>
		inFolder(async (folder) => {
			const error = await failure(
				request('hd', folder, { plan: slow, limits: { deadlineSeconds: 0.5 } }).then(runPlan),
			);
			expect(error.code).toBe('processing_timeout');
			expect(await processesWith(folder)).toEqual([]);
		}));

	it('ends an ffmpeg that makes no progress', () =>
		inFolder(async (folder) => {
			// Nobody writes into the pipe: ffmpeg waits in open() for ever.
			const pipe = join(folder, 'pipe');
			execFileSync('mkfifo', [pipe]);
			const error = await failure(
				request('landscape', folder, { plan: slow, inputPath: pipe, limits: { stallSeconds: 1 } }).then(runPlan),
			);
			expect(error.code).toBe('processing_stalled');
			expect(error.retryable).toBe(true);
			expect(await processesWith(folder)).toEqual([]);
		}));

	it('ends ffmpeg when its own process is killed with SIGKILL', () =>
		inFolder(async (folder) => {
			const parent = spawn(
				process.execPath,
				[
					'--no-warnings',
					fileURLToPath(new URL('../../support/engine-child.ts', import.meta.url)),
					fixture('hd'),
					folder,
				],
				{ stdio: ['ignore', 'pipe', 'inherit'] },
			);
			const exited = once(parent, 'exit');
			await once(parent.stdout, 'data');
			const running = await processesWith(folder);
			parent.kill('SIGKILL');
			await exited;
			expect(running).toHaveLength(1);
			await until(async () => (await processesWith(folder)).length === 0);
		}));

	it('refuses to call a file finished that is far shorter than planned', () =>
		inFolder(async (folder) => {
			const error = await failure(
				request('landscape', folder, { plan: plan({ ...movie('long.mp4', 360), expectedSeconds: 30 }) }).then(runPlan),
			);
			expect(error.code).toBe('input_corrupt');
			expect(error.message).toMatch(/3\.0 s of 30\.0 s/);
			expect(await readdir(folder)).toEqual([]);
		}));

	it('takes the first picture where there is none at the place asked for', () =>
		inFolder(async (folder) => {
			const { files } = await runPlan(await request('longSound', folder, { plan: plan(picture('there.jpg', 4)) }));
			expect(files[0]).toMatchObject({ name: 'there.jpg', width: 320 });
		}));

	it('says it in plain words when ffmpeg lacks an encoder, and keeps its words for the log', () =>
		inFolder(async (folder) => {
			const error = await failure(
				request('landscape', folder, { plan: plan(movie('a.mp4', 360, ['-c:v', 'libnothing'])) }).then(runPlan),
			);
			expect(error.code).toBe('processing_failed');
			expect(error.message).toMatch(/without the encoder libnothing/);
			expect(String(error.cause)).toMatch(/Unknown encoder/);
		}));

	it('works through a file with damaged bytes in its middle', () =>
		inFolder(async (folder) => {
			const { files } = await runPlan(
				await request('corruptMiddle', folder, { plan: plan({ ...movie('a.mp4', 360), expectedSeconds: 3 }) }),
			);
			expect(files[0]?.durationSeconds).toBeCloseTo(3, 0);
		}));

	it('reads a file whose name is made to mislead', () =>
		inFolder(async (folder) => {
			const { files } = await runPlan(await request('weirdName', folder, { plan: plan(picture('a.jpg', 1)) }));
			expect(files).toHaveLength(1);
		}));

	it('refuses pictures that would not fit into memory before it starts anything', () =>
		inFolder(async (folder) => {
			const facts = imageFacts({ width: 20_000, height: 20_000 });
			expect(
				(await failure(request('jpeg', folder, { plan: plan(picture('a.jpg', 0)), facts }).then(runPlan))).code,
			).toBe('input_too_large');
		}));
});

describe('deadlineSeconds', () => {
	it('grows with the length and with the expected cost', () => {
		const { durationSeconds } = videoFacts();
		expect(deadlineSeconds({ outputs: [], estimatedCpuSeconds: 0 })).toBe(300);
		expect(
			deadlineSeconds({
				outputs: [{ ...movie('a.mp4', 1), expectedSeconds: durationSeconds }],
				estimatedCpuSeconds: 1,
			}),
		).toBe(900);
		expect(deadlineSeconds({ outputs: [movie('a.mp4', 1)], estimatedCpuSeconds: 100 })).toBe(1300);
	});
});
