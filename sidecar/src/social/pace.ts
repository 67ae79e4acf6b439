import type { IncomingHttpHeaders } from 'node:http';
import type { RateReport } from '../db/pace.ts';
import { retryAt } from './outcome.ts';

export type { Pace, Rate, RateReport } from '../db/pace.ts';

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
