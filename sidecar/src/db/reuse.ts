import { and, asc, desc, eq, gt, inArray, isNotNull, ne, notInArray, or, sql } from 'drizzle-orm';
import type { Database, Executor } from './database.ts';
import { CHUNK, type FileRow, type JobRow } from './jobs.ts';
import { assets, assetVersions, files, jobs, uploads } from './schema.ts';
import { transact } from './transact.ts';

/** Completed jobs of the workspace that made (or reused) what the key stands for, newest first. */
export async function madeBefore(db: Executor, workspaceId: string, key: string): Promise<JobRow[]> {
	return db
		.select()
		.from(jobs)
		.where(and(eq(jobs.workspaceId, workspaceId), eq(jobs.reuseKey, key), eq(jobs.status, 'completed')))
		.orderBy(desc(jobs.completedAt))
		.limit(5);
}

/** Everything that a job made, parts of packages included, as made. */
export async function allFilesOf(db: Executor, jobId: string): Promise<FileRow[]> {
	return db.select().from(files).where(eq(files.jobId, jobId)).orderBy(asc(files.position), asc(files.name));
}

/** The result of this job is not looked for any more. */
export async function forgetResult(db: Executor, id: string): Promise<void> {
	await db.update(jobs).set({ reuseKey: null }).where(eq(jobs.id, id));
}

export async function rememberResult(db: Executor, job: Pick<JobRow, 'id' | 'attempts'>, key: string): Promise<void> {
	await db.update(jobs).set({ reuseKey: key }).where(and(eq(jobs.id, job.id), eq(jobs.attempts, job.attempts)));
}

/**
 * Marks the job as the one that makes what the key stands for. Of several that come at the same moment, also in several
 * processes, one is marked: they take turns by a lock that ends with the transaction. A maker that has ended, failed or gone
 * silent does not count; one whose chunks are made does, while it waits to join them.
 * maker: the job is the one. under way: another one makes it. made: another one has completed since `known` was looked up.
 */
export async function becomeMaker(db: Database, job: Pick<JobRow, 'id' | 'attempts' | 'workspaceId'>, key: string, known: string[]): Promise<'maker' | 'under way' | 'made'> {
	return transact(db, async (tx) => {
		await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`reuse ${job.workspaceId} ${key}`}, 0))`);
		const same = and(eq(jobs.workspaceId, job.workspaceId), eq(jobs.reuseKey, key), ne(jobs.id, job.id));
		const [made] = await tx
			.select({ id: jobs.id })
			.from(jobs)
			.where(and(same, eq(jobs.status, 'completed'), known.length > 0 ? notInArray(jobs.id, known) : undefined))
			.limit(1);
		if (made) return 'made';
		const [maker] = await tx
			.select({ id: jobs.id })
			.from(jobs)
			.where(
				and(
					same,
					or(
						and(eq(jobs.status, 'processing'), gt(jobs.leaseUntil, sql`now()`)),
						// Its chunks are made: it only waits for a slot in which to join them.
						and(eq(jobs.status, 'pending'), isNotNull(jobs.startedAt), sql`exists (select 1 from jobs c where c.after_job_id = ${jobs.id} and c.job_type = ${CHUNK} and c.status = 'completed')`),
					),
				),
			)
			.limit(1);
		if (maker) return 'under way';
		await rememberResult(tx, job, key);
		return 'maker';
	});
}

/** Those of the keys that no row names: nobody misses their files. */
export async function unreferencedKeys(db: Executor, keys: string[]): Promise<string[]> {
	if (keys.length === 0) return [];
	const named = [
		...(await db.select({ key: files.storageKey }).from(files).where(inArray(files.storageKey, keys))),
		...(await db.select({ key: assets.storageKey }).from(assets).where(inArray(assets.storageKey, keys))),
		...(await db.select({ key: assets.originalKey }).from(assets).where(inArray(assets.originalKey, keys))),
		...(await db.select({ key: assetVersions.storageKey }).from(assetVersions).where(inArray(assetVersions.storageKey, keys))),
		...(await db.select({ key: uploads.stagedKey }).from(uploads).where(inArray(uploads.stagedKey, keys))),
	];
	const kept = new Set(named.map(({ key }) => key));
	return keys.filter((key) => !kept.has(key));
}
