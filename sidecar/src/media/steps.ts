import { setImmediate as others } from 'node:timers/promises';

/** Nobody notices a server that is busy for so long. */
const SLICE_MS = 20;

/** Works step by step to the end. Between slices of some steps requests, heartbeats and timers have their turn. Throws the signal's reason. */
export async function inSteps<T>(work: Generator<void, T>, signal: AbortSignal): Promise<T> {
	for (;;) {
		const end = performance.now() + SLICE_MS;
		do {
			const step = work.next();
			if (step.done) return step.value;
		} while (performance.now() < end);
		await others();
		signal.throwIfAborted();
	}
}
