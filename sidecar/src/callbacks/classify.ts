/** What came back from a callback: an answer, or why there was none. */
export type Attempt = { status: number; contentType: string; body: string; retryAfterSeconds?: number } | { failure: string; forbidden?: boolean };

export type Verdict = { action: 'delivered' } | { action: 'retry'; inMs: number; reason: string } | { action: 'dead'; reason: string };

/** n8n parks an execution 30–200 ms after the node submitted (n8n-facts, "Delivering a callback to a resume URL"). */
const NOT_PARKED_YET_MS = [200, 500, 1000, 2000, 4000, 8000, 15_000, 30_000] as const;
/** A resume URL that is unknown: not saved yet, pruned, or a quirk of n8n's queue mode. Ten minutes tell which. */
const UNKNOWN_URL_FOR_MS = 10 * 60_000;
/** Anything that can pass is tried for a day. */
const GIVE_UP_AFTER_MS = 24 * 3_600_000;
const LONGEST_PAUSE_MS = 10 * 60_000;

/**
 * Decides what an answer means. n8n gives one code several meanings; the table is that of n8n-facts. Every other receiver is
 * served by the same rules: 2xx is success, 408, 425, 429 and 5xx can pass, the rest is final.
 * `attempts` counts this one; `ageMs` is the time since the callback was written.
 */
export function classify(attempt: Attempt, attempts: number, ageMs: number, random: () => number = Math.random): Verdict {
	const later = (reason: string, until: number, pause = backOff(attempts, random)): Verdict =>
		ageMs + pause > until ? { action: 'dead', reason: `${reason} Given up after ${minutes(ageMs)}.` } : { action: 'retry', inMs: pause, reason };
	if ('failure' in attempt) {
		if (attempt.forbidden) return { action: 'dead', reason: attempt.failure };
		return later(attempt.failure, GIVE_UP_AFTER_MS);
	}
	const { status, body, contentType } = attempt;
	if (status >= 200 && status < 300) {
		if (!contentType.includes('text/html')) return { action: 'delivered' };
		return later(`HTTP ${status} with an HTML page: a proxy or the n8n editor answered, not the webhook. Check the base URL (WEBHOOK_URL of n8n).`, GIVE_UP_AFTER_MS);
	}
	if (status >= 300 && status < 400) {
		return { action: 'dead', reason: `HTTP ${status}: the callback URL redirects, which is not followed. Set n8n's WEBHOOK_URL to its final address (https, host, path).` };
	}
	if (status === 409) {
		if (/has finished/i.test(body)) return { action: 'dead', reason: 'HTTP 409: the execution has finished (cancelled, failed, or resumed already). The result stays readable.' };
		const pause = NOT_PARKED_YET_MS[Math.min(attempts, NOT_PARKED_YET_MS.length) - 1] ?? 200;
		return later('HTTP 409: the execution is not waiting yet.', UNKNOWN_URL_FOR_MS, pause);
	}
	if (status === 404) return later('HTTP 404: the execution does not exist (deleted or pruned), or waits at another node.', UNKNOWN_URL_FOR_MS);
	if (status === 401 || status === 403) {
		return { action: 'dead', reason: `HTTP ${status}: the receiver refused the callback. For n8n: WEBHOOK_URL and N8N_PROXY_HOPS must match how it is reached, and the callback secret of the credential must be that of the sidecar.` };
	}
	if (status === 408 || status === 425 || status === 429 || status >= 500) {
		const hinted = (attempt.retryAfterSeconds ?? 0) * 1000;
		return later(`HTTP ${status}.`, GIVE_UP_AFTER_MS, Math.max(hinted, backOff(attempts, random)));
	}
	return { action: 'dead', reason: `HTTP ${status}: the receiver does not accept this callback.` };
}

/** 1 s, 2 s, 4 s … with full jitter, at least half. */
const backOff = (attempts: number, random: () => number): number => Math.min(1000 * 2 ** (attempts - 1), LONGEST_PAUSE_MS) * (0.5 + random() / 2);

/** Three days cover a weekend; so long other senders try as well (Stripe, "Webhook delivery behavior"). */
const EVENT_GIVE_UP_AFTER_MS = 3 * 24 * 3_600_000;
const SHORTEST_HOLD_MS = 1000;

/** `disable`: the webhook itself is to be given up. */
export type EventVerdict = Verdict | { action: 'disable'; reason: string };

/**
 * The same for an event that a registered webhook is told of. Whoever registered it can repair it and wants what was missed: everything but
 * 410 ("Gone": Standard Webhooks asks to disable it then) is tried for three days. When an event is given up on and nothing else
 * has got through in all that time either (`failingMs`), the webhook is.
 */
export function classifyEvent(attempt: Attempt, { attempts, ageMs, failingMs }: { attempts: number; ageMs: number; failingMs: number }, random: () => number = Math.random): EventVerdict {
	const later = (reason: string, hintMs = 0): EventVerdict => {
		const pause = Math.max(hintMs, backOff(attempts, random));
		const left = EVENT_GIVE_UP_AFTER_MS - ageMs;
		// It is tried until then, also by a receiver that asks for a day's rest.
		if (left > 0) return { action: 'retry', inMs: Math.min(pause, left), reason };
		if (failingMs >= EVENT_GIVE_UP_AFTER_MS - LONGEST_PAUSE_MS) return { action: 'disable', reason: `Nothing got through for 3 days. The latest reason: ${reason}` };
		return { action: 'dead', reason: `${reason} Given up after 3 days.` };
	};
	if ('failure' in attempt) return later(attempt.failure);
	const { status, contentType } = attempt;
	if (status >= 200 && status < 300) {
		if (!contentType.includes('text/html')) return { action: 'delivered' };
		return later(`HTTP ${status} with an HTML page: a proxy answered, not the receiver. Check the address.`);
	}
	if (status === 410) return { action: 'disable', reason: 'HTTP 410: the receiver is gone for good.' };
	if (status >= 300 && status < 400) return later(`HTTP ${status}: redirects are not followed. Register the final address.`);
	if (status === 401 && /callback_stale/.test(attempt.body)) return later('HTTP 401: the clocks of n8n and of the sidecar differ by more than 5 minutes. Set them right.');
	if (status === 401 || status === 403) return later(`HTTP ${status}: the receiver refuses it. Does it check with the secret of this webhook?`);
	if (status === 404) return later('HTTP 404: there is nothing at this address.');
	return later(`HTTP ${status}.`, (attempt.retryAfterSeconds ?? 0) * 1000);
}

/** How long nothing at all is sent to a webhook after a failure: as long as it has been failing, within 1 s and 10 minutes; longer when it says so. */
export const holdMs = (attempt: Attempt, failingMs: number): number =>
	Math.max(Math.min(Math.max(failingMs, SHORTEST_HOLD_MS), LONGEST_PAUSE_MS), 'status' in attempt ? (attempt.retryAfterSeconds ?? 0) * 1000 : 0);

const minutes = (ms: number): string => (ms < 90_000 ? `${Math.round(ms / 1000)} seconds` : `${Math.round(ms / 60_000)} minutes`);
