import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { assets, batches, callbacks, jobs, posts, webhooks } from './schema.ts';

/** A column whose texts the vault has sealed (secrets.ts). Null and empty: there is nothing. */
export interface SealedColumn {
	table: PgTable;
	id: PgColumn;
	column: PgColumn;
}

/** All of them: what is missing here could not be read any more once an old key is dropped. A test compares it with the schema. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
	{ table: assets, id: assets.id, column: assets.callbackUrl },
	{ table: batches, id: batches.id, column: batches.callbackUrl },
	{ table: batches, id: batches.id, column: batches.progressUrl },
	{ table: callbacks, id: callbacks.id, column: callbacks.url },
	{ table: jobs, id: jobs.id, column: jobs.source },
	{ table: jobs, id: jobs.id, column: jobs.secret },
	{ table: posts, id: posts.id, column: posts.state },
	{ table: webhooks, id: webhooks.id, column: webhooks.url },
	{ table: webhooks, id: webhooks.id, column: webhooks.secret },
];
