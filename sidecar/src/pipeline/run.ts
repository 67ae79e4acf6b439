import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { batchById } from '../db/batches.ts';
import { recordEvents } from '../db/events.ts';
import { claimJob, heartbeat, INGEST, postponeJob, triesOf, type JobRow } from '../db/jobs.ts';
import { unreferencedKeys } from '../db/reuse.ts';
import { transact } from '../db/transact.ts';
import { PipelineError, toPipelineError } from '../errors.ts';
import { execute, type Execution } from './execute.ts';
import { finishJob, type Outcome } from './finish.ts';
import { executeIngest } from './ingest.ts';
import { NotYet } from './not-yet.ts';
import { nextTry } from './retry-policy.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** A worker that has been silent for this long has lost its jobs. Long enough for a garbage collection or a slow database. */
export const LEASE_SECONDS = 30;
/** Percentages are stored this often at most, and a silent job is renewed so often that three may fail. */
const PROGRESS_EVERY_MS = 1000;
const RENEW_EVERY_MS = 2000;

/** A transcript takes seconds to minutes: asking once a second costs nothing beside that, and loses at most one. */
const ASK_AGAIN_SECONDS = 1;

class LeaseLost extends Error {}
class ShuttingDown extends Error {}

/** Reason to abort a worker's jobs when its process ends: they go back to the queue and do not count as failed. */
export const shuttingDown = (): Error => new ShuttingDown('the sidecar is shutting down');

/**
 * Claims a job, does it, and writes its result. Never throws for what the job does wrong: that is a result. Returns false
 * when there was nothing to claim.
 */
export async function runJob(deps: WorkerDeps, jobId: string, shutdown: AbortSignal): Promise<boolean> {
	const job = await claimJob(deps.db, jobId, deps.workerId, LEASE_SECONDS);
	if (!job) return false;
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
	};
	try {
		const outcome = await attempt(deps, execution);
		const written = await transact(deps.db, (tx) => finishJob(deps, tx, job, { ...outcome, steps }, job.attempts));
		if (!written) {
			log.warn('the job was taken from this worker; its result is thrown away');
			await discard(deps, outcome);
		}
	} catch (error) {
		await settleError(deps, job, error, signal, steps, log);
	} finally {
		await lease.stop();
		await rm(execution.workDir, { recursive: true, force: true });
	}
	deps.wake.jobs();
	deps.wake.callbacks();
	deps.wake.events();
	return true;
}

async function attempt(deps: WorkerDeps, execution: Execution): Promise<Extract<Outcome, { status: 'completed' }>> {
	await mkdir(execution.workDir, { recursive: true });
	execution.signal.throwIfAborted();
	return execution.job.jobType === INGEST ? executeIngest(deps, execution) : execute(deps, execution);
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
		await postponeAndSend(deps, job, job.error, ASK_AGAIN_SECONDS, false);
		log.debug({ reason: thrown.message }, 'the job waits');
		return;
	}
	const error =
		reason !== null
			? new PipelineError('processing_timeout', `The job took longer than ${deps.jobTimeoutSeconds} seconds (JOB_TIMEOUT_SECONDS) and was stopped.`, { cause: thrown })
			: toPipelineError(thrown);
	const pause = nextTry(error, triesOf(job));
	log.warn({ err: error, retry_in_seconds: pause }, pause === null ? 'the job failed' : 'the job failed and will be tried again');
	if (pause === null) {
		await transact(deps.db, (tx) => finishJob(deps, tx, job, { status: 'failed', error: error.toPublic(), steps }, job.attempts));
	} else {
		await postponeAndSend(deps, job, error.toPublic(), pause);
	}
}

async function postponeAndSend(deps: WorkerDeps, job: JobRow, error: JobRow['error'], seconds: number, counts = true): Promise<void> {
	const runAt = new Date(Date.now() + seconds * 1000);
	await transact(deps.db, async (tx) => {
		const row = await postponeJob(tx, job, error, runAt, counts);
		if (row) await deps.queue.send(tx, [{ jobId: row.id, priority: row.priority, startAfter: runAt }]);
	});
}

/** Files of a result that came too late; those that it shares with an earlier result stay. */
async function discard(deps: WorkerDeps, outcome: Extract<Outcome, { status: 'completed' }>): Promise<void> {
	const keys = (outcome.files ?? []).map(({ storageKey }) => storageKey);
	for (const key of await unreferencedKeys(deps.db, keys)) await deps.storage.delete(key);
}

interface Lease {
	/** Aborted when the lease is lost. */
	signal: AbortSignal;
	progress(percent: number): void;
	stop(): Promise<void>;
}

/** Renews the lease and stores percentages until stopped. */
function keepLease(deps: WorkerDeps, job: JobRow, log: Logger): Lease {
	const lost = new AbortController();
	let percent = 0;
	let stored = 0;
	let renewedAt = Date.now();
	let busy: Promise<void> = Promise.resolve();
	let progressUrl: string | null | undefined;

	const beat = async (): Promise<void> => {
		const moved = percent !== stored;
		if (!moved && Date.now() - renewedAt < RENEW_EVERY_MS) return;
		try {
			if (!(await heartbeat(deps.db, job, percent, LEASE_SECONDS))) {
				lost.abort(new LeaseLost('lease lost'));
				return;
			}
			renewedAt = Date.now();
			if (!moved) return;
			stored = percent;
			await recordEvents(deps.db, [
				{ workspaceId: job.workspaceId, type: 'job.progress', assetId: job.assetId, jobId: job.id, data: { job_type: job.jobType, percent, batch_id: job.batchId } },
			]);
			deps.wake.events();
			if (progressUrl === undefined) progressUrl = job.batchId ? ((await batchById(deps.db, job.batchId))?.progressUrl ?? null) : null;
			if (progressUrl) deps.reportProgress(progressUrl, { job_id: job.id, status: 'processing', progress: percent });
		} catch (error) {
			log.error({ err: error }, 'the lease could not be renewed');
			if (Date.now() - renewedAt > LEASE_SECONDS * 1000) lost.abort(new LeaseLost('lease not renewed'));
		}
	};
	const timer = setInterval(() => {
		busy = busy.then(beat);
	}, PROGRESS_EVERY_MS);

	return {
		signal: lost.signal,
		// 100 is for jobs that have ended; while one runs it never goes back.
		progress: (value) => {
			percent = Math.max(percent, Math.min(99, Math.floor(value)));
		},
		stop: async () => {
			clearInterval(timer);
			await busy;
		},
	};
}
