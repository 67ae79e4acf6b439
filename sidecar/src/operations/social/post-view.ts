import type { PostRow } from '../../db/posts.ts';

/** A post in the output of an operation. */
export function postOf(row: PostRow) {
	const { id, platform, status, externalPostId: external_post_id, permalink, text } = row;
	return { id, platform, status, external_post_id, permalink, text, ...(row.scheduledFor ? { scheduled_at: row.scheduledFor.toISOString() } : {}) };
}

/** What every operation on one post answers. */
export function viewOf(row: PostRow) {
	const { platform, status, externalPostId: external_post_id, permalink, warnings } = row;
	return { post: postOf(row), platform, status, external_post_id, permalink, ...(warnings ? { warnings } : {}) };
}
