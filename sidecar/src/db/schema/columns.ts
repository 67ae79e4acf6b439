import { sql } from 'drizzle-orm';
import { customType, pgPolicy, timestamp } from 'drizzle-orm/pg-core';
import { completeFacts, type MediaFacts, type StoredFacts } from '../../media/facts.ts';

/** Every time is `timestamptz`, every id a random UUID made by the application. */
export const time = (name: string) => timestamp(name, { withTimezone: true });
export const createdAt = () => time('created_at').notNull().defaultNow();

/** jsonb. What earlier versions stored is completed when it is read. */
export const mediaFacts = customType<{ data: MediaFacts; driverData: unknown }>({
	dataType: () => 'jsonb',
	toDriver: (facts) => JSON.stringify(facts),
	fromDriver: (value) => completeFacts((typeof value === 'string' ? JSON.parse(value) : value) as StoredFacts),
});

/** In a subquery it is asked once for a statement, not once for a row. */
export const THE_WORKSPACE = "(select current_setting('media_pipeline.workspace', true))";

/**
 * Row-level security: as the role of a workspace (db/tenancy.ts) only the rows of that workspace are there, to read, to change and to add.
 * Every table has it, but for those that test/sidecar/db/tenancy.test.ts names with a reason. Whoever owns the tables sees all: workers.
 * `condition`: what makes a row the workspace's own; by default its `workspace_id`.
 */
export const ofWorkspace = (condition = `workspace_id = ${THE_WORKSPACE}`) => pgPolicy('workspace', { using: sql.raw(condition), withCheck: sql.raw(condition) });
