import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { TRIES } from './call.ts';
import type { Http } from './http.ts';
import { HttpFailure } from './outcome.ts';
import type { AccountRun, Arming, Engagement, FinishResult, LookResult, Platform, PlatformRun, PostMedia, PostProblem, Published, ReconcileResult, Scheduled } from './platform.ts';
import { comparable } from './text.ts';
import { CLOCK_MARGIN_MS, createComments } from './youtube/comments.ts';
import { whyEnded } from './youtube/errors.ts';
import { createExtras } from './youtube/extras.ts';
import { createSend } from './youtube/send.ts';
import { isShort, limitsOf, resourceOf, titleOf, UNVERIFIED_SECONDS, youTubeSettings } from './youtube/settings.ts';
import { createSessions, isGone, nextChunk, type Video } from './youtube/upload.ts';

export interface YouTubeOptions {
	http: Http;
	/** Default https://www.googleapis.com/youtube/v3 */
	apiBaseUrl?: string;
	/** Default https://www.googleapis.com/upload/youtube/v3 */
	uploadBaseUrl?: string;
	/** Where videos are seen. Default https://www.youtube.com */
	webBaseUrl?: string;
	/** Bytes of one request of an upload: a multiple of 262,144. Default 16 MiB: a few seconds on common lines. */
	chunkBytes?: number;
	/** How long a video may take to appear among the channel's uploads, a comment among those of the video. Default 60. */
	settleSeconds?: number;
}

/** videos.list and playlistItems.list take and give 50 at most. */
const PAGE_SIZE = 50;
const UPLOAD_PAGES = 4;
/** Between two looks at an upload that is complete and no video yet (platforms.md 4.2). */
const MAKING_SECONDS = 10;
/** Ids of videos; those of comments are longer. */
const VIDEO_ID = /^[\w-]{11}$/;

const stateSchema = z.object({
	/** Address of the upload session, as good as a token. */
	session: z.string().nullable().default(null),
	/** Bytes that YouTube has. */
	stored: z.number().default(0),
	/** What the session was begun with: title, visibility and the rest stand in it, and cannot be changed any more. */
	resource: z.string().default(''),
	/** Its last piece was sent once, and YouTube said that it did not have it. */
	tried: z.boolean().default(false),
});

const channelAnswer = z.object({
	items: z
		.array(
			z.object({
				id: z.string(),
				snippet: z.object({ title: z.string() }).optional(),
				status: z.object({ longUploadsStatus: z.string().optional() }).optional(),
				contentDetails: z.object({ relatedPlaylists: z.object({ uploads: z.string() }) }).optional(),
			}),
		)
		.default([]),
});
const uploadsAnswer = z.object({
	items: z.array(z.object({ snippet: z.object({ publishedAt: z.string(), title: z.string(), description: z.string().default(''), resourceId: z.object({ videoId: z.string() }) }) })).default([]),
	nextPageToken: z.string().optional(),
});
const videosAnswer = z.object({
	items: z
		.array(
			z.object({
				id: z.string(),
				status: z
					.object({
						uploadStatus: z.string().optional(),
						failureReason: z.string().optional(),
						rejectionReason: z.string().optional(),
						privacyStatus: z.string().optional(),
						publishAt: z.string().optional(),
					})
					.optional(),
				/** Counts come as text. */
				statistics: z.object({ viewCount: z.coerce.number().optional(), likeCount: z.coerce.number().optional(), commentCount: z.coerce.number().optional() }).optional(),
			}),
		)
		.default([]),
});

/**
 * YouTube, Data API v3 (platforms.md 4). The last piece of a resumable upload is the publishing call; a session makes one video
 * at most, and can be asked, so that its outcome does not stay open. Written against HTTP and not with @googleapis/youtube: that
 * hides the address of the session, which a killed process needs to go on, and its own retries know nothing of the ledger.
 */
export function createYouTube(options: YouTubeOptions): Platform {
	const { http, chunkBytes = 16 * 1024 * 1024, settleSeconds = 60 } = options;
	const [apiBaseUrl, uploadBaseUrl, webBaseUrl] = [
		options.apiBaseUrl ?? 'https://www.googleapis.com/youtube/v3',
		options.uploadBaseUrl ?? 'https://www.googleapis.com/upload/youtube/v3',
		options.webBaseUrl ?? 'https://www.youtube.com',
	].map((url) => url.replace(/\/$/, '')) as [string, string, string];
	const send = createSend(http, apiBaseUrl, uploadBaseUrl);
	const sessions = createSessions({ http, uploadBaseUrl, chunkBytes });
	const comments = createComments(send, webBaseUrl, settleSeconds);
	const addExtras = createExtras(send);

	const mediaOf = (run: PlatformRun): PostMedia => {
		const [media] = run.post.media;
		if (!media) throw new PipelineError('internal', 'A video for YouTube has no file.');
		return media;
	};
	const permalink = (id: string, short: boolean) => (short ? `${webBaseUrl}/shorts/${id}` : `${webBaseUrl}/watch?v=${id}`);

	function result(run: PlatformRun, id: string, waits: boolean): Published | Scheduled {
		return { state: waits ? 'scheduled' : 'published', remoteId: id, permalink: permalink(id, isShort(mediaOf(run).facts)) };
	}
	const made = (run: PlatformRun, { id, status }: Video) => result(run, id, isWaiting(status, run.now()));

	/** No video yet. With all bytes there, YouTube is about to make it: it is asked, and nothing is begun anew. */
	async function taken(run: PlatformRun, stored: number): Promise<FinishResult> {
		await run.save({ ...run.state, stored });
		return stored === mediaOf(run).bytes ? { state: 'accepted', afterSeconds: MAKING_SECONDS } : { state: 'waiting', afterSeconds: 1 };
	}

	async function channel(run: AccountRun, parts: string) {
		const path = `/channels?part=${parts}&mine=true`;
		const { data } = await send(run, { action: 'read the channel', effect: 'read', method: 'GET', path, schema: channelAnswer });
		if (data.items[0]) return data.items[0];
		throw new PipelineError(
			'post_rejected',
			'The connected Google account has no YouTube channel: create one on youtube.com, or connect the account (or brand account) that has it. Nothing was posted.',
			{ details: { platform_code: 'youtubeSignupRequired' } },
		);
	}

	/** Asked only where the answer matters: every call costs quota. */
	async function accountProblems(run: PlatformRun): Promise<PostProblem[]> {
		const seconds = Math.max(0, ...run.post.media.map(({ facts }) => facts.durationSeconds));
		if (run.post.replyTo || seconds <= UNVERIFIED_SECONDS) return [];
		const longUploads = (await channel(run, 'id,status')).status?.longUploadsStatus;
		if (longUploads === undefined || longUploads === 'allowed') return [];
		const message = `The video is ${Math.ceil(seconds / 60)} minutes long; this channel may upload at most 15 minutes. Verify it by phone (youtube.com/verify), or trim the video.`;
		return [{ field: 'account', message }];
	}

	async function videos(run: AccountRun, ids: readonly string[], part: string) {
		const path = `/videos?part=${part}&id=${ids.map(encodeURIComponent).join(',')}`;
		return (await send(run, { action: 'read the video', effect: 'read', method: 'GET', path, schema: videosAnswer })).data.items;
	}

	/** The session does not exist any more: whether it made a video shows among the channel's uploads only. */
	async function lookUp(run: PlatformRun, { firstArmedAt, openSince }: Arming): Promise<ReconcileResult> {
		const since = firstArmedAt.getTime() - CLOCK_MARGIN_MS;
		const uploads = (await channel(run, 'id,contentDetails')).contentDetails?.relatedPlaylists.uploads;
		if (!uploads) return { state: 'unknown', reason: 'the upload has expired, and the channel does not show its uploads' };
		const query = new URLSearchParams({ part: 'snippet', playlistId: uploads, maxResults: String(PAGE_SIZE) });
		const found: string[] = [];
		for (let page = 0; page < UPLOAD_PAGES; page += 1) {
			const { data } = await send(run, { action: "read the channel's uploads", effect: 'read', method: 'GET', path: `/playlistItems?${query}`, schema: uploadsAnswer });
			const recent = data.items.filter(({ snippet }) => Date.parse(snippet.publishedAt) >= since);
			for (const { snippet } of recent) if (isSame(snippet, run)) found.push(snippet.resourceId.videoId);
			if (!data.nextPageToken || recent.length < data.items.length) break;
			query.set('pageToken', data.nextPageToken);
		}
		if (found.length === 1) return result(run, found[0]!, run.post.scheduledAt !== null && run.post.scheduledAt > run.now());
		if (found.length > 1) return { state: 'unknown', reason: 'the upload has expired, and the channel has several new videos with this title' };
		const early = openSince.getTime() + settleSeconds * 1000 - run.now().getTime();
		if (early > 0) return { state: 'waiting', afterSeconds: Math.min(15, Math.ceil(early / 1000)) };
		return { state: 'unknown', reason: 'the upload has expired, and no such video is among the uploads of the channel yet' };
	}

	return {
		name: 'youtube',
		title: 'YouTube',
		needsBaseUrl: false,
		settings: youTubeSettings,

		async identify(run) {
			const { id, snippet } = await channel(run, 'id,snippet');
			return { id, name: snippet?.title ?? id };
		},

		limits: async (run) => limitsOf(run.post, youTubeSettings.parse(run.settings), await accountProblems(run)),

		async start(run) {
			if (run.post.replyTo) return comments.prepare(run, run.post.replyTo.rootId);
			const media = mediaOf(run);
			const before = stateSchema.parse(run.state);
			let { session, stored, ...begun } = before;
			const { parts, notify, resource } = resourceOf(run.post, youTubeSettings.parse(run.settings));
			const wanted = JSON.stringify([resource, notify]);
			if (session !== null) {
				// What a former process had sent may not have arrived, and what had not been noted may have.
				const known = await sessions.probe(run, session, media.bytes);
				// A session that is gone may have made its video after all: `finish` has that looked up before anything is sent.
				const maybeMade = known === null ? before.tried : 'video' in known || known.stored === media.bytes;
				if (maybeMade) stored = media.bytes;
				// Begun as a public video, it cannot become the private one that is wanted now.
				else if (known === null || before.resource !== wanted) session = null;
				else if ('stored' in known) stored = known.stored;
			}
			for (let round = 1; ; round += 1) {
				if (session === null) {
					const query = new URLSearchParams({ uploadType: 'resumable', part: parts, notifySubscribers: String(notify) });
					session = await sessions.begin(run, media, query, resource);
					stored = 0;
					begun = { resource: wanted, tried: false };
				}
				await run.save({ ...run.state, ...begun, session, stored });
				if (stored === media.bytes) return;
				const current: string = session;
				const end = await sessions.fill(run, media, current, stored, (bytes) => run.save({ ...run.state, session: current, stored: bytes }));
				if (end === null && begun.tried) return run.save({ ...run.state, stored: media.bytes });
				if (end !== null) return 'video' in end ? run.save({ ...run.state, session, stored: media.bytes }) : undefined;
				session = null;
				if (round === TRIES) throw new PipelineError('platform_unavailable', 'YouTube forgets the upload again and again. Nothing was posted.');
			}
		},

		// Processing begins with the last piece: before, there is nothing to wait for.
		check: async () => ({ state: 'ready' }),

		async finish(run, { attempts }): Promise<FinishResult> {
			if (run.post.replyTo) return comments.finish(run, run.post.replyTo.rootId);
			const media = mediaOf(run);
			const { session, stored } = stateSchema.parse(run.state);
			if (session === null) return { state: 'restart', reason: 'there is no upload' };
			const gone = new HttpFailure({ action: 'send the last part of the video', decision: 'unknown', status: 404, detail: 'the upload is not known any more' });
			if (stored === media.bytes) {
				const known = await sessions.probe(run, session, media.bytes);
				if (known === null) {
					if (attempts > 1) throw gone;
					return { state: 'restart', reason: gone.detail };
				}
				return 'video' in known ? made(run, known.video) : taken(run, known.stored);
			}
			// More than one piece is missing after all: that is the work of `start`.
			if (!nextChunk(stored, media.bytes, chunkBytes).last) return { state: 'waiting', afterSeconds: 0 };
			try {
				const end = await sessions.finish(run, media, session, stored);
				return 'video' in end ? made(run, end.video) : await taken(run, end.stored);
			} catch (error) {
				if (!(error instanceof HttpFailure) || !isGone(error)) throw error;
				// Which the session may also be because an earlier call had finished it.
				if (attempts > 1) throw error.as('unknown');
				return { state: 'restart', reason: 'the upload has expired' };
			}
		},

		async reconcile(run, arming): Promise<ReconcileResult> {
			if (run.post.replyTo) return comments.reconcile(run, run.post.replyTo.rootId, arming);
			const { session } = stateSchema.parse(run.state);
			const known = session === null ? null : await sessions.probe(run, session, mediaOf(run).bytes);
			if (known === null) return lookUp(run, arming);
			if ('video' in known) return made(run, known.video);
			if (known.stored === mediaOf(run).bytes) return { state: 'waiting', afterSeconds: MAKING_SECONDS };
			// Incomplete: no video. Should the lost call still be on its way, the session makes one video all the same.
			await run.save({ ...run.state, stored: known.stored, tried: true });
			return { state: 'absent' };
		},

		after: {
			needed: (post) => post.replyTo === null,
			run: (run, { remoteId }) => addExtras(run, remoteId),
		},

		async look(run, remoteId): Promise<LookResult> {
			if (!VIDEO_ID.test(remoteId)) return comments.look(run, remoteId);
			const status = (await videos(run, [remoteId], 'status'))[0]?.status;
			if (!status) return { state: 'gone', reason: 'the video is not on YouTube any more' };
			const { uploadStatus, failureReason, rejectionReason } = status;
			if (uploadStatus === 'failed' || uploadStatus === 'rejected') return { state: 'gone', reason: `YouTube did not keep the video because ${whyEnded(failureReason ?? rejectionReason)}` };
			if (uploadStatus === 'deleted') return { state: 'gone', reason: 'the video was deleted' };
			const state = isWaiting(status, run.now()) ? 'scheduled' : 'published';
			// The address that is known stays: that of a Short cannot be told from here.
			return { state, remoteId, permalink: null, ...(status.privacyStatus === 'private' && state === 'published' ? { warnings: ['The video is private.'] } : {}) };
		},

		async remove(run, remoteId) {
			if (!VIDEO_ID.test(remoteId)) return comments.remove(run, remoteId);
			try {
				await send(run, { action: 'delete the video', effect: 'upload', method: 'DELETE', path: `/videos?id=${encodeURIComponent(remoteId)}`, schema: z.unknown() });
			} catch (error) {
				if (!(error instanceof HttpFailure) || error.status !== 404) throw error;
			}
		},

		async measure(run, remoteIds): Promise<ReadonlyMap<string, Engagement>> {
			const measured = new Map<string, Engagement>();
			for (const ids of pages(remoteIds.filter((id) => VIDEO_ID.test(id)))) {
				for (const { id, statistics } of await videos(run, ids, 'id,statistics')) {
					const { viewCount: views = null, likeCount: likes = null, commentCount: count = null } = statistics ?? {};
					measured.set(id, { views, likes, comments: count, shares: null, saves: null, clicks: null });
				}
			}
			for (const ids of pages(remoteIds.filter((id) => !VIDEO_ID.test(id)))) for (const [id, numbers] of await comments.measure(run, ids)) measured.set(id, numbers);
			return measured;
		},
	};
}

/** A private video with a time that lies ahead becomes public by itself. */
const isWaiting = ({ privacyStatus, publishAt }: { privacyStatus?: string | undefined; publishAt?: string | undefined }, now: Date): boolean =>
	privacyStatus === 'private' && publishAt !== undefined && Date.parse(publishAt) > now.getTime();

function isSame({ title, description }: { title: string; description: string }, { post }: PlatformRun): boolean {
	return comparable(title) === comparable(titleOf(post)) && comparable(description) === comparable(post.text);
}

const pages = (ids: readonly string[]): string[][] => Array.from({ length: Math.ceil(ids.length / PAGE_SIZE) }, (_, page) => ids.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE));
