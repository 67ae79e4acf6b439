import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { findPosts, latestEngagement } from '../../db/engagement.ts';
import { compareVariants } from '../../social/compare.ts';
import { METRICS } from '../../social/measuring.ts';
import type { TaskOperation } from '../operation.ts';

const MOST_POSTS = 1000;

const params = z.strictObject({
	experiment: z.string().min(1).max(200).describe('Name that was given to the posts (`experiment.name` of publish).'),
	metric: z.enum(METRICS).default('engagement').describe('What is counted. engagement: everything people did beside seeing it. Default engagement.'),
	platform: z.string().max(50).optional().describe('Only the posts on this platform.'),
});
type Params = z.infer<typeof params>;

/** `compare_variants`: which variant of a caption did better. */
export function createCompareVariants({ db }: { db: Database }): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'compare_variants',
		version: 1,
		summary: 'Compares the variants of a post with counts and a 95 % confidence interval, and says whether the difference is clear.',
		accepts: 'none',
		params,
		produces: '`summary`, `decided`, `per` (`view` or `post`), `variants` (best first, each with `variant`, `posts`, `views`, `count`, `rate`, `interval`), `difference` (`best`, `second`, `of`, `low`, `high`).',
		example: { experiment: 'tea-launch' },
		estimateSeconds: () => 1,
		async run({ workspaceId }, { experiment, metric, platform }) {
			const rows = (await findPosts(db, { workspaceId, experiment, platform, status: 'published' }, MOST_POSTS)).filter(({ variant }) => variant !== null);
			const latest = await latestEngagement(db, rows.map(({ id }) => id));
			const measured = rows.flatMap(({ id, variant }) => {
				const numbers = latest.get(id);
				return numbers && variant !== null ? [{ variant, numbers }] : [];
			});
			return { output: { experiment, posts: rows.length, ...compareVariants(measured, metric) } };
		},
	};
}
