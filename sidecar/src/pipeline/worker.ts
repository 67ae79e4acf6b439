import { startLoop, type Loop } from './loop.ts';
import { runGroup, shuttingDown } from './run.ts';
import { takeJobs } from './take.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** How long a message from another process may wait. In this process the loop is woken at once. */
const POLL_MS = 250;

export interface Worker {
	wake(): void;
	/** Aborts what is running (it goes back to the queue) and waits until it has. */
	stop(): Promise<void>;
}

/** Keeps `concurrency` jobs, or groups of jobs that share a process, running while there are any. */
export function startWorker(deps: WorkerDeps): Worker {
	const shutdown = new AbortController();
	const running = new Set<Promise<void>>();
	let busy = 0;
	let loop: Loop | null = null;

	const track = (work: Promise<unknown>): void => {
		const tracked: Promise<void> = work
			.catch((error: unknown) => deps.log.error({ err: error }, 'the worker met an error'))
			.then(() => void running.delete(tracked));
		running.add(tracked);
	};

	const round = async (): Promise<number> => {
		const free = deps.concurrency - busy;
		if (free <= 0) return POLL_MS;
		const messages = await deps.queue.fetch(free);
		// Forgotten at once, not after the work: from here on the job's own row says what is to be done, and should this
		// process die the reconciler sends it again. The jobs do not wait for it.
		track(deps.queue.done(messages));
		// Before the next round: a job that is taken along here must not be claimed by itself there.
		const groups = await takeJobs(
			deps,
			messages.map(({ jobId }) => jobId),
		);
		for (const jobs of groups) {
			busy += 1;
			track(
				runGroup(deps, jobs, shutdown.signal).finally(() => {
					busy -= 1;
					// A slot is free: look for the next job now, or a backlog would drain at one round per poll.
					loop?.wake();
				}),
			);
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
