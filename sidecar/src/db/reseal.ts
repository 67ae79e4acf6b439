import { getTableName, sql } from 'drizzle-orm';
import type { Vault } from '../secrets.ts';
import type { Database } from './database.ts';
import { SEALED_COLUMNS, type SealedColumn } from './sealed-columns.ts';

export interface Resealed {
	/** `jobs.secret` */
	column: string;
	/** Texts that were opened with a previous key and sealed with the newest. */
	resealed: number;
	/** Texts that none of the keys opens. They stay as they are. */
	unreadable: number;
	/** Texts, readable ones, that are not sealed with the newest key now. */
	remaining: number;
}

export interface ResealOptions {
	/** Rows that are read at once. */
	rows?: number;
	/** Ends after the rows at hand. */
	signal?: AbortSignal;
	columns?: readonly SealedColumn[];
}

/** So much is opened and sealed between two looks at the clock: some milliseconds. */
const ROWS = 200;

/**
 * Seals everything with the newest key. It needs no memory of its own: what it has done is told by the texts themselves, so it can be
 * stopped, killed and started again at any time, also by several processes at once. A text that somebody changes meanwhile is left to
 * them: it is replaced only where it still is what was opened.
 */
export async function reseal(db: Database, vault: Vault, { rows = ROWS, signal, columns = SEALED_COLUMNS }: ResealOptions = {}): Promise<Resealed[]> {
	const report: Resealed[] = [];
	for (const column of columns) report.push(await resealColumn(db, vault, column, rows, signal));
	return report;
}

async function resealColumn(db: Database, vault: Vault, { table, id, column }: SealedColumn, rows: number, signal: AbortSignal | undefined): Promise<Resealed> {
	const report: Resealed = { column: `${getTableName(table)}.${column.name}`, resealed: 0, unreadable: 0, remaining: 0 };
	const other = sql`${column} <> '' and left(${column}, ${vault.prefix.length}) <> ${vault.prefix}`;
	let after = '00000000-0000-0000-0000-000000000000';
	while (!signal?.aborted) {
		const { rows: found } = await db.execute<{ id: string; sealed: string }>(sql`select ${id} as id, ${column} as sealed from ${table} where ${other} and ${id} > ${after}::uuid order by ${id} limit ${rows}`);
		const last = found.at(-1);
		if (!last) break;
		for (const { id: row, sealed } of found) {
			const plain = opened(vault, sealed);
			if (plain === null) {
				report.unreadable += 1;
				continue;
			}
			const fresh = vault.seal(plain);
			// Read back before it replaces the only copy.
			if (vault.open(fresh) !== plain) throw new Error(`${report.column}: what was sealed does not open to the same text`);
			const changed = await db.execute(sql`update ${table} set ${sql.identifier(column.name)} = ${fresh} where ${id} = ${row}::uuid and ${column} = ${sealed} returning 1`);
			report.resealed += changed.rows.length;
		}
		after = last.id;
	}
	const { rows: left } = await db.execute<{ count: number }>(sql`select count(*)::int as count from ${table} where ${other}`);
	report.remaining = Math.max(0, Number(left[0]?.count ?? 0) - report.unreadable);
	return report;
}

function opened(vault: Vault, sealed: string): string | null {
	try {
		return vault.open(sealed);
	} catch {
		return null;
	}
}
