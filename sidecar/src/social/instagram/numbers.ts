import { z } from 'zod';
import { isMissing, isNoPost, UNKNOWN } from '../graph/container.ts';
import { insightsSchema, numbersOf } from '../graph/numbers.ts';
import { graphId, type Graph } from '../graph.ts';
import { HttpFailure } from '../outcome.ts';
import type { AccountRun, Engagement } from '../platform.ts';

const mediaSchema = z.object({
	id: graphId,
	media_product_type: z.string().optional(),
	like_count: z.number().nullish(),
	comments_count: z.number().nullish(),
});

/** Likes and comments stand on the post itself; the rest needs a permission more. */
export async function measureInstagram(graph: Graph, run: AccountRun, remoteIds: readonly string[]): Promise<Map<string, Engagement>> {
	const measured = new Map<string, Engagement>();
	for (const id of remoteIds) {
		try {
			const path = `/${encodeURIComponent(id)}`;
			const { data: media } = await graph.call(run, {
				action: 'read the likes',
				effect: 'read',
				method: 'GET',
				path,
				values: { fields: 'media_product_type,like_count,comments_count' },
				schema: mediaSchema,
			});
			const story = media.media_product_type === 'STORY';
			const numbers = await insights(graph, run, path, story ? 'views,shares' : 'views,shares,saved');
			measured.set(id, {
				views: numbers.get('views') ?? null,
				likes: media.like_count ?? null,
				comments: media.comments_count ?? null,
				shares: numbers.get('shares') ?? null,
				saves: numbers.get('saved') ?? null,
				clicks: null,
			});
		} catch (error) {
			if (isNoPost(error)) measured.set(id, UNKNOWN);
			else if (!isMissing(error)) throw error;
		}
	}
	return measured;
}

/** Without the permission, and where a post has too few viewers, there are none (code 10 either way); nor of a post that is older than the professional account (100 with a subcode). */
async function insights(graph: Graph, run: AccountRun, path: string, metric: string): Promise<Map<string, number>> {
	try {
		const { data } = await graph.call(run, {
			action: 'read the numbers',
			effect: 'read',
			method: 'GET',
			path: `${path}/insights`,
			values: { metric },
			schema: insightsSchema,
		});
		return numbersOf(data);
	} catch (error) {
		if (error instanceof HttpFailure && /^(10|100|2\d\d)(\/|$)/.test(error.platformCode ?? '') && !isMissing(error)) return new Map();
		throw error;
	}
}
