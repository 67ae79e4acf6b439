import { deadEnds, lostJobs, overdueJobs, postponeJob, takeUnsent, triesOf, type JobRow } from '../db/jobs.ts';
import { transact } from '../db/transact.ts';
import { wakeAll, type PipelineDeps } from './deps.ts';
import { sweepTries } from './early-files.ts';
import { failDependents, finishJob } from './finish.ts';
import { enqueue } from './requeue.ts';
import { MAX_ATTEMPTS } from './retry-policy.ts';
import { fillIdleSlots } from './slots.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** A message normally arrives within milliseconds; a job still untouched after this time has lost its own. */
const UNSENT_AFTER_SECONDS = 60;

export interface Reconciled {
	lost: number;
	overdue: number;
	unsent: number;
}

/**
 * Puts right what a crash left behind: jobs whose worker is gone go back to the queue (or fail, the third time), jobs past
 * their batch's deadline fail, so do jobs that wait for one that failed, messages that never went out are sent again. Safe to run anywhere, any number of times.
 * `everything`: also jobs whose lease still runs; only right when nobody else can be working (embedded, at boot).
 */
export async function reconcile(deps: PipelineDeps & Pick<WorkerDeps, 'storage'>, { everything = false } = {}): Promise<Reconciled> {
	const lost = await lostJobs(deps.db, everything);
	for (const job of lost) await recover(deps, job);
	const overdue = await overdueJobs(deps.db);
	for (const job of overdue) {
		await transact(deps.db, (tx) =>
			finishJob(deps, tx, job, {
				status: 'failed',
				error: { code: 'deadline_exceeded', message: `The deadline of the request passed before the job was done. ${whyLate(job)}` },
			}),
		);
	}
	for (const id of await deadEnds(deps.db)) await transact(deps.db, (tx) => failDependents(deps, tx, id));
	const unsent = await transact(deps.db, async (tx) => {
		const rows = await takeUnsent(tx, UNSENT_AFTER_SECONDS);
		await enqueue(deps, tx, rows);
		return rows.length;
	});
	const result = { lost: lost.length, overdue: overdue.length, unsent: unsent + (await fillIdleSlots(deps)) };
	if (result.lost + result.overdue + result.unsent > 0) {
		deps.log.warn(result, 'reconciled');
		wakeAll(deps);
	}
	return result;
}

/** A job that has been tried waits for something else than a worker. */
const whyLate = ({ error }: JobRow): string =>
	error ? `Its last try ended with ${error.code}: ${error.message}` : 'Give it more time (deadline_seconds), or add workers.';

async function recover(deps: PipelineDeps & Pick<WorkerDeps, 'storage'>, job: JobRow): Promise<void> {
	const error = { code: 'worker_lost' as const, message: `The worker of this job stopped answering (try ${triesOf(job)} of ${MAX_ATTEMPTS}).` };
	const ended = await transact(deps.db, async (tx) => {
		if (triesOf(job) >= MAX_ATTEMPTS) return finishJob(deps, tx, job, { status: 'failed', error }, job.attempts);
		const row = await postponeJob(tx, job, error, new Date());
		if (row) await enqueue(deps, tx, [row]);
		return false;
	});
	// Otherwise the next try does it.
	if (ended) await sweepTries(deps, job, null).catch((thrown: unknown) => deps.log.warn({ err: thrown, job_id: job.id }, 'files of a lost job could not be removed'));
}
