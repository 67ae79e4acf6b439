import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { OpenDatabase } from './database.ts';

/** How a window stands after a request was counted. */
export interface Counted {
	allowed: boolean;
	limit: number;
	/** What is left of the window's limit. */
	remaining: number;
	/** Until the window ends, whole seconds, at least 1. */
	resetSeconds: number;
}

/** Counts in windows of a minute: the first request opens one. */
export interface RateLimiter {
	count(key: string, limit: number): Promise<Counted>;
}

export const WINDOW_SECONDS = 60;

/** Column of the count: an integer. Beyond it nothing is counted any more. */
const MOST = 2 ** 31 - 1;

/**
 * On Postgres all processes share the counts. An embedded database has one process, which counts in memory: a write for every request
 * would cost more than what most requests do.
 */
export function createRateLimiter(database: Pick<OpenDatabase, 'kind' | 'executeSql'>): RateLimiter {
	const limiters = new Map<number, RateLimiterMemory | RateLimiterPostgres>();
	// Limiters of different limits count the same keys: whoever gets another limit keeps what was counted.
	const limiter = (limit: number): RateLimiterMemory | RateLimiterPostgres => {
		const found = limiters.get(limit);
		if (found) return found;
		const made = database.kind === 'postgres' ? onPostgres(database, limit) : null;
		if (made) limiters.set(limit, made);
		return made ?? memory;
	};
	const memory = new RateLimiterMemory({ points: MOST, duration: WINDOW_SECONDS, keyPrefix: '' });
	return {
		async count(key, limit) {
			const { result, refused } = await consume(limiter(limit), key);
			const remaining = refused ? 0 : Math.max(0, limit - result.consumedPoints);
			return { allowed: !refused && result.consumedPoints <= limit, limit, remaining, resetSeconds: Math.max(1, Math.ceil(result.msBeforeNext / 1000)) };
		},
	};
}

const onPostgres = (database: Pick<OpenDatabase, 'executeSql'>, limit: number): RateLimiterPostgres =>
	new RateLimiterPostgres({
		storeClient: { query: ({ text, values }: { text: string; values: unknown[] }) => database.executeSql(text, values) },
		storeType: 'pool',
		tableName: 'rate_limits',
		tableCreated: true,
		keyPrefix: '',
		points: limit,
		duration: WINDOW_SECONDS,
		// Whoever is over the limit costs the database nothing until the window ends.
		inMemoryBlockOnConsumed: limit + 1,
	});

/** It rejects with the count when there are no points left, and with an error when it could not count. */
async function consume(limiter: RateLimiterMemory | RateLimiterPostgres, key: string): Promise<{ result: RateLimiterRes; refused: boolean }> {
	try {
		return { result: await limiter.consume(key), refused: false };
	} catch (thrown) {
		if (thrown instanceof RateLimiterRes) return { result: thrown, refused: true };
		throw thrown;
	}
}
