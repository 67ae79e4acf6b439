import { z } from 'zod';
import type { PostLedger } from '../../db/posts.ts';
import type { TaskOperation } from '../operation.ts';
import { actAs, findOwnPost, lookAt, postFields, type OwnPostDeps } from './own-post.ts';
import { viewOf } from './post-view.ts';

const params = z.strictObject(postFields);
type Params = z.infer<typeof params>;

/** `post_status`: what has become of a post. */
export function createPostStatus(deps: OwnPostDeps & { ledger: PostLedger }): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'post_status',
		version: 1,
		summary: 'Looks on the platform what has become of a post: published, still scheduled, or gone.',
		accepts: 'none',
		params,
		produces: '`platform`, `status`, `external_post_id`, `permalink`, `post`, `looked` (whether the platform was asked), `reason` where it is gone or cannot be asked, `warnings`.',
		example: { post_id: '0d0f5a0e-3f6b-4a2e-9f0a-1b2c3d4e5f60' },
		estimateSeconds: () => 2,
		async run(context, { post_id: id, settings }) {
			const { row, platform } = await findOwnPost(deps, context, id);
			if (row.externalPostId === null) {
				const reason = row.status === 'unknown' ? 'It is not known whether it is out. Retry its job: it looks again before anything is sent.' : 'It is not on the platform (yet).';
				return { output: { ...viewOf(row), looked: false, reason } };
			}
			if (row.status === 'deleted') return { output: { ...viewOf(row), looked: false, reason: 'It was deleted.' } };
			if (!platform.look) return { output: { ...viewOf(row), looked: false, reason: `${platform.title} does not tell what has become of a post.` } };
			const look = platform.look.bind(platform);
			const seen = await actAs(deps, context, platform, settings, row, (run) => lookAt(deps.ledger, look, run, row));
			return { output: { ...viewOf(seen.row), looked: true, ...(seen.reason === undefined ? {} : { reason: seen.reason }) } };
		},
	};
}
