/** Further ahead than this it is the clock of another process that is wrong. */
const SKEW_MS = 5 * 60_000;

/**
 * Milliseconds until no publishing call can be at work on the platform any more: `seconds` after the one that was sent last. 0: none is.
 * `openSince`: before the first of them; `sentAt`: before the last one, where that is another (milliseconds since 1970).
 */
export function unsettledMs({ openSince, sentAt, now, seconds }: { openSince: Date; sentAt: number | null; now: Date; seconds: number }): number {
	const repeated = sentAt !== null && sentAt < now.getTime() + SKEW_MS ? sentAt : 0;
	return Math.max(0, Math.max(openSince.getTime(), repeated) + seconds * 1000 - now.getTime());
}
