import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { metered } from '../ai/meter.ts';
import { addUsage } from '../ai/provider.ts';
import { findAsset } from '../db/assets.ts';
import { INGEST, postponeJob, triesOf, type JobRow } from '../db/jobs.ts';
import { unreferencedKeys } from '../db/reuse.ts';
import { transact } from '../db/transact.ts';
import { PipelineError, toPipelineError, type ErrorCode } from '../errors.ts';
import { beginAnalyzing } from './analyzing.ts';
import { addCost, costBefore } from './cost.ts';
import { keepEarly, sweepTries } from './early-files.ts';
import { execute, type Execution } from './execute.ts';
import { finishJob, type Outcome } from './finish.ts';
import { createGroup, type Seat } from './group.ts';
import { executeIngest } from './ingest.ts';
import { keepLease, LeaseLost } from './lease.ts';
import { askAgainAfter, NotYet, waitForOthers } from './not-yet.ts';
import { withdrawUnsafe } from './public.ts';
import { enqueue } from './requeue.ts';
import { nextTry } from './retry-policy.ts';
import { isGuard } from './safety.ts';
import { fillSlots, holdsSlot } from './slots.ts';
import { takeJobs } from './take.ts';
import type { WorkerDeps } from './worker-deps.ts';

class ShuttingDown extends Error {
	readonly goesOn = true;
}

/** Reason to abort a worker's jobs when its process ends: they go back to the queue and do not count as failed. */
export const shuttingDown = (): Error => new ShuttingDown('the sidecar is shutting down');

/** Claims a job, and runs it with those that share its source. Returns false when there was nothing to claim. */
export async function runJob(deps: WorkerDeps, jobId: string, shutdown: AbortSignal): Promise<boolean> {
	const groups = await takeJobs(deps, [jobId]);
	await Promise.all(groups.map((jobs) => runGroup(deps, jobs, shutdown)));
	return groups.length > 0;
}

/**
 * Does jobs that were claimed together, and writes the result of each as soon as it is there. Each has a lease, an end and an
 * error of its own. Never throws for what a job does wrong: that is a result.
 */
export async function runGroup(deps: WorkerDeps, jobs: JobRow[], shutdown: AbortSignal): Promise<void> {
	const group = createGroup(deps, jobs.length, deps.log);
	try {
		// All of them, also when the end of one could not be written: the others are still being worked on.
		const ended = await Promise.allSettled(jobs.map((job, index) => runOne(deps, job, group.seats[index] as Seat, shutdown)));
		for (const one of ended) if (one.status === 'rejected') throw one.reason;
	} finally {
		await group.close();
	}
}

async function runOne(deps: WorkerDeps, job: JobRow, seat: Seat, shutdown: AbortSignal): Promise<void> {
	const log = deps.log.child({ job_id: job.id, job_type: job.jobType, asset_id: job.assetId, attempt: job.attempts });
	const lease = keepLease(deps, job, log);
	const timeout = AbortSignal.timeout(deps.jobTimeoutSeconds * 1000);
	const signal = AbortSignal.any([lease.signal, timeout, shutdown]);
	const steps: Record<string, number> = {};
	const execution: Execution = {
		job,
		workDir: join(deps.workRoot, `${job.id}-${job.attempts}`),
		signal,
		progress: lease.progress,
		step: async (name, work) => {
			const start = performance.now();
			try {
				return await work();
			} finally {
				steps[name] = Math.round((steps[name] ?? 0) + performance.now() - start);
			}
		},
		log,
		seat,
		early: keepEarly(deps, { job, signal, log }),
	};
	let kept = false;
	let used: Record<string, number> = {};
	const charge = (): Promise<void> => addCost(deps, job.id, used).catch((error: unknown) => log.error({ err: error, used }, 'what this try has used could not be added to the cost of the job'));
	try {
		const outcome = await metered((more) => void (used = addUsage(used, more)), () => attempt(deps, execution));
		kept = await transact(deps.db, async (tx) => finishJob(deps, tx, job, { ...outcome, cost: addUsage(await costBefore(tx, job), { ...outcome.cost, ...used }), steps }, job.attempts));
		if (kept) return await dropSpare(deps, outcome.spare ?? [], log);
		log.warn('the job was taken from this worker; its result is thrown away');
		// Of an asset that was deleted meanwhile. Of any other one somebody else may be storing the same at this moment.
		if (job.assetId && !(await findAsset(deps.db, job.workspaceId, job.assetId))) await dropSpare(deps, outcome.spare ?? [], log);
		await charge();
	} catch (error) {
		await charge();
		await settleError(deps, job, error, signal, steps, log);
	} finally {
		seat.leave();
		await lease.stop();
		if (!kept) await execution.early.discard().catch((error: unknown) => log.warn({ err: error }, 'files of a try that came to nothing could not be removed'));
		await rm(execution.workDir, { recursive: true, force: true });
		if (holdsSlot(job)) await fillSlots(deps, job.workspaceId).catch((error: unknown) => log.warn({ err: error }, 'the next job of the workspace could not be sent; the reconciler does it'));
		deps.wake.jobs();
		deps.wake.callbacks();
		deps.wake.events();
	}
}

async function attempt(deps: WorkerDeps, execution: Execution): Promise<Extract<Outcome, { status: 'completed' }>> {
	await mkdir(execution.workDir, { recursive: true });
	execution.signal.throwIfAborted();
	const { job, log } = execution;
	// First of all: it may look a thousand times, and looking through the storage each time would take longer and longer.
	await waitForOthers(deps, job);
	if (job.attempts > 1) await sweepTries(deps, job, job.attempts).catch((error: unknown) => log.warn({ err: error }, 'files of earlier tries could not be removed'));
	if (job.jobType === INGEST) return executeIngest(deps, execution);
	await beginAnalyzing(deps, job);
	return execute(deps, execution);
}

const NOT_HERE: ErrorCode[] = ['provider_not_configured', 'input_no_audio', 'input_no_video', 'input_unsupported'];

/** Stored although the same bytes were there. What a crash leaves here no row names, and the clean-up takes it. */
async function dropSpare({ db, storage }: WorkerDeps, keys: string[], log: Logger): Promise<void> {
	try {
		for (const key of await unreferencedKeys(db, keys)) await storage.delete(key);
	} catch (error) {
		log.warn({ err: error, keys }, 'files that are not needed could not be removed; the clean-up will try again');
	}
}

async function settleError(deps: WorkerDeps, job: JobRow, thrown: unknown, signal: AbortSignal, steps: Record<string, number>, log: Logger): Promise<void> {
	const reason: unknown = signal.aborted ? signal.reason : null;
	if (reason instanceof LeaseLost) {
		log.warn('stopped: the job was cancelled, or belongs to another worker now');
		return;
	}
	if (reason instanceof ShuttingDown) {
		await postponeAndSend(deps, job, job.error, 0, false);
		log.info('stopped: the sidecar is shutting down; the job goes back to the queue');
		return;
	}
	if (reason === null && thrown instanceof NotYet) {
		await postponeAndSend(deps, job, job.error, askAgainAfter(job.uncounted), false);
		log.debug({ reason: thrown.message }, 'the job waits');
		return;
	}
	const error =
		reason !== null
			? new PipelineError('processing_timeout', `The job took longer than ${deps.jobTimeoutSeconds} seconds (JOB_TIMEOUT_SECONDS) and was stopped.`, { cause: thrown })
			: toPipelineError(thrown);
	if (error.untried && error.retryAfterSeconds !== undefined) {
		await postponeAndSend(deps, job, error.toPublic(), error.retryAfterSeconds, false);
		log.info({ code: error.code, in_seconds: error.retryAfterSeconds }, 'the job waits for its turn');
		return;
	}
	const pause = nextTry(error, triesOf(job));
	log.warn({ err: error, retry_in_seconds: pause }, pause === null ? 'the job failed' : 'the job failed and will be tried again');
	if (pause === null) {
		// What this sidecar or this source cannot do at all is nothing that a pipeline's optional step could do better next time.
		const outcome: Outcome = job.step?.optional && NOT_HERE.includes(error.code) && !isGuard(deps, job) ? { status: 'completed', output: { skipped: error.message } } : { status: 'failed', error: error.toPublic() };
		await transact(deps.db, (tx) => finishJob(deps, tx, job, { ...outcome, steps }, job.attempts));
		if (error.code === 'content_unsafe' && job.assetId) await withdrawUnsafe(deps, job.assetId);
	} else {
		await postponeAndSend(deps, job, error.toPublic(), pause);
	}
}

async function postponeAndSend(deps: WorkerDeps, job: JobRow, error: JobRow['error'], seconds: number, counts = true): Promise<void> {
	const runAt = new Date(Date.now() + seconds * 1000);
	await transact(deps.db, async (tx) => {
		const row = await postponeJob(tx, job, error, runAt, counts);
		if (row) await enqueue(deps, tx, [row]);
	});
}
