import { and, desc, eq, inArray, ne, or, sql } from 'drizzle-orm';
import { findAsset, type AssetRow } from '../db/assets.ts';
import type { Executor } from '../db/database.ts';
import { ENDED } from '../db/jobs.ts';
import { assets, jobs } from '../db/schema.ts';
import { ofCurrentVersion } from '../db/versions.ts';
import { PipelineError } from '../errors.ts';
import { refuseUnsafe } from './safety.ts';

/** The operation whose verdict counts; a post waits for it while it is under way (operations/social/publish.ts). */
const SCAN = 'safety_scan';

/** Of an asset in its workspace. Throws where nothing may be posted of it. */
export type RefusePublishing = (asset: { assetId: string; workspaceId: string }) => Promise<void>;

/** Looks anew each time: a scan may end between two steps of a post. */
export const createRefusePublishing = (db: Executor): RefusePublishing => async ({ assetId, workspaceId }) => {
	const asset = await findAsset(db, workspaceId, assetId);
	if (asset) await refusePublishing(db, asset);
};

/**
 * What nobody has looked at is not safe. Throws `content_unsafe` for an asset that a scan has stopped, and for one with the
 * same bytes that no scan has let pass; `dependency_failed` for one whose last scan came to no verdict (it failed, or was cancelled).
 * An asset that nobody wanted to have scanned is nobody's business. `field`: for the message.
 */
export async function refusePublishing(db: Executor, asset: Pick<AssetRow, 'id' | 'workspaceId' | 'error' | 'sha256'>, field?: string): Promise<void> {
	refuseUnsafe(asset, field);
	const prefix = field ? `${field}: ` : '';
	const last = await lastScan(db, asset.id);
	if (last && last.status !== 'completed') {
		const why = last.error?.message ?? 'it was cancelled.';
		throw new PipelineError(
			'dependency_failed',
			`${prefix}the safety scan of asset ${asset.id} came to no verdict: ${why} Run safety_scan on it again; once it passes, the asset can be published.`,
			{ details: { failed_job_id: last.id, ...(last.error ? { reason: last.error.code } : {}) } },
		);
	}
	if (!asset.sha256 || last?.output?.['safe'] === true) return;
	const [twin] = await db
		.select({ id: assets.id })
		.from(assets)
		.where(and(eq(assets.workspaceId, asset.workspaceId), eq(assets.sha256, asset.sha256), ne(assets.id, asset.id), sql`${assets.error}->>'code' = 'content_unsafe'`))
		.limit(1);
	if (!twin) return;
	throw new PipelineError(
		'content_unsafe',
		`${prefix}asset ${asset.id} has the same bytes as asset ${twin.id}, which was stopped by a safety scan. Run safety_scan on it; once it passes, the asset can be published.`,
		{ details: { same_as: twin.id } },
	);
}

/** The scan of its present version that ended last. One that was only to report, and could not, says nothing. */
async function lastScan(db: Executor, assetId: string) {
	const [row] = await db
		.select({ id: jobs.id, status: jobs.status, output: jobs.output, error: jobs.error })
		.from(jobs)
		.where(
			and(
				eq(jobs.assetId, assetId),
				eq(jobs.jobType, SCAN),
				inArray(jobs.status, ENDED),
				// A scan that came to no verdict stands in the way also when it began before the version came: it may have been tried again since.
				ofCurrentVersion(sql`case when ${jobs.status} = 'completed' then coalesce(${jobs.startedAt}, ${jobs.completedAt}) else ${jobs.completedAt} end`),
				or(eq(jobs.status, 'completed'), sql`${jobs.params}->>'action' is distinct from 'report'`),
			),
		)
		.orderBy(desc(jobs.completedAt))
		.limit(1);
	return row ?? null;
}
