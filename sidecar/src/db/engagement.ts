import { and, asc, desc, eq, gte, inArray, isNotNull, isNull, lte, sql, type SQL } from 'drizzle-orm';
import type { Database, Executor } from './database.ts';
import type { PostRow } from './posts.ts';
import { engagement, posts, type PostStatus } from './schema.ts';
import { transact } from './transact.ts';

export type EngagementRow = typeof engagement.$inferSelect;
type Engagement = Omit<EngagementRow, 'postId' | 'at'>;

export interface PostFilter {
	workspaceId: string;
	platform?: string | undefined;
	account?: string | undefined;
	accountId?: string | undefined;
	assetId?: string | undefined;
	status?: PostStatus | undefined;
	experiment?: string | undefined;
	since?: Date | undefined;
	ids?: readonly string[] | undefined;
}

const matching = ({ workspaceId, platform, account, accountId, assetId, status, experiment, since, ids }: PostFilter): SQL | undefined =>
	and(
		eq(posts.workspaceId, workspaceId),
		platform === undefined ? undefined : eq(posts.platform, platform),
		account === undefined ? undefined : eq(posts.account, account),
		accountId === undefined ? undefined : eq(posts.accountId, accountId),
		assetId === undefined ? undefined : eq(posts.assetId, assetId),
		status === undefined ? undefined : eq(posts.status, status),
		experiment === undefined ? undefined : eq(posts.experiment, experiment),
		since === undefined ? undefined : gte(posts.createdAt, since),
		ids === undefined ? undefined : inArray(posts.id, [...ids]),
	);

/** Newest first. */
export const findPosts = (db: Executor, filter: PostFilter, limit: number): Promise<PostRow[]> =>
	db.select().from(posts).where(matching(filter)).orderBy(desc(posts.createdAt), desc(posts.id)).limit(limit);

/** Published posts whose numbers are worth reading now, those that waited longest first. */
export const duePosts = (db: Executor, filter: PostFilter, now: Date, limit: number): Promise<PostRow[]> =>
	db
		.select()
		.from(posts)
		.where(and(matching({ ...filter, status: 'published' }), isNotNull(posts.externalPostId), lte(posts.measureAt, now)))
		.orderBy(asc(posts.measureAt))
		.limit(limit);

/** Scheduled posts whose time has come: their platform has published them, or will say why not. */
export const overduePosts = (db: Executor, filter: PostFilter, now: Date, limit: number): Promise<PostRow[]> =>
	db
		.select()
		.from(posts)
		.where(and(matching({ ...filter, status: 'scheduled' }), isNotNull(posts.externalPostId), lte(posts.scheduledFor, now)))
		.orderBy(asc(posts.scheduledFor))
		.limit(limit);

/** Stores what was read, and when to read again. */
export async function storeEngagement(db: Database, postId: string, at: Date, numbers: Engagement, next: Date | null): Promise<void> {
	await transact(db, async (tx) => {
		await tx.insert(engagement).values({ postId, at, ...numbers }).onConflictDoNothing();
		await tx.update(posts).set({ measuredAt: at, measureAt: next, updatedAt: sql`now()` }).where(eq(posts.id, postId));
	});
}

/** Of each post that has been measured, oldest first. */
export const engagementOf = (db: Executor, postIds: readonly string[]): Promise<EngagementRow[]> =>
	postIds.length === 0 ? Promise.resolve([]) : db.select().from(engagement).where(inArray(engagement.postId, [...postIds])).orderBy(asc(engagement.postId), asc(engagement.at));

/** The newest numbers of each post that has any. */
export async function latestEngagement(db: Executor, postIds: readonly string[]): Promise<Map<string, EngagementRow>> {
	if (postIds.length === 0) return new Map();
	const rows = await db.selectDistinctOn([engagement.postId]).from(engagement).where(inArray(engagement.postId, [...postIds])).orderBy(engagement.postId, desc(engagement.at));
	return new Map(rows.map((row) => [row.postId, row]));
}

/** Posts that were seen for a day at least, with their newest numbers: what others are compared with. No comments, no threads' further posts. */
export async function measuredPosts(db: Executor, filter: PostFilter, before: Date, limit: number): Promise<Array<{ post: PostRow; numbers: EngagementRow }>> {
	const rows = await db
		.select()
		.from(posts)
		.where(and(matching({ ...filter, status: 'published' }), isNotNull(posts.measuredAt), isNull(posts.parentId), lte(posts.publishedAt, before)))
		.orderBy(desc(posts.publishedAt))
		.limit(limit);
	const latest = await latestEngagement(db, rows.map(({ id }) => id));
	return rows.flatMap((post) => {
		const numbers = latest.get(post.id);
		return numbers ? [{ post, numbers }] : [];
	});
}

/** The platform has no numbers of it any more. */
export async function stopMeasuring(db: Executor, postId: string): Promise<void> {
	await db.update(posts).set({ measureAt: null }).where(eq(posts.id, postId));
}
