import { inArray } from 'drizzle-orm';
import { lockAsset, updateAsset } from '../db/assets.ts';
import { reopenBatch } from '../db/batches.ts';
import { withdraw } from '../db/callbacks.ts';
import type { Transaction } from '../db/database.ts';
import { recordEvents } from '../db/events.ts';
import { advanceFlow, storeRanks, virtualTime } from '../db/flows.ts';
import { asSystem } from '../db/tenancy.ts';
import { CHUNK, INGEST, resetJobs, type JobRow, type NewJob } from '../db/jobs.ts';
import { jobs } from '../db/schema.ts';
import { PipelineError } from '../errors.ts';
import type { PipelineDeps } from './deps.ts';
import { messagePriority, ranksUpTo, stepOf } from './fairness.ts';
import { isUnsafe } from './safety.ts';

const idsOf = (ids: Array<string | null>): string[] => [...new Set(ids.filter((id) => id !== null))].sort();

/** Rows to insert, with their turns where they can begin at once: spares `enqueue` an update of each. */
export async function ranked(tx: Transaction, rows: NewJob[]): Promise<NewJob[]> {
	// Turns are among the jobs of all workspaces.
	const { ranks } = await asSystem(tx, () => takeTurns(tx, rows.filter(({ held, afterJobId }) => !held && !afterJobId)));
	return rows.map((row) => ({ ...row, rank: ranks.get(row.id) ?? null }));
}

/** Turns for jobs in the order given: those of one workspace and priority one behind the other. */
async function takeTurns(tx: Transaction, rows: Array<Pick<NewJob, 'id' | 'workspaceId' | 'priority'>>): Promise<{ ranks: Map<string, number>; now: number | null }> {
	const ranks = new Map<string, number>();
	let now: number | null = null;
	const flows = new Map<string, typeof rows>();
	for (const row of rows) {
		const name = JSON.stringify([row.workspaceId, row.priority ?? 0]);
		const flow = flows.get(name);
		if (flow) flow.push(row);
		else flows.set(name, [row]);
	}
	// Sorted, so that two requests never wait for each other crosswise.
	for (const [, jobsOfFlow] of [...flows].sort(([a], [b]) => (a < b ? -1 : 1))) {
		const [first] = jobsOfFlow;
		if (!first) continue;
		const { workspaceId, priority = 0 } = first;
		const flow = await advanceFlow(tx, { workspaceId, priority }, jobsOfFlow.length * stepOf(priority));
		now = flow.virtualTime;
		ranksUpTo(flow.lastTag, priority, jobsOfFlow.length).forEach((rank, index) => ranks.set(jobsOfFlow[index]?.id ?? '', rank));
	}
	return { ranks, now };
}

/**
 * Sends the messages of jobs that can begin: not held, and with nothing to wait for. A job that was sent before keeps its
 * turn. Not before their `runAt`.
 */
export async function enqueue(deps: PipelineDeps, tx: Transaction, rows: JobRow[]): Promise<void> {
	const waitingFor = rows.flatMap(({ afterJobId }) => afterJobId ?? []);
	const before = waitingFor.length > 0 ? await tx.select({ id: jobs.id, status: jobs.status }).from(jobs).where(inArray(jobs.id, waitingFor)) : [];
	const completed = new Set(before.filter(({ status }) => status === 'completed').map(({ id }) => id));
	const ready = rows.filter((row) => row.status === 'pending' && !row.held && (row.afterJobId === null || row.jobType === CHUNK || completed.has(row.afterJobId)));
	if (ready.length === 0) return;
	const fresh = ready.filter(({ rank }) => rank === null).sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || a.itemIndex - b.itemIndex);
	// Turns are among the jobs of all workspaces, and the tables of the queue are nobody's.
	await asSystem(tx, async () => {
		const { ranks, now } = await takeTurns(tx, fresh);
		await storeRanks(tx, [...ranks].map(([id, rank]) => ({ id, rank })));
		const at = now ?? (await virtualTime(tx));
		await deps.queue.send(
			tx,
			ready.map(({ id, rank, runAt }) => ({
				jobId: id,
				priority: messagePriority(rank ?? ranks.get(id) ?? at, at),
				...(runAt.getTime() > Date.now() ? { startAfter: runAt } : {}),
			})),
		);
	});
}

/** What a safety scan has found holds until a scan has found otherwise. */
async function reviveAsset(tx: Transaction, assetId: string, status: 'processing' | 'queued'): Promise<void> {
	const asset = await lockAsset(tx, assetId);
	if (!asset) return;
	if (!isUnsafe(asset)) await updateAsset(tx, assetId, { status, error: null });
	else if (status === 'processing') await updateAsset(tx, assetId, { status });
}

/** The failed jobs that these wait for, and those that they wait for in turn; the first one first. */
async function failedBefore(tx: Transaction, failed: JobRow[]): Promise<JobRow[]> {
	const known = new Set(failed.map(({ id }) => id));
	const found: JobRow[] = [];
	for (let of = failed; of.length > 0; ) {
		const ids = idsOf(of.map(({ afterJobId }) => afterJobId)).filter((id) => !known.has(id));
		const rows = ids.length > 0 ? await tx.select().from(jobs).where(inArray(jobs.id, ids)) : [];
		of = rows.filter(({ status }) => status === 'failed' || status === 'cancelled');
		for (const { id } of of) known.add(id);
		found.unshift(...of);
	}
	return found;
}

/**
 * Failed or cancelled jobs, tried again from the beginning (P8); those they wait for (an ingest, a safety scan) as well. Throws `conflict` for a
 * job that came with tokens and gets none now: they were erased when it ended. `secretsFor` names the tokens of each job by
 * itself: a token for one service must never reach another.
 */
export async function reopen(deps: PipelineDeps, tx: Transaction, failed: JobRow[], secretsFor: (job: JobRow) => Record<string, string> | null): Promise<JobRow[]> {
	const all = [...(await failedBefore(tx, failed)), ...failed];
	for (const job of all) {
		if (job.needsSecret && !secretsFor(job)) {
			throw new PipelineError('conflict', `Job ${job.id} (${job.jobType}) came with tokens, which were erased when it ended. Send fresh ones as "secrets", or submit it again.`);
		}
	}
	const reset: JobRow[] = [];
	for (const job of all) {
		const secrets = secretsFor(job);
		reset.push(...(await resetJobs(tx, [job.id], secrets ? deps.vault.seal(JSON.stringify(secrets)) : null)));
	}
	for (const batchId of idsOf(reset.map((job) => job.batchId))) await reopenBatch(tx, batchId);
	for (const job of reset) {
		if (job.assetId && job.jobType === INGEST) await reviveAsset(tx, job.assetId, 'queued');
		if (job.assetId && job.process) await reviveAsset(tx, job.assetId, 'processing');
	}
	// A callback says that all has ended: what is not delivered yet would be wrong now. The end of the retry writes a new one.
	await withdraw(
		tx,
		{ batchIds: idsOf(reset.map((job) => job.batchId)), assetIds: idsOf(reset.map((job) => (job.process ? job.assetId : null))) },
		'A job of it is tried again; another callback follows when that has ended.',
	);
	await enqueue(deps, tx, reset);
	await recordEvents(tx, reset.map((job) => ({ workspaceId: job.workspaceId, type: 'job.retried', assetId: job.assetId, jobId: job.id })));
	const wanted = new Set(failed.map(({ id }) => id));
	return reset.filter(({ id }) => wanted.has(id));
}
