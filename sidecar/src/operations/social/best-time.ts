import { z } from 'zod';
import type { Database } from '../../db/database.ts';
import { measuredPosts } from '../../db/engagement.ts';
import { bestTimes, MIN_POSTS } from '../../social/best-time.ts';
import { METRICS, valueOf } from '../../social/measuring.ts';
import type { Platform } from '../../social/platform.ts';
import type { TaskOperation } from '../operation.ts';
import { platformField } from './post-params.ts';

/** More posts than this say nothing new. */
const MOST_POSTS = 1000;
/** Before that a post has not got what it will get. */
const SEEN_FOR_MS = 24 * 3_600_000;

const isTimeZone = (name: string): boolean => {
	try {
		return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
	} catch {
		return false;
	}
};

const schema = (platforms: readonly Platform[]) =>
	z.strictObject({
		platform: platformField(platforms),
		account: z.string().min(1).max(200).optional().describe('The account, as the platform names it. Absent: all accounts on the platform together.'),
		time_zone: z.string().refine(isTimeZone, 'must be a time zone such as Europe/Berlin').default('UTC').describe('Time zone of the audience, e.g. `Europe/Berlin`. Default UTC.'),
		metric: z.enum(METRICS).default('engagement').describe('What good means. engagement: everything people did beside seeing it. Default engagement.'),
		count: z.int().min(1).max(50).default(3).describe('So many times, best first. Default 3.'),
		days: z.int().min(1).max(30).default(7).describe('Within so many days. Default 7.'),
		spacing_hours: z.number().min(1).max(168).default(12).describe('Hours between two of them. Default 12.'),
		lead_minutes: z.int().min(0).max(10_080).default(15).describe('Not sooner than in so many minutes. Default 15.'),
	});
type Params = z.infer<ReturnType<typeof schema>>;

/** `best_time`: the next good times to post. */
export function createBestTime({ platforms, db, now = () => new Date() }: { platforms: readonly Platform[]; db: Database; now?: (() => Date) | undefined }): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'best_time',
		version: 1,
		summary: "Finds the next good times to post on a platform from what the account's earlier posts got.",
		accepts: 'none',
		params: schema(platforms),
		produces: `\`slots\` (best first, each with \`at\`, \`weekday\`, \`hour\`, \`score\`: 1.3 is 30 % above the account's usual post, \`posts\` made around that time), \`enough\` (false: fewer than ${MIN_POSTS} posts with numbers), \`reason\`, \`posts\` (how many it was learned from).`,
		example: { platform: platforms[0]?.name, time_zone: 'Europe/Berlin' },
		estimateSeconds: () => 1,
		async run({ workspaceId }, given) {
			const at = now();
			const history = await measuredPosts(db, { workspaceId, platform: given.platform, account: given.account }, new Date(at.getTime() - SEEN_FOR_MS), MOST_POSTS);
			const past = history.flatMap(({ post, numbers }) => {
				const value = valueOf(numbers, given.metric);
				return value === null || !post.publishedAt ? [] : [{ at: post.publishedAt, value }];
			});
			const { slots, ...found } = bestTimes(past, { now: at, timeZone: given.time_zone, count: given.count, days: given.days, spacingHours: given.spacing_hours, leadMinutes: given.lead_minutes });
			return { output: { platform: given.platform, time_zone: given.time_zone, ...found, slots: slots.map((slot) => ({ ...slot, at: slot.at.toISOString() })) } };
		},
	};
}
