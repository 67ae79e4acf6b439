import { sql, type SQL } from 'drizzle-orm';
import { INGEST } from './jobs.ts';
import { jobs } from './schema.ts';

/**
 * Of `jobs`: not those that began before the original which their asset has now was brought. What they made or found is of a former
 * version. One that never began says something of the version that was there when it ended.
 */
export const ofCurrentVersion = (since: SQL = sql`coalesce(${jobs.startedAt}, ${jobs.completedAt}, ${jobs.createdAt})`): SQL => sql`not exists (
	select 1 from jobs brought
	where brought.asset_id = ${jobs.assetId} and brought.job_type = ${INGEST} and brought.status = 'completed'
		and brought.output -> 'version' is not null and brought.output -> 'unchanged' is null
		and brought.completed_at > ${since}
)`;
