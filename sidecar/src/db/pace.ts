import { eq, sql } from 'drizzle-orm';
import type { Executor } from './database.ts';
import { platformPace } from './schema.ts';

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

/** The platform's clock and ours differ, and its window ends at a whole second. */
const MARGIN_MS = 1000;
/** Somebody else took the last place just now. */
const SOON_MS = 250;
/** As long as nothing is known of a limit, the first call goes alone: it mostly tells. Some answers never do, and some take long. */
const FIRST_MS = 2000;

/**
 * When it is the turn of the caller who was sent away last: as many windows from now as the callers before it fill. One that comes back and
 * is a little early, because windows begin late under load, gets the next one: it has waited already.
 */
function turnOf(row: typeof platformPace.$inferSelect, now: Date, again: boolean): number {
	const { limit, used, waiting, resetsAt, windowSeconds, blockedUntil } = row;
	const full = limit !== null && used >= limit && resetsAt !== null && resetsAt > now;
	const windows = limit === null || again ? 0 : Math.floor((waiting - 1) / Math.max(1, limit));
	const turn = full ? resetsAt.getTime() + windows * (windowSeconds ?? 0) * 1000 : 0;
	return Math.max(turn, blockedUntil?.getTime() ?? 0);
}

/** The rate limits of one account, shared through the database. Times are those of the callers, who ask with their clock. */
export function createPace(db: Executor, account: string): Pace {
	const { used, waiting, limit, resetsAt, windowSeconds, blockedUntil } = platformPace;
	const keyOf = (bucket: string): string => `${account}|${bucket}`;

	return {
		async take(bucket, now, rate?: Rate, again = false) {
			const key = keyOf(bucket);
			const over = sql`(${resetsAt} is null or ${resetsAt} <= ${now})`;
			// A window that is over begins anew with this call, as long as the last one, until an answer says when it really ends.
			const nextReset = sql`case when ${windowSeconds} is null then null else ${now}::timestamptz + make_interval(secs => ${windowSeconds}) end`;
			const begun = sql`(1 + least(1000000, floor(coalesce(extract(epoch from ${now}::timestamptz - ${resetsAt}) / nullif(${windowSeconds}, 0), 0))))::int`;
			const taken = await db
				.insert(platformPace)
				.values({
					key,
					used: 1,
					limit: rate?.limit ?? null,
					windowSeconds: rate?.windowSeconds ?? null,
					resetsAt: rate ? new Date(now.getTime() + rate.windowSeconds * 1000) : null,
					blockedUntil: rate ? null : new Date(now.getTime() + FIRST_MS),
				})
				.onConflictDoUpdate({
					target: platformPace.key,
					set: {
						used: sql`case when ${over} and ${windowSeconds} is not null then 1 else ${used} + 1 end`,
						// Those whose turn is in the window that begins, or was in one that nobody came in, are not counted any more.
						waiting: sql`case when ${over} then greatest(0, ${waiting} - coalesce(${limit}, 0) * ${begun}) else ${waiting} end`,
						resetsAt: sql`case when ${over} then ${nextReset} else ${resetsAt} end`,
					},
					setWhere: sql`(${blockedUntil} is null or ${blockedUntil} <= ${now}) and (${limit} is null or ${over} or ${used} < ${limit})`,
				})
				.returning({ key: platformPace.key });
			if (taken.length > 0) return 0;
			const [row] = await db
				.update(platformPace)
				.set({ waiting: sql`case when ${limit} is null or ${again} then ${waiting} else ${waiting} + 1 end` })
				.where(eq(platformPace.key, key))
				.returning();
			const waitMs = Math.max(SOON_MS, row ? turnOf(row, now, again) - now.getTime() : 0);
			return row?.limit === null && waitMs <= FIRST_MS ? SOON_MS : waitMs;
		},

		async report(bucket, now, { limit: most, remaining, resetsAt: reset }: RateReport) {
			const resets = new Date(reset.getTime() + MARGIN_MS);
			// The answer took so long that its window is over: it says nothing of the one that others have begun meanwhile.
			if (resets <= now) return;
			const seconds = Math.max(1, Math.ceil((resets.getTime() - now.getTime()) / 1000));
			await db
				.update(platformPace)
				.set({
					limit: most,
					// Calls under way are counted by us and not yet by the platform: the greater number is the right one.
					used: sql`greatest(${used}, ${most - remaining})`,
					windowSeconds: sql`greatest(coalesce(${windowSeconds}, 0), ${seconds}::int)`,
					resetsAt: resets,
					// The first answer: the others need not wait any longer.
					blockedUntil: sql`case when ${limit} is null then null else ${blockedUntil} end`,
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
