import { and, eq, inArray, ne, sql } from 'drizzle-orm';
import { updateAsset, type AssetRow } from '../db/assets.ts';
import type { Transaction } from '../db/database.ts';
import { recordEvents } from '../db/events.ts';
import { CHUNK, ENDED, INGEST, OPEN, processJobs, type JobRow, type NewJob } from '../db/jobs.ts';
import { jobs } from '../db/schema.ts';
import { PipelineError, type PublicError } from '../errors.ts';
import { foundIn, type Found } from '../operations/ai/safety-findings.ts';
import type { PipelineDeps } from './deps.ts';

/**
 * What becomes of an asset in which a guarding operation (`safety_scan`) finds what its thresholds do not allow.
 *
 * In a request the guard goes first, and the others that are asked of the same asset wait for it. When it fails with
 * `content_unsafe`, the asset fails with that error, and every other open job of the asset, whoever asked for it, ends with
 * `dependency_failed`: those that wait as failed, those that run as cancelled. From then on the asset is not published, by no way
 * (publishable.ts), nor put into other media; other operations work, so that somebody can look into it. A later scan of the asset
 * whose output says `safe: true`, and which has looked for what was found, lifts this: it takes the place of those that failed,
 * and what was stopped can be retried.
 */

/** The error of the asset is the mark: whoever writes that error must leave this one alone. */
export const isUnsafe = ({ error }: Pick<AssetRow, 'error'>): boolean => error?.code === 'content_unsafe';

const whoLooksFor = (found: Found[]): string => (found.length > 0 ? `, by a provider that looks for ${found.map(({ category }) => category).join(', ')}` : '');

/** Throws `content_unsafe` for what must not be done with such an asset. */
export function refuseUnsafe(asset: Pick<AssetRow, 'id' | 'error'>, field?: string): void {
	if (!asset.error || !isUnsafe(asset)) return;
	throw new PipelineError(
		'content_unsafe',
		`${field ? `${field}: ` : ''}asset ${asset.id} was stopped by a safety scan: ${asset.error.message} If that is wrong, run safety_scan on it again with higher thresholds${whoLooksFor(foundIn(asset.error))}; once it passes, the asset can be used.`,
		asset.error.details ? { details: asset.error.details } : {},
	);
}

/** Whether the others of its request wait for this job. */
export const isGuard = (deps: Pick<PipelineDeps, 'operations'>, { jobType, params }: Pick<NewJob, 'jobType' | 'params'>): boolean =>
	deps.operations.get(jobType)?.guards?.(params) ?? false;

/** Whether others may wait for jobs of this type. */
export const mayGuard = (deps: Pick<PipelineDeps, 'operations'>, { jobType }: Pick<JobRow, 'jobType'>): boolean =>
	deps.operations.get(jobType)?.guards !== undefined;

/** Of one request, for each asset: guards one after the other, then all the rest. */
export function behindGuards(deps: Pick<PipelineDeps, 'operations'>, rows: NewJob[]): NewJob[] {
	const chains = new Map<string, NewJob[]>();
	for (const row of rows) if (row.assetId && isGuard(deps, row)) chains.set(row.assetId, [...(chains.get(row.assetId) ?? []), row]);
	return rows.map((row) => {
		// Guards themselves wait for the bytes.
		const chain = row.assetId && row.jobType !== INGEST ? chains.get(row.assetId) : undefined;
		if (!chain) return row;
		const place = chain.indexOf(row);
		const before = place < 0 ? chain.at(-1) : chain[place - 1];
		return before ? { ...row, afterJobId: before.id } : row;
	});
}

/** The asset fails. Answers the jobs that are to be ended, and as what. The row of the asset is locked. */
export async function stopUnsafe(
	deps: Pick<PipelineDeps, 'operations'>,
	tx: Transaction,
	scan: JobRow,
	error: PublicError,
): Promise<Array<{ job: JobRow; status: 'failed' | 'cancelled'; error: PublicError }>> {
	const assetId = scan.assetId;
	if (assetId === null) return [];
	const reason: PublicError = { ...error, details: { ...error.details, job_id: scan.id } };
	await updateAsset(tx, assetId, { status: 'failed', error: reason });
	await recordEvents(tx, [{ workspaceId: scan.workspaceId, type: 'asset.failed', assetId, data: { error: reason } }]);
	const open = await tx
		.select()
		.from(jobs)
		.where(and(eq(jobs.assetId, assetId), inArray(jobs.status, OPEN), ne(jobs.id, scan.id), ne(jobs.jobType, CHUNK)));
	return (
		open
			// Somebody scans it again, with other thresholds: that one decides for itself.
			.filter((job) => !(mayGuard(deps, job) && job.afterJobId !== scan.id))
			.map((job) => ({
				job,
				status: job.status === 'processing' ? ('cancelled' as const) : ('failed' as const),
				error: {
					code: 'dependency_failed' as const,
					message: `Stopped, as the safety scan of this asset failed: ${error.message}`,
					details: { failed_job_id: scan.id, reason: error.code },
				},
			}))
	);
}

/**
 * A scan found the asset safe which an earlier one had stopped. It takes the place of those that failed: jobs wait for it
 * instead, and it counts for POST /api/media/process where they did. `ready`: there is more to be retried. `complete`: all
 * that was asked for has been done. The row of the asset is locked.
 */
export async function liftUnsafe(tx: Transaction, scan: JobRow): Promise<'ready' | 'complete'> {
	const assetId = scan.assetId as string;
	const stopped = await tx
		.select({ id: jobs.id, process: jobs.process })
		.from(jobs)
		.where(
			and(
				eq(jobs.assetId, assetId),
				eq(jobs.jobType, scan.jobType),
				eq(jobs.status, 'failed'),
				ne(jobs.id, scan.id),
				sql`${jobs.error}->>'code' = 'content_unsafe'`,
			),
		);
	if (stopped.length > 0) {
		const ids = stopped.map(({ id }) => id);
		await tx.update(jobs).set({ afterJobId: scan.id }).where(inArray(jobs.afterJobId, ids));
		if (stopped.some(({ process }) => process)) {
			await tx.update(jobs).set({ process: false }).where(inArray(jobs.id, ids));
			await tx.update(jobs).set({ process: true }).where(eq(jobs.id, scan.id));
		}
	}
	const all = await processJobs(tx, assetId);
	const open = all.some(({ status }) => !ENDED.includes(status));
	await updateAsset(tx, assetId, { status: open ? 'processing' : 'ready', error: null });
	await recordEvents(tx, [{ workspaceId: scan.workspaceId, type: 'asset.ready', assetId }]);
	return all.length > 0 && all.every(({ status }) => status === 'completed') ? 'complete' : 'ready';
}
