import PQueue from 'p-queue';
import { PipelineError } from '../../errors.ts';

export interface Limits {
	/** Requests at the same time. Default: any number. */
	parallel?: number | undefined;
	/** Requests begun in any minute. Default: any number. */
	requestsPerMinute?: number | undefined;
}

/** Runs `work` when its turn has come; refuses with the reason of `signal` where that comes first. */
export type Limiter = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

const MINUTE_MS = 60_000;

/**
 * Keeps the limits of one entry of the routing, in this process. A provider that asks for a pause gets it: until then calls
 * are refused here with `provider_rate_limited`, so that the next provider is tried, or the job waits, without asking again.
 * @param title who it is, for messages: `openai whisper-1`
 */
export function createLimiter({ parallel, requestsPerMinute }: Limits, title: string, now: () => number = Date.now): Limiter {
	const unlimited = parallel === undefined && requestsPerMinute === undefined;
	const queue = unlimited
		? null
		: new PQueue({
				concurrency: parallel ?? Infinity,
				...(requestsPerMinute === undefined ? {} : { intervalCap: requestsPerMinute, interval: MINUTE_MS, strict: true }),
			});
	let resumeAt = 0;

	return async (work, signal) => {
		const run = async () => {
			const seconds = Math.ceil((resumeAt - now()) / 1000);
			if (seconds > 0) throw new PipelineError('provider_rate_limited', `${title} has asked for a pause, which lasts another ${seconds} s.`, { retryAfterSeconds: seconds });
			try {
				return await work();
			} catch (error) {
				if (error instanceof PipelineError && error.code === 'provider_rate_limited' && error.retryAfterSeconds) {
					resumeAt = Math.max(resumeAt, now() + error.retryAfterSeconds * 1000);
				}
				throw error;
			}
		};
		signal.throwIfAborted();
		return queue ? queue.add(run, { signal }) : run();
	};
}
