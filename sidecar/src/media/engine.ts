import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import ffmpeg from 'fluent-ffmpeg';
import type { Logger } from 'pino';
import { PipelineError } from '../errors.ts';
import { hasEarly, watchEarly } from './early.ts';
import type { MediaFacts } from './facts.ts';
import { attachmentsOf, ffmpegCall, textPath, writesText, type FfmpegCall, type Readable } from './ffmpeg-arguments.ts';
import { cpuSecondsOf, EMPTY_OUTPUT, explainFailure, ProgressReader } from './ffmpeg-output.ts';
import { refuseTooMuchWork } from './limits.ts';
import { hideSubtitles } from './mp4-subtitles.ts';
import { packageFiles } from './package.ts';
import type { EarlyFile, MediaPlan, PlanResult, PlannedOutput } from './plan.ts';
import { abortError, asFileUrl, refuseTooManyPixels } from './probe.ts';
import { adopt, childOptions, highWater, Tail, terminate } from './process.ts';
import { verifyOutput } from './verify.ts';

export { availableEncoders, canToneMap, checkFfmpeg, hasVmaf } from './check.ts';

/** Starting ffmpeg, reading a slow disk, writing the index at the end: what has nothing to do with the length. */
export const DEADLINE_BASE_SECONDS = 300;
/** The estimates are for one idle core of 2020; a busy or weak machine may take ten times as long. */
export const DEADLINE_PER_ESTIMATED_SECOND = 10;
/** For plans that underestimate: whatever is made takes at most this many times as long as it plays. */
export const DEADLINE_PER_MEDIA_SECOND = 10;
/** Each x264 says 3 kB about its film at the end, after the CPU time of all: room for as many encoders as a process may have. */
const STDERR_BYTES = 65_536;
/** The slowest encoders collect some 40 pictures before the first comes out; at half a picture a second that is 80 s. */
export const STALL_SECONDS = 180;

export interface EngineLimits {
	/** Replaces the deadline derived from the plan. */
	deadlineSeconds?: number;
	/** Without any progress and any write. Default STALL_SECONDS. */
	stallSeconds?: number;
	/** Threads of each decoder and encoder. Default: ffmpeg decides by the number of cores. */
	threads?: number;
	/** Whether this ffmpeg has the filters for it (`canToneMap`). Without, HDR stays washed out. Default true. */
	toneMapping?: boolean;
	/** The most that a plan may cost. Default MAX_CPU_SECONDS, a day. */
	maxCpuSeconds?: number;
}

export interface RunPlan {
	inputPath: string;
	facts: MediaFacts;
	/** Further inputs, `[v1]` being the first. Default: none. */
	inputs?: Readable[];
	plan: MediaPlan;
	/** Existing folder for the results. */
	workDir: string;
	signal: AbortSignal;
	/** 0 to 100, never falling; 100 exactly once, at the end. */
	onProgress(percent: number): void;
	/** Told of pictures and parts of packages that are whole while the rest still runs. Not of all: short runs end first. */
	onEarly?(file: EarlyFile): void;
	log: Logger;
	limits?: EngineLimits;
}

/**
 * Makes all outputs of a plan in one ffmpeg process. A file is in `workDir` under its name only when it was finished and
 * probed. Throws `input_corrupt`, `input_too_large`, `processing_failed`, `processing_timeout`, `processing_stalled`,
 * `storage_full`, and on abort the signal's own PipelineError, else `cancelled`; the process group is gone by then.
 */
export async function runPlan(request: RunPlan): Promise<PlanResult> {
	const { facts, inputs = [], signal, log } = request;
	if (signal.aborted) throw abortError(signal);
	for (const input of [facts, ...inputs.map((one) => one.facts)]) refuseTooManyPixels(input);
	refuseTooMuchWork(request.plan, facts, request.limits?.maxCpuSeconds);
	const started = performance.now();
	let percent = 0;
	const onProgress = (value: number): void => {
		if (value <= percent) return;
		percent = value;
		request.onProgress(value);
	};
	const made = await make({ ...request, onProgress }).catch((error: unknown) => {
		const plan = withoutPictureSeeks(request.plan);
		if (!plan || !(error instanceof PipelineError) || error.details?.['reason'] !== EMPTY_OUTPUT) throw error;
		log.warn(
			{ outputs: request.plan.outputs.map(({ name }) => name) },
			'no picture at the place asked for: taking the first one',
		);
		return make({ ...request, plan, onProgress });
	});
	log.info(
		{
			outputs: made.files.map(({ name }) => name),
			cpu_seconds: made.cpuSeconds,
			max_rss_bytes: made.maxRssBytes,
			wall_ms: Math.round(performance.now() - started),
		},
		'ffmpeg made the files',
	);
	onProgress(100);
	return made;
}

/** Sound can last longer than the picture, and a screen recording can hold one picture for minutes: a seek then finds none. */
function withoutPictureSeeks(plan: MediaPlan): MediaPlan | null {
	if (plan.exactPlaces || !plan.outputs.some(({ kind, seekSeconds }) => kind === 'image' && seekSeconds)) return null;
	return {
		...plan,
		outputs: plan.outputs.map((output) => (output.kind === 'image' ? { ...output, seekSeconds: 0 } : output)),
	};
}

async function make(request: RunPlan): Promise<PlanResult> {
	const { workDir, signal, limits, inputs = [] } = request;
	const source = inputs.length > 0 ? undefined : { path: request.inputPath, facts: request.facts };
	const call = ffmpegCall({ ...request, threads: limits?.threads, toneMapping: limits?.toneMapping }, (output, index) => partialPath(workDir, output, index));
	const attachments = call.outputs.flatMap(({ planned, path }) => attachmentsOf(planned, path));
	try {
		await Promise.all(call.outputs.map(({ path }) => mkdir(dirname(path), { recursive: true })));
		await Promise.all(attachments.map(({ path, content }) => writeFile(path, content)));
		const { stderr, maxRssBytes } = await runWatched(call, request);
		const made = await Promise.all(call.outputs.map(({ planned, path }) => take(planned, path, { workDir, stderr, signal, source })));
		// Only now, when each of them has been checked, do they get their names.
		for (const { move } of made) {
			if (!move) continue;
			// Plans of several jobs that run together keep theirs in folders.
			await mkdir(dirname(move.to), { recursive: true });
			await rename(move.from, move.to);
		}
		return {
			files: made.flatMap(({ files }) => files),
			texts: Object.fromEntries(made.flatMap(({ text }) => (text ? [text] : []))),
			cpuSeconds: cpuSecondsOf(stderr),
			maxRssBytes,
		};
	} catch (error) {
		await Promise.all(
			call.outputs
				.flatMap(({ path, planned }) => [partialRoot(path, planned), textPath(planned, path)])
				.map((path) => rm(path, { recursive: true, force: true })),
		);
		throw error;
	} finally {
		await Promise.all(attachments.map(({ path }) => rm(path, { force: true })));
	}
}

interface Run {
	/** The end of what ffmpeg said. */
	stderr: string;
	/** 0 where it cannot be found out. */
	maxRssBytes: number;
}

async function runWatched(call: FfmpegCall, request: RunPlan): Promise<Run> {
	const { onEarly, workDir, signal } = request;
	if (!onEarly || !hasEarly(call.outputs)) return runFfmpeg(call, request);
	const watch = watchEarly(call.outputs, join(workDir, `.early-${randomUUID()}`), signal, onEarly);
	try {
		return await runFfmpeg(call, request);
	} finally {
		await watch.stop();
	}
}

/** A package is written into a folder of its own, which is then renamed as a whole. */
const partialPath = (workDir: string, { name, kind }: PlannedOutput, index: number): string =>
	kind === 'package' ? join(workDir, `.partial-${index}`, basename(name)) : join(workDir, `.partial-${index}-${basename(name)}`);
const partialRoot = (path: string, { kind }: PlannedOutput): string => (kind === 'package' ? dirname(path) : path);

interface Taken {
	files: PlanResult['files'];
	text?: [string, string];
	move?: { from: string; to: string };
}

/** Checks what an output became. */
async function take(
	planned: PlannedOutput,
	path: string,
	{ workDir, stderr, signal, source }: { workDir: string; stderr: string; signal: AbortSignal; source: Readable | undefined },
): Promise<Taken> {
	const text = writesText(planned) ? { text: [planned.name, await takeText(textPath(planned, path))] as [string, string] } : {};
	if (planned.kind === 'text') return { files: [], ...text };
	if (planned.kind === 'package') {
		const folder = dirname(join(workDir, planned.name));
		return { files: await packageFiles(planned, dirname(path), folder, { stderr, signal }), move: { from: dirname(path), to: folder }, ...text };
	}
	const to = join(workDir, planned.name);
	if (planned.mime === 'video/mp4' && planned.subtitleTracks?.length && !planned.subtitleTracks.some((track) => track.default)) await hideSubtitles(path);
	return { files: [await verifyOutput(planned, path, to, { stderr, signal, source })], move: { from: path, to }, ...text };
}

async function takeText(path: string): Promise<string> {
	const text = await readFile(path, 'utf8').catch(() => '');
	await rm(path, { force: true });
	return text;
}

/** How often its memory is looked at, which is one small file of the kernel: often at first, since a short run is over soon. */
const MEMORY_FIRST_MS = 20;
const MEMORY_EVERY_MS = 1000;

/** Runs ffmpeg to its end, under the deadline, the stall timer and the signal. Answers the end of what it said. */
async function runFfmpeg(call: FfmpegCall, { plan, signal, log, onProgress, limits = {} }: RunPlan): Promise<Run> {
	const expectedSeconds = longestOutput(plan);
	const deadline = limits.deadlineSeconds ?? deadlineSeconds(plan);
	const stall = limits.stallSeconds ?? STALL_SECONDS;
	const errors = new Tail(STDERR_BYTES);
	const reader = new ProgressReader();
	const stopped: { why: PipelineError | null } = { why: null };
	let child: ChildProcess | null = null;
	let lastMove = Date.now();
	let maxRssBytes = 0;
	const weigh = (): void => {
		maxRssBytes = Math.max(maxRssBytes, (child?.pid === undefined ? null : highWater(child.pid)) ?? 0);
	};
	let scales: NodeJS.Timeout | undefined;
	const weighAfter = (pause: number): void => {
		scales = setTimeout(() => {
			weigh();
			weighAfter(Math.min(2 * pause, MEMORY_EVERY_MS));
		}, pause);
	};
	const stop = (reason: PipelineError): void => {
		stopped.why ??= reason;
		if (child) void terminate(child);
	};
	const command = build(call);
	spawnDetached(command, (spawned) => {
		child = spawned;
		adopt(spawned);
		weighAfter(MEMORY_FIRST_MS);
		spawned.stderr?.on('data', (chunk: string) => errors.add(chunk));
		spawned.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
			const { seconds, moved } = reader.read(chunk);
			if (moved) lastMove = Date.now();
			weigh();
			// 100 is said when the files have been checked.
			if (seconds !== null && expectedSeconds > 0)
				onProgress(Math.min(99, Math.floor((seconds / expectedSeconds) * 100)));
		});
		// It was called off while fluent-ffmpeg was still asking ffmpeg for its encoders.
		if (stopped.why) void terminate(spawned);
	});
	const onAbort = (): void => stop(abortError(signal));
	signal.addEventListener('abort', onAbort, { once: true });
	const timer = setTimeout(() => stop(timedOut(deadline)), deadline * 1000);
	const watch = setInterval(
		() =>
			void lastWrite(call).then((written) => {
				if (Date.now() - Math.max(lastMove, written) > stall * 1000) stop(stalled(stall));
			}),
		Math.min(5_000, stall * 500),
	);
	try {
		command.on('start', (line: string) => log.debug({ command: line }, 'ffmpeg starts'));
		const ended = once(command, 'end');
		command.run();
		await ended;
	} catch (error) {
		throw stopped.why ?? explainFailure(errors.toString(), error instanceof Error ? error.message : String(error));
	} finally {
		clearTimeout(timer);
		clearTimeout(scales);
		clearInterval(watch);
		signal.removeEventListener('abort', onAbort);
	}
	// ffmpeg ends well when it is asked to end: what it wrote until then is no result.
	if (stopped.why) throw stopped.why;
	return { stderr: errors.toString(), maxRssBytes };
}

const timedOut = (deadline: number): PipelineError =>
	new PipelineError(
		'processing_timeout',
		`ffmpeg was not done after ${Math.round(deadline)} s, far longer than this media should take. Choose a smaller size or a faster preset.`,
	);
const stalled = (seconds: number): PipelineError =>
	new PipelineError('processing_stalled', `ffmpeg made no progress for ${seconds} s and was ended.`);
const longestOutput = (plan: MediaPlan): number =>
	Math.max(0, ...plan.outputs.map(({ expectedSeconds }) => expectedSeconds));

/** Pure: how long the process may take, seconds. */
export function deadlineSeconds(plan: MediaPlan): number {
	return (
		DEADLINE_BASE_SECONDS +
		Math.max(plan.estimatedCpuSeconds * DEADLINE_PER_ESTIMATED_SECOND, longestOutput(plan) * DEADLINE_PER_MEDIA_SECOND)
	);
}

/** Moving the index to the front (fast start) of a large file rewrites it without any progress report: its time changes. */
async function lastWrite({ outputs }: FfmpegCall): Promise<number> {
	const times = await Promise.all(
		outputs.map(({ path }) =>
			stat(path).then(
				({ mtimeMs }) => mtimeMs,
				() => 0,
			),
		),
	);
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

type SpawnFfmpeg = (
	args: string[],
	options: object,
	onProcess: (child: ChildProcess) => void,
	onEnd: (...result: unknown[]) => void,
) => void;

/**
 * fluent-ffmpeg spawns the child itself and has no option for the process group, the environment or stdin, but hands the
 * options of its inner `_spawnFfmpeg` to Node's spawn as they are. That one method is wrapped, on this command only. Its
 * `progress` event is never listened to: the listener alone makes it run ffprobe on the input without any of our limits.
 */
function spawnDetached(command: ffmpeg.FfmpegCommand, onSpawn: (child: ChildProcess) => void): void {
	const inner = Reflect.get(command, '_spawnFfmpeg') as SpawnFfmpeg;
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
