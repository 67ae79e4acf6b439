import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import ffmpeg from 'fluent-ffmpeg';
import type { Logger } from 'pino';
import { PipelineError } from '../errors.ts';
import type { ProducedFile } from '../operations/operation.ts';
import type { MediaFacts } from './facts.ts';
import { ffmpegCall, type FfmpegCall } from './ffmpeg-arguments.ts';
import { cpuSecondsOf, explainFailure, ProgressReader } from './ffmpeg-output.ts';
import type { MediaPlan } from './plan.ts';
import { abortError, asFileUrl, probe, refuseTooManyPixels } from './probe.ts';
import { adopt, childOptions, Tail, terminate } from './process.ts';

export { availableEncoders, checkFfmpeg } from './check.ts';

/** Starting ffmpeg, reading a slow disk, writing the index at the end: what has nothing to do with the length. */
export const DEADLINE_BASE_SECONDS = 300;
/** The estimates are for one idle core of 2020; a busy or weak machine may take ten times as long. */
export const DEADLINE_PER_ESTIMATED_SECOND = 10;
/** For plans that underestimate: whatever is made takes at most this many times as long as it plays. */
export const DEADLINE_PER_MEDIA_SECOND = 10;
/** The slowest encoders collect some 40 pictures before the first comes out; at half a picture a second that is 80 s. */
export const STALL_SECONDS = 180;

export interface EngineLimits {
	/** Replaces the deadline derived from the plan. */
	deadlineSeconds?: number;
	/** Without any progress and any write. Default STALL_SECONDS. */
	stallSeconds?: number;
	/** Threads of each decoder and encoder. Default: ffmpeg decides by the number of cores. */
	threads?: number;
}

export interface RunPlan {
	inputPath: string;
	facts: MediaFacts;
	plan: MediaPlan;
	/** Existing folder for the results. */
	workDir: string;
	signal: AbortSignal;
	/** 0 to 100, never falling; 100 exactly once, at the end. */
	onProgress(percent: number): void;
	log: Logger;
	limits?: EngineLimits;
}

/**
 * Makes all outputs of a plan in one ffmpeg process. A file is in `workDir` under its name only when it was finished and
 * probed. Throws `input_corrupt`, `input_too_large`, `processing_failed`, `processing_timeout`, `processing_stalled`,
 * `storage_full`, and on abort the signal's own PipelineError, else `cancelled`; the process group is gone by then.
 */
export async function runPlan(request: RunPlan): Promise<{ files: ProducedFile[]; cpuSeconds: number }> {
	const { facts, plan, workDir, signal, log } = request;
	if (signal.aborted) throw abortError(signal);
	refuseTooManyPixels(facts);
	const call = ffmpegCall({ ...request, threads: request.limits?.threads }, ({ name }, index) => join(workDir, `.partial-${index}-${name}`));
	const started = performance.now();
	let percent = 0;
	const onProgress = (value: number): void => {
		if (value <= percent) return;
		percent = value;
		request.onProgress(value);
	};
	try {
		const { stderr } = await run(call, { ...request, onProgress });
		const files = await Promise.all(call.outputs.map((output) => verify(output, stderr, signal)));
		await Promise.all(files.map(async (file, index) => rename(call.outputs[index]!.path, file.path)));
		const cpuSeconds = cpuSecondsOf(stderr);
		log.info({ outputs: files.map((file) => file.name), cpu_seconds: cpuSeconds, wall_ms: Math.round(performance.now() - started) }, 'ffmpeg made the files');
		onProgress(100);
		return { files, cpuSeconds };
	} catch (error) {
		await Promise.all(call.outputs.map(({ path }) => rm(path, { force: true })));
		throw error;
	}

	/** Runs ffmpeg to its end, under the deadline, the stall timer and the signal. */
	async function run(toRun: FfmpegCall, { limits = {} }: RunPlan): Promise<{ stderr: string }> {
		const command = build(toRun);
		const expected = Math.max(0, ...plan.outputs.map((output) => output.expectedSeconds));
		const deadline = limits.deadlineSeconds ?? deadlineSeconds(plan);
		const stall = limits.stallSeconds ?? STALL_SECONDS;
		const errors = new Tail();
		const reader = new ProgressReader();
		let stop: PipelineError | null = null;
		let child: ChildProcess | null = null;
		let lastMove = Date.now();
		const end = (why: PipelineError): void => {
			stop ??= why;
			if (child) void terminate(child);
		};
		spawnDetached(command, (spawned) => {
			child = spawned;
			adopt(spawned);
			spawned.stderr?.on('data', (chunk: string) => errors.add(chunk));
			spawned.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
				const { seconds, moved } = reader.read(chunk);
				if (moved) lastMove = Date.now();
				// 100 is said when the files have been checked.
				if (seconds !== null && expected > 0) onProgress(Math.min(99, Math.floor((seconds / expected) * 100)));
			});
			if (stop) void terminate(spawned);
		});
		const onAbort = (): void => end(abortError(signal));
		signal.addEventListener('abort', onAbort, { once: true });
		const timeout = setTimeout(() => end(new PipelineError('processing_timeout', `ffmpeg was not done after ${Math.round(deadline)} s, far longer than this media should take. Choose a smaller size or a faster preset.`)), deadline * 1000);
		const watch = setInterval(() => {
			void lastWrite(toRun).then((written) => {
				if (Date.now() - Math.max(lastMove, written) > stall * 1000) end(new PipelineError('processing_stalled', `ffmpeg made no progress for ${stall} s and was ended.`));
			});
		}, Math.min(5_000, stall * 500));
		try {
			command.on('start', (line: string) => log.debug({ command: line }, 'ffmpeg starts'));
			const ended = once(command, 'end');
			command.run();
			await ended;
			return { stderr: errors.toString() };
		} catch (error) {
			throw stop ?? explainFailure(errors.toString(), error instanceof Error ? error.message.split(':')[0]! : String(error));
		} finally {
			clearTimeout(timeout);
			clearInterval(watch);
			signal.removeEventListener('abort', onAbort);
		}
	}
}

/** Pure: how long the process may take, seconds. */
export function deadlineSeconds(plan: MediaPlan): number {
	const longest = Math.max(0, ...plan.outputs.map((output) => output.expectedSeconds));
	return DEADLINE_BASE_SECONDS + Math.max(plan.estimatedCpuSeconds * DEADLINE_PER_ESTIMATED_SECOND, longest * DEADLINE_PER_MEDIA_SECOND);
}

/** Moving the index to the front (fast start) of a large file rewrites it without any progress report: its time changes. */
async function lastWrite({ outputs }: FfmpegCall): Promise<number> {
	const times = await Promise.all(outputs.map(({ path }) => stat(path).then(({ mtimeMs }) => mtimeMs, () => 0)));
	return Math.max(...times);
}

function build({ inputs, outputs }: FfmpegCall): ffmpeg.FfmpegCommand {
	// The rings of fluent-ffmpeg keep lines of any length: we keep our own tail of stderr, and it as little as it can.
	const command = ffmpeg({ stdoutLines: 10 });
	for (const { url, options } of inputs) command.input(url).inputOptions(...pass(options));
	for (const { path, options } of outputs) command.output(asFileUrl(path)).outputOptions(...pass(options));
	return command;
}

/** Given one argument or an array, fluent-ffmpeg cuts options at blanks; given several arguments it leaves them alone. */
function pass(options: string[]): [string, string, ...string[]] {
	const [first, second, ...rest] = options;
	if (first === undefined || second === undefined) throw new TypeError('ffmpeg options come at least in pairs');
	return [first, second, ...rest];
}

type SpawnFfmpeg = (args: string[], options: object, onProcess: (child: ChildProcess) => void, onEnd: (...result: unknown[]) => void) => void;

/**
 * fluent-ffmpeg spawns the child itself and has no option for the process group, the environment or stdin, but hands the
 * options of its inner `_spawnFfmpeg` to Node's spawn as they are. That one method is wrapped, on this command only. Its
 * `progress` event is never listened to: the listener alone makes it run ffprobe on the input without any of our limits.
 */
function spawnDetached(command: ffmpeg.FfmpegCommand, onSpawn: (child: ChildProcess) => void): void {
	const inner: SpawnFfmpeg = Reflect.get(command, '_spawnFfmpeg');
	const wrapped: SpawnFfmpeg = (args, options, onProcess, onEnd) => {
		// It also asks ffmpeg for its encoders and formats, once per sidecar.
		const isOurs = args.includes('-progress');
		inner.call(
			command,
			args,
			{ ...options, ...childOptions(), stdio: ['ignore', 'pipe', 'pipe'] },
			(child: ChildProcess, ...rings: []) => {
				if (isOurs) onSpawn(child);
				onProcess(child, ...rings);
			},
			onEnd,
		);
	};
	Object.assign(command, { _spawnFfmpeg: wrapped });
}

/** A success without an output is a bug, and so is an output that nobody can open. */
async function verify({ planned, path }: FfmpegCall['outputs'][number], stderr: string, signal: AbortSignal): Promise<ProducedFile> {
	const facts = await probe(path, { signal }).catch((error: unknown) => {
		if (signal.aborted) throw abortError(signal);
		const cause = new Error(`${error instanceof Error ? error.message : String(error)}\n${stderr}`);
		throw new PipelineError('processing_failed', `ffmpeg ended well, but its result ${planned.name} cannot be opened. The log of the sidecar has its words.`, { cause });
	});
	refuseShort(planned, facts, stderr);
	return {
		name: planned.name,
		path: join(path, '..', planned.name),
		mime: planned.mime,
		...(facts.video ? { width: facts.video.width, height: facts.video.height } : {}),
		...(facts.fileType === 'image' ? {} : { durationSeconds: facts.durationSeconds }),
	};
}

/** ffmpeg calls it a success when the input breaks off in the middle. Containers disagree on lengths by up to a second. */
function refuseShort(planned: PlannedLength, facts: MediaFacts, stderr: string): void {
	const missing = planned.expectedSeconds - facts.durationSeconds;
	if (planned.kind === 'image' || missing <= Math.max(2, planned.expectedSeconds * 0.1)) return;
	throw new PipelineError(
		'input_corrupt',
		`The media breaks off: only ${facts.durationSeconds.toFixed(1)} s of ${planned.expectedSeconds.toFixed(1)} s could be read. Upload or export it again.`,
		{ cause: new Error(stderr) },
	);
}
type PlannedLength = { kind: string; expectedSeconds: number };
