import { setTimeout as wait } from 'node:timers/promises';
import { PipelineError } from '../errors.ts';

export interface Patience {
	signal: AbortSignal;
	/** How often it may fail in a row. */
	failures: number;
	/** First pause; each further one is twice as long. A pause that the provider asks for is kept. */
	pauseMs: number;
	/** No pause is longer than this. A provider that asks for a longer one is not waited for: its error is thrown. */
	longestMs: number;
	/** What pauses are taken from. One for all calls of a work that makes many: it, too, must come to an end. Default: five minutes for this call. */
	budget?: PauseBudget | undefined;
	/** Default: the clock. */
	sleep?: ((ms: number, signal: AbortSignal) => Promise<unknown>) | undefined;
}

/** A worker that waits does nothing for other jobs: longer than five minutes, the queue waits instead. */
const MOST_MS = 5 * 60_000;

export interface PauseBudget {
	leftMs: number;
}

/** Pauses of one work that does one thing after the other, together. Default: five minutes. */
export const pauseBudget = (leftMs = MOST_MS): PauseBudget => ({ leftMs });

/**
 * Asks again after an error that can pass, for calls that may be repeated: what was done, and paid, before must not be lost
 * because one answer did not come. Throws the last error, and the reason of the signal.
 */
export async function patiently<T>(ask: () => Promise<T>, { signal, failures, pauseMs, longestMs, budget = pauseBudget(), sleep = (ms, within) => wait(ms, undefined, { signal: within }) }: Patience): Promise<T> {
	for (let failed = 1; ; failed++) {
		try {
			return await ask();
		} catch (error) {
			signal.throwIfAborted();
			const wanted = error instanceof PipelineError && error.retryable ? (error.retryAfterSeconds ?? 0) * 1000 : Infinity;
			const pause = Math.max(wanted, Math.min(longestMs, pauseMs * 2 ** (failed - 1)));
			if (failed >= failures || wanted > longestMs || pause > budget.leftMs) throw error;
			budget.leftMs -= pause;
			await sleep(pause, signal).catch((woken: unknown) => {
				signal.throwIfAborted();
				throw woken;
			});
		}
	}
}
