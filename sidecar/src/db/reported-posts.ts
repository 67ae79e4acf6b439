import { randomUUID } from 'node:crypto';
import { and, eq, sql } from 'drizzle-orm';
import type { PublicError } from '../errors.ts';
import type { Executor, Transaction } from './database.ts';
import type { PostRow } from './posts.ts';
import { posts, type PostStatus } from './schema.ts';

/** A post that somebody else made (P5). */
export interface ReportedPost {
	workspaceId: string;
	assetId: string;
	platform: string;
	account: string;
	status: PostStatus;
	text: string;
	externalPostId: string | null;
	permalink: string | null;
	error: PublicError | null;
	/** The same post reported twice has the same key. */
	operationKey: string;
}

/** Stores a report; reported again, the newer one counts. `isNews`: it says something that was not known. */
export async function storeReportedPost(tx: Transaction, post: ReportedPost): Promise<{ row: PostRow; isNews: boolean }> {
	const publishedAt = post.status === 'published' ? sql`now()` : null;
	const [row] = await tx
		.insert(posts)
		.values({ id: randomUUID(), ...post, publishedAt })
		.onConflictDoUpdate({
			target: [posts.workspaceId, posts.operationKey],
			set: { status: post.status, permalink: post.permalink, error: post.error, publishedAt: sql`coalesce(${posts.publishedAt}, excluded.published_at)`, updatedAt: sql`now()` },
			setWhere: sql`(${posts.status}, ${posts.permalink}, ${posts.error}) is distinct from (excluded.status, excluded.permalink, excluded.error)`,
		})
		.returning();
	if (row) return { row, isNews: true };
	const [known] = await tx.select().from(posts).where(and(eq(posts.workspaceId, post.workspaceId), eq(posts.operationKey, post.operationKey)));
	return { row: known as PostRow, isNews: false };
}

export async function findPost(db: Executor, workspaceId: string, id: string): Promise<PostRow | null> {
	const [row] = await db.select().from(posts).where(and(eq(posts.id, id), eq(posts.workspaceId, workspaceId)));
	return row ?? null;
}
