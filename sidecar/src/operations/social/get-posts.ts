import { z } from 'zod';
import { measuredPostView } from '../../social/post-view.ts';
import type { Database } from '../../db/database.ts';
import type { PostLedger } from '../../db/posts.ts';
import { POST_STATUSES } from '../../db/schema.ts';
import { duePosts, engagementOf, findPosts, overduePosts, stopMeasuring, storeEngagement, type PostFilter } from '../../db/engagement.ts';
import { nextMeasuring } from '../../social/measuring.ts';
import { HttpFailure } from '../../social/outcome.ts';
import type { TaskContext, TaskOperation } from '../operation.ts';
import { actAs, lookAt, type OwnPostDeps } from './own-post.ts';
import { platformField } from './post-params.ts';

/** Posts of one call of `measure`: fewer calls, and never more than a platform takes at once (X: 100). */
const AT_ONCE = 50;
const MOST_MEASURED = 200;
/** One call each. */
const MOST_LOOKED_AT = 20;

const schema = (platforms: OwnPostDeps['platforms']) =>
	z.strictObject({
		platform: platformField(platforms).optional(),
		account: z.string().min(1).max(200).optional().describe('Only posts of this account, as the platform names it.'),
		status: z.enum(POST_STATUSES).optional().describe('Only posts with this status.'),
		experiment: z.string().min(1).max(200).optional().describe('Only posts of this experiment.'),
		since_days: z.number().min(0).max(3650).default(90).describe('Only posts of so many days. Default 90.'),
		limit: z.int().min(1).max(500).default(50).describe('At most so many, the newest ones. Default 50.'),
		refresh: z.enum(['none', 'due', 'all']).default('none').describe("Reads the numbers from the platform first, and what became of scheduled posts: `due` those that are worth reading now (often for new posts, seldom for old ones), `all` those that are listed. Needs `platform` and the account's token. Default none."),
		settings: z.record(z.string(), z.unknown()).optional().describe('What only this platform has, e.g. which page. As for `publish`.'),
	});
type Params = z.infer<ReturnType<typeof schema>>;

type Deps = OwnPostDeps & { db: Database; ledger: PostLedger };

/** `get_posts`: posts with their numbers over time. */
export function createGetPosts(deps: Deps): TaskOperation<Params> {
	const params = schema(deps.platforms).refine(({ refresh, platform }) => refresh === 'none' || platform !== undefined, { path: ['platform'], error: 'must be given to read numbers from a platform' });
	return {
		kind: 'task',
		name: 'get_posts',
		version: 1,
		summary: 'Lists posts with how often they were seen, liked, commented and shared, over time; reads the numbers from the platform on request.',
		accepts: 'none',
		params,
		produces: '`posts` (each with `id`, `platform`, `account`, `status`, `text`, `permalink`, `published_at`, `experiment`, `variant`, `engagement` (the newest numbers) and `series` (all of them)), `measured` (how many were read now), `reason` where none can be.',
		example: { platform: deps.platforms[0]?.name, limit: 10 },
		estimateSeconds: (_facts, { refresh }) => (refresh === 'none' ? 1 : 10),
		async run(context, given) {
			const { workspaceId, assetId } = context;
			const now = deps.run.now?.() ?? new Date();
			const since = new Date(now.getTime() - given.since_days * 86_400_000);
			const filter: PostFilter = { workspaceId, platform: given.platform, account: given.account, status: given.status, experiment: given.experiment, since, ...(assetId === null ? {} : { assetId }) };
			const { measured, reason } = given.refresh === 'none' ? { measured: 0, reason: undefined } : await measure(deps, context, given, filter, now);
			const rows = await findPosts(deps.db, filter, given.limit);
			const numbers = await engagementOf(deps.db, rows.map(({ id }) => id));
			return { output: { posts: rows.map((row) => measuredPostView(row, numbers.filter(({ postId }) => postId === row.id))), measured, ...(reason ? { reason } : {}) } };
		},
	};
}

async function measure(deps: Deps, context: TaskContext, { platform: name, refresh, settings, limit }: Params, filter: PostFilter, now: Date): Promise<{ measured: number; reason?: string }> {
	const platform = deps.platforms.find((known) => known.name === name)!;
	const ask = platform.measure?.bind(platform);
	const look = platform.look?.bind(platform);
	return actAs(deps, context, platform, settings, null, async (run) => {
		// Another account's posts cannot be read with this token.
		const own: PostFilter = run.account ? { ...filter, accountId: run.account.id } : filter;
		for (const row of look ? await overduePosts(deps.db, own, now, MOST_LOOKED_AT) : []) {
			try {
				await lookAt(deps.ledger, look!, run, row);
			} catch (error) {
				// One that cannot be looked at must not keep the others from being measured for ever.
				if (context.signal.aborted || !(error instanceof HttpFailure) || error.decision !== 'stop') throw error;
				context.log.warn({ post: row.id, err: error }, 'what became of a scheduled post could not be found out');
			}
		}
		if (!ask) return { measured: 0, reason: platform.cannot?.measure ?? `${platform.title} gives no numbers of posts.` };
		const found = refresh === 'due' ? await duePosts(deps.db, own, now, MOST_MEASURED) : await findPosts(deps.db, { ...own, status: 'published' }, Math.min(limit, MOST_MEASURED));
		const rows = found.filter((row) => row.externalPostId !== null);
		let measured = 0;
		for (let from = 0; from < rows.length; from += AT_ONCE) {
			const some = rows.slice(from, from + AT_ONCE);
			const numbers = await ask(run, some.flatMap(({ externalPostId }) => externalPostId ?? []));
			for (const row of some) {
				const got = numbers.get(row.externalPostId ?? '');
				const next = got ? nextMeasuring(row.publishedAt ?? row.createdAt, now) : null;
				// One that is not there any more is not asked for again.
				if (got) await storeEngagement(deps.db, row.id, now, got, next);
				else await stopMeasuring(deps.db, row.id);
				if (got) measured += 1;
			}
			context.progress(Math.round(((from + some.length) / rows.length) * 100));
		}
		return { measured };
	});
}
