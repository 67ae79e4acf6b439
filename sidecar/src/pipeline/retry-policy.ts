import type { PipelineError } from '../errors.ts';

/** Requirement P8. */
export const MAX_ATTEMPTS = 3;

/** First pause. Peers wait 1 s, 2 s, 4 s … (platforms.md 0.2); a job is heavier than a request, so it starts a little later. */
const FIRST_PAUSE_SECONDS = 2;
/** Who asks to slow down mostly counts by the minute: three tries within seconds would all meet the same limit. Together at least one minute. */
const FIRST_PAUSE_OF_LIMITS_SECONDS = 40;
const LONGEST_PAUSE_SECONDS = 300;

/**
 * Seconds until the next try, or null when trying again cannot help or was tried often enough. Full jitter, so that jobs that
 * failed together do not come back together; a pause named by the other side (Retry-After) is kept.
 */
export function nextTry(error: PipelineError, attempts: number, random: () => number = Math.random): number | null {
	if (!error.retryable || attempts >= MAX_ATTEMPTS) return null;
	const first = error.code.endsWith('_rate_limited') && error.retryAfterSeconds === undefined ? FIRST_PAUSE_OF_LIMITS_SECONDS : FIRST_PAUSE_SECONDS;
	const ceiling = Math.min(first * 2 ** (attempts - 1), LONGEST_PAUSE_SECONDS);
	return Math.max(error.retryAfterSeconds ?? 0, ceiling * (0.5 + random() / 2));
}
