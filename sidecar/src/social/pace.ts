import type { IncomingHttpHeaders } from 'node:http';
import { retryAt } from './outcome.ts';

/** A limit that a platform documents but does not tell in its answers. */
export interface Rate {
	limit: number;
	windowSeconds: number;
}

/** What an answer says of the limit of its kind of calls. */
export interface RateReport {
	limit: number;
	remaining: number;
	resetsAt: Date;
}

/**
 * The rate limits of one account, shared by every worker: who wants to call takes a place first. Kinds of calls that the
 * platform counts apart have buckets of their own.
 */
export interface Pace {
	/**
	 * Takes a place in the bucket, or answers how many milliseconds to wait before asking again. 0: go ahead. `again`: the caller has
	 * been told so before, and waited.
	 */
	take(bucket: string, now: Date, rate?: Rate, again?: boolean): Promise<number>;
	/** What an answer said. */
	report(bucket: string, now: Date, report: RateReport): Promise<void>;
	/** The platform refused a call of the bucket: nobody calls before `until`. */
	block(bucket: string, now: Date, until: Date): Promise<void>;
}

/** X, Mastodon and Pinterest write x-rate(-)limit-…, Bluesky ratelimit-… (platforms.md 0.2, 8.4, 9.4). */
const PREFIXES = ['x-rate-limit-', 'x-ratelimit-', 'ratelimit-'];

/** The report in the head of an answer; null where there is none, or not all of it. */
export function readReport(headers: IncomingHttpHeaders, now: Date): RateReport | null {
	for (const prefix of PREFIXES) {
		const limit = count(headers[`${prefix}limit`]);
		const remaining = count(headers[`${prefix}remaining`]);
		const reset = retryAt({ 'x-rate-limit-reset': headers[`${prefix}reset`], date: headers.date }, now);
		if (limit !== null && remaining !== null && reset) return { limit, remaining, resetsAt: reset };
	}
	return null;
}

/** Pinterest lists several windows, that of the other headers first: `100, 100;w=1, 1000;w=60`. */
const count = (header: string | string[] | undefined): number | null => {
	const first = typeof header === 'string' ? /^\s*(\d+)\s*(?:,|$)/.exec(header)?.[1] : undefined;
	return first === undefined ? null : Number(first);
};
