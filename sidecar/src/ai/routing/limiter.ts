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
 * Pauses of a call that are waited for here, together. What a provider asks for between two calls is mostly seconds: no reason to
 * throw away the parts that are done and paid, or to take the draft of another one. Longer ones would keep a worker from other jobs.
 */
const PATIENCE_SECONDS = 30;

/**
 * Keeps the limits of one entry of the routing, in this process. A provider that asks for a pause gets it. A short one is waited for,
 * and the call is made again: it was refused, so nothing is done or paid twice. During a long one calls are refused here
 * with `provider_rate_limited`, so that the next provider is tried, or the job waits, without asking again.
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
				const pause = pauseOf(error);
				if (pause !== null) resumeAt = Math.max(resumeAt, now() + pause * 1000);
				throw error;
			}
		};
		signal.throwIfAborted();
		for (let patience = PATIENCE_SECONDS; ; ) {
			try {
				return await (queue ? queue.add(run, { signal }) : run());
			} catch (error) {
				signal.throwIfAborted();
				const pause = pauseOf(error);
				if (pause === null || pause > patience) throw error;
				patience -= pause;
				await sleep(pause * 1000, signal);
			}
		}
	};
}

/** Null: none is asked for. Never less than a second: who asks for none of these at once would be asked again without end. */
const pauseOf = (error: unknown): number | null =>
	error instanceof PipelineError && error.code === 'provider_rate_limited' && error.retryAfterSeconds !== undefined ? Math.max(1, error.retryAfterSeconds) : null;

/** Throws the reason of the signal. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
	await new Promise<void>((resolve) => {
		const done = (): void => {
			clearTimeout(timer);
			signal.removeEventListener('abort', done);
			resolve();
		};
		const timer = setTimeout(done, ms);
		signal.addEventListener('abort', done);
	});
	signal.throwIfAborted();
}
