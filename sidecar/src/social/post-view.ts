import type { EngagementRow } from '../db/engagement.ts';
import type { PostRow } from '../db/posts.ts';
import type { EngagementView, PostView } from '../contract/views.ts';

/** A post as everybody sees it: in answers of the API, in events, in the output of operations. */
export const postView = (row: PostRow): PostView => ({
	id: row.id,
	asset_id: row.assetId,
	job_id: row.jobId,
	platform: row.platform,
	account: row.account,
	status: row.status,
	text: row.text,
	external_post_id: row.externalPostId,
	permalink: row.permalink,
	parent_id: row.parentId,
	experiment: row.experiment,
	variant: row.variant,
	warnings: row.warnings ?? [],
	error: row.error,
	created_at: row.createdAt.toISOString(),
	scheduled_at: row.scheduledFor?.toISOString() ?? null,
	published_at: row.publishedAt?.toISOString() ?? null,
	deleted_at: row.deletedAt?.toISOString() ?? null,
});

/** The same with its numbers. `series`: all of them, oldest first. */
export function measuredPostView(row: PostRow, series: readonly EngagementRow[]): PostView & { engagement: EngagementView | null; series: EngagementView[] } {
	const views = series.map(engagementView);
	return { ...postView(row), engagement: views.at(-1) ?? null, series: views };
}

const engagementView = ({ at, views, likes, comments, shares, saves, clicks }: EngagementRow): EngagementView => ({ at: at.toISOString(), views, likes, comments, shares, saves, clicks });
