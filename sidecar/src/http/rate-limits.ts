import { isIPv6 } from 'node:net';
import type { Request, RequestHandler, Response } from 'express';
import { WINDOW_SECONDS, type Counted, type RateLimiter } from '../db/rate-limiter.ts';
import { readSettings } from '../db/workspaces.ts';
import { PipelineError } from '../errors.ts';
import { sha256 } from '../secrets.ts';
import { callerOf } from './caller.ts';
import type { HttpDeps } from './deps.ts';

export interface RateLimits {
	limiter: RateLimiter;
	/** Requests with one key in a minute, where its workspace does not say otherwise. */
	requestsPerMinute: number;
	/** Wrong keys from one address in a minute. */
	failuresPerMinute: number;
}

/** A workspace that changes its limit has it within this time. */
const SETTINGS_KEPT_MS = 15_000;
/** Addresses, keys and workspaces that are remembered at the same time; beyond, the oldest are forgotten. */
const MOST_REMEMBERED = 10_000;

/** Forgets the oldest beyond `MOST_REMEMBERED`: nobody can fill the memory with addresses. */
class Remembered<T> {
	readonly #entries = new Map<string, { value: T; until: number }>();
	get(key: string): T | undefined {
		const entry = this.#entries.get(key);
		if (entry && entry.until > Date.now()) return entry.value;
		this.#entries.delete(key);
		return undefined;
	}
	set(key: string, value: T, forMs: number): void {
		this.#entries.delete(key);
		this.#entries.set(key, { value, until: Date.now() + forMs });
		const oldest = this.#entries.keys().next();
		if (this.#entries.size > MOST_REMEMBERED && !oldest.done) this.#entries.delete(oldest.value);
	}
}

const addressOf = (request: Request): string => networkOf(request.ip ?? request.socket.remoteAddress ?? 'unknown');
/** Whoever has an address of IPv6 has the 2^64 of its network (RFC 6177): they count as one. */
export function networkOf(address: string): string {
	const plain = address.replace(/%.*$/, '');
	if (!isIPv6(plain)) return address;
	const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
	if (mapped) return mapped;
	const [head = '', tail] = plain.split('::');
	const before = head.split(':').filter(Boolean);
	const after = (tail ?? '').split(':').filter(Boolean);
	const groups = tail === undefined ? before : [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after];
	return `${groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(':')}::/64`;
}
const keyOf = (request: Request): string => sha256(`${addressOf(request)} ${request.get('authorization') ?? ''}`);

/** How long a key that was right is let through although others from its address are guessing. */
const TRUSTED_MS = 10 * 60_000;

/**
 * Before the key is looked at: an address that has sent too many wrong ones is sent away, and costs the database nothing. A key that was
 * right from there a moment ago still passes: one wrong credential in n8n must not lock out the others of the same n8n.
 */
export function refuseGuessing({ rateLimits, log }: Pick<HttpDeps, 'rateLimits' | 'log'>): RequestHandler {
	if (!rateLimits) return (_request, _response, next) => next();
	const { limiter, failuresPerMinute } = rateLimits;
	/** Until when an address is sent away. */
	const blocked = new Remembered<number>();
	const trusted = new Remembered<true>();
	return (request, response, next) => {
		if (response.locals['watched'] === true) return next();
		response.locals['watched'] = true;
		const address = addressOf(request);
		const until = blocked.get(address);
		if (until !== undefined && trusted.get(keyOf(request)) !== true) throw tooMany(`Too many wrong API keys from this address.`, Math.ceil((until - Date.now()) / 1000));
		response.once('finish', () => {
			if (callerOf(response) !== null) trusted.set(keyOf(request), true, TRUSTED_MS);
			else if (response.statusCode === 401 && request.get('authorization') !== undefined) {
				limiter.count(`address:${sha256(address)}`, failuresPerMinute).then(
					({ allowed, remaining, resetSeconds }) => {
						if (allowed && remaining > 0) return;
						blocked.set(address, Date.now() + resetSeconds * 1000, resetSeconds * 1000);
						log.warn({ address, for_seconds: resetSeconds }, 'an address is sent away: too many wrong API keys');
					},
					(error: unknown) => log.warn({ err: error }, 'a wrong key could not be counted'),
				);
			}
		});
		next();
	};
}

/** After the key is known: one more request of it. The answer says how many are left (draft-ietf-httpapi-ratelimit-headers). */
export function limitRate({ rateLimits, db }: Pick<HttpDeps, 'rateLimits' | 'db'>): RequestHandler {
	if (!rateLimits) return (_request, _response, next) => next();
	const limits = new Remembered<number>();
	const limitOf = async (workspaceId: string): Promise<number> => {
		const known = limits.get(workspaceId);
		if (known !== undefined) return known;
		const limit = (await readSettings(db, workspaceId)).quotas.requests_per_minute ?? rateLimits.requestsPerMinute;
		limits.set(workspaceId, limit, SETTINGS_KEPT_MS);
		return limit;
	};
	return async (_request, response, next) => {
		const caller = callerOf(response);
		// Routers are asked one after the other: a request counts once.
		if (!caller || response.locals['counted'] === true) return next();
		response.locals['counted'] = true;
		const counted = await rateLimits.limiter.count(`key:${caller.keyId}`, await limitOf(caller.workspaceId));
		tell(response, counted);
		if (!counted.allowed) {
			throw tooMany(`This API key has made more than ${counted.limit} requests within a minute.`, counted.resetSeconds, { limit: counted.limit, window_seconds: WINDOW_SECONDS });
		}
		next();
	};
}

function tell(response: Response, { limit, remaining, resetSeconds }: Counted): void {
	response.set({ 'RateLimit-Policy': `"key";q=${limit};w=${WINDOW_SECONDS}`, RateLimit: `"key";r=${remaining};t=${resetSeconds}` });
}

const tooMany = (what: string, seconds: number, details?: Record<string, unknown>) =>
	new PipelineError('rate_limited', `${what} Try again in ${Math.max(1, seconds)} s.`, { retryAfterSeconds: Math.max(1, seconds), ...(details ? { details } : {}) });
