import { and, eq, inArray, ne } from 'drizzle-orm';
import { lockAsset, updateAsset } from '../db/assets.ts';
import type { Transaction } from '../db/database.ts';
import { recordEvents } from '../db/events.ts';
import { findJob, type JobRow } from '../db/jobs.ts';
import { jobs } from '../db/schema.ts';
import { transact } from '../db/transact.ts';
import type { PipelineDeps } from './deps.ts';

/**
 * The state `analyzing` of an asset (P13): while an operation that looks at it without making media runs for its POST
 * /api/media/process. Ends with the last of them, in `processing` or in whatever the end of all makes of it.
 */
const analyses = ({ operations }: Pick<PipelineDeps, 'operations'>): string[] =>
	[...operations.values()].filter(({ analyses: is }) => is).map(({ name }) => name);

/** When a job begins. */
export async function beginAnalyzing(deps: PipelineDeps, job: JobRow): Promise<void> {
	const { assetId } = job;
	if (!job.process || assetId === null || !analyses(deps).includes(job.jobType)) return;
	await transact(deps.db, async (tx) => {
		const asset = await lockAsset(tx, assetId);
		// It may have been cancelled in the meantime.
		const now = await findJob(tx, job.workspaceId, job.id);
		if (asset?.status !== 'processing' || now?.status !== 'processing' || now.attempts !== job.attempts) return;
		await updateAsset(tx, assetId, { status: 'analyzing' });
		await recordEvents(tx, [{ workspaceId: job.workspaceId, type: 'asset.analyzing', assetId, data: { job_type: job.jobType } }]);
	});
	deps.wake.events();
}

/** When one has ended; the row of the asset is locked. */
export async function endAnalyzing(deps: PipelineDeps, tx: Transaction, job: JobRow): Promise<void> {
	const names = analyses(deps);
	if (!job.process || job.assetId === null || !names.includes(job.jobType)) return;
	const asset = await lockAsset(tx, job.assetId);
	if (asset?.status !== 'analyzing') return;
	const [other] = await tx
		.select({ id: jobs.id })
		.from(jobs)
		.where(and(eq(jobs.assetId, asset.id), eq(jobs.process, true), eq(jobs.status, 'processing'), inArray(jobs.jobType, names), ne(jobs.id, job.id)))
		.limit(1);
	if (!other) await updateAsset(tx, asset.id, { status: 'processing' });
}
