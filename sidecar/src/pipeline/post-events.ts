import { and, eq, isNull, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Transaction } from '../db/database.ts';
import { recordEvents } from '../db/events.ts';
import type { JobRow } from '../db/jobs.ts';
import { postEvent } from '../db/posts.ts';
import { posts, type PostStatus } from '../db/schema.ts';
import type { PublicError } from '../errors.ts';

const PUBLISH = 'publish';
const FAILED: readonly PostStatus[] = ['failed', 'unknown', 'needs_reauth'];

/** A job that was to publish has ended without: `post.failed`, `post.unknown` or `post.needs_reauth` for each post of it that is not out. */
export async function recordFailedPosts(tx: Transaction, job: JobRow, error: PublicError): Promise<void> {
	if (job.jobType !== PUBLISH) return;
	const ended: PostStatus = error.code === 'needs_reauth' ? 'needs_reauth' : 'failed';
	// Whoever worked on it may have been killed, or stopped before it came to the post: nobody else writes down how it ended.
	await tx
		.update(posts)
		.set({ status: sql`case when ${posts.openSince} is null or ${ended} = 'needs_reauth' then ${ended} else 'unknown' end`, error, updatedAt: sql`now()` })
		.where(and(eq(posts.jobId, job.id), isNull(posts.externalPostId)));
	// With a key of the caller another job may have begun it.
	const about = z.uuid().safeParse(error.details?.['post_id']).data;
	const mine = await tx
		.select()
		.from(posts)
		.where(and(eq(posts.workspaceId, job.workspaceId), or(eq(posts.jobId, job.id), ...(about === undefined ? [] : [eq(posts.id, about)]))));
	const open = mine.filter(({ status }) => FAILED.includes(status));
	if (open.length > 0) return void (await recordEvents(tx, open.map(postEvent)));
	// All of it is out, which was told when it happened: what failed is what was to be added.
	if (mine.length > 0) return;
	// It was refused before there was anything to be kept of it.
	const { platform, text } = job.params;
	await recordEvents(tx, [{ workspaceId: job.workspaceId, type: `post.${ended}`, assetId: job.assetId, jobId: job.id, data: { post_id: null, platform, text: text ?? '', error } }]);
}
