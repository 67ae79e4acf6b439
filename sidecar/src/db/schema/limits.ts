import { bigint, index, integer, pgTable, varchar } from 'drizzle-orm/pg-core';

/**
 * Requests by key and failed keys by address, in the columns that rate-limiter-flexible wants. Read and written by the owner of the
 * tables only: without a policy, a workspace sees nothing of it.
 */
export const rateLimits = pgTable(
	'rate_limits',
	{
		key: varchar('key', { length: 255 }).primaryKey(),
		points: integer('points').notNull().default(0),
		/** Milliseconds since 1970. */
		expire: bigint('expire', { mode: 'number' }),
	},
	(t) => [index('rate_limits_expire').on(t.expire)],
).enableRLS();
