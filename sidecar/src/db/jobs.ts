import { and, asc, desc, eq, inArray, isNull, lt, lte, ne, notInArray, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Executor, Transaction } from './database.ts';
import { batches, files, jobs, type JobStatus } from './schema.ts';

export type JobRow = typeof jobs.$inferSelect;
export type NewJob = typeof jobs.$inferInsert;
export type FileRow = typeof files.$inferSelect;

export const ENDED: JobStatus[] = ['completed', 'failed', 'cancelled'];
/** Written out in queries, so that they match the partial index `jobs_open_batch`. */
export const OPEN: JobStatus[] = ['pending', 'processing'];
/** Kept out of answers: users asked for operations, bringing the bytes is our affair. */
export const INGEST = 'ingest';
/**
 * Pieces of a long encode: jobs of their own, so that any worker can take them. `afterJobId` names the job they belong to, for
 * which they do not wait; they have no asset, so that neither they nor their files show up in anybody's answers.
 */
export const CHUNK = 'chunk';

/** A statement takes 65535 values (Postgres, Appendix K: limits); a job has some thirty. */
const ROWS_AT_ONCE = 1000;

export async function insertJobs(db: Executor, rows: NewJob[]): Promise<JobRow[]> {
	const inserted: JobRow[] = [];
	for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) inserted.push(...(await db.insert(jobs).values(rows.slice(from, from + ROWS_AT_ONCE)).returning()));
	return inserted;
}

export async function findJob(db: Executor, workspaceId: string, id: string): Promise<JobRow | null> {
	const [row] = await db.select().from(jobs).where(and(eq(jobs.id, id), eq(jobs.workspaceId, workspaceId)));
	return row ?? null;
}

/** Holds the rows until the transaction ends. In the order of their ids, so that two requests never wait for each other crosswise. */
export async function lockJobs(tx: Transaction, ids: string[]): Promise<JobRow[]> {
	return tx.select().from(jobs).where(inArray(jobs.id, ids)).orderBy(asc(jobs.id)).for('update');
}

export async function findJobs(db: Executor, workspaceId: string, ids: string[]): Promise<JobRow[]> {
	if (ids.length === 0) return [];
	return db.select().from(jobs).where(and(inArray(jobs.id, ids), eq(jobs.workspaceId, workspaceId)));
}

export async function jobsOfBatch(db: Executor, batchId: string): Promise<JobRow[]> {
	return db.select().from(jobs).where(eq(jobs.batchId, batchId)).orderBy(asc(jobs.itemIndex), asc(jobs.createdAt));
}

/** The jobs of POST /api/media/process, in the order asked for. */
export async function processJobs(db: Executor, assetId: string): Promise<JobRow[]> {
	return db.select().from(jobs).where(and(eq(jobs.assetId, assetId), eq(jobs.process, true))).orderBy(asc(jobs.createdAt), asc(jobs.itemIndex));
}

export interface JobFilter {
	workspaceId: string;
	status?: JobStatus;
	assetId?: string;
	limit: number;
}

/** Newest first. */
export async function listJobs(db: Executor, { workspaceId, status, assetId, limit }: JobFilter): Promise<JobRow[]> {
	return db
		.select()
		.from(jobs)
		.where(and(eq(jobs.workspaceId, workspaceId), ne(jobs.jobType, CHUNK), status ? eq(jobs.status, status) : undefined, assetId ? eq(jobs.assetId, assetId) : undefined))
		.orderBy(desc(jobs.createdAt))
		.limit(limit);
}

/** The newest completed job of a type, e.g. the transcript that a caption builds on. */
export async function latestCompleted(db: Executor, assetId: string, jobType: string): Promise<JobRow | null> {
	return (await newestCompleted(db, assetId, jobType, 1))[0] ?? null;
}

/** The completed jobs of a type, newest first, e.g. translations into several languages. */
export async function newestCompleted(db: Executor, assetId: string, jobType: string, limit: number): Promise<JobRow[]> {
	return db
		.select()
		.from(jobs)
		.where(and(eq(jobs.assetId, assetId), eq(jobs.jobType, jobType), eq(jobs.status, 'completed')))
		.orderBy(desc(jobs.completedAt))
		.limit(limit);
}

/** True while a job of one of these types is waiting or being worked on for the asset. One that n8n has yet to start does not count. */
export async function isUnderWay(db: Executor, assetId: string, jobTypes: readonly string[]): Promise<boolean> {
	const [row] = await db
		.select({ id: jobs.id })
		.from(jobs)
		.where(and(eq(jobs.assetId, assetId), inArray(jobs.jobType, [...jobTypes]), inArray(jobs.status, OPEN), eq(jobs.held, false)))
		.limit(1);
	return row !== undefined;
}

export interface ClaimOptions {
	/** Not those of a workspace that limits how many of its jobs are worked on at once (pipeline/slots.ts); chunks are pieces of such a job. */
	onlyUnlimited?: boolean;
}

/**
 * Takes pending jobs: one conditional update, so of two workers with the same message one gets it. Raising `attempts`
 * voids whatever an earlier holder still wants to write. Those taken, ended, held, or not due yet are left out.
 */
export async function claimJobs(db: Executor, ids: string[], workerId: string, leaseSeconds: number, { onlyUnlimited = false }: ClaimOptions = {}): Promise<JobRow[]> {
	if (ids.length === 0) return [];
	const unlimited = sql`(${jobs.jobType} = ${CHUNK} or not exists (select 1 from workspaces w where w.id = ${jobs.workspaceId} and w.settings -> 'quotas' ->> 'max_concurrent_jobs' is not null))`;
	return db
		.update(jobs)
		.set({
			status: 'processing',
			attempts: sql`${jobs.attempts} + 1`,
			workerId,
			leaseUntil: sql`now() + make_interval(secs => ${leaseSeconds})`,
			startedAt: sql`coalesce(${jobs.startedAt}, now())`,
			progress: 0,
			resent: 0,
			waitsForSlot: false,
		})
		.where(and(inArray(jobs.id, ids), isDue(), onlyUnlimited ? unlimited : undefined))
		.returning();
}

/** The same for one. Null: there was nothing to take. */
export async function claimJob(db: Executor, id: string, workerId: string, leaseSeconds: number, options: ClaimOptions = {}): Promise<JobRow | null> {
	const [row] = await claimJobs(db, [id], workerId, leaseSeconds, options);
	return row ?? null;
}

const isDue = () => and(eq(jobs.status, 'pending'), eq(jobs.held, false), lte(jobs.runAt, sql`now() + interval '1 second'`));

/** Jobs of these types on an asset that could be taken now, the urgent and the older first. */
export async function dueOnAsset(db: Executor, { workspaceId, assetId, jobTypes, limit }: { workspaceId: string; assetId: string; jobTypes: string[]; limit: number }): Promise<JobRow[]> {
	return db
		.select()
		.from(jobs)
		.where(
			and(
				eq(jobs.workspaceId, workspaceId),
				eq(jobs.assetId, assetId),
				inArray(jobs.jobType, jobTypes),
				isDue(),
				sql`(${jobs.afterJobId} is null or ${jobs.jobType} = ${CHUNK} or exists (select 1 from jobs before where before.id = ${jobs.afterJobId} and before.status = 'completed'))`,
			),
		)
		.orderBy(desc(jobs.priority), asc(jobs.createdAt), asc(jobs.itemIndex))
		.limit(limit);
}

/** Tries that count against MAX_ATTEMPTS. */
export const triesOf = ({ attempts, uncounted }: Pick<JobRow, 'attempts' | 'uncounted'>): number => attempts - uncounted;

const holds = (id: string, attempts: number) => and(eq(jobs.id, id), eq(jobs.attempts, attempts), eq(jobs.status, 'processing'));

/** Extends the lease and stores the percentage. False: the lease was lost, or the job cancelled; stop working. */
export async function heartbeat(db: Executor, job: Pick<JobRow, 'id' | 'attempts'>, progress: number, leaseSeconds: number): Promise<boolean> {
	const rows = await db
		.update(jobs)
		.set({ leaseUntil: sql`now() + make_interval(secs => ${leaseSeconds})`, progress })
		.where(holds(job.id, job.attempts))
		.returning({ id: jobs.id });
	return rows.length > 0;
}

export type JobEnd = Pick<JobRow, 'status' | 'output' | 'error'> & Partial<Pick<JobRow, 'steps' | 'cost'>>;

/**
 * Ends a job. With `attempts` only its holder can (a worker's result); without, whoever comes first (cancel, deadline,
 * external processor): such an end is never reused. Null: it had ended, or belongs to another attempt.
 */
export async function endJob(db: Executor, id: string, end: JobEnd, attempts: number | null): Promise<JobRow | null> {
	const [row] = await db
		.update(jobs)
		.set({ ...end, ...(end.status === 'completed' ? { progress: 100, source: null } : {}), completedAt: sql`now()`, leaseUntil: null, secret: null, held: false, ...(attempts === null ? { reuseKey: null } : {}) })
		.where(attempts === null ? and(eq(jobs.id, id), notInArray(jobs.status, ENDED)) : holds(id, attempts))
		.returning();
	return row ?? null;
}

/** Back to the queue after an error that can pass; `counts`: as a try. Null: the lease was lost meanwhile. */
export async function postponeJob(db: Executor, job: Pick<JobRow, 'id' | 'attempts'>, error: JobRow['error'], runAt: Date, counts = true): Promise<JobRow | null> {
	const [row] = await db
		.update(jobs)
		.set({ status: 'pending', error, runAt, leaseUntil: null, workerId: null, ...(counts ? {} : { uncounted: sql`${jobs.uncounted} + 1` }) })
		.where(holds(job.id, job.attempts))
		.returning();
	return row ?? null;
}

/** Failed or cancelled jobs from the beginning, with fresh sealed tokens where they need them. */
export async function resetJobs(db: Executor, ids: string[], secret: string | null = null): Promise<JobRow[]> {
	if (ids.length === 0) return [];
	return db
		.update(jobs)
		.set({
			secret,
			status: 'pending',
			// Not `attempts: 0`: a worker that has not noticed yet that its job was cancelled would hold the claim again.
			uncounted: sql`${jobs.attempts}`,
			error: null,
			output: null,
			progress: 0,
			resent: 0,
			rank: null,
			runAt: sql`now()`,
			completedAt: null,
			startedAt: null,
		})
		.where(and(inArray(jobs.id, ids), inArray(jobs.status, ['failed', 'cancelled'])))
		.returning();
}

export async function dependentsOf(db: Executor, id: string): Promise<JobRow[]> {
	return db.select().from(jobs).where(and(eq(jobs.afterJobId, id), eq(jobs.status, 'pending')));
}

/** Jobs whose worker has gone silent. `all`: every one (embedded database just opened: nobody else can be working). */
export async function lostJobs(db: Executor, all: boolean): Promise<JobRow[]> {
	return db
		.select()
		.from(jobs)
		.where(and(eq(jobs.status, 'processing'), all ? undefined : lt(jobs.leaseUntil, sql`now()`)))
		.limit(500);
}

/** Jobs that failed or were cancelled while others still wait for them. */
export async function deadEnds(db: Executor): Promise<string[]> {
	const before = alias(jobs, 'before');
	const rows = await db
		.selectDistinct({ id: before.id })
		.from(jobs)
		.innerJoin(before, eq(jobs.afterJobId, before.id))
		.where(and(eq(jobs.status, 'pending'), inArray(before.status, ['failed', 'cancelled'])))
		.limit(500);
	return rows.map(({ id }) => id);
}

/** A job of a long backlog is sent again at the latest so often, should its message really have been lost. */
const LONGEST_GRACE_SECONDS = 3600;

/**
 * Jobs that should have been taken long ago: their message was lost, or there is a backlog. Marked, so that the next rounds
 * leave them alone, each time twice as long: a backlog of hours would fill the queue with messages that mean nothing.
 */
export async function takeUnsent(db: Executor, graceSeconds: number): Promise<JobRow[]> {
	const due = db
		.select({ id: jobs.id })
		.from(jobs)
		.where(
			and(
				eq(jobs.status, 'pending'),
				eq(jobs.held, false),
				// It has no message on purpose, and gets one when a slot is free (pipeline/slots.ts).
				eq(jobs.waitsForSlot, false),
				lt(jobs.runAt, sql`now() - make_interval(secs => least(${graceSeconds} * 2 ^ least(${jobs.resent}, 20), ${LONGEST_GRACE_SECONDS}))`),
				sql`(${jobs.afterJobId} is null or ${jobs.jobType} = ${CHUNK} or exists (select 1 from jobs before where before.id = ${jobs.afterJobId} and before.status = 'completed'))`,
			),
		)
		.limit(500);
	return db.update(jobs).set({ runAt: sql`now()`, resent: sql`${jobs.resent} + 1` }).where(inArray(jobs.id, due)).returning();
}

/** Unfinished jobs of batches whose deadline has passed. */
export async function overdueJobs(db: Executor): Promise<JobRow[]> {
	const rows = await db
		.select({ job: jobs })
		.from(jobs)
		.innerJoin(batches, eq(jobs.batchId, batches.id))
		.where(and(isNull(batches.completedAt), lt(batches.deadlineAt, sql`now()`), notInArray(jobs.status, ENDED)))
		.limit(500);
	return rows.map(({ job }) => job);
}

/** Rows of one statement. A package has hundreds of files, Postgres 65 535 parameters per statement. */
const FILES_AT_ONCE = 500;

export async function insertFiles(db: Executor, rows: (typeof files.$inferInsert)[]): Promise<void> {
	for (let from = 0; from < rows.length; from += FILES_AT_ONCE) await db.insert(files).values(rows.slice(from, from + FILES_AT_ONCE));
}

/** Parts of packages left out. As made: the first file of a job is its main one. */
export async function filesOfJobs(db: Executor, jobIds: string[]): Promise<FileRow[]> {
	if (jobIds.length === 0) return [];
	return db
		.select()
		.from(files)
		.where(and(inArray(files.jobId, jobIds), eq(files.part, false)))
		.orderBy(asc(files.createdAt), asc(files.position), asc(files.name));
}

/** Parts of packages left out. The newest job's files first, those of one job as made. */
export async function filesOfAsset(db: Executor, assetId: string): Promise<FileRow[]> {
	return db
		.select()
		.from(files)
		.where(and(eq(files.assetId, assetId), eq(files.part, false)))
		.orderBy(desc(files.createdAt), asc(files.position), asc(files.name));
}
