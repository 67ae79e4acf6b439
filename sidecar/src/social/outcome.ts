/** What a call does to the platform: nothing, an unpublished thing that expires, or a post. */
export type Effect = 'read' | 'upload' | 'publish';

/** What was seen of one call. */
export type Seen =
	/** No byte of the request left: DNS, connection refused, TLS. */
	| { kind: 'not_sent' }
	/** Sent, at least in part; no complete answer came back. */
	| { kind: 'lost' }
	| { kind: 'status'; status: number };

/**
 * retry: again after a pause. wait: again when the platform says so. reauth: the token is not accepted. stop: refused,
 * nothing happened. unknown: it may have happened; look it up, never repeat blindly.
 */
export type Decision = 'retry' | 'wait' | 'reauth' | 'stop' | 'unknown';

/** platforms.md 0.2, as a function. */
export function classify(seen: Seen, effect: Effect): Decision {
	const uncertain = effect === 'publish' ? 'unknown' : 'retry';
	if (seen.kind === 'not_sent') return 'retry';
	if (seen.kind === 'lost') return uncertain;
	if (seen.status === 401) return 'reauth';
	if (seen.status === 429) return 'wait';
	if (seen.status === 408 || seen.status === 425 || seen.status >= 500) return uncertain;
	return 'stop';
}

/** What a platform's own reading of an answer says. */
export interface Judgement {
	decision: Decision;
	/** In place of the words that the answer itself has. */
	detail?: string;
	/** The platform's name or number of the error. Default: what the answer calls its code. */
	platformCode?: string;
	/** What the user can do about it, a whole sentence. */
	hint?: string;
	retryAt?: Date | null;
}

export interface HttpFailureFacts {
	/** What was being done, for people: "upload part 3". */
	action: string;
	decision: Decision;
	/** Null: no answer. */
	status: number | null;
	/** The platform's own words, shortened, secrets removed; or the network's error code. */
	detail: string;
	/** Parsed answer. */
	body?: unknown;
	/** The platform's hint when to come back. */
	retryAt?: Date | null;
	/** The platform's name or number of the error. */
	platformCode?: string | null;
	/** What the user can do about it, a whole sentence. */
	hint?: string | null;
	/** Nothing was sent: the rate limit of the account is used up. */
	untried?: boolean;
}

/** A call to a platform that did not succeed, already classified. Its message holds no token and no upload URL. */
export class HttpFailure extends Error {
	readonly action: string;
	readonly decision: Decision;
	readonly status: number | null;
	readonly detail: string;
	/** As it came: it may repeat tokens and upload URLs, so loggers and copies of the error do not see it. */
	declare readonly body: unknown;
	readonly retryAt: Date | null;
	readonly platformCode: string | null;
	readonly hint: string | null;
	readonly untried: boolean;

	constructor(facts: HttpFailureFacts) {
		super(`${facts.action}: ${facts.status === null ? 'no answer' : `HTTP ${facts.status}`}${facts.detail ? ` (${facts.detail})` : ''}`);
		this.name = 'HttpFailure';
		this.action = facts.action;
		this.decision = facts.decision;
		this.status = facts.status;
		this.detail = facts.detail;
		Object.defineProperty(this, 'body', { value: facts.body, enumerable: false });
		this.retryAt = facts.retryAt ?? null;
		this.platformCode = facts.platformCode ?? null;
		this.hint = facts.hint ?? null;
		this.untried = facts.untried ?? false;
	}

	/** The same failure, judged by someone who knows more. */
	as(decision: Decision): HttpFailure {
		return new HttpFailure({ ...this, decision, body: this.body });
	}
}

type Headers = Record<string, string | string[] | undefined>;

/** `Retry-After` first, then the platforms' reset headers (unix seconds at X, ISO time at Mastodon). */
const RESET_HEADERS = ['x-rate-limit-reset', 'x-ratelimit-reset', 'ratelimit-reset'];
/** Below this a number is a count of seconds, above it a point in time (2001-09-09 in unix seconds). */
const UNIX_SECONDS_FROM = 1_000_000_000;

/** The longest window of a rate limit is a day (platforms.md 1.6, 2.7, 9.4): whoever says more is not believed, as the account would stand still. */
const LONGEST_WAIT_MS = 86_400_000;

/**
 * When the platform wants to be asked again, by our clock; null when it does not say. Points in time are its own: where the answer
 * has a `date`, what counts is how far ahead of that they are.
 */
export function retryAt(headers: Headers, now: Date): Date | null {
	const date = typeof headers['date'] === 'string' ? Date.parse(headers['date']) : NaN;
	const aheadMs = Number.isNaN(date) ? 0 : date - now.getTime();
	for (const name of ['retry-after', ...RESET_HEADERS]) {
		const value = headers[name];
		const waitMs = typeof value === 'string' ? parseWait(value.trim(), now.getTime() + aheadMs) : null;
		if (waitMs !== null) return new Date(now.getTime() + Math.min(waitMs, LONGEST_WAIT_MS));
	}
	return null;
}

/** Milliseconds from `now`, both by the clock of the platform. */
function parseWait(value: string, now: number): number | null {
	if (/^\d+(\.\d+)?$/.test(value)) {
		const number = Number(value);
		return number >= UNIX_SECONDS_FROM ? number * 1000 - now : number * 1000;
	}
	const time = Date.parse(value);
	return Number.isNaN(time) ? null : time - now;
}

/** Long enough for a platform's sentence, short enough for a log line. */
const DETAIL_LENGTH = 300;

/** Takes secrets out, and everything of a URL but its host: upload URLs and signed links are as good as tokens. */
export function redact(text: string, secrets: readonly string[]): string {
	let clean = text;
	for (const secret of secrets) if (secret) clean = clean.replaceAll(secret, '«redacted»');
	clean = clean
		.replace(/\b(bearer|basic|oauth)\s+[\w.~+/=-]{8,}/gi, '$1 «redacted»')
		.replace(/\b(https?:\/\/)(?:[^\s/@"']*@)?([^\s/?#"'<>]+)[^\s"'<>]*/gi, '$1$2/…')
		.replace(/\s+/g, ' ')
		.trim();
	return clean.length > DETAIL_LENGTH ? `${clean.slice(0, DETAIL_LENGTH - 1)}…` : clean;
}

/**
 * The sentence of an error answer: problem+json `detail`, `errors[].message`, `error` as a text or as `{message}`, or plain
 * text.
 */
export function describeBody(body: unknown): string {
	if (typeof body === 'string') return /<html|<!doctype/i.test(body) ? 'an HTML page' : body;
	if (!isRecord(body)) return '';
	const first: unknown = Array.isArray(body['errors']) ? body['errors'][0] : undefined;
	const error = isRecord(body['error']) ? (body['error']['error_user_msg'] ?? body['error']['message']) : body['error'];
	const texts = [body['detail'], isRecord(first) ? (first['detail'] ?? first['message']) : first, body['error_description'], body['message'], error, body['title']];
	return texts.find((text): text is string => typeof text === 'string' && text !== '') ?? '';
}

/** What an error answer calls its code: `code`, or `error.code` with `error_subcode` behind it. */
export function codeOf(body: unknown): string | null {
	if (!isRecord(body)) return null;
	const error = isRecord(body['error']) ? body['error'] : body;
	const code = error['code'];
	if (typeof code !== 'string' && typeof code !== 'number') return null;
	const subcode = error['error_subcode'];
	return typeof subcode === 'string' || typeof subcode === 'number' ? `${code}/${subcode}` : String(code);
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value);
