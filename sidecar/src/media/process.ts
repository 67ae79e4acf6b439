import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Child processes that cannot outlive the sidecar and that die as a group.
 *
 * On POSIX each child leads its own process group, so that one signal reaches it and whatever it may start, and so that
 * Ctrl-C in a terminal reaches only the sidecar, which then decides. The price: nobody ends such a child when the sidecar
 * is killed with SIGKILL. ffmpeg itself does not notice (it ignores SIGPIPE, write errors of its progress report and the
 * end of stdin; read and tried). So one tiny shell, the guardian, holds a pipe from the sidecar and a list of the groups
 * that run. The pipe breaks when the sidecar dies in any way; the guardian then kills what is on the list, and ends.
 * On Windows none of this is needed: libuv puts children that are not detached into a job object that dies with us.
 */
const POSIX = process.platform !== 'win32';

/** `+ 123` adds a group, `- 123` removes it. Signals from a terminal must not end it before its work is done. */
const GUARDIAN = `trap '' INT TERM HUP
live=" "
while read -r op id; do
	case $op in
		+) live="$live$id " ;;
		-) live="\${live%% $id *} \${live#* $id }" ;;
	esac
done
for id in $live; do kill -KILL "-$id"; done`;

let guardian: ChildProcessByStdio<Writable, null, null> | null = null;

function guard(line: string): void {
	if (!POSIX) return;
	if (!guardian || guardian.exitCode !== null || guardian.signalCode !== null) {
		guardian = spawn('/bin/sh', ['-c', GUARDIAN], {
			stdio: ['pipe', 'ignore', 'ignore'],
			detached: true,
			env: toolEnvironment(),
		});
		// Without it the work goes on unguarded; what it would have killed is then left to the operating system.
		guardian.on('error', () => {});
		guardian.stdin.on('error', () => {});
		// It must not keep a sidecar alive that wants to end.
		guardian.unref();
		if (guardian.stdin instanceof Socket) guardian.stdin.unref();
		for (const pid of guarded) guardian.stdin.write(`+ ${pid}\n`);
	}
	guardian.stdin.write(`${line}\n`);
}

const guarded = new Set<number>();

/** How children must be spawned for `adopt` and `terminate` to work. */
export function childOptions(): { detached: boolean; windowsHide: true; env: NodeJS.ProcessEnv } {
	return { detached: POSIX, windowsHide: true, env: toolEnvironment() };
}

/** What ffmpeg needs of the environment, and nothing else: the sidecar's own holds keys. */
export function toolEnvironment(source: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
	const wanted =
		/^(PATH|HOME|TMPDIR|TEMP|TMP|SYSTEMROOT|LANG|LC_ALL|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|FONTCONFIG_(FILE|PATH))$/i;
	return Object.fromEntries(Object.entries(source).filter(([name]) => wanted.test(name)));
}

/** Puts a freshly spawned child under guard until it exits. */
export function adopt(child: ChildProcess): void {
	const { pid } = child;
	if (pid === undefined) return;
	guard(`+ ${pid}`);
	// Where memory runs out, Linux then ends this child, whose job fails, and not the sidecar.
	if (process.platform === 'linux') void writeFile(`/proc/${pid}/oom_score_adj`, '1000').catch(() => {});
	guarded.add(pid);
	child.once('exit', () => {
		guarded.delete(pid);
		guard(`- ${pid}`);
	});
}

/** Time a child gets to end by itself. ffmpeg closes its files on SIGTERM; those files are thrown away, so 2 s will do. */
export const TERMINATE_GRACE_MS = 2_000;

/** Asks the whole group to end, then kills it; resolves when the child is gone. */
export async function terminate(child: ChildProcess, graceMs = TERMINATE_GRACE_MS): Promise<void> {
	if (child.pid === undefined || hasEnded(child)) return;
	const ended = once(child, 'exit');
	signalGroup(child, 'SIGTERM');
	const timer = new AbortController();
	await Promise.race([ended, wait(graceMs, undefined, { signal: timer.signal }).catch(() => {})]);
	timer.abort();
	if (hasEnded(child)) return;
	signalGroup(child, 'SIGKILL');
	await ended;
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
	try {
		if (POSIX && child.pid !== undefined) process.kill(-child.pid, signal);
		else child.kill(signal);
	} catch {
		// It ended in between.
	}
}

/**
 * The most memory that a running process has had, bytes; null where that cannot be found out (no Linux, or it has ended). What
 * getrusage says is of no use: Linux counts the memory of the parent, too, in the moment of the fork.
 */
export function highWater(pid: number): number | null {
	try {
		const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
		return kilobytes === undefined ? null : Number(kilobytes) * 1024;
	} catch {
		return null;
	}
}

/** Keeps the end of a text of any length. */
export class Tail {
	#text = '';
	readonly #limit: number;
	constructor(limit = 4096) {
		this.#limit = limit;
	}
	add(chunk: string | Buffer): void {
		this.#text = (this.#text + chunk.toString()).slice(-this.#limit);
	}
	toString(): string {
		return this.#text;
	}
}

export interface ToolResult {
	/** Null when a signal ended it. */
	code: number | null;
	stdout: string;
	/** The last 4 kB. */
	stderr: string;
	/** Set when we ended it. */
	stopped: 'timeout' | 'too_much_output' | null;
}

/** Runs a short tool to its end. Throws when it cannot be started (`ENOENT`) and when `signal` is aborted (its reason). */
export async function runTool(
	command: string,
	args: string[],
	{
		timeoutMs,
		maxOutputBytes = 8 * 1024 * 1024,
		signal,
	}: { timeoutMs: number; maxOutputBytes?: number; signal?: AbortSignal },
): Promise<ToolResult> {
	signal?.throwIfAborted();
	const child: ChildProcessByStdio<null, Readable, Readable> = spawn(command, args, {
		...childOptions(),
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	adopt(child);
	let stopped: ToolResult['stopped'] = null;
	const stop = (why: ToolResult['stopped']): void => {
		stopped ??= why;
		signalGroup(child, 'SIGKILL');
	};
	const timer = setTimeout(() => stop('timeout'), timeoutMs);
	const onAbort = (): void => stop(null);
	signal?.addEventListener('abort', onAbort, { once: true });
	const chunks: Buffer[] = [];
	let size = 0;
	child.stdout.on('data', (chunk: Buffer) => {
		size += chunk.length;
		if (size > maxOutputBytes) stop('too_much_output');
		else chunks.push(chunk);
	});
	const stderr = new Tail();
	child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
	try {
		const [code] = (await once(child, 'close')) as [number | null];
		signal?.throwIfAborted();
		return { code, stdout: Buffer.concat(chunks).toString('utf8'), stderr: stderr.toString(), stopped };
	} finally {
		clearTimeout(timer);
		signal?.removeEventListener('abort', onAbort);
	}
}
