import { eq, sql } from 'drizzle-orm';
import type { Pace, Rate, RateReport } from '../social/pace.ts';
import type { Executor } from './database.ts';
import { platformPace } from './schema.ts';

/** The platform's clock and ours differ, and its window ends at a whole second. */
const MARGIN_MS = 1000;
/** Somebody else took the last place just now. */
const SOON_MS = 250;

/** The rate limits of one account, shared through the database. Times are those of the callers, who ask with their clock. */
export function createPace(db: Executor, account: string): Pace {
	const { used, limit, resetsAt, windowSeconds, blockedUntil } = platformPace;
	const keyOf = (bucket: string): string => `${account}|${bucket}`;

	return {
		async take(bucket, now, rate?: Rate) {
			const key = keyOf(bucket);
			const over = sql`(${resetsAt} is null or ${resetsAt} <= ${now})`;
			// A window that is over begins anew with this call, as long as the last one, until an answer says when it really ends.
			const nextReset = sql`case when ${windowSeconds} is null then null else ${now}::timestamptz + make_interval(secs => ${windowSeconds}) end`;
			const taken = await db
				.insert(platformPace)
				.values({
					key,
					used: 1,
					limit: rate?.limit ?? null,
					windowSeconds: rate?.windowSeconds ?? null,
					resetsAt: rate ? new Date(now.getTime() + rate.windowSeconds * 1000) : null,
				})
				.onConflictDoUpdate({
					target: platformPace.key,
					set: { used: sql`case when ${over} and ${windowSeconds} is not null then 1 else ${used} + 1 end`, resetsAt: sql`case when ${over} then ${nextReset} else ${resetsAt} end` },
					setWhere: sql`(${blockedUntil} is null or ${blockedUntil} <= ${now}) and (${limit} is null or ${over} or ${used} < ${limit})`,
				})
				.returning({ key: platformPace.key });
			if (taken.length > 0) return 0;
			const [row] = await db.select().from(platformPace).where(eq(platformPace.key, key));
			const until = Math.max(row?.blockedUntil?.getTime() ?? 0, row?.limit !== null && row && row.used >= (row.limit ?? 0) ? (row.resetsAt?.getTime() ?? 0) : 0);
			return Math.max(SOON_MS, until - now.getTime());
		},

		async report(bucket, now, { limit: most, remaining, resetsAt: reset }: RateReport) {
			const resets = new Date(reset.getTime() + MARGIN_MS);
			const seconds = Math.max(1, Math.ceil((resets.getTime() - now.getTime()) / 1000));
			await db
				.update(platformPace)
				.set({
					limit: most,
					// Calls under way are counted by us and not yet by the platform: the greater number is the right one.
					used: sql`greatest(${used}, ${most - remaining})`,
					windowSeconds: sql`greatest(coalesce(${windowSeconds}, 0), ${seconds}::int)`,
					resetsAt: resets,
				})
				.where(eq(platformPace.key, keyOf(bucket)));
		},

		async block(bucket, _now, until) {
			await db
				.update(platformPace)
				.set({ blockedUntil: sql`greatest(coalesce(${blockedUntil}, ${until}), ${until})` })
				.where(eq(platformPace.key, keyOf(bucket)));
		},
	};
}
