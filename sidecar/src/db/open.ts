import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite';
import { migrate as migratePglite } from 'drizzle-orm/pglite/migrator';
import { drizzle as drizzlePostgres } from 'drizzle-orm/node-postgres';
import { migrate as migratePostgres } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import type { OpenDatabase } from './database.ts';
import * as schema from './schema.ts';
import { asWorkspace, prepareTenancy, rememberHandles, tenantPglite, tenantPool } from './tenancy.ts';

/** `src/db` and `dist/db` are equally deep, so this holds for both. */
const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));

/** Any fixed number: whoever migrates this product's tables takes the same advisory lock. */
const MIGRATION_LOCK = 7_261_548;

/** The first one whose index scans go on until enough rows have passed the filters (changelog of pgvector, `hnsw.iterative_scan`). */
const LEAST_PGVECTOR = '0.8.0';

/**
 * The embedded database: Postgres in this process, its files in `folder` (`memory://` keeps nothing). One process only,
 * because a second one would corrupt the folder; it is refused with a sentence that says so.
 * `template`: a dump (`PGlite.dumpDataDir`) that a new folder begins with, which is quicker than making an empty database.
 */
export async function openPglite(folder: string, { template }: { template?: Blob } = {}): Promise<OpenDatabase> {
	const release = folder.startsWith('memory://') ? () => {} : await lockFolder(folder);
	let client: PGlite | undefined;
	try {
		client = await PGlite.create(folder, { extensions: { vector }, ...(template ? { loadDataDir: template } : {}) });
		return await preparePglite(client, release);
	} catch (error) {
		await client?.close().catch(() => {});
		release();
		throw error;
	}
}

async function preparePglite(client: PGlite, release: () => void): Promise<OpenDatabase> {
	const db = drizzlePglite(client, { schema });
	await migratePglite(db, { migrationsFolder });
	// Also in a folder that an earlier version made without it.
	await client.exec('create extension if not exists vector');
	await prepareTenancy(async (text) => (await client.exec(text)).flatMap((result) => result.rows as Record<string, unknown>[]));
	return {
		kind: 'pglite',
		db,
		forWorkspace: rememberHandles((workspaceId) => asWorkspace(drizzlePglite(tenantPglite(client, workspaceId), { schema }), db, workspaceId)),
		vectors: null,
		executeSql: async (text, values) => {
			// A statement list has no parameters and answers several results; `query` takes one statement only.
			if (values && values.length > 0) return client.query<Record<string, unknown>>(text, values);
			const results = await client.exec(text);
			return { rows: results.flatMap((result) => result.rows as Record<string, unknown>[]) };
		},
		close: async () => {
			await client.close();
			release();
		},
	};
}

export interface PostgresOptions {
	url: string;
	/** Own schema, for several installations (or tests) in one database. */
	schemaName?: string;
	/** Connections of this process. Default 10, node-postgres' own default. */
	poolSize?: number;
}

export async function openPostgres({ url, schemaName = 'public', poolSize = 10 }: PostgresOptions): Promise<OpenDatabase> {
	const own = schemaName !== 'public';
	const pool = new pg.Pool({ connectionString: url, max: poolSize, ...(own ? { options: `-c search_path=${schemaName}` } : {}) });
	// An idle connection that breaks must not end the process: the next query opens another one.
	pool.on('error', () => {});
	// Nor one that breaks within a transaction, while that waits for something else: its next query throws.
	pool.on('connect', (client) => client.on('error', () => {}));
	const migrating = await pool.connect();
	let vectors: string | null;
	try {
		await migrating.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
		if (own) await migrating.query(`create schema if not exists "${schemaName}"`);
		await migratePostgres(drizzlePostgres(migrating, { schema }), { migrationsFolder, migrationsSchema: schemaName, migrationsTable: 'media_pipeline_migrations' });
		vectors = await prepareVectors(migrating);
		await prepareTenancy(async (text) => rowsOf(await migrating.query(text)));
		await migrating.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK]);
		migrating.release();
	} catch (error) {
		// The connection is ended, and with it the lock: others may migrate.
		migrating.release(true);
		await pool.end();
		throw error;
	}
	const db = drizzlePostgres(pool, { schema });
	return {
		kind: 'postgres',
		db,
		forWorkspace: rememberHandles((workspaceId) => asWorkspace(drizzlePostgres(tenantPool(pool, workspaceId), { schema }), db, workspaceId)),
		vectors,
		executeSql: async (text, values) => {
			return { rows: rowsOf(await pool.query(text, values)) };
		},
		close: () => pool.end(),
	};
}

type Rows = pg.QueryResult<Record<string, unknown>>;
/** Several statements at once have several results. */
const rowsOf = (result: Rows | Rows[]): Record<string, unknown>[] => (Array.isArray(result) ? result.flatMap(({ rows }) => rows) : result.rows);

/**
 * Search by meaning needs pgvector; without it, it works by words only. In `public`, because a database has each extension
 * once, and several installations may share it. Answers what is missing, for the log.
 */
async function prepareVectors(client: pg.PoolClient): Promise<string | null> {
	try {
		await client.query('create extension if not exists vector schema public');
	} catch (error) {
		return `This Postgres has no pgvector (${(error as Error).message}): search finds words, but not meanings. Install pgvector ${LEAST_PGVECTOR} or newer, or have an administrator run "create extension vector" in this database, and restart.`;
	}
	const { rows } = await client.query<{ extversion: string }>("select extversion from pg_extension where extname = 'vector'");
	const version = rows[0]?.extversion ?? '0';
	const [major = 0, minor = 0] = version.split('.').map(Number);
	const [leastMajor = 0, leastMinor = 0] = LEAST_PGVECTOR.split('.').map(Number);
	if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return null;
	return `This Postgres has pgvector ${version}: search by meaning is slow on large libraries. Update it to ${LEAST_PGVECTOR} or newer ("alter extension vector update").`;
}

/**
 * Takes an operating-system lock that ends with the process, however it ends: an exclusive transaction on a small SQLite
 * file. A pid file would outlive a SIGKILL, and pids repeat (in a container every sidecar is pid 1).
 */
async function lockFolder(folder: string): Promise<() => void> {
	await mkdir(folder, { recursive: true });
	const lock = new DatabaseSync(join(folder, '..', 'database.lock'));
	try {
		lock.exec('pragma journal_mode = delete; begin exclusive');
	} catch (error) {
		lock.close();
		throw new Error(
			`Another sidecar is already running on ${folder}. The embedded database takes one process only: stop the other one, choose another DATA_DIR, or set DATABASE_URL to a Postgres.`,
			{ cause: error },
		);
	}
	return () => lock.close();
}
