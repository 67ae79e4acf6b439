import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { PipelineError } from '../../errors.ts';
import { abortError } from '../../media/probe.ts';
import { adopt, childOptions, Tail, terminate } from '../../media/process.ts';
import { createTurns, deferred } from './turns.ts';

/**
 * Inference in a process of its own: it keeps a core busy and takes hundreds of megabytes, neither of which the API should
 * notice. The process stays for a while, because loading a model takes longer than using it, and then gives its memory back.
 */

/** Long enough to bridge the steps between the pictures of a job, short enough that memory is not held for nothing. */
const IDLE_MS = 20_000;
/** One picture takes a second; a machine that is busy with ffmpeg takes many times that. */
const TIMEOUT_MS = 120_000;

export interface InferenceOptions {
	/** What it is for, in messages: "The local engine for <what> failed." */
	what: string;
	/** The module that calls `serve` (infer-child.ts); see `childModule`. */
	child: string;
	args: readonly string[];
	/** How long the process waits for the next request; 0: it ends after each answer. Default 20,000. */
	idleMs?: number;
}

export interface AskOptions {
	signal: AbortSignal;
	/** From when it is this request's turn, loading the model included. Default 120,000. */
	timeoutMs?: number;
	/** 0 to 100, where the child reports any. */
	onProgress?(percent: number): void;
}

export interface Inference {
	/**
	 * Sends one request and waits for its answer; requests are worked on one after the other. Both are copied like messages
	 * between threads: JSON, and typed arrays. Throws `processing_failed`, `processing_timeout` and the signal's reason, each
	 * of which ends the process; the next request starts another. One that the operating system
	 * ended, for want of memory, is started again once, after the idle ones of all engines have given theirs back.
	 */
	ask<Request, Answer>(request: Request, options: AskOptions): Promise<Inferred<Answer>>;
	/** Ends the process, if there is one. It also ends by itself. */
	close(): Promise<void>;
}

export interface Inferred<Answer> {
	answer: Answer;
	/** Seconds of computing, over all cores, for this request. The first one includes loading the model. */
	cpuSeconds: number;
}

/** What a child sends. */
export type ChildMessage<Answer> = { progress: number } | ({ error: null } & Inferred<Answer>) | { error: string };

/** `childModule('./faces-child', import.meta.url)`: compiled, both files end in .js. */
export const childModule = (name: string, beside: string): string => fileURLToPath(new URL(`${name}.${beside.endsWith('.ts') ? 'ts' : 'js'}`, beside));

/** Ends a process that waits for its next request; one per such process of this sidecar. */
const idling = new Set<() => Promise<void>>();

export function createInference({ what, child: file, args, idleMs = IDLE_MS }: InferenceOptions): Inference {
	let current: Running | null = null;
	let idle: NodeJS.Timeout | undefined;
	const inTurn = createTurns();

	async function close(): Promise<void> {
		clearTimeout(idle);
		idling.delete(close);
		const ending = current;
		current = null;
		if (ending) await terminate(ending.child);
	}

	async function attempt<Answer>(request: unknown, options: AskOptions): Promise<Inferred<Answer>> {
		if (options.signal.aborted) throw abortError(options.signal);
		if (!current || current.ended) current = start(what, file, args);
		return answerOf<Answer>(what, current, request, options);
	}

	async function talk<Answer>(request: unknown, options: AskOptions): Promise<Inferred<Answer>> {
		if (options.signal.aborted) throw abortError(options.signal);
		clearTimeout(idle);
		idling.delete(close);
		try {
			const answer = await attempt<Answer>(request, options).catch(async (error: unknown) => {
				if (!(error instanceof Killed)) throw error;
				await Promise.all([...idling].map((end) => end()));
				return attempt<Answer>(request, options);
			});
			if (idleMs === 0) await close();
			return answer;
		} catch (error) {
			await close();
			throw error;
		} finally {
			if (current) {
				idle = setTimeout(() => void close(), idleMs).unref();
				idling.add(close);
			}
		}
	}

	return {
		close,
		ask: <Request, Answer>(request: Request, options: AskOptions) => inTurn(() => talk<Answer>(request, options), options.signal),
	};
}

interface Running {
	child: ChildProcess;
	errors: Tail;
	ended: boolean;
}

/** Somebody else ended the process by force: nearly always Linux, which found no more memory and takes it from engines first. */
class Killed extends PipelineError {
	constructor(what: string) {
		super('processing_failed', `The local engine for ${what} was ended by the operating system twice, most likely because memory ran out. Give this machine more memory, or let it work on fewer jobs at once (CONCURRENCY).`);
	}
}

function failure(what: string, cause: unknown): PipelineError {
	return new PipelineError('processing_failed', `The local engine for ${what} failed. Try again; if it fails again, run "npm run engines", or look into the log of the sidecar.`, { cause });
}

function start(what: string, file: string, args: readonly string[]): Running {
	const child = spawned(what, file, args);
	adopt(child);
	const running: Running = { child, errors: new Tail(), ended: false };
	child.stderr?.on('data', (chunk: Buffer) => running.errors.add(chunk));
	child.once('exit', () => (running.ended = true));
	// Without this, a failed start would end the sidecar; whoever asks hears of it.
	child.on('error', (error) => {
		running.ended = true;
		running.errors.add(String(error));
	});
	// An idle engine must not keep a sidecar alive that wants to end. While somebody asks, the deadline does.
	child.unref();
	child.channel?.unref();
	if (child.stderr instanceof Socket) child.stderr.unref();
	return running;
}

/** Where memory for a process is lacking, spawn throws; of other reasons the event `error` tells. */
function spawned(what: string, file: string, args: readonly string[]): ChildProcess {
	try {
		return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, ...args], {
			...childOptions(),
			// A channel, as libraries write what they like to standard output.
			stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
			serialization: 'advanced',
		});
	} catch (error) {
		throw failure(what, error);
	}
}

async function answerOf<Answer>(what: string, { child, errors }: Running, request: unknown, { signal, timeoutMs = TIMEOUT_MS, onProgress }: AskOptions): Promise<Inferred<Answer>> {
	const { promise, resolve, reject } = deferred<Inferred<Answer>>();
	const failed = (cause: string): void => reject(failure(what, new Error(cause)));
	const onMessage = (message: unknown): void => {
		if (!isFromServe<Answer>(message)) return;
		if ('progress' in message) onProgress?.(message.progress);
		else if (message.error === null) resolve(message);
		else failed(message.error);
	};
	const onClose = (code: number | null, by: NodeJS.Signals | null): void =>
		by === 'SIGKILL' ? reject(new Killed(what)) : failed(`ended with ${by ?? code}: ${errors.toString()}`);
	const onError = (error: Error): void => failed(String(error));
	const onAbort = (): void => reject(abortError(signal));
	const timer = setTimeout(() => {
		const seconds = Math.round(timeoutMs / 1000);
		reject(new PipelineError('processing_timeout', `The local engine for ${what} did not answer within ${seconds} s. Try again when this machine has less to do.`));
	}, timeoutMs);
	child.on('message', onMessage).on('close', onClose).on('error', onError);
	signal.addEventListener('abort', onAbort, { once: true });
	try {
		// Without a channel it could not be started, and the event `error` follows; where it has just ended, `close` says how.
		if (child.connected) child.send(request as object, () => {});
		return await promise;
	} finally {
		clearTimeout(timer);
		signal.removeEventListener('abort', onAbort);
		child.off('message', onMessage).off('close', onClose).off('error', onError);
	}
}

/** Libraries may tell their parent whatever they like; an exception in the event would end the sidecar. */
function isFromServe<Answer>(message: unknown): message is ChildMessage<Answer> {
	if (typeof message !== 'object' || message === null) return false;
	if ('progress' in message) return typeof message.progress === 'number';
	return 'error' in message && (message.error === null || typeof message.error === 'string');
}
