import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PipelineError } from '../errors.ts';
import { abortError } from './probe.ts';
import { adopt, childOptions, Tail, terminate } from './process.ts';

/** Compiled, this file and the child end in .js. */
const CHILD = fileURLToPath(new URL(`./gtcrn-child.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));

/**
 * Removes noise from speech with GTCRN, a small neural network. In a process of its own: it keeps a core busy.
 * @param from a WAV of 16 bits and 48 kHz
 * @param to where the same without noise is written; of the same length, and not later
 */
export async function gtcrn(from: string, to: string, signal: AbortSignal): Promise<void> {
	if (signal.aborted) throw abortError(signal);
	const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, from, to], {
		...childOptions(),
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	adopt(child);
	const errors = new Tail();
	child.stderr.on('data', (chunk: Buffer) => errors.add(chunk.toString()));
	const stop = (): void => void terminate(child);
	signal.addEventListener('abort', stop, { once: true });
	try {
		const [code] = (await once(child, 'close')) as [number | null];
		if (signal.aborted) throw abortError(signal);
		if (code === 0) return;
		throw new PipelineError('processing_failed', 'The noise suppressor failed. Choose the engine ffmpeg; the log of the sidecar has its words.', {
			cause: new Error(`exit ${code}: ${errors.toString()}`),
		});
	} finally {
		signal.removeEventListener('abort', stop);
	}
}
