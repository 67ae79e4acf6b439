import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PipelineError } from '../errors.ts';
import { abortError } from './probe.ts';
import { adopt, childOptions, Tail, terminate } from './process.ts';

/** Compiled, this file and the child end in .js. */
const CHILD = fileURLToPath(new URL(`./gtcrn-child.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));

/** Samples per second that the network is made for. */
const SAMPLE_RATE = 48_000;
/** Starting Node and the network. */
const DEADLINE_BASE_SECONDS = 60;
/** It takes a twentieth of the time that one channel plays (measured on one core of 2020); a busy machine takes longer. */
const DEADLINE_PER_SECOND = 2;

export interface GtcrnRequest {
	/** A WAV of 16 bits and 48 kHz. */
	from: string;
	/** Where the same without noise is written; of the same length, and not later. */
	to: string;
	/** Length of the sound, seconds; for progress and for the deadline. */
	seconds: number;
	/** Number of channels; each is worked on alone. */
	channels: number;
	signal: AbortSignal;
	/** 0 to 100 */
	onProgress(percent: number): void;
	/** Replaces the deadline derived from the length. */
	deadlineSeconds?: number;
}

/**
 * Removes noise from speech with GTCRN, a small neural network. In a process of its own: it keeps a core busy.
 * Throws `processing_failed`, `processing_timeout`, and the signal's reason.
 */
export async function gtcrn(request: GtcrnRequest): Promise<{ cpuSeconds: number }> {
	const { from, to, seconds, channels, signal, onProgress } = request;
	if (signal.aborted) throw abortError(signal);
	const deadline = request.deadlineSeconds ?? DEADLINE_BASE_SECONDS + DEADLINE_PER_SECOND * seconds * channels;
	const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, from, to], {
		...childOptions(),
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	adopt(child);
	const errors = new Tail();
	child.stderr.on('data', (chunk: Buffer) => errors.add(chunk.toString()));
	let cpuSeconds = 0;
	createInterface({ input: child.stdout }).on('line', (line) => {
		const [what, value] = line.split(' ');
		if (what === 'cpu') cpuSeconds = Number(value);
		else if (seconds > 0) onProgress(Math.min(100, (100 * Number(value)) / (seconds * SAMPLE_RATE)));
	});
	let late = false;
	const stop = (): void => void terminate(child);
	const timer = setTimeout(() => {
		late = true;
		stop();
	}, deadline * 1000);
	signal.addEventListener('abort', stop, { once: true });
	try {
		const [code] = (await once(child, 'close')) as [number | null];
		if (signal.aborted) throw abortError(signal);
		if (late) throw new PipelineError('processing_timeout', `The noise suppressor was not done after ${Math.round(deadline)} s, far longer than this sound should take. Choose the engine ffmpeg.`);
		if (code === 0) return { cpuSeconds };
		throw new PipelineError('processing_failed', 'The noise suppressor failed. Choose the engine ffmpeg; the log of the sidecar has its words.', {
			cause: new Error(`exit ${code}: ${errors.toString()}`),
		});
	} finally {
		clearTimeout(timer);
		signal.removeEventListener('abort', stop);
	}
}
