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
			if (attempt === TRIES || !PASSING.has(driverError(error).state)) throw error;
		}
	}
}

/** Whether the asset that a row was to belong to (or its workspace) was deleted between being looked up and being written down (foreign_key_violation). */
export function isGone(error: unknown): boolean {
	const { state, constraint } = driverError(error);
	return state === '23503' && /_(assets|workspaces)_id_fk$/.test(constraint);
}

/** SQLSTATE and the constraint that was broken, where there are such. Drizzle wraps the driver's error in its `cause`. */
function driverError(error: unknown): { state: string; constraint: string } {
	for (let at = error; at instanceof Error; at = at.cause) {
		if ('code' in at && typeof at.code === 'string') return { state: at.code, constraint: 'constraint' in at ? String(at.constraint) : '' };
	}
	return { state: '', constraint: '' };
}
