import { and, eq, isNotNull, isNull, lte, ne, or, sql, type SQL } from 'drizzle-orm';
import type { PublicError } from '../errors.ts';
import type { Database } from './database.ts';
import { recordEvents, type NewEvent } from './events.ts';
import { posts, type PostStatus } from './schema.ts';
import { transact } from './transact.ts';

export type PostRow = typeof posts.$inferSelect;
export type NewPost = Pick<
	PostRow,
	'id' | 'workspaceId' | 'assetId' | 'jobId' | 'platform' | 'operationKey' | 'text' | 'scheduledFor' | 'parentId' | 'position' | 'experiment' | 'variant'
>;

/** What the platform answered: the post exists. */
export interface RemotePost {
	status: 'published' | 'scheduled';
	externalPostId: string;
	permalink: string | null;
	warnings: string[];
}

/**
 * The ledger of publishing. Whoever works on a row holds its claim; every write but one is conditional on it, and tells by
 * its answer (false, null) that the claim is lost. Times are the database's, so that machines need not agree on the time.
 */
export interface PostLedger {
	/** The row of this logical post, made when there is none. */
	findOrCreate(post: NewPost): Promise<PostRow>;
	find(id: string): Promise<PostRow | null>;
	/** The post of this job as an earlier try has left it, without those that follow it. */
	ofJob(jobId: string): Promise<PostRow | null>;
	/** The logical post, whichever job has begun it. */
	ofKey(workspaceId: string, operationKey: string): Promise<PostRow | null>;
	/**
	 * Null while somebody else holds an unexpired claim, and when nothing is left to be done: the post exists, and nothing is to be added
	 * to it (its state is gone). A post that does not exist yet becomes `processing`.
	 */
	claim(id: string, claim: string, leaseSeconds: number): Promise<PostRow | null>;
	renew(id: string, claim: string, leaseSeconds: number): Promise<boolean>;
	/** Saves the sealed state of the steps. Renews the lease. */
	save(id: string, claim: string, change: { state: string; account?: string; accountId?: string }, leaseSeconds: number): Promise<boolean>;
	/** Before a publishing call. Null: the claim is lost or has run out, do not call. */
	arm(id: string, claim: string, leaseSeconds: number): Promise<PostRow | null>;
	/** The outcome is known, nothing was posted. refused: the platform said so, the call does not count; absent: found out by looking. */
	disarm(id: string, claim: string, why: 'refused' | 'absent'): Promise<PostRow | null>;
	/**
	 * Needs no claim: that a post exists is true whoever found out. The first id that is stored stays. `keepState`: something is still to
	 * be added to the post.
	 */
	storeRemote(id: string, remote: RemotePost, keepState: boolean): Promise<PostRow | null>;
	/** Everything has been added to a post that exists. */
	complete(id: string, claim: string, warnings: string[]): Promise<PostRow | null>;
	/** What was found out later of a post that exists. Null: it is not there, or deleted. */
	refresh(id: string, remote: RemotePost): Promise<PostRow | null>;
	/** The post is not on the platform any more. */
	markDeleted(id: string): Promise<PostRow | null>;
	/** Ends the work on it, and gives the claim back. The state is kept; a post that exists keeps its status. */
	settle(id: string, claim: string, end: { status: PostStatus; error: PublicError }): Promise<boolean>;
}

/** An hour after it came out (social/measuring.ts). */
const firstMeasuring = (at: SQL) => sql`${at} + interval '1 hour'`;

/** It exists, or a publishing call was made whose outcome is not known. */
export const mayBeOut = ({ externalPostId, openSince }: Pick<PostRow, 'externalPostId' | 'openSince'>): boolean => externalPostId !== null || openSince !== null;

/** What others are told of a post: `post.published`, `post.scheduled`, `post.deleted`, `post.failed` … */
export const postEvent = (row: PostRow): NewEvent => ({
	workspaceId: row.workspaceId,
	type: `post.${row.status}`,
	assetId: row.assetId,
	jobId: row.jobId,
	data: {
		post_id: row.id,
		platform: row.platform,
		account: row.account,
		external_post_id: row.externalPostId,
		permalink: row.permalink,
		text: row.text,
		...(row.parentId ? { parent_id: row.parentId } : {}),
		...(row.experiment ? { experiment: row.experiment, variant: row.variant } : {}),
		...(row.error ? { error: row.error } : {}),
	},
});

export function createPostLedger(db: Database): PostLedger {
	const mine = (id: string, claim: string) => and(eq(posts.id, id), eq(posts.claim, claim));
	const lease = (seconds: number) => sql`now() + make_interval(secs => ${seconds})`;
	const touched = { updatedAt: sql`now()` };
	const any = (rows: unknown[]) => rows.length > 0;
	const ofKey = async (workspaceId: string, operationKey: string): Promise<PostRow | null> => {
		const [row] = await db.select().from(posts).where(and(eq(posts.workspaceId, workspaceId), eq(posts.operationKey, operationKey)));
		return row ?? null;
	};

	return {
		async findOrCreate(post) {
			await db
				.insert(posts)
				.values({ ...post, status: 'pending' })
				.onConflictDoNothing({ target: [posts.workspaceId, posts.operationKey] });
			return (await ofKey(post.workspaceId, post.operationKey))!;
		},

		async find(id) {
			const [row] = await db.select().from(posts).where(eq(posts.id, id));
			return row ?? null;
		},

		async ofJob(jobId) {
			const [row] = await db.select().from(posts).where(and(eq(posts.jobId, jobId), isNull(posts.parentId))).limit(1);
			return row ?? null;
		},

		ofKey,

		async claim(id, claim, leaseSeconds) {
			const free = or(isNull(posts.leaseUntil), lte(posts.leaseUntil, sql`now()`));
			const [row] = await db
				.update(posts)
				.set({ ...touched, claim, leaseUntil: lease(leaseSeconds), status: sql`case when ${posts.externalPostId} is null then 'processing' else ${posts.status} end`, error: null })
				.where(and(eq(posts.id, id), free, or(isNull(posts.externalPostId), isNotNull(posts.state))))
				.returning();
			return row ?? null;
		},

		async renew(id, claim, leaseSeconds) {
			return any(await db.update(posts).set({ leaseUntil: lease(leaseSeconds) }).where(mine(id, claim)).returning({ id: posts.id }));
		},

		async save(id, claim, { state, account, accountId }, leaseSeconds) {
			const change = { ...touched, state, leaseUntil: lease(leaseSeconds), ...(account === undefined ? {} : { account }), ...(accountId === undefined ? {} : { accountId }) };
			return any(await db.update(posts).set(change).where(mine(id, claim)).returning({ id: posts.id }));
		},

		async arm(id, claim, leaseSeconds) {
			const [row] = await db
				.update(posts)
				.set({
					...touched,
					armedAt: sql`coalesce(${posts.armedAt}, now())`,
					openSince: sql`coalesce(${posts.openSince}, now())`,
					finishAttempts: sql`${posts.finishAttempts} + 1`,
					leaseUntil: lease(leaseSeconds),
				})
				.where(and(mine(id, claim), sql`${posts.leaseUntil} > now()`, isNull(posts.externalPostId)))
				.returning();
			return row ?? null;
		},

		async disarm(id, claim, why) {
			const uncount = why === 'refused' ? { finishAttempts: sql`${posts.finishAttempts} - 1` } : {};
			const [row] = await db.update(posts).set({ ...touched, openSince: null, ...uncount }).where(mine(id, claim)).returning();
			return row ?? null;
		},

		async storeRemote(id, { status, externalPostId, permalink, warnings }, keepState) {
			return transact(db, async (tx) => {
				const [row] = await tx
					.update(posts)
					.set({
						...touched,
						status,
						externalPostId,
						permalink,
						publishedAt: status === 'published' ? sql`now()` : null,
						measureAt: status === 'published' ? firstMeasuring(sql`now()`) : firstMeasuring(sql`${posts.scheduledFor}`),
						warnings: warnings.length > 0 ? warnings : null,
						// The handles of the uploads are of no use any more, and they are secrets.
						...(keepState ? {} : { state: null }),
						error: null,
						openSince: null,
						claim: null,
						leaseUntil: null,
					})
					.where(and(eq(posts.id, id), isNull(posts.externalPostId)))
					.returning();
				if (row) await recordEvents(tx, [postEvent(row)]);
				return row ?? null;
			});
		},

		async refresh(id, { status, externalPostId, permalink, warnings }) {
			return transact(db, async (tx) => {
				const [before] = await tx.select().from(posts).where(and(eq(posts.id, id), isNotNull(posts.externalPostId), ne(posts.status, 'deleted'))).for('update');
				if (!before) return null;
				const now = sql`now()`;
				const published = status === 'published' && before.publishedAt === null ? { publishedAt: sql`least(coalesce(${posts.scheduledFor}, ${now}), ${now})` } : {};
				const all = [...new Set([...(before.warnings ?? []), ...warnings])];
				const [row] = await tx.update(posts).set({ ...touched, status, externalPostId, permalink, warnings: all.length > 0 ? all : null, ...published }).where(eq(posts.id, id)).returning();
				if (row && before.status !== row.status) await recordEvents(tx, [postEvent(row)]);
				return row ?? null;
			});
		},

		async markDeleted(id) {
			return transact(db, async (tx) => {
				const [row] = await tx
					.update(posts)
					.set({ ...touched, status: 'deleted', deletedAt: sql`now()`, measureAt: null, state: null })
					.where(and(eq(posts.id, id), ne(posts.status, 'deleted')))
					.returning();
				if (row) await recordEvents(tx, [postEvent(row)]);
				return row ?? null;
			});
		},

		async complete(id, claim, warnings) {
			const all = sql`nullif(coalesce(${posts.warnings}, '[]'::jsonb) || ${JSON.stringify(warnings)}::jsonb, '[]'::jsonb)`;
			const [row] = await db.update(posts).set({ ...touched, state: null, warnings: all, claim: null, leaseUntil: null }).where(mine(id, claim)).returning();
			return row ?? null;
		},

		async settle(id, claim, { status, error }) {
			const kept = sql`case when ${posts.externalPostId} is null then ${status} else ${posts.status} end`;
			const change = { ...touched, status: kept, error, claim: null, leaseUntil: null };
			return any(await db.update(posts).set(change).where(mine(id, claim)).returning({ id: posts.id }));
		},
	};
}
