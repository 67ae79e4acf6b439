import { Router } from 'express';
import { z } from 'zod';
import { timeOf } from '../contract/moment.ts';
import { parse } from '../contract/parse.ts';
import { measuredPostView, postView } from '../social/post-view.ts';
import { distributeCallbackSchema } from '../contract/requests.ts';
import { engagementOf, findPosts } from '../db/engagement.ts';
import { findAsset } from '../db/assets.ts';
import { recordEvents } from '../db/events.ts';
import type { PostRow } from '../db/posts.ts';
import { POST_STATUSES } from '../db/schema.ts';
import { storeReportedPost } from '../db/reported-posts.ts';
import { PipelineError } from '../errors.ts';
import { sha256 } from '../secrets.ts';
import type { HttpDeps } from './deps.ts';
import { toError } from './process.ts';
import { bodyOf, create, dbOf, workspaceOf } from './request.ts';

const listQuery = z.object({
	asset_id: z.uuid().optional(),
	platform: z.string().max(50).optional(),
	account: z.string().max(200).optional(),
	status: z.enum(POST_STATUSES).optional(),
	experiment: z.string().max(200).optional(),
	since: timeOf.optional(),
	limit: z.coerce.number().int().min(1).max(500).default(50),
});

/** GET /api/media/posts, POST /api/media/distribute-callback (P5). */
export function postRoutes(deps: HttpDeps): Router {
	const router = Router();

	router.get('/posts', async (request, response) => {
		const { asset_id: assetId, limit, since, ...filter } = parse(listQuery, request.query);
		const rows = await findPosts(dbOf(response), { ...filter, workspaceId: workspaceOf(response), assetId, since: since ? new Date(since) : undefined }, limit);
		const numbers = await engagementOf(dbOf(response), rows.map(({ id }) => id));
		response.json({ posts: rows.map((row) => measuredPostView(row, numbers.filter(({ postId }) => postId === row.id))) });
	});

	router.post('/distribute-callback', async (request, response) => {
		const body = bodyOf(distributeCallbackSchema, request, response);
		const workspaceId = workspaceOf(response);
		await create(deps, request, response, async (tx) => {
			const asset = await findAsset(tx, workspaceId, body.asset_id);
			if (!asset) throw new PipelineError('not_found', `asset_id: there is no asset ${body.asset_id} in this workspace.`);
			const stored: PostRow[] = [];
			// A report that is sent again, because its answer was lost, is told to nobody again.
			const news: PostRow[] = [];
			for (const [index, post] of body.posts.entries()) {
				if (post.status === 'published' && !post.external_post_id) {
					throw new PipelineError('invalid_request', `posts.${index}.external_post_id: a published post has an id on its platform; give it.`);
				}
				const identity = [asset.id, post.platform, post.account ?? '', post.external_post_id ?? post.text ?? ''];
				const { row, isNews } = await storeReportedPost(tx, {
					workspaceId,
					assetId: asset.id,
					platform: post.platform,
					account: post.account ?? '',
					status: post.status,
					text: post.text ?? '',
					externalPostId: post.external_post_id ?? null,
					permalink: post.permalink ?? null,
					error: toError(post.error, 'post_rejected'),
					operationKey: `reported:${sha256(JSON.stringify(identity))}`,
				});
				stored.push(row);
				if (isNews) news.push(row);
			}
			await recordEvents(
				tx,
				news.map((row) => ({ workspaceId, type: `post.${row.status}`, assetId: asset.id, data: { post_id: row.id, platform: row.platform, external_post_id: row.externalPostId, permalink: row.permalink, ...(row.error ? { error: row.error } : {}) } })),
			);
			return { status: 200, body: { posts: stored.map(postView) } };
		});
	});

	return router;
}
