import { isWebhookEvent, type WebhookEventBody } from '../contract/webhooks.ts';
import { findAsset } from '../db/assets.ts';
import type { Executor } from '../db/database.ts';
import { eventById } from '../db/events.ts';
import { filesOfJobs, findJob } from '../db/jobs.ts';
import { findPost } from '../db/reported-posts.ts';
import { readAssetView } from '../pipeline/asset-view.ts';
import { postView } from '../social/post-view.ts';
import { eventId, jobView, type FileUrl } from '../pipeline/views.ts';
import { fit } from './render.ts';

/** What a webhook is told: the event as it was, and what it speaks of as it is now, with fresh links. Null: the event is forgotten. */
export async function renderEvent(db: Executor, workspaceId: string, id: number, fileUrl: FileUrl): Promise<WebhookEventBody | null> {
	const event = await eventById(db, workspaceId, id);
	if (!event || !isWebhookEvent(event.type)) return null;
	const { storage_key: key, post_id: postId, ...facts } = event.data;
	const asset = event.assetId ? await findAsset(db, workspaceId, event.assetId) : null;
	const job = event.jobId ? await findJob(db, workspaceId, event.jobId) : null;
	const post = typeof postId === 'string' ? await findPost(db, workspaceId, postId) : null;
	const shown = job ? jobView(job, await filesOfJobs(db, [job.id]), fileUrl) : null;
	return {
		event_id: eventId(event.id),
		type: event.type,
		timestamp: event.createdAt.toISOString(),
		workspace_id: workspaceId,
		data: {
			asset_id: event.assetId,
			job_id: event.jobId,
			...(typeof postId === 'string' ? { post_id: postId } : {}),
			...facts,
			...(typeof key === 'string' ? { url: fileUrl(key) } : {}),
			asset: asset ? await readAssetView(db, asset, fileUrl) : null,
			job: shown ? { ...shown, output_data: shown.output_data ? fit(shown.output_data) : null } : null,
			post: post ? postView(post) : null,
		},
	};
}
