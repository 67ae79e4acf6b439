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
	/** Default: the clock. */
	sleep?: ((ms: number, signal: AbortSignal) => Promise<unknown>) | undefined;
}

/**
 * Asks again after an error that can pass, for calls that may be repeated: what was done, and paid, before must not be lost
 * because one answer did not come. Throws the last error, and the reason of the signal.
 */
export async function patiently<T>(ask: () => Promise<T>, { signal, failures, pauseMs, longestMs, sleep = (ms, within) => wait(ms, undefined, { signal: within }) }: Patience): Promise<T> {
	for (let failed = 1; ; failed++) {
		try {
			return await ask();
		} catch (error) {
			signal.throwIfAborted();
			const wanted = error instanceof PipelineError && error.retryable ? (error.retryAfterSeconds ?? 0) * 1000 : Infinity;
			if (failed >= failures || wanted > longestMs) throw error;
			await sleep(Math.max(wanted, Math.min(longestMs, pauseMs * 2 ** (failed - 1))), signal).catch((woken: unknown) => {
				signal.throwIfAborted();
				throw woken;
			});
		}
	}
}
