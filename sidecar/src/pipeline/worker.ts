import { startLoop, type Loop } from './loop.ts';
import { runJob, shuttingDown } from './run.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** How long a message from another process may wait. In this process the loop is woken at once. */
const POLL_MS = 250;

export interface Worker {
	wake(): void;
	/** Aborts what is running (it goes back to the queue) and waits until it has. */
	stop(): Promise<void>;
}

/** Keeps `concurrency` jobs running while there are any. */
export function startWorker(deps: WorkerDeps): Worker {
	const shutdown = new AbortController();
	const running = new Set<Promise<void>>();
	let loop: Loop | null = null;

	const round = async (): Promise<number> => {
		const free = deps.concurrency - running.size;
		if (free <= 0) return POLL_MS;
		const messages = await deps.queue.fetch(free);
		// Forgotten before the work, not after: from here on the job's own row says what is to be done, and should this
		// process die the reconciler sends it again.
		await deps.queue.done(messages);
		for (const { jobId } of messages) {
			const work = runJob(deps, jobId, shutdown.signal)
				.catch((error: unknown) => deps.log.error({ err: error, job_id: jobId }, 'a job could not be run'))
				.then(() => {
					running.delete(work);
					// A slot is free: look for the next job now, or a backlog would drain at one round per poll.
					loop?.wake();
				});
			running.add(work);
		}
		return messages.length === free ? 0 : POLL_MS;
	};

	loop = startLoop(POLL_MS, round, (error) => deps.log.error({ err: error }, 'the worker could not fetch jobs'));
	return {
		wake: () => loop.wake(),
		stop: async () => {
			await loop.stop();
			shutdown.abort(shuttingDown());
			await Promise.all(running);
		},
	};
}
