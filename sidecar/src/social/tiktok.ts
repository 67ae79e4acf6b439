import { z } from 'zod';
import { goesOn, PipelineError } from '../errors.ts';
import { isPublicHost } from '../net/addresses.ts';
import { ask } from './call.ts';
import type { Http } from './http.ts';
import { HttpFailure } from './outcome.ts';
import type { AccountRun, Engagement, FinishResult, Platform, PlatformRun, Published, ReconcileResult } from './platform.ts';
import { nextChunk } from './tiktok/chunks.ts';
import { explainFailReason, judgeTikTok, mayPassWithNewUpload } from './tiktok/errors.ts';
import { creatorSchema, isPhotos, isPublic, limitsOf, photoBody, settingsSchema, type Creator } from './tiktok/settings.ts';
import { DOUBT, INIT_RATE, isOver, readRefusedChunk, stateSchema, uploadVideo, type Put, type Send, type Task } from './tiktok/upload.ts';

export interface TikTokOptions {
	http: Http;
	/** Default https://open.tiktokapis.com */
	apiBaseUrl?: string;
	/** Where posts are seen. Default https://www.tiktok.com */
	webBaseUrl?: string;
	/** How long a chunk whose answer was lost may still be on its way inside TikTok before its absence counts. Default 30. */
	settleSeconds?: number;
	/** Between two looks at a post that TikTok has taken, in the first minute. Default 5. */
	pollSeconds?: number;
	/** Bytes of a chunk; for tests with small files. Default 6,000,000. */
	chunkBytes?: number;
}

/** Longest a publishing call may take: less than the lease of a claim. */
const PUBLISH_TIMEOUT_SECONDS = 60;
/** platforms.md 3.5: every 5 to 10 s at first, then every 30. */
const LATER_POLL_SECONDS = 30;
const EARLY_MS = 60_000;
/** The id of a public post comes after its moderation, usually within a minute (3.5): that long it is waited for. */
const ID_WAIT_MS = 60_000;
/** platforms.md 3.2 */
const CREATOR_RATE = { bucket: 'creator info', rate: { limit: 20, windowSeconds: 60 } };
const STATUS_RATE = { bucket: 'status', rate: { limit: 30, windowSeconds: 60 } };
/** platforms.md 3.7 */
const VIDEOS_PER_CALL = 20;

const CANCEL_SECONDS = 5;
const JSON_HEADERS = { 'content-type': 'application/json; charset=UTF-8' };

const creatorAnswer = z.object({ data: creatorSchema });
const userAnswer = z.object({ data: z.object({ user: z.object({ open_id: z.string(), display_name: z.string().default('') }) }) });
const contentAnswer = z.object({ data: z.object({ publish_id: z.string().min(1) }) });
const statusAnswer = z.object({
	data: z.object({
		status: z.string(),
		fail_reason: z.string().optional(),
		uploaded_bytes: z.number().optional(),
		/** Their spelling. int64, which the reader of answers keeps whole. */
		publicaly_available_post_id: z.array(z.union([z.string(), z.number()])).nullish(),
	}),
});
type Status = z.infer<typeof statusAnswer>['data'];
const videosAnswer = z.object({
	data: z.object({
		videos: z.array(
			z.object({
				id: z.coerce.string(),
				share_url: z.string().nullish(),
				view_count: z.number().nullish(),
				like_count: z.number().nullish(),
				comment_count: z.number().nullish(),
				share_count: z.number().nullish(),
			}),
		),
	}),
});

const IN_INBOX = 'Delivered as a draft, not published: its user finds it in the inbox of the TikTok app, adds the text there and posts it.';
const NOT_LISTED = 'TikTok does not list it among the public videos of the account: it was deleted or made private, or it is of photos. Look in the app.';
const FORGOTTEN = 'TikTok does not tell any more what became of it. Look in the app.';
const isPublishId = (remoteId: string): boolean => remoteId.includes('~');

/** TikTok, Content Posting API (platforms.md 3). */
export function createTikTok(options: TikTokOptions): Platform {
	const { http, apiBaseUrl = 'https://open.tiktokapis.com', webBaseUrl = 'https://www.tiktok.com', settleSeconds = 30, pollSeconds = 5, chunkBytes } = options;
	const base = apiBaseUrl.replace(/\/$/, '');
	const fetchesMedia = isPublicHost(new URL(base).hostname) ? 'public' : 'any';

	const permalink = (kind: 'video' | 'photo', username: string, id: string) => `${webBaseUrl.replace(/\/$/, '')}/@${encodeURIComponent(username)}/${kind}/${id}`;

	const send: Send = (run, { path, ...request }) =>
		ask(
			http,
			{
				method: 'POST',
				judge: (status, body) => judgeTikTok(status, body, request.effect, run.now()),
				...request,
				url: `${base}${path}`,
				token: run.credentials.accessToken,
				headers: JSON_HEADERS,
			},
			run,
		);

	const put: Put = async (run, { uploadUrl, size }, media, { start, end, last }, effect) => {
		let contentRange: string | undefined;
		try {
			const { status } = await ask(
				http,
				{
					action: last ? 'send the last part of the video' : `send the video from byte ${start} on`,
					effect,
					method: 'PUT',
					url: uploadUrl,
					// The address is the key.
					token: null,
					secrets: [...new URL(uploadUrl).searchParams.values()],
					headers: { 'content-range': `bytes ${start}-${end - 1}/${size}` },
					body: { kind: 'file', path: media.path, start, end, mime: media.mime },
					schema: z.unknown(),
					seen: (_status, headers) => (contentRange = headers['content-range']),
					...(effect === 'publish' ? { timeoutSeconds: PUBLISH_TIMEOUT_SECONDS } : {}),
				},
				run,
			);
			// 201: it has everything. 206: more is expected (3.3).
			return { state: 'taken', complete: status === 201 };
		} catch (error) {
			const refused = error instanceof HttpFailure ? readRefusedChunk(error, contentRange) : null;
			if (refused) return refused;
			throw error;
		}
	};

	/** Nothing in it may be sent to TikTok before; each post wants it anew (platforms.md 3.2). */
	const readCreator = async (run: AccountRun): Promise<Creator> =>
		(
			await send(run, {
				action: 'read what the account may post',
				effect: 'read',
				path: '/v2/post/publish/creator_info/query/',
				body: { kind: 'empty' },
				schema: creatorAnswer,
				...CREATOR_RATE,
			})
		).data.data;

	const readUser = async (run: AccountRun) =>
		(
			await send(run, {
				action: 'read the account',
				effect: 'read',
				method: 'GET',
				path: '/v2/user/info/?fields=open_id,display_name',
				schema: userAnswer,
			})
		).data.data.user;

	const readStatus = async (run: AccountRun, publishId: string): Promise<Status> =>
		(
			await send(run, {
				action: 'ask what has become of the post',
				effect: 'read',
				path: '/v2/post/publish/status/fetch/',
				body: { kind: 'json', value: { publish_id: publishId } },
				schema: statusAnswer,
				...STATUS_RATE,
			})
		).data.data;

	const readVideos = async (run: AccountRun, ids: readonly string[]) =>
		(
			await send(run, {
				action: 'read the numbers of videos',
				effect: 'read',
				path: '/v2/video/query/?fields=id,share_url,view_count,like_count,comment_count,share_count',
				body: { kind: 'json', value: { filters: { video_ids: ids } } },
				schema: videosAnswer,
			})
		).data.data.videos;

	/** A post that is out; without an id as long as TikTok tells none, for ever where only its owner sees it (3.5). */
	async function publishedAs(run: AccountRun, status: Status, publishId: string, kind: 'video' | 'photo'): Promise<Published> {
		const id = status.publicaly_available_post_id?.[0];
		if (id === undefined) return { state: 'published', remoteId: publishId, permalink: null };
		// The name in the link is not that of the account where the token is for drafts only. The post is out, with or without it.
		const creator = await readCreator(run).catch((error: unknown) => {
			if (error instanceof HttpFailure) return null;
			throw error;
		});
		return { state: 'published', remoteId: String(id), permalink: creator && permalink(kind, creator.creator_username, String(id)) };
	}

	async function sendLast(run: PlatformRun, task: Task): Promise<FinishResult> {
		const keep = (received: number) => run.save({ ...stateSchema.parse(run.state), task: { ...task, received, doubted: true } });
		const accepted: FinishResult = { state: 'accepted', afterSeconds: pollSeconds };
		const chunk = nextChunk(task, task.received);
		if (!chunk) return accepted;
		if (!chunk.last) return { state: 'waiting', afterSeconds: 1 };
		const result = await put(run, task, run.post.media[0]!, chunk, 'publish').catch((error: unknown) => {
			// A refusal may also mean that the one before has arrived after all.
			throw task.doubted && error instanceof HttpFailure && error.decision === 'stop' ? error.as('unknown') : error;
		});
		if (result.state === 'gone') {
			if (task.doubted) throw new PipelineError('post_unknown', DOUBT);
			return { state: 'restart', reason: result.reason };
		}
		if (result.state === 'taken') {
			if (result.complete) await keep(task.size);
			return accepted;
		}
		// The status tells what it has where the answer does not.
		if (result.received === null) return accepted;
		await keep(result.received);
		return result.received < task.size ? { state: 'waiting', afterSeconds: 1 } : accepted;
	}

	/** Takes back what has not been published, so that it does not count as pending. As good as it can: without this it ends after an hour. */
	async function cancel(run: PlatformRun): Promise<void> {
		const state = stateSchema.parse(run.state);
		// What may be out already stays known.
		if (!state.task || state.task.doubted) return;
		const { publishId } = state.task;
		try {
			await run.save({ ...state, task: null });
			await http.send({
				action: 'take the upload back',
				effect: 'upload',
				method: 'POST',
				url: `${base}/v2/post/publish/cancel/`,
				token: run.credentials.accessToken,
				headers: JSON_HEADERS,
				body: { kind: 'json', value: { publish_id: publishId } },
				// Whoever cancelled does not wait long for this.
				timeoutSeconds: CANCEL_SECONDS,
			});
		} catch (error) {
			run.log.info({ err: error }, 'an upload could not be taken back');
		}
	}

	return {
		name: 'tiktok',
		title: 'TikTok',
		needsBaseUrl: false,
		settings: settingsSchema,
		cannot: { remove: 'TikTok has no call that deletes a post. Delete it in the TikTok app; a draft is discarded in its inbox.' },

		/** Always the same id: posts belong to it, and names change. Every credential may read it (platforms.md 3.1). */
		async identify(run) {
			const user = await readUser(run);
			const creator = await unlessRefused(readCreator(run));
			return { id: user.open_id, name: creator?.creator_username ?? (user.display_name || user.open_id) };
		},

		async limits(run) {
			const settings = settingsSchema.parse(run.settings);
			return limitsOf(run, settings, settings.mode === 'direct' ? await readCreator(run) : null, fetchesMedia);
		},

		async start(run) {
			if (isPhotos(run.post)) {
				// That of photos which TikTok refused: it must not answer for those that are sent next.
				if (stateSchema.parse(run.state).publishId !== null) await run.save({});
				return;
			}
			try {
				await uploadVideo(send, put, run, settingsSchema.parse(run.settings), { apiUrl: base, chunkBytes });
			} catch (error) {
				if (run.signal.aborted && !goesOn(run.signal.reason)) await cancel(run);
				throw error;
			}
			run.progress(100);
		},

		check: async () => ({ state: 'ready' }),

		async finish(run): Promise<FinishResult> {
			if (!isPhotos(run.post)) {
				const { task } = stateSchema.parse(run.state);
				const over = task !== null && isOver(run, settingsSchema.parse(run.settings), task);
				// The status tells whether it is out after all.
				if (over && task.doubted && !task.dead) return { state: 'accepted', afterSeconds: 1 };
				if (!task || task.dead || over) return { state: 'restart', reason: 'the upload has expired or was refused' };
				return sendLast(run, task);
			}
			const { data } = await send(run, {
				action: 'post the photos',
				effect: 'publish',
				path: '/v2/post/publish/content/init/',
				body: { kind: 'json', value: photoBody(run.post, settingsSchema.parse(run.settings)) },
				schema: contentAnswer,
				timeoutSeconds: PUBLISH_TIMEOUT_SECONDS,
				...INIT_RATE,
			});
			await run.save({ ...stateSchema.parse(run.state), publishId: data.data.publish_id });
			return { state: 'accepted', afterSeconds: pollSeconds };
		},

		async reconcile(run, { openSince }): Promise<ReconcileResult> {
			const { task, publishId: photosId } = stateSchema.parse(run.state);
			const publishId = task?.publishId ?? photosId;
			if (publishId === null) return { state: 'unknown', reason: 'TikTok did not answer when it was asked to fetch the photos, and without its answer it cannot be asked about them' };
			const openMs = run.now().getTime() - openSince.getTime();
			const later: ReconcileResult = { state: 'waiting', afterSeconds: openMs < EARLY_MS ? pollSeconds : LATER_POLL_SECONDS };
			let status: Status;
			try {
				status = await readStatus(run, publishId);
			} catch (error) {
				if (!(error instanceof HttpFailure) || error.platformCode !== 'invalid_publish_id') throw error;
				return { state: 'unknown', reason: 'TikTok does not know the upload any more' };
			}
			const settings = settingsSchema.parse(run.settings);
			switch (status.status) {
				case 'PUBLISH_COMPLETE': {
					const found = await publishedAs(run, status, publishId, task ? 'video' : 'photo');
					const idMayCome = found.remoteId === publishId && isPublic(run.post, settings) && openMs < ID_WAIT_MS;
					return idMayCome ? later : found;
				}
				case 'SEND_TO_USER_INBOX':
					return { state: 'published', remoteId: publishId, permalink: null, warnings: [IN_INBOX] };
				case 'FAILED': {
					// The next try begins again, but until then TikTok can be asked about this one.
					if (task) await run.save({ ...run.state, task: { ...task, dead: true } });
					if (task && mayPassWithNewUpload(status.fail_reason)) return { state: 'absent' };
					return { state: 'rejected', reason: explainFailReason(status.fail_reason), ...(status.fail_reason ? { platformCode: status.fail_reason } : {}) };
				}
				case 'PROCESSING_UPLOAD': {
					const received = status.uploaded_bytes;
					// It has said before that it has everything: that is not taken back by a status that comes late.
					if (!task || task.received >= task.size || received === undefined || received >= task.size) return later;
					// The last chunk may have been on its way into TikTok when the connection broke.
					if (openMs < settleSeconds * 1000) return { state: 'waiting', afterSeconds: Math.min(pollSeconds, settleSeconds) };
					await run.save({ ...run.state, task: { ...task, received, doubted: true, dead: isOver(run, settings, task) } });
					return { state: 'absent' };
				}
				default:
					return later;
			}
		},

		async look(run, remoteId) {
			if (isPublishId(remoteId)) {
				const status = await readStatus(run, remoteId).catch((error: unknown) => {
					if (error instanceof HttpFailure && error.platformCode === 'invalid_publish_id') return null;
					throw error;
				});
				if (!status) return { state: 'published', remoteId, permalink: null, warnings: [FORGOTTEN] };
				if (status.status === 'FAILED') return { state: 'gone', reason: explainFailReason(status.fail_reason) };
				if (status.status === 'SEND_TO_USER_INBOX') return { state: 'published', remoteId, permalink: null, warnings: [IN_INBOX] };
				return publishedAs(run, status, remoteId, remoteId.startsWith('p_') ? 'photo' : 'video');
			}
			const [video] = await readVideos(run, [remoteId]);
			// Whether photos are listed at all is unconfirmed (3.7): that one is missing does not prove that it was deleted.
			return { state: 'published', remoteId, permalink: video?.share_url ?? null, ...(video ? {} : { warnings: [NOT_LISTED] }) };
		},

		async measure(run, remoteIds) {
			const numbers = new Map<string, Engagement>();
			const none = { views: null, likes: null, comments: null, shares: null, saves: null, clicks: null };
			// A post without an id is there, but TikTok tells nothing of it.
			for (const id of remoteIds.filter(isPublishId)) numbers.set(id, none);
			const ids = remoteIds.filter((id) => !isPublishId(id));
			for (let at = 0; at < ids.length; at += VIDEOS_PER_CALL) {
				for (const video of await readVideos(run, ids.slice(at, at + VIDEOS_PER_CALL))) {
					const { view_count: views = null, like_count: likes = null, comment_count: comments = null, share_count: shares = null } = video;
					numbers.set(video.id, { ...none, views, likes, comments, shares });
				}
			}
			return numbers;
		},
	};
}

/** Null where the account may not ask; a token that is not accepted, and what may pass, are thrown. */
async function unlessRefused<T>(answer: Promise<T>): Promise<T | null> {
	try {
		return await answer;
	} catch (error) {
		if (error instanceof HttpFailure && (error.decision === 'stop' || error.platformCode === 'scope_not_authorized')) return null;
		throw error;
	}
}
