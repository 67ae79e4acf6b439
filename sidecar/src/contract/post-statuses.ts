/** What may become of a post, in the order of its life. */
export const POST_STATUSES = ['pending', 'processing', 'scheduled', 'published', 'failed', 'unknown', 'needs_reauth', 'deleted'] as const;
export type PostStatus = (typeof POST_STATUSES)[number];
