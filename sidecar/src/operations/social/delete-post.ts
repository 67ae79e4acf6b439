import { z } from 'zod';
import type { PostLedger } from '../../db/posts.ts';
import { PipelineError } from '../../errors.ts';
import type { TaskOperation } from '../operation.ts';
import { actAs, findOwnPost, lookAt, postFields, type OwnPostDeps } from './own-post.ts';
import { viewOf } from './post-view.ts';

const params = z.strictObject(postFields);
type Params = z.infer<typeof params>;

/** `delete_post`: takes a post back, also one that is only scheduled. */
export function createDeletePost(deps: OwnPostDeps & { ledger: PostLedger }): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'delete_post',
		version: 1,
		summary: 'Takes a post away from its platform, or out of its schedule. One that is gone already is a success.',
		accepts: 'none',
		params,
		produces: '`platform`, `status` (`deleted`), `external_post_id`, `permalink`, `post`.',
		example: { post_id: '0d0f5a0e-3f6b-4a2e-9f0a-1b2c3d4e5f60' },
		estimateSeconds: () => 2,
		async run(context, { post_id: id, settings }) {
			const { row, platform } = await findOwnPost(deps, context, id);
			if (row.status === 'deleted') return { output: viewOf(row) };
			const { externalPostId } = row;
			if (externalPostId === null || (row.status !== 'published' && row.status !== 'scheduled')) {
				throw new PipelineError('conflict', `Post ${id} is ${row.status}: there is nothing on ${platform.title} that could be deleted.${row.status === 'unknown' ? ' Look at the account: it may be out.' : ''}`);
			}
			if (!platform.remove) throw new PipelineError('invalid_request', platform.cannot?.remove ?? `${platform.title} lets nobody delete posts through its API. Delete it in the app.`);
			const remove = platform.remove.bind(platform);
			const look = platform.look?.bind(platform);
			const now = deps.run.now?.() ?? new Date();
			await actAs(deps, context, platform, settings, row, async (run) => {
				// It is out by now, some under another id.
				const overdue = row.status === 'scheduled' && row.scheduledFor !== null && row.scheduledFor <= now;
				const seen = overdue && look ? (await lookAt(deps.ledger, look, run, row)).row : row;
				if (seen.status !== 'published' && seen.status !== 'scheduled') return;
				await remove(run, seen.externalPostId ?? externalPostId, seen.status);
			});
			return { output: viewOf((await deps.ledger.markDeleted(id)) ?? (await deps.find(id)) ?? row) };
		},
	};
}
