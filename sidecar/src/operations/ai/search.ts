import { z } from 'zod';
import { moment } from '../../contract/moment.ts';
import type { TaskOperation } from '../operation.ts';
import { MAX_OFFSET, MAX_QUERY, MAX_RESULTS, type Library, type SearchRequest } from './library.ts';

/** What a search may ask, on the wire and in a URL. */
export const searchFields = {
	q: z.string().max(MAX_QUERY).optional().describe('Words or a question, e.g. `where do we talk about prices?`. "In quotes": must occur. `-word`: must not.'),
	type: z.enum(['video', 'audio', 'image']).optional().describe('Only assets of this kind.'),
	from: moment.optional().describe('Only assets that came at this time or later; a date: from its beginning, in UTC.'),
	to: moment.optional().describe('Only assets that came before this time; a date: until its end, in UTC.'),
	similar_to: z.uuid().optional().describe('Id of an asset: finds others like it, by what is said and what is seen.'),
};

const params = z.strictObject({
	...searchFields,
	tags: z.array(z.string().trim().min(1).max(100)).max(20).default([]).describe('Only assets that have all of these tags.'),
	limit: z.number().int().min(1).max(MAX_RESULTS).default(10).describe('Assets at most.'),
	offset: z.number().int().min(0).max(MAX_OFFSET).default(0).describe('Assets to skip, for the next page.'),
});
type Params = z.infer<typeof params>;

/** The library's words for what the wire says. */
export const toSearchRequest = ({ q, type, tags, from, to, similar_to: similarTo, limit, offset }: Params): SearchRequest => ({
	q,
	type,
	tags,
	from: from === undefined ? undefined : new Date(from),
	to: to === undefined ? undefined : until(to),
	similarTo,
	limit,
	offset,
});

const DAY_MS = 24 * 60 * 60 * 1000;

/** Who names a day means all of it: `from` and `to` may be the same one. */
const until = (text: string): Date => new Date(Date.parse(text) + (text.includes('T') ? 0 : DAY_MS));

/** Finds assets of the workspace, and the moment in them that was meant. */
export function createSearch({ library }: { library: Library }): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'search',
		version: 1,
		summary: 'Finds assets by what is said and seen in them, in the same or in other words, and says at which moment.',
		accepts: 'none',
		params,
		produces:
			'`results`, best first (each with `asset_id`, `title`, `file_type`, `score` from 0 to 1, `start_seconds`, `end_seconds` and `text` of the best moment, `moments`, `tags`, `matched_by`, `file_url`, `thumbnail_url`), `count`, `methods` (`words`, `meaning`, `similar`; empty: filters alone, newest first), `notes`.',
		example: { q: 'green tea', type: 'video', limit: 5 },
		estimateSeconds: () => 1,
		async run({ workspaceId, signal, step }, given) {
			const { results, methods, notes, usage } = await step('search', () => library.search(workspaceId, toSearchRequest(given), signal));
			return { output: { results, count: results.length, methods, notes }, cost: usage };
		},
	};
}
