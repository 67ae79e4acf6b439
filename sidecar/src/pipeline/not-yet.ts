import { isUnderWay, type JobRow } from '../db/jobs.ts';
import { buildsOn } from '../operations/operation.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** Not a failure: what the job builds on is still being made. The job goes back to the queue and asks again. */
export class NotYet extends Error {}

/** Throws NotYet while results that the job builds on are being made for its asset. */
export async function waitForOthers({ db, operations }: Pick<WorkerDeps, 'db' | 'operations'>, job: JobRow): Promise<void> {
	const operation = operations.get(job.jobType);
	const needed = operation ? buildsOn(operation, operation.params.parse(job.params)) : [];
	if (job.assetId && needed.length > 0 && (await isUnderWay(db, job.assetId, needed))) throw new NotYet(`${needed.join(', ')} is still under way`);
}

const LOOKS_PER_SECOND_OF_PAUSE = 30;
const LONGEST_PAUSE_SECONDS = 15;

/**
 * Seconds until a job that waits looks again. A transcript takes seconds to minutes: asking once a second costs nothing beside that,
 * and loses at most one. Of long ones the pauses grow: after a minute 2 s, after an hour 15 s, less than 1 % of what was waited.
 * @param looks how often it was put back, for whatever reason: after a retry by hand it begins with longer pauses
 */
export const askAgainAfter = (looks: number): number => Math.min(LONGEST_PAUSE_SECONDS, Math.max(1, Math.floor(looks / LOOKS_PER_SECOND_OF_PAUSE)));
