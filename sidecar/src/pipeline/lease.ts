import type { Logger } from 'pino';
import { batchById } from '../db/batches.ts';
import { recordEvents } from '../db/events.ts';
import { ENDED, findJob, heartbeat, type JobRow } from '../db/jobs.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** A worker that has been silent for this long has lost its jobs. Long enough for a garbage collection or a slow database. */
export const LEASE_SECONDS = 30;
/** Percentages are stored this often at most, and a silent job is renewed so often that three may fail. */
const PROGRESS_EVERY_MS = 1000;
const RENEW_EVERY_MS = 2000;

export class LeaseLost extends Error {}
/** Another worker takes the job up, or has done so: what this one has begun elsewhere is that one's now. */
class TakenUpElsewhere extends LeaseLost {
	readonly goesOn = true;
}

export interface Lease {
	/** Aborted when the lease is lost. */
	signal: AbortSignal;
	progress(percent: number): void;
	stop(): Promise<void>;
}

/** Renews the lease of a job and stores its percentages until stopped. */
export function keepLease(deps: WorkerDeps, job: JobRow, log: Logger): Lease {
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
				const now = await findJob(deps.db, job.workspaceId, job.id);
				lost.abort(now && !ENDED.includes(now.status) ? new TakenUpElsewhere('lease lost') : new LeaseLost('lease lost'));
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
			if (Date.now() - renewedAt > LEASE_SECONDS * 1000) lost.abort(new TakenUpElsewhere('lease not renewed'));
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
