import type { Database, Transaction } from './database.ts';

/** Postgres: serialization_failure and deadlock_detected (Appendix A of its manual). Nothing was changed; trying again helps. */
const PASSING = new Set(['40001', '40P01']);
const TRIES = 5;

/** A transaction that is tried again when Postgres gave it up for the sake of another one. `work` must touch nothing else. */
export async function transact<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
	for (let attempt = 1; ; attempt += 1) {
		try {
			return await db.transaction(work);
		} catch (error) {
			if (attempt === TRIES || !PASSING.has(sqlState(error))) throw error;
		}
	}
}

/** Postgres: foreign_key_violation. What a row was to belong to was deleted between being looked up and being written down. */
export const isGone = (error: unknown): boolean => sqlState(error) === '23503';

/** Drizzle wraps the driver's error in its `cause`. */
function sqlState(error: unknown): string {
	for (let at = error; at instanceof Error; at = at.cause) {
		if ('code' in at && typeof at.code === 'string') return at.code;
	}
	return '';
}
