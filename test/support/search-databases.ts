import { randomUUID } from 'node:crypto';
import type { OpenDatabase } from '../../sidecar/src/db/database.ts';
import { openPostgres } from '../../sidecar/src/db/open.ts';
import { findPostgresWithVector, startPostgresWithVector } from './postgres-vector.ts';
import { startPostgres, type TestPostgres } from './postgres.ts';
import { openTestDatabase } from './pglite.ts';

export interface SearchDatabase {
	name: string;
	/** Whether vectors can be compared there. */
	vectors: boolean;
	open(): Promise<{ database: OpenDatabase; close(): Promise<void> }>;
}

const onServer = (start: () => Promise<TestPostgres>) => async (): Promise<{ database: OpenDatabase; close(): Promise<void> }> => {
	const server = await start();
	// A schema of its own: where pgvector is then is not where the tables are.
	const database = await openPostgres({ url: server.url, schemaName: `media_${randomUUID().slice(0, 8)}` });
	return {
		database,
		close: async () => {
			await database.close();
			await server.stop();
		},
	};
};

const found = await findPostgresWithVector();
if ('missing' in found) process.stderr.write(`Search on Postgres with pgvector is NOT tested here: ${found.missing}\n`);

/** Every database that search works on: embedded, Postgres with pgvector (where this machine has one), and Postgres without. */
export const SEARCH_DATABASES: SearchDatabase[] = [
	{
		name: 'the embedded database',
		vectors: true,
		open: async () => {
			const database = await openTestDatabase();
			return { database, close: () => database.close() };
		},
	},
	...('bin' in found ? [{ name: 'Postgres with pgvector', vectors: true, open: onServer(() => startPostgresWithVector(found.bin)) }] : []),
	{ name: 'Postgres without pgvector', vectors: false, open: onServer(startPostgres) },
];
