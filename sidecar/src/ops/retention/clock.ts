import { desc, max, sql } from 'drizzle-orm';
import type { Executor } from '../../db/database.ts';
import { assets, events } from '../../db/schema.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Between the clock of this machine and that of the database. */
const MOST_APART_MS = HOUR_MS;
/** Since the last thing that happened before this process began. */
const MOST_QUIET_MS = 30 * DAY_MS;

/**
 * What is old is told by the clock: one that is a year ahead would make everything old, and beside a database from a backup all that came later
 * belongs to nobody. Null: there is nothing to be said against the clock.
 */
export async function whyNotByThisClock(db: Executor, now = Date.now()): Promise<string | null> {
	const { rows } = await db.execute<{ ms: number }>(sql`select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`);
	const apart = now - Number(rows[0]?.ms ?? now);
	return Math.abs(apart) > MOST_APART_MS ? `the clock of this machine and that of the database are ${Math.round(Math.abs(apart) / HOUR_MS)} hours apart. Set them right` : null;
}

/** When something happened last; null: never yet. */
async function lastSignOfLife(db: Executor): Promise<Date | null> {
	const [event] = await db.select({ at: events.createdAt }).from(events).orderBy(desc(events.id)).limit(1);
	const [asset] = event ? [] : await db.select({ at: max(assets.updatedAt) }).from(assets);
	return event?.at ?? asset?.at ?? null;
}

export interface Clock {
	wall(): number;
	/** Runs on evenly, whatever somebody sets the clock to. */
	steady(): number;
}
const CLOCK: Clock = { wall: () => Date.now(), steady: () => performance.now() };

/** For the rounds that nobody looks at: to be made when the process begins, before anything happens in it. */
export async function watchClock(db: Executor, clock: Clock = CLOCK): Promise<() => Promise<string | null>> {
	const last = await lastSignOfLife(db);
	const quiet = last === null ? 0 : clock.wall() - last.getTime();
	let before = clock.wall() - clock.steady();
	return async () => {
		const by = clock.wall() - clock.steady() - before;
		before += by;
		if (Math.abs(by) > MOST_APART_MS) return `the clock of this machine was set, or it slept, for ${Math.round(by / HOUR_MS)} hours. The next round will clean up`;
		if (quiet > MOST_QUIET_MS) return `nothing had happened here for ${Math.round(quiet / DAY_MS)} days when the sidecar began: either its clock is wrong, or its database is an old copy. If all is well, use POST /api/media/retention`;
		return whyNotByThisClock(db, clock.wall());
	};
}
