import { createHash } from 'node:crypto';
import { sql, type SQL } from 'drizzle-orm';
import type { Database, Executor, Transaction } from './database.ts';
import { transact } from './transact.ts';

/** Where pgvector is in this database. */
interface Pgvector {
	/** Schema of its types and operators. */
	schema: string;
	/** Index scans go on until enough rows have passed the filters (since 0.8). */
	iterative: boolean;
}

/** pgvector has HNSW since 0.5 (its changelog). */
const HNSW_SINCE = 5;
const ITERATIVE_SINCE = 8;
/** pgvector indexes vectors of at most this many numbers. */
const MOST_INDEXED = 2000;
/** Any fixed number: whoever makes an index of vectors takes the same advisory lock. */
const INDEX_LOCK = 7_261_549;

const known = new WeakMap<object, Pgvector>();

/** Null: there is no pgvector in this database, or a very old one. It may come later, so only its presence is remembered. */
export async function findPgvector(db: Executor): Promise<Pgvector | null> {
	const before = known.get(db);
	if (before) return before;
	const { rows } = await db.execute<{ schema: string; version: string }>(
		sql`select n.nspname as schema, e.extversion as version from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'vector'`,
	);
	const [row] = rows;
	if (!row) return null;
	// PGlite's own build says 1.0 where it is 0.8.
	const [major = 0, minor = 0] = row.version.split('.').map(Number);
	if (major === 0 && minor < HNSW_SINCE) return null;
	const found = { schema: row.schema, iterative: major > 0 || minor >= ITERATIVE_SINCE };
	known.set(db, found);
	return found;
}

/** Whether vectors can be compared in this database. */
export const hasVectors = async (db: Executor): Promise<boolean> => (await findPgvector(db)) !== null;

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The stored numbers as a vector, and the distance of a space: the very expression that is indexed. */
export function vectorSql({ schema }: Pgvector, dimensions: number) {
	if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > 16_000) throw new Error(`A vector of ${dimensions} numbers cannot be stored.`);
	const type = `${identifier(schema)}.vector(${dimensions})`;
	return {
		/** `values` is a column of `search_vectors`. */
		distance: (values: SQL, to: readonly number[]): SQL =>
			sql`(${values}::${sql.raw(type)}) operator(${sql.raw(identifier(schema))}.<=>) ${`[${to.join(',')}]`}::${sql.raw(type)}`,
		indexed: `(("values"::${type}) ${identifier(schema)}.vector_cosine_ops)`,
	};
}

/** `space = '…'` as the partial index says it: a parameter would hide from the planner that they are the same. */
export const spaceIs = (column: SQL, space: string): SQL => sql`${column} = ${sql.raw(literal(space))}`;

/**
 * pgvector builds an index several times faster while all of it fits into `maintenance_work_mem` (its README), 64 MB unless somebody set
 * more: some 20,000 vectors of 512 numbers. So much at most is taken for it while it is built.
 */
const MOST_BUILD_KB = 512 * 1024;
/** Of a vector in that memory, beside its numbers: its neighbours and what manages them, generously. */
const BUILD_BYTES_PER_VECTOR = 1500;

/**
 * The index of a space, unless it is there. Made before the first vectors are stored it costs nothing; later it takes a minute or more
 * per 100,000 vectors, in which none can be added. Does nothing without pgvector.
 */
export async function ensureIndex(db: Database, space: string, dimensions: number): Promise<void> {
	const pgvector = await findPgvector(db);
	if (!pgvector || dimensions > MOST_INDEXED) return;
	const name = `search_vectors_${createHash('sha256').update(`${space} ${dimensions}`).digest('hex').slice(0, 16)}`;
	const { rows } = await db.execute(sql`select 1 from pg_indexes where indexname = ${name} and schemaname = current_schema()`);
	if (rows.length > 0) return;
	await transact(db, async (tx) => {
		// "If not exists" alone fails when two sessions make the same index at the same time.
		await tx.execute(sql`select pg_advisory_xact_lock(${INDEX_LOCK})`);
		await giveMemory(tx, space, dimensions);
		const { indexed } = vectorSql(pgvector, dimensions);
		await tx.execute(sql.raw(`create index if not exists ${identifier(name)} on search_vectors using hnsw ${indexed} where space = ${literal(space)}`));
	});
}

/** For this transaction, where what the database has set is too little for what there is. */
async function giveMemory(tx: Transaction, space: string, dimensions: number): Promise<void> {
	const { rows } = await tx.execute<{ n: number; kb: number }>(sql`
		select (select count(*)::int from search_vectors where space = ${space}) as n, (select setting::int from pg_settings where name = 'maintenance_work_mem') as kb`);
	const [{ n, kb } = { n: 0, kb: 0 }] = rows;
	const wanted = Math.min(MOST_BUILD_KB, Math.ceil((n * (dimensions * 4 + BUILD_BYTES_PER_VECTOR)) / 1024));
	if (wanted <= kb) return;
	await tx.execute(sql.raw(`set local maintenance_work_mem = '${wanted}kB'`));
	// Workers would share it through /dev/shm, which has 64 MB in a container.
	await tx.execute(sql.raw('set local max_parallel_maintenance_workers = 0'));
}
