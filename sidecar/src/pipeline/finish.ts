import { randomUUID } from 'node:crypto';
import { and, eq, inArray, max, sql } from 'drizzle-orm';
import { lockAsset, updateAsset, type AssetRow, type NewAsset } from '../db/assets.ts';
import { completeBatch, lockBatch } from '../db/batches.ts';
import { insertCallback } from '../db/callbacks.ts';
import type { Transaction } from '../db/database.ts';
import { cancelChunks, unpark } from '../db/chunks.ts';
import { dropProgress, recordEvents } from '../db/events.ts';
import { CHUNK, dependentsOf, endJob, ENDED, INGEST, insertFiles, OPEN, type FileRow, type JobRow } from '../db/jobs.ts';
import { assets, jobs } from '../db/schema.ts';
import type { PublicError } from '../errors.ts';
import { hasLookedForIt } from '../operations/ai/safety-findings.ts';
import { sha256 } from '../secrets.ts';
import { endAnalyzing } from './analyzing.ts';
import type { PipelineDeps } from './deps.ts';
import { recordFailedPosts } from './post-events.ts';
import { enqueue } from './requeue.ts';
import { isUnsafe, liftUnsafe, mayGuard, stopUnsafe } from './safety.ts';
import { dedupeOf, shareBytes } from './same-bytes.ts';

/** How a job ended. */
export type Outcome =
	| {
			status: 'completed';
			output: Record<string, unknown>;
			files?: Array<Pick<FileRow, 'name' | 'storageKey' | 'mime' | 'bytes' | 'width' | 'height' | 'durationSeconds' | 'part'>>;
			/** What an ingest found out about its asset. */
			asset?: Partial<NewAsset>;
			/** Stored by an ingest, and perhaps not needed: what no row names after the end is removed. */
			spare?: string[];
			/** Stored files that an ingest looked for in vain. */
			missing?: string[];
			steps?: Record<string, number>;
			cost?: Record<string, number>;
	  }
	| { status: 'failed' | 'cancelled'; error: PublicError; steps?: Record<string, number>; cost?: Record<string, number> };

/**
 * Ends a job and everything that hangs on it, in one transaction: its files, the jobs that wait for it, its batch with the
 * callback, its asset with n8n's distribute trigger. False, and nothing written, when the job had ended already or, with
 * `attempts`, belongs to a later attempt.
 */
export async function finishJob(deps: PipelineDeps, tx: Transaction, job: JobRow, outcome: Outcome, attempts: number | null = null): Promise<boolean> {
	// Of two jobs of an asset that end at once, the second waits here and then sees the end of the first. The batch has its
	// own such place below, as late as possible: there a thousand jobs may end at once.
	if (job.assetId && (job.process || job.jobType === INGEST || mayGuard(deps, job))) await lockAsset(tx, job.assetId);
	const completed = outcome.status === 'completed';
	const ended = await endJob(
		tx,
		job.id,
		{
			status: outcome.status,
			output: completed ? outcome.output : null,
			error: completed ? null : outcome.error,
			...(outcome.steps ? { steps: outcome.steps } : {}),
			...(outcome.cost ? { cost: outcome.cost } : {}),
		},
		attempts,
	);
	if (!ended) return false;
	if (completed) {
		const { workspaceId, assetId } = ended;
		await insertFiles(tx, (outcome.files ?? []).map((file, position) => ({ id: randomUUID(), workspaceId, assetId, jobId: ended.id, position, ...file })));
	}
	if (mayHaveReported(ended)) {
		await dropProgress(tx, [ended.id]);
		await cancelChunks(tx, ended.id);
	}
	if (ended.jobType === CHUNK) {
		const parent = ended.afterJobId ? await unpark(tx, ended.afterJobId) : null;
		if (parent) await enqueue(deps, tx, [parent]);
		return true;
	}
	await recordEvents(tx, [
		{
			workspaceId: ended.workspaceId,
			type: `job.${outcome.status}`,
			assetId: ended.assetId,
			jobId: ended.id,
			data: { job_type: ended.jobType, batch_id: ended.batchId, ...(completed ? {} : { error: outcome.error }) },
		},
	]);
	if (outcome.status === 'failed') await recordFailedPosts(tx, ended, outcome.error);
	if (ended.jobType === INGEST && ended.assetId) await settleIngest(tx, ended, outcome);
	await endAnalyzing(deps, tx, ended);
	const verdict = mayGuard(deps, ended) ? await judge(deps, tx, ended, outcome) : null;
	// Every job of an asset begins when its bytes are there, and when what guards it has let it pass; nothing else is waited for.
	let settled = verdict !== null;
	if (ended.jobType === INGEST || mayGuard(deps, ended)) {
		if (completed) await enqueue(deps, tx, await dependentsOf(tx, ended.id));
		else settled = (await endDependents(deps, tx, ended)) || settled;
	}
	if (ended.batchId) await finishBatchIfEnded(deps, tx, ended.batchId);
	// The end of those that ended with it has seen to the asset already.
	if (ended.process && ended.assetId && !settled) await finishAssetIfEnded(deps, tx, ended.assetId);
	return true;
}

/** What a guard that has ended means for its asset. Null: nothing more than the end of any other job. */
async function judge(deps: PipelineDeps, tx: Transaction, guard: JobRow, outcome: Outcome): Promise<'stopped' | 'lifted' | null> {
	if (guard.assetId === null) return null;
	if (outcome.status === 'failed' && outcome.error.code === 'content_unsafe') {
		const others = await stopUnsafe(deps, tx, guard, outcome.error);
		let settled = false;
		for (const { job, ...end } of others) settled = ((await finishJob(deps, tx, job, end)) && job.process) || settled;
		return settled ? 'stopped' : null;
	}
	if (outcome.status !== 'completed' || outcome.output['safe'] !== true) return null;
	const asset = await lockAsset(tx, guard.assetId);
	if (!asset?.error || !isUnsafe(asset) || !hasLookedForIt(asset.error, outcome.output)) return null;
	if ((await liftUnsafe(tx, guard)) === 'complete') await finishAssetIfEnded(deps, tx, asset.id, { lifted: true });
	return 'lifted';
}

/** A job that ended within a second of its first try has stored no percentage (lease.ts), and was not split: most are spared two queries. */
const mayHaveReported = ({ startedAt, attempts }: JobRow): boolean => startedAt !== null && (attempts > 1 || Date.now() - startedAt.getTime() > 900);

async function settleIngest(tx: Transaction, job: JobRow, outcome: Outcome): Promise<void> {
	const assetId = job.assetId as string;
	const open = await tx.select({ id: jobs.id }).from(jobs).where(and(eq(jobs.assetId, assetId), eq(jobs.process, true), inArray(jobs.status, OPEN))).limit(1);
	if (outcome.status === 'completed') {
		// What a request has added since the ingest began must stay: the ingest knows the metadata of then only.
		const before = await lockAsset(tx, assetId);
		const metadata = { ...outcome.asset?.metadata, ...ofAsset(job, outcome.asset, before?.metadata) };
		const shared = before ? await shareBytes(tx, job, before, outcome.asset, outcome.missing) : { asset: outcome.asset, output: {}, unsafe: null };
		if (Object.keys(shared.output).length > 0) await tx.update(jobs).set({ output: { ...outcome.output, ...shared.output } }).where(eq(jobs.id, job.id));
		// Ingested once more: what a scan has found in it holds.
		if (before && isUnsafe(before)) return void (await updateAsset(tx, assetId, { ...shared.asset, metadata }));
		// The same bytes are no safer under another name: until a scan of this asset finds otherwise.
		if (shared.unsafe) {
			await updateAsset(tx, assetId, { ...shared.asset, metadata, status: 'failed', error: shared.unsafe });
			return recordEvents(tx, [{ workspaceId: job.workspaceId, type: 'asset.failed', assetId, data: { error: shared.unsafe, ...shared.output } }]);
		}
		await updateAsset(tx, assetId, { ...shared.asset, metadata, status: open.length > 0 ? 'processing' : 'ready', error: null });
		await recordEvents(tx, [{ workspaceId: job.workspaceId, type: 'asset.ready', assetId, ...(Object.keys(shared.output).length > 0 ? { data: shared.output } : {}) }]);
	} else {
		const before = await lockAsset(tx, assetId);
		if (before && isUnsafe(before)) return;
		// What it has is as good as before, also where the policy has let its original go: what has failed is told by the job, and nothing may
		// clean the asset up as a failed one. One whose original was lost lacks it all the same.
		if (before?.facts && (before.storageKey || before.originalState === 'deleted')) {
			const waits = ['queued', 'processing'].includes(before.status);
			return void (await updateAsset(tx, assetId, { expectedBytes: null, ...(waits ? { status: open.length > 0 ? 'processing' : 'ready' } : {}) }));
		}
		await updateAsset(tx, assetId, { status: 'failed', error: outcome.error, expectedBytes: null });
		await recordEvents(tx, [{ workspaceId: job.workspaceId, type: 'asset.failed', assetId, data: { error: outcome.error } }]);
	}
}

/** What stays of the metadata it had: the name and the warnings are those of the file, of a new version its own. */
function ofAsset(job: JobRow, change: Partial<NewAsset> | undefined, metadata: AssetRow['metadata'] = {}): AssetRow['metadata'] {
	if (!change || dedupeOf(job) !== 'version') return metadata;
	const { file_name: _name, warnings: _warnings, ...rest } = metadata;
	return rest;
}

/** Jobs that wait for a job that failed fail with its reason: that is what the user must know. False: it has not failed. */
export async function failDependents(deps: PipelineDeps, tx: Transaction, id: string): Promise<boolean> {
	const [before] = await tx.select().from(jobs).where(eq(jobs.id, id));
	if (!before || (before.status !== 'failed' && before.status !== 'cancelled')) return false;
	await endDependents(deps, tx, before);
	return true;
}

/** True: a job of POST /api/media/process was among them. */
async function endDependents(deps: PipelineDeps, tx: Transaction, before: JobRow): Promise<boolean> {
	const error = before.error ?? { code: 'dependency_failed' as const, message: `The ${before.jobType} job it waited for did not complete.` };
	let settled = false;
	for (const dependent of await dependentsOf(tx, before.id)) {
		const ended = await finishJob(deps, tx, dependent, { status: 'failed', error: { ...error, details: { ...error.details, failed_job_id: before.id } } });
		settled = (ended && dependent.process) || settled;
	}
	return settled;
}

/** When no job of the batch is open any more, its callback is written, in the same transaction. */
export async function finishBatchIfEnded(deps: PipelineDeps, tx: Transaction, batchId: string): Promise<void> {
	// Locked first, then looked: whoever ends the last job sees that it was the last.
	const batch = await lockBatch(tx, batchId);
	if (!batch || batch.completedAt) return;
	const [open] = await tx.select({ id: jobs.id }).from(jobs).where(and(eq(jobs.batchId, batchId), inArray(jobs.status, OPEN))).limit(1);
	if (open) return;
	await completeBatch(tx, batchId);
	if (!batch.callbackUrl || !batch.callbackUrlHash) return;
	await insertCallback(tx, { id: randomUUID(), workspaceId: batch.workspaceId, kind: batch.kind, batchId, url: batch.callbackUrl, urlHash: batch.callbackUrlHash });
}

/**
 * When all jobs of POST /api/media/process have ended: `processed` and n8n's distribute workflow, or `failed` (P4). `lifted`: perhaps
 * they had ended before; what was told then is not told again, as n8n would publish it once more.
 */
export async function finishAssetIfEnded(deps: PipelineDeps, tx: Transaction, assetId: string, { lifted = false } = {}): Promise<void> {
	const all = await tx.select({ status: jobs.status, jobType: jobs.jobType, error: jobs.error, step: jobs.step }).from(jobs).where(and(eq(jobs.assetId, assetId), eq(jobs.process, true)));
	if (all.length === 0 || all.some(({ status }) => !ENDED.includes(status))) return;
	// An optional step may fail by itself; what it was to work on must be there, and be allowed.
	const isExcused = ({ step, error: reason }: (typeof all)[number]): boolean => step?.optional === true && reason?.code !== 'content_unsafe' && reason?.details?.['failed_job_id'] === undefined;
	const bad = all.filter((job) => job.status !== 'completed' && !isExcused(job));
	const error: PublicError | null = bad[0]
		? {
				// That one, of an asset, is the mark of a scan (safety.ts): a job may have run into that of another asset.
				code: bad[0].error && bad[0].error.code !== 'content_unsafe' ? bad[0].error.code : 'dependency_failed',
				message: `${bad.length} of ${all.length} operations did not complete (${bad.map(({ jobType }) => jobType).join(', ')}): ${bad[0].error?.message ?? 'cancelled'}`,
			}
		: null;
	const before = await lockAsset(tx, assetId);
	// What a scan has found is told as soon as it has; what ends after that changes nothing of it.
	const unsafe = before !== null && isUnsafe(before);
	const asset = await updateAsset(tx, assetId, unsafe ? { status: 'failed' } : { status: error ? 'failed' : 'processed', error });
	if (!asset) return;
	if (!unsafe) await recordEvents(tx, [{ workspaceId: asset.workspaceId, type: error ? 'asset.failed' : 'asset.processed', assetId, ...(error ? { data: { error } } : {}) }]);
	const { workspaceId } = asset;
	if (lifted && (await isTold(tx, asset))) return;
	// What is stopped is told as well, but may still be lifted: that is another end.
	if (!unsafe) await tx.update(assets).set({ toldAt: sql`clock_timestamp()` }).where(eq(assets.id, assetId));
	if (asset.callbackUrl) {
		const url = deps.vault.open(asset.callbackUrl);
		await insertCallback(tx, { id: randomUUID(), workspaceId, kind: 'asset', assetId, url: asset.callbackUrl, urlHash: sha256(url) });
	}
	if (!error && !unsafe && deps.triggers.distribute) {
		const url = deps.triggers.distribute;
		await insertCallback(tx, { id: randomUUID(), workspaceId, kind: 'distribute', assetId, url: deps.vault.seal(url), urlHash: sha256(url) });
	}
}

/** Whether it was told after the last of the jobs had ended. */
async function isTold(tx: Transaction, { id, toldAt }: AssetRow): Promise<boolean> {
	const [end] = await tx.select({ at: max(jobs.completedAt) }).from(jobs).where(and(eq(jobs.assetId, id), eq(jobs.process, true)));
	return toldAt !== null && end?.at != null && toldAt >= end.at;
}
