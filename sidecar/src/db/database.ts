import type { PgDatabase, PgQueryResultHKT, PgTransaction } from 'drizzle-orm/pg-core';
import type { ExtractTablesWithRelations } from 'drizzle-orm';
import type * as schema from './schema.ts';

type Schema = typeof schema;

/** What both drivers answer to raw SQL. */
interface Rows<Row> {
	rows: Row[];
}
interface RowsResult extends PgQueryResultHKT {
	type: Rows<this['row']>;
}

/** The same handle for PGlite and Postgres: repositories never know which one they talk to. */
export type Database = PgDatabase<RowsResult, Schema>;
export type Transaction = PgTransaction<RowsResult, Schema, ExtractTablesWithRelations<Schema>>;

/**
 * What repositories take. Inside a transaction pass the transaction, always: PGlite has one connection, and asking the
 * main handle while a transaction holds it waits for ever (n8n-facts: "Deadlock").
 */
export type Executor = Database | Transaction;

/** An open database. */
export interface OpenDatabase {
	/** Which engine: for the log, and for the queue's adapter. */
	kind: 'pglite' | 'postgres';
	/** Everything, whoever it belongs to: for the loops and the workers. */
	db: Database;
	/** The same tables as one workspace sees them (row-level security): for requests that come with its key. */
	forWorkspace(workspaceId: string): Database;
	/** Why search by meaning (pgvector) does not work here, or only slowly; null: it does. */
	vectors: string | null;
	/** Raw SQL in the same database, for pg-boss. */
	executeSql(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
	close(): Promise<void>;
}
