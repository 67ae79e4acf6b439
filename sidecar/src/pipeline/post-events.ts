import { and, eq, inArray } from 'drizzle-orm';
import type { Transaction } from '../db/database.ts';
import { recordEvents } from '../db/events.ts';
import type { JobRow } from '../db/jobs.ts';
import { postEvent } from '../db/posts.ts';
import { posts } from '../db/schema.ts';
import type { PublicError } from '../errors.ts';

const PUBLISH = 'publish';

/** A job that was to publish has ended without: `post.failed`, `post.unknown` or `post.needs_reauth` for each post of it that is not out. */
export async function recordFailedPosts(tx: Transaction, job: JobRow, error: PublicError): Promise<void> {
	if (job.jobType !== PUBLISH) return;
	const open = await tx.select().from(posts).where(and(eq(posts.jobId, job.id), inArray(posts.status, ['failed', 'unknown', 'needs_reauth'])));
	if (open.length > 0) return void (await recordEvents(tx, open.map(postEvent)));
	// It was refused before there was anything to be kept of it.
	const { platform, text } = job.params;
	await recordEvents(tx, [{ workspaceId: job.workspaceId, type: 'post.failed', assetId: job.assetId, jobId: job.id, data: { post_id: null, platform, text: text ?? '', error } }]);
}
