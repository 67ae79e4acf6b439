import { claimJob, claimJobs, type JobRow } from '../db/jobs.ts';
import { lockQuota, runningJobs } from '../db/quota.ts';
import { doesAnyWait, idleSlots, limitsOf, makeWait, takeWaiting } from '../db/slots.ts';
import { transact } from '../db/transact.ts';
import type { PipelineDeps } from './deps.ts';
import { LEASE_SECONDS } from './lease.ts';
import { enqueue } from './requeue.ts';
import type { WorkerDeps } from './worker-deps.ts';

/**
 * `max_concurrent_jobs` of a workspace. A job that is fetched while all slots are taken is marked and has no message any more, so that
 * it is not fetched again and again in front of other workspaces' jobs; whenever a job of the workspace ends, the one whose turn is
 * first gets its message back. Whatever that misses (a crash, a limit that was raised) the reconciler finds.
 */

/** Claims those of the jobs that may begin. Each is claimed by itself: what becomes of one does not concern the others. */
export async function claimWithinSlots(deps: WorkerDeps, ids: string[]): Promise<Array<PromiseSettledResult<JobRow | null>>> {
	// Hardly any workspace has such a limit: it is asked for only of those that could not be claimed without one.
	const claims = await Promise.allSettled(ids.map((id) => claimJob(deps.db, id, deps.workerId, LEASE_SECONDS, { onlyUnlimited: true })));
	const missed = ids.filter((_, index) => claims[index]?.status === 'fulfilled' && claims[index].value === null);
	const limits = await limitsOf(deps.db, missed);
	return Promise.all(
		claims.map(async (claim, index) => {
			const id = ids[index] ?? '';
			const limited = limits.get(id);
			return limited ? ((await Promise.allSettled([claimSlot(deps, id, limited)]))[0] ?? claim) : claim;
		}),
	);
}

/** Jobs that this process works on in a slot of their workspace. */
const slotted = new WeakSet<JobRow>();

/** Whether its end sets a slot free. */
export const holdsSlot = (job: JobRow): boolean => slotted.has(job);

const inSlots = <T extends JobRow | null>(jobs: T[]): T[] => {
	for (const job of jobs) if (job) slotted.add(job);
	return jobs;
};

function claimSlot(deps: WorkerDeps, id: string, { workspaceId, limit }: { workspaceId: string; limit: number }): Promise<JobRow | null> {
	return transact(deps.db, async (tx) => {
		await lockQuota(tx, workspaceId, 'jobs');
		if ((await runningJobs(tx, workspaceId)) < limit) return inSlots([await claimJob(tx, id, deps.workerId, LEASE_SECONDS)])[0] ?? null;
		await makeWait(tx, id);
		return null;
	});
}

/** Claims jobs of one workspace that would be taken along with another one, as far as there are slots. */
export function claimAlong(deps: WorkerDeps, ids: string[]): Promise<JobRow[]> {
	return transact(deps.db, async (tx) => {
		const [limited] = (await limitsOf(tx, ids)).values();
		if (!limited) return claimJobs(tx, ids, deps.workerId, LEASE_SECONDS);
		await lockQuota(tx, limited.workspaceId, 'jobs');
		const free = Math.max(0, limited.limit - (await runningJobs(tx, limited.workspaceId)));
		return inSlots(await claimJobs(tx, ids.slice(0, free), deps.workerId, LEASE_SECONDS));
	});
}

/** A job that held a slot of the workspace is not worked on any more: the next one may begin. */
export async function fillSlots(deps: PipelineDeps, workspaceId: string, count = 1): Promise<number> {
	if (!(await doesAnyWait(deps.db, workspaceId))) return 0;
	return transact(deps.db, async (tx) => {
		const rows = await takeWaiting(tx, workspaceId, count);
		await enqueue(deps, tx, rows);
		return rows.length;
	});
}

/** For the reconciler. */
export async function fillIdleSlots(deps: PipelineDeps): Promise<number> {
	let count = 0;
	for (const { workspaceId, free } of await idleSlots(deps.db)) count += await fillSlots(deps, workspaceId, free);
	return count;
}
