import { z } from 'zod';
import { isMissing, PUBLISH_TIMEOUT_SECONDS } from '../graph/container.ts';
import { graphId, type Graph } from '../graph.ts';
import type { Arming, FinishResult, PlatformRun, ReconcileResult } from '../platform.ts';
import { unsettledMs } from '../settle.ts';
import { comparable } from '../text.ts';

/** Comments are listed newest first: more than a post gets in the time between a call and the look for it. */
const LIST = { limit: 50, pages: 10 } as const;
const LOOK_SECONDS = 5;

const stateSchema = z.object({
	/** Before the last call, by the clock of its process (milliseconds since 1970). */
	sentAt: z.number().nullable().default(null),
});

const listSchema = z.object({
	data: z.array(z.object({ id: graphId, text: z.string().default(''), username: z.string().optional() })),
	paging: z.object({ next: z.string().optional(), cursors: z.object({ after: z.string().optional() }).optional() }).optional(),
});

/** Comments under the account's own posts (platforms.md 5.4). They have no container: what became of a call shows only in the list of comments. */
export function createInstagramComments(graph: Graph, settleSeconds: number) {
	/** Id of the comment; null: there is none. Undefined: not all could be looked through. */
	async function look(run: PlatformRun, mediaId: string): Promise<string | null | undefined> {
		let after: string | undefined;
		for (let page = 0; page < LIST.pages; page += 1) {
			const { data: answer } = await graph.call(run, {
				action: 'read the comments',
				effect: 'read',
				method: 'GET',
				path: `/${encodeURIComponent(mediaId)}/comments`,
				values: { fields: 'id,text,username', limit: LIST.limit, after },
				schema: listSchema,
			});
			// No account comments its own post twice with the same words: clocks need not be asked.
			const own = answer.data.find(
				({ text, username }) => comparable(text) === comparable(run.post.text) && (username === undefined || username === run.account?.name),
			);
			if (own) return own.id;
			after = answer.paging?.next ? answer.paging.cursors?.after : undefined;
			if (after === undefined) return null;
		}
		return undefined;
	}

	return {
		async make(run: PlatformRun, mediaId: string): Promise<FinishResult> {
			await run.save({ ...run.state, sentAt: run.now().getTime() });
			const { data } = await graph.call(run, {
				action: 'comment the post',
				effect: 'publish',
				method: 'POST',
				path: `/${encodeURIComponent(mediaId)}/comments`,
				values: { message: run.post.text },
				schema: z.object({ id: graphId }),
				timeoutSeconds: PUBLISH_TIMEOUT_SECONDS,
			});
			return { state: 'published', remoteId: data.id, permalink: null };
		},

		async find(run: PlatformRun, mediaId: string, { openSince }: Arming): Promise<ReconcileResult> {
			const { sentAt } = stateSchema.parse(run.state);
			let id: string | null | undefined;
			try {
				id = await look(run, mediaId);
			} catch (error) {
				if (isMissing(error)) return { state: 'rejected', reason: 'the post that was to be commented is not there any more.' };
				throw error;
			}
			if (typeof id === 'string') return { state: 'published', remoteId: id, permalink: null };
			if (unsettledMs({ openSince, sentAt, now: run.now(), seconds: settleSeconds }) > 0) return { state: 'waiting', afterSeconds: Math.min(LOOK_SECONDS, settleSeconds) };
			return id === null ? { state: 'absent' } : { state: 'unknown', reason: `the comment is not among the newest ${LIST.limit * LIST.pages} comments of the post` };
		},
	};
}
