import type { z } from 'zod';
import type { Http, HttpAnswer, HttpRequest } from './http.ts';
import { HttpFailure } from './outcome.ts';
import type { PlatformRun } from './platform.ts';

/** platforms.md 0.2: 5 tries, 1 s, 2 s, 4 s … capped at 60 s, full jitter. */
export const TRIES = 5;
const LONGEST_PAUSE_SECONDS = 60;
/** A throttle without a hint: a minute, the shortest window of the platforms' rate limits. */
const THROTTLE_SECONDS = 60;

type Pausing = Pick<PlatformRun, 'signal' | 'sleep' | 'now' | 'random' | 'maxWaitSeconds' | 'log'>;

/** Milliseconds before try `attempt + 1`. */
export const backoffMs = (attempt: number, random: () => number): number =>
	Math.min(LONGEST_PAUSE_SECONDS, 2 ** (attempt - 1)) * 1000 * random();

/** Seconds until a throttled call may be repeated. */
export function throttleSeconds(failure: HttpFailure, now: Date): number {
	if (!failure.retryAt) return THROTTLE_SECONDS;
	return Math.max(1, Math.ceil((failure.retryAt.getTime() - now.getTime()) / 1000));
}

/** A call together with the form of its answer. */
export type TypedRequest<T> = HttpRequest & { schema: z.ZodType<T> };

/** As `call`; the answer has the form that `schema` describes. */
export async function ask<T>(http: Http, { schema, ...request }: TypedRequest<T>, run: Pausing): Promise<{ status: number; data: T }> {
	const answer = await call(http, { ...request, expects: (body) => schema.safeParse(body).success }, run);
	return { status: answer.status, data: schema.parse(answer.body) };
}

/**
 * Sends a call and repeats it as its effect allows: reads and uploads after passing failures; a publishing call never,
 * that decision belongs to the ledger.
 */
export async function call(http: Http, request: HttpRequest, run: Pausing): Promise<HttpAnswer> {
	if (request.effect === 'publish') return http.send(request);
	for (let attempt = 1; ; attempt += 1) {
		run.signal.throwIfAborted();
		try {
			return await http.send({ ...request, signal: run.signal });
		} catch (error) {
			if (!(error instanceof HttpFailure) || attempt === TRIES) throw error;
			if (error.decision !== 'retry' && error.decision !== 'wait') throw error;
			const pauseMs = error.decision === 'wait' ? throttleSeconds(error, run.now()) * 1000 : backoffMs(attempt, run.random);
			if (pauseMs > run.maxWaitSeconds * 1000) throw error;
			run.log.info({ action: error.action, status: error.status, detail: error.detail, attempt }, 'a call to the platform is tried again');
			await run.sleep(pauseMs);
		}
	}
}
