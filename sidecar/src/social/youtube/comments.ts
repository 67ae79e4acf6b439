import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { PUBLISH_TIMEOUT_SECONDS } from './upload.ts';
import type { Arming, Engagement, LookResult, PlatformRun, AccountRun, Published, ReconcileResult } from '../platform.ts';
import { comparable } from '../text.ts';
import { HttpFailure } from '../outcome.ts';
import type { SendYouTube } from './send.ts';

/** Clocks differ: what was made is looked for from ten minutes before the call. To miss it would be worse than to take one for it that is as new. */
export const CLOCK_MARGIN_MS = 10 * 60_000;
/** 100 comments a page, newest first. */
const PAGES = 5;

const videoAnswer = z.object({ items: z.array(z.object({ snippet: z.object({ channelId: z.string() }), status: z.object({ privacyStatus: z.string() }) })).default([]) });
const snippetSchema = z.object({ textOriginal: z.string().default(''), authorChannelId: z.object({ value: z.string() }).optional(), publishedAt: z.string().default(''), videoId: z.string().optional(), likeCount: z.coerce.number().optional() });
const threadSchema = z.object({ id: z.string().min(1), snippet: z.object({ topLevelComment: z.object({ snippet: snippetSchema }) }) });
const insertAnswer = z.object({ id: z.string().min(1) });
const threadsAnswer = z.object({ items: z.array(threadSchema).default([]), nextPageToken: z.string().optional() });
const commentsAnswer = z.object({ items: z.array(z.object({ id: z.string(), snippet: snippetSchema })).default([]) });

const lookedSchema = z.object({ call: z.string(), at: z.number() });

/**
 * When a call was first looked for, by the clock of this process. The ledger's time of the call is the database's: with a clock that is
 * ahead of it, the time in which a comment may still appear would be over before it has begun.
 */
async function lookedSince(run: PlatformRun, { openSince }: Arming): Promise<number> {
	const call = openSince.toISOString();
	const known = lookedSchema.safeParse(run.state['looked']).data;
	if (known?.call === call) return known.at;
	const at = run.now().getTime();
	await run.save({ ...run.state, looked: { call, at } });
	return at;
}

/** Comments of a video: what follows a post on YouTube, the first comment among them (commentThreads, scope youtube.force-ssl). */
export function createComments(send: SendYouTube, webBaseUrl: string, settleSeconds: number) {
	const published = (videoId: string, id: string): Published => ({ state: 'published', remoteId: id, permalink: `${webBaseUrl}/watch?v=${videoId}&lc=${id}` });

	async function read(run: AccountRun, ids: readonly string[]): Promise<z.infer<typeof commentsAnswer>['items']> {
		const path = `/comments?part=snippet&id=${ids.map(encodeURIComponent).join(',')}`;
		return (await send(run, { action: 'read the comment', effect: 'read', method: 'GET', path, schema: commentsAnswer })).data.items;
	}

	return {
		/** Whose video it is, which the call needs to know, and whether it takes comments. */
		async prepare(run: PlatformRun, videoId: string): Promise<void> {
			if (typeof run.state['channelId'] === 'string') return;
			const path = `/videos?part=snippet,status&id=${encodeURIComponent(videoId)}`;
			const { data } = await send(run, { action: 'read the video', effect: 'read', method: 'GET', path, schema: videoAnswer });
			const video = data.items[0];
			const refuse = (message: string) => new PipelineError('post_rejected', `${message} The comment was not made.`);
			if (!video) throw refuse('The video that is to be commented does not exist on YouTube any more.');
			if (video.status.privacyStatus === 'private') throw refuse('YouTube takes no comments on a private video, nor on one whose time has not come: comment it once it is public.');
			await run.save({ ...run.state, channelId: video.snippet.channelId });
		},

		async finish(run: PlatformRun, videoId: string): Promise<Published> {
			const channelId = z.string().parse(run.state['channelId']);
			const { data } = await send(run, {
				action: 'make the comment',
				effect: 'publish',
				method: 'POST',
				path: '/commentThreads?part=snippet',
				body: { kind: 'json', value: { snippet: { channelId, videoId, topLevelComment: { snippet: { textOriginal: run.post.text } } } } },
				schema: insertAnswer,
				timeoutSeconds: PUBLISH_TIMEOUT_SECONDS,
			});
			return published(videoId, data.id);
		},

		/** The account's own comment with this text, made since the call. */
		async reconcile(run: PlatformRun, videoId: string, arming: Arming): Promise<ReconcileResult> {
			const since = arming.firstArmedAt.getTime() - CLOCK_MARGIN_MS;
			const query = new URLSearchParams({ part: 'snippet', videoId, order: 'time', maxResults: '100', textFormat: 'plainText' });
			for (let page = 0; page < PAGES; page += 1) {
				const { data } = await send(run, { action: 'read the comments', effect: 'read', method: 'GET', path: `/commentThreads?${query}`, schema: threadsAnswer });
				for (const { id, snippet } of data.items) {
					const { textOriginal, authorChannelId, publishedAt } = snippet.topLevelComment.snippet;
					const mine = authorChannelId?.value === run.account?.id && Date.parse(publishedAt) >= since;
					if (mine && comparable(textOriginal) === comparable(run.post.text)) return published(videoId, id);
				}
				const oldest = data.items.at(-1)?.snippet.topLevelComment.snippet.publishedAt;
				if (!data.nextPageToken || (oldest !== undefined && Date.parse(oldest) < since)) {
					const early = Math.max(arming.openSince.getTime(), await lookedSince(run, arming)) + settleSeconds * 1000 - run.now().getTime();
					return early > 0 ? { state: 'waiting', afterSeconds: Math.min(10, Math.ceil(early / 1000)) } : { state: 'absent' };
				}
				query.set('pageToken', data.nextPageToken);
			}
			return { state: 'unknown', reason: 'the video has too many newer comments to look through' };
		},

		async look(run: AccountRun, id: string): Promise<LookResult> {
			const comment = (await read(run, [id]))[0];
			if (!comment) return { state: 'gone', reason: 'the comment is not on YouTube any more' };
			return { state: 'published', remoteId: id, permalink: comment.snippet.videoId ? `${webBaseUrl}/watch?v=${comment.snippet.videoId}&lc=${id}` : null };
		},

		async remove(run: AccountRun, id: string): Promise<void> {
			try {
				await send(run, { action: 'delete the comment', effect: 'upload', method: 'DELETE', path: `/comments?id=${encodeURIComponent(id)}`, schema: z.unknown() });
			} catch (error) {
				if (!(error instanceof HttpFailure) || error.status !== 404) throw error;
			}
		},

		async measure(run: AccountRun, ids: readonly string[]): Promise<Array<[string, Engagement]>> {
			const comments = await read(run, ids);
			return comments.map(({ id, snippet }) => [id, { views: null, likes: snippet.likeCount ?? null, comments: null, shares: null, saves: null, clicks: null }]);
		},
	};
}
