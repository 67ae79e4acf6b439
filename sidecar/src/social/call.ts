import type { z } from 'zod';
import type { Http, HttpAnswer, HttpRequest } from './http.ts';
import { HttpFailure } from './outcome.ts';
import { readReport, type Rate } from './pace.ts';
import type { AccountRun } from './platform.ts';

/** platforms.md 0.2: 5 tries, 1 s, 2 s, 4 s … capped at 60 s, full jitter. */
export const TRIES = 5;
const LONGEST_PAUSE_SECONDS = 60;
/** A throttle without a hint: a minute, the shortest window of the platforms' rate limits. */
const THROTTLE_SECONDS = 60;

type Calling = Pick<AccountRun, 'signal' | 'sleep' | 'now' | 'random' | 'maxWaitSeconds' | 'maxTurnSeconds' | 'waitedFor' | 'log' | 'pace'>;

/** A request with what is known of the rate limit that it falls under. */
export interface PacedRequest extends HttpRequest {
	/** Calls that the platform counts together. Default: those with the same `action`, numbers aside. */
	bucket?: string;
	/** Where the platform's answers do not tell. */
	rate?: Rate;
}

/** Milliseconds before try `attempt + 1`. */
export const backoffMs = (attempt: number, random: () => number): number =>
	Math.min(LONGEST_PAUSE_SECONDS, 2 ** (attempt - 1)) * 1000 * random();

/** Seconds until a throttled call may be repeated. */
export function throttleSeconds(failure: HttpFailure, now: Date): number {
	if (!failure.retryAt) return THROTTLE_SECONDS;
	return Math.max(1, Math.ceil((failure.retryAt.getTime() - now.getTime()) / 1000));
}

/** A call together with the form of its answer. */
export type TypedRequest<T> = PacedRequest & { schema: z.ZodType<T> };

export interface TypedAnswer<T> {
	status: number;
	headers: HttpAnswer['headers'];
	data: T;
}

/** As `call`; the answer has the form that `schema` describes. */
export async function ask<T>(http: Http, { schema, ...request }: TypedRequest<T>, run: Calling): Promise<TypedAnswer<T>> {
	const answer = await call(http, { ...request, expects: (body) => schema.safeParse(body).success }, run);
	return { status: answer.status, headers: answer.headers, data: schema.parse(answer.body) };
}

/**
 * Sends a call and repeats it as its effect allows: reads and uploads after passing failures; a publishing call never,
 * that decision belongs to the ledger. Waits for a place under the account's rate limit first; where that would take longer than
 * `maxTurnSeconds`, it fails as if the platform had said so.
 */
export async function call(http: Http, request: PacedRequest, run: Calling): Promise<HttpAnswer> {
	if (request.effect === 'publish') return paced(http, request, run);
	for (let attempt = 1; ; attempt += 1) {
		run.signal.throwIfAborted();
		try {
			return await paced(http, { ...request, signal: run.signal }, run);
		} catch (error) {
			if (!(error instanceof HttpFailure) || attempt === TRIES) throw error;
			if (error.untried || (error.decision !== 'retry' && error.decision !== 'wait')) throw error;
			const pauseMs = error.decision === 'wait' ? throttleSeconds(error, run.now()) * 1000 : backoffMs(attempt, run.random);
			if (pauseMs > run.maxWaitSeconds * 1000) throw error;
			run.log.info({ action: error.action, status: error.status, detail: error.detail, attempt }, 'a call to the platform is tried again');
			await run.sleep(pauseMs);
		}
	}
}

async function paced(http: Http, { bucket: named, rate, ...request }: PacedRequest, run: Calling): Promise<HttpAnswer> {
	const { pace } = run;
	if (!pace) return http.send(request);
	const bucket = named ?? request.action.replace(/\d+/g, '#');
	await place(bucket, rate, request.action, run);
	let reported: Promise<void> | undefined;
	const seen: HttpRequest['seen'] = (status, headers) => {
		request.seen?.(status, headers);
		const report = readReport(headers, run.now());
		if (report) reported = pace.report(bucket, run.now(), report);
	};
	try {
		return await http.send({ ...request, seen });
	} catch (error) {
		if (error instanceof HttpFailure && error.decision === 'wait') {
			await pace.block(bucket, run.now(), new Date(run.now().getTime() + throttleSeconds(error, run.now()) * 1000));
		}
		throw error;
	} finally {
		// What is known of the limit is a help: that it could not be stored must not lose the answer.
		await reported?.catch((error: unknown) => run.log.warn({ err: error }, 'a rate limit could not be stored'));
	}
}

/** Waits for a place under the rate limit. Throws what the platform would answer where that takes too long. */
async function place(bucket: string, rate: Rate | undefined, action: string, run: Calling): Promise<void> {
	for (let waited = 0; ; ) {
		const waitMs = (await run.pace?.take(bucket, run.now(), rate, waited > 0 || run.waitedFor === action)) ?? 0;
		if (waitMs === 0) return;
		if (waited + waitMs > run.maxTurnSeconds * 1000) {
			throw new HttpFailure({
				action,
				decision: 'wait',
				status: null,
				detail: "the account's rate limit is used up; nothing was sent",
				retryAt: new Date(run.now().getTime() + waitMs),
				untried: true,
			});
		}
		waited += waitMs;
		await run.sleep(waitMs);
	}
}
