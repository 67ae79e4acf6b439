import { and, desc, eq, sql } from 'drizzle-orm';
import type { Executor, Transaction } from './database.ts';
import type { JobRow } from './jobs.ts';
import { jobs } from './schema.ts';

/** Until the transaction ends, nobody else looks for this rendition in order to make it: in no process. */
export async function lockRendition(tx: Transaction, key: string): Promise<void> {
	await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`rendition ${key}`}, 0))`);
}

/** The newest job that makes or made it. */
export async function jobOfRendition(db: Executor, workspaceId: string, key: string): Promise<JobRow | null> {
	const [row] = await db
		.select()
		.from(jobs)
		.where(and(eq(jobs.workspaceId, workspaceId), eq(jobs.renditionKey, key)))
		.orderBy(desc(jobs.createdAt))
		.limit(1);
	return row ?? null;
}

export async function nameRendition(db: Executor, jobId: string, key: string | null): Promise<void> {
	await db.update(jobs).set({ renditionKey: key }).where(eq(jobs.id, jobId));
}
