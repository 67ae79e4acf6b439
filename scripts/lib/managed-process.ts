import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isWindows } from './shell.mjs';

/** How long a process may take to end by itself before it is killed. n8n waits up to 30 s for running executions. */
const GRACE_MS = 20_000;

/** Characters of output kept for error messages; all of it is in the log file. */
const OUTPUT_KEPT = 20_000;

/** Everything that runs now. Whatever ends this script, even an error of its own, ends them too. */
const running = new Map<number, ManagedProcess>();
process.on('exit', () => {
	for (const pid of running.keys()) signalGroup(pid, 'SIGKILL');
});

/** Stops everything that was started, also what is not ready yet. */
export async function stopAll(): Promise<void> {
	await Promise.all([...running.values()].map((one) => one.stop()));
}

export interface ProcessOptions {
	/** Shown in messages, e.g. `n8n`. */
	name: string;
	command: string;
	args: string[];
	cwd?: string;
	env: NodeJS.ProcessEnv;
	/** Everything it writes goes here. The folder is made. */
	logFile: string;
	onLine?: (line: string) => void;
}

export interface ProcessEnd {
	code: number | null;
	signal: NodeJS.Signals | null;
}

/** A server that we started, in a process group of its own: a Ctrl+C in the terminal reaches us only, and we stop it in order. */
export interface ManagedProcess {
	readonly name: string;
	readonly pid: number;
	readonly logFile: string;
	/** The end of what it wrote. */
	output(): string;
	/** Settles when it has ended, for whatever reason. */
	readonly ended: Promise<ProcessEnd>;
	hasEnded(): boolean;
	/** Asks it to end, waits, and kills its whole group when it does not. */
	stop(graceMs?: number): Promise<ProcessEnd>;
	/** SIGKILL to its whole group, as a power cut would end it. */
	kill(): Promise<ProcessEnd>;
}

export async function startProcess(options: ProcessOptions): Promise<ManagedProcess> {
	await mkdir(dirname(options.logFile), { recursive: true });
	const log = createWriteStream(options.logFile, { flags: 'a' });
	const child = spawn(options.command, options.args, {
		cwd: options.cwd,
		env: options.env,
		stdio: ['ignore', 'pipe', 'pipe'],
		detached: !isWindows,
	});
	const { pid } = child;
	if (pid === undefined) throw new Error(`${options.name} cannot be started: ${options.command} is missing or not executable.`);

	const tail = collectOutput(child, log, options.onLine);
	let end: ProcessEnd | undefined;
	const ended = new Promise<ProcessEnd>((resolve) => {
		child.once('close', (code, signal) => {
			end = { code, signal };
			running.delete(pid);
			log.end(() => resolve({ code, signal }));
		});
	});
	const kill = (signal: NodeJS.Signals) => {
		if (!end) signalGroup(pid, signal);
		return ended;
	};
	const managed: ManagedProcess = {
		name: options.name,
		pid,
		logFile: options.logFile,
		output: tail,
		ended,
		hasEnded: () => end !== undefined,
		kill: () => kill('SIGKILL'),
		async stop(graceMs = GRACE_MS) {
			const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs);
			try {
				if (!end) process.kill(pid, 'SIGTERM');
				return await ended;
			} finally {
				clearTimeout(timer);
			}
		},
	};
	running.set(pid, managed);
	return managed;
}

function collectOutput(child: ChildProcess, log: WriteStream, onLine: ((line: string) => void) | undefined): () => string {
	let tail = '';
	let rest = '';
	const take = (chunk: Buffer) => {
		log.write(chunk);
		const text = chunk.toString('utf8');
		tail = (tail + text).slice(-OUTPUT_KEPT);
		if (!onLine) return;
		const lines = (rest + text).split('\n');
		rest = lines.pop() ?? '';
		lines.forEach(onLine);
	};
	child.stdout?.on('data', take);
	child.stderr?.on('data', take);
	return () => tail;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
	try {
		process.kill(isWindows ? pid : -pid, signal);
	} catch (error) {
		// Gone already.
		if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
	}
}

/**
 * Waits until a URL answers 2xx.
 * @throws when the process ends first, or after `timeoutMs`, with the end of its output
 */
export async function waitUntilReady(server: ManagedProcess, url: string, timeoutMs: number): Promise<void> {
	const deadline = Date.now() + timeoutMs;
	let ended = false;
	void server.ended.then(() => (ended = true));
	for (;;) {
		if (await answers(url)) return;
		if (ended) throw new Error(`${server.name} ended while starting:\n${server.output().slice(-4000)}\n(log: ${server.logFile})`);
		if (Date.now() > deadline) {
			throw new Error(`${server.name} did not answer ${url} within ${timeoutMs / 1000} s:\n${server.output().slice(-4000)}`);
		}
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}

async function answers(url: string): Promise<boolean> {
	try {
		const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
		await response.body?.cancel();
		return response.ok;
	} catch {
		return false;
	}
}
