import { sql } from 'drizzle-orm';
import type { Executor, Transaction } from './database.ts';
import { assets, assetVersions, files, jobs } from './schema.ts';
import { CHUNK } from './jobs.ts';

/** What a workspace holds. */
export interface Holdings {
	/** Originals and their earlier versions, what jobs made, and what uploads and downloads under way may become. */
	bytes: number;
	assets: number;
}

/**
 * Counted anew each time: a counter would have to be right whatever is deleted or shared, and two indexes
 * (`assets_usage`, `files_usage`) hold all that is added up. Only asked where there is a quota. Files that several jobs share count once; of an original that was deleted, what it had does not.
 */
export async function holdingsOf(db: Executor, workspaceId: string): Promise<Holdings> {
	const { rows } = await db.execute<{ assets: number; bytes: number }>(sql`
		select
			originals.count::int as assets,
			(originals.bytes + versions.bytes + made.bytes)::float8 as bytes
		from
			(select count(*) as count, coalesce(sum(case when ${assets.sameAs} is not null then 0 when ${assets.originalState} = 'deleted' then coalesce(${assets.expectedBytes}, 0) else coalesce(${assets.bytes}, ${assets.expectedBytes}, 0) end + coalesce(${assets.originalBytes}, 0)), 0) as bytes
				from ${assets} where ${assets.workspaceId} = ${workspaceId}) originals,
			(select coalesce(sum(${assetVersions.bytes}), 0) as bytes from ${assetVersions} where ${assetVersions.workspaceId} = ${workspaceId}) versions,
			(select coalesce(sum(stored.bytes), 0) as bytes from
				(select distinct ${files.storageKey} as key, ${files.bytes} as bytes from ${files} where ${files.workspaceId} = ${workspaceId}) stored) made`);
	return rows[0] ?? { bytes: 0, assets: 0 };
}

/** Jobs that are being worked on. Chunks are pieces of one of them. */
export async function runningJobs(db: Executor, workspaceId: string): Promise<number> {
	const { rows } = await db.execute<{ count: number }>(sql`
		select count(*)::int as count from ${jobs} where ${jobs.workspaceId} = ${workspaceId} and ${jobs.status} = 'processing' and ${jobs.jobType} <> ${CHUNK}`);
	return rows[0]?.count ?? 0;
}

/** Of two requests that would both take the last byte, the second waits here and then sees the first. Held until the transaction ends. */
export async function lockQuota(tx: Transaction, workspaceId: string, what: 'holdings' | 'jobs'): Promise<void> {
	await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`${what} of ${workspaceId}`}, 0))`);
}
