import { findJob, ENDED, type JobRow } from '../db/jobs.ts';
import type { Transaction } from '../db/database.ts';
import { PipelineError, type PublicError } from '../errors.ts';
import type { PipelineDeps } from './deps.ts';
import { finishJob } from './finish.ts';
import { reopen } from './requeue.ts';
import { isGuard } from './safety.ts';

async function existing(tx: Transaction, workspaceId: string, id: string): Promise<JobRow> {
	const job = await findJob(tx, workspaceId, id);
	if (!job) throw new PipelineError('not_found', `There is no job ${id} in this workspace.`);
	return job;
}

/** Cancels (P14). Whoever is working on it notices at its next heartbeat, kills ffmpeg, and can write nothing any more. */
export async function cancelJob(deps: PipelineDeps, tx: Transaction, workspaceId: string, id: string): Promise<JobRow> {
	const job = await existing(tx, workspaceId, id);
	await finishJob(deps, tx, job, { status: 'cancelled', error: { code: 'cancelled', message: 'Cancelled on request.' } });
	// Read again: it may have ended between these lines, by itself or by another request.
	const ended = await existing(tx, workspaceId, id);
	if (ended.status !== 'cancelled') throw new PipelineError('conflict', `Job ${id} has ended already (${ended.status}); there is nothing to cancel.`);
	return ended;
}

/** Tries a failed or cancelled job again (P8). */
export async function retryJob(deps: PipelineDeps, tx: Transaction, workspaceId: string, id: string, secrets: Record<string, string> | null): Promise<JobRow> {
	const job = await existing(tx, workspaceId, id);
	if (job.status !== 'failed' && job.status !== 'cancelled') {
		throw new PipelineError('conflict', `Job ${id} is ${job.status}; only failed and cancelled jobs can be retried.`);
	}
	const [again] = await reopen(deps, tx, [job], ({ id: other }) => (other === job.id ? secrets : null));
	return again ?? existing(tx, workspaceId, id);
}

export interface ExternalResult {
	status: 'completed' | 'failed';
	output: Record<string, unknown>;
	error: PublicError | null;
}

/** P4: somebody else did the job. Reported twice with the same status it is accepted twice and counted once. */
export async function acceptExternalResult(deps: PipelineDeps, tx: Transaction, workspaceId: string, id: string, result: ExternalResult): Promise<JobRow> {
	const job = await existing(tx, workspaceId, id);
	// It has been looked at, and must not pass: the others do not go on as they would after any other result.
	const isRefused = result.status === 'completed' && result.output['safe'] === false && isGuard(deps, job);
	if (ENDED.includes(job.status)) {
		if (isRefused ? job.error?.code === 'content_unsafe' : job.status === result.status) return job;
		throw new PipelineError('conflict', `Job ${id} has ended already as ${job.status}; it cannot become ${result.status}.`);
	}
	if (job.status === 'processing') throw new PipelineError('conflict', `Job ${id} is being worked on by the sidecar itself. Cancel it first, or leave it.`);
	const refused: PublicError = { code: 'content_unsafe', message: `The external ${job.jobType} found that the asset is not safe.`, details: result.output };
	const failed: PublicError = result.error ?? { code: 'processing_failed', message: 'The external processor reported a failure without a reason.' };
	const completed = result.status === 'completed' && !isRefused;
	await finishJob(deps, tx, job, completed ? { status: 'completed', output: result.output } : { status: 'failed', error: isRefused ? refused : failed });
	return existing(tx, workspaceId, id);
}
