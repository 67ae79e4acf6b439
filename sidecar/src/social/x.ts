import { z } from 'zod';
import { limitProblems } from '../media/platform-check.ts';
import { VIDEO_PLATFORMS, X_GIF, X_IMAGE } from '../media/platform-limits.ts';
import { ask } from './call.ts';
import type { Http } from './http.ts';
import { HttpFailure } from './outcome.ts';
import type { AccountRun, Arming, CheckResult, Engagement, FinishResult, Limits, LookResult, Platform, PlatformRun, Post, PostProblem, Published, ReconcileResult } from './platform.ts';
import { PipelineError } from '../errors.ts';
import { comparable, weightedLength, type ShortenedUrl } from './text.ts';
import { isDuplicate, judgeX } from './x/errors.ts';
import { languageCode, pollAt, processingAnswer, uploadMedia, uploadSchema, type Processing, type Upload, type XSend } from './x/upload.ts';

export interface XOptions {
	http: Http;
	/** Default https://api.x.com */
	apiBaseUrl?: string;
	/** Where posts are seen. Default https://x.com */
	webBaseUrl?: string;
	/** How long after the call a post may appear in the timeline before its absence counts. Default 75: 45 more than is waited for the answer. */
	settleSeconds?: number;
}

/** Longest a publishing call may take: less than the lease of a claim. */
const PUBLISH_TIMEOUT_SECONDS = 30;
/** Clocks differ: the timeline is read from a minute before the call. */
const CLOCK_MARGIN_MS = 60_000;
/** 100 posts a page: more than an account may post in the time that matters. */
const TIMELINE_PAGES = 10;
/** Posts that one call tells of (platforms.md 1.6). */
const LOOKUP_IDS = 100;
/** Nothing is documented; the call attaches one at a time (unconfirmed). */
const MAX_TRACKS = 10;

/** platforms.md 1.5 */
const LIMITS: Limits = {
	text: { max: 280, unit: 'characters as X counts them (a link 23, an emoji or CJK character 2)', count: (post) => weightedLength(post.text) },
	maxAltText: 1000,
	media: { image: X_IMAGE, gif: X_GIF, video: VIDEO_PLATFORMS.x.video },
	videoPreset: 'x',
	options: { visibility: ['public'], sensitive: false, spoilerText: false, scheduleLeadSeconds: null, subtitles: MAX_TRACKS, replies: 'thread' },
};

/** platforms.md 1.4 */
const settingsSchema = z.strictObject({
	reply_settings: z
		.enum(['following', 'mentionedUsers', 'subscribers', 'verified'])
		.optional()
		.describe('Who may answer, beside the people who are mentioned: those whom the account follows, nobody else, its subscribers, or verified accounts. Absent: everyone.'),
	made_with_ai: z.boolean().default(false).describe('Marks the media as made with AI.'),
	paid_partnership: z.boolean().default(false).describe('Marks the post as a paid partnership.'),
});

const stateSchema = z.object({
	uploads: z.array(uploadSchema.nullable()).default([]),
	/** The picture that is shown before the video plays. */
	cover: uploadSchema.nullable().default(null),
	/** X has said "duplicate" to a repeat: the first call did post. */
	duplicate: z.boolean().default(false),
});

const accountAnswer = z.object({ data: z.object({ id: z.string(), username: z.string() }) });
const createAnswer = z.object({ data: z.object({ id: z.string() }) });
const postSchema = z.object({
	id: z.string(),
	text: z.string().default(''),
	attachments: z.object({ media_keys: z.array(z.string()).default([]) }).optional(),
	entities: z.object({ urls: z.array(z.object({ url: z.string(), expanded_url: z.string().default(''), media_key: z.string().optional() })).default([]) }).optional(),
});
/** No posts: only `meta`. */
const timelineAnswer = z.object({ data: z.array(postSchema).default([]), meta: z.object({ next_token: z.string().optional() }) });

const count = z.number().nullish().catch(null);
/** Posts that cannot be told of stand in `errors` alone. */
const lookupAnswer = z.object({
	data: z
		.array(
			z.object({
				id: z.string(),
				public_metrics: z.object({ like_count: count, reply_count: count, retweet_count: count, quote_count: count, bookmark_count: count, impression_count: count }).optional(),
				non_public_metrics: z.object({ impression_count: count, url_link_clicks: count }).optional(),
			}),
		)
		.default([]),
	errors: z.array(z.object({ resource_id: z.string().optional(), value: z.string().optional(), type: z.string().default('') })).default([]),
});
type Looked = z.infer<typeof lookupAnswer>['data'][number];
const deleteAnswer = z.object({ data: z.object({ deleted: z.boolean() }) });

/** X, API v2 (platforms.md 1). */
export function createX({ http, apiBaseUrl = 'https://api.x.com', webBaseUrl = 'https://x.com', settleSeconds = 75 }: XOptions): Platform {
	const send: XSend = (run, { path, ...request }) =>
		ask(http, { judge: judgeX(request.effect), ...request, url: `${apiBaseUrl.replace(/\/$/, '')}${path}`, token: run.credentials.accessToken }, run);

	const permalink = (run: AccountRun, id: string) => `${webBaseUrl.replace(/\/$/, '')}/${run.account?.name ?? 'i'}/status/${id}`;
	const published = (run: AccountRun, id: string): Published => ({ state: 'published', remoteId: id, permalink: permalink(run, id) });

	async function lookUp(run: AccountRun, ids: readonly string[], fields: string) {
		const query = new URLSearchParams({ ids: ids.join(), ...(fields ? { 'tweet.fields': fields } : {}) });
		return (await send(run, { action: 'read the posts', effect: 'read', method: 'GET', path: `/2/tweets?${query}`, schema: lookupAnswer })).data;
	}

	return {
		name: 'x',
		title: 'X',
		needsBaseUrl: false,
		settings: settingsSchema,

		async identify(run) {
			const { data } = await send(run, { action: 'read the account', effect: 'read', method: 'GET', path: '/2/users/me', schema: accountAnswer });
			return { id: data.data.id, name: data.data.username };
		},

		limits: async (run) => ({ ...LIMITS, options: { ...LIMITS.options, cover: hasVideo(run.post) }, problems: [...subtitleProblems(run.post), ...coverProblems(run.post)] }),

		async start(run) {
			const saved = stateSchema.parse(run.state);
			const total = run.post.media.length;
			for (const [index, media] of run.post.media.entries()) {
				const keep = (upload: Upload | null) => {
					const state = stateSchema.parse(run.state);
					state.uploads[index] = upload;
					return run.save({ ...state, uploads: Array.from(state.uploads, (entry) => entry ?? null) });
				};
				const part = (done: number) => run.progress(((index + done) / total) * 100);
				const subtitles = media.facts.fileType === 'video' ? run.post.subtitles : [];
				await uploadMedia(send, saved.uploads[index] ?? null, { run, media, subtitles, keep, part });
			}
			if (run.post.cover) {
				const keep = (cover: Upload | null) => run.save({ ...stateSchema.parse(run.state), cover });
				await uploadMedia(send, saved.cover, { run, media: { ...run.post.cover, altText: null }, subtitles: [], keep, part: () => {} });
			}
		},

		async check(run): Promise<CheckResult> {
			const state = stateSchema.parse(run.state);
			for (const [index, upload] of state.uploads.entries()) {
				// STATUS on media that is not processed answers 400: ask only where there is something to wait for.
				if (!upload || upload.pollAt === null) continue;
				const early = upload.pollAt - run.now().getTime();
				if (early > 0) return { state: 'waiting', afterSeconds: early / 1000 };
				let processing: Processing;
				try {
					const path = `/2/media/upload?command=STATUS&media_id=${encodeURIComponent(upload.id)}`;
					const { data } = await send(run, { action: 'ask whether the media is ready', effect: 'read', method: 'GET', path, schema: processingAnswer });
					processing = data.data.processing_info;
				} catch (error) {
					if (error instanceof HttpFailure && error.status === 404) return { state: 'restart', reason: 'the media is not known any more' };
					throw error;
				}
				const next = pollAt(processing, run.now());
				state.uploads[index] = { ...upload, pollAt: next };
				await run.save(state);
				if (next !== null) return { state: 'waiting', afterSeconds: (next - run.now().getTime()) / 1000 };
			}
			return { state: 'ready' };
		},

		async finish(run, arming): Promise<FinishResult> {
			const { attempts } = arming;
			const state = stateSchema.parse(run.state);
			const ids = state.uploads.flatMap((upload) => (upload ? [upload.id] : []));
			const { reply_settings, made_with_ai, paid_partnership } = settingsSchema.parse(run.settings);
			const { text, replyTo } = run.post;
			const value = {
				text,
				...(ids.length > 0 ? { media: { media_ids: ids, ...(state.cover ? { preview_media_id: state.cover.id } : {}) } } : {}),
				// Who may answer is a matter of the thread's first post.
				...(replyTo ? { reply: { in_reply_to_tweet_id: replyTo.remoteId } } : reply_settings ? { reply_settings } : {}),
				...(made_with_ai ? { made_with_ai } : {}),
				...(paid_partnership ? { paid_partnership } : {}),
			};
			try {
				const { data } = await send(run, {
					action: 'create the post',
					effect: 'publish',
					method: 'POST',
					path: '/2/tweets',
					schema: createAnswer,
					body: { kind: 'json', value },
					timeoutSeconds: PUBLISH_TIMEOUT_SECONDS,
				});
				return published(run, data.data.id);
			} catch (error) {
				if (!(error instanceof HttpFailure) || error.decision !== 'stop') throw error;
				if (isDuplicate(error) && attempts > 1) {
					await run.save({ ...state, duplicate: true });
					throw error.as('unknown');
				}
				if (error.status === 400 && ids.length > 0 && /media/i.test(error.detail) && /invalid|expired|not found/i.test(error.detail)) {
					// With other media a post that came out late would not be found again: once more a look before they are given up.
					const late = attempts > 1 ? await findOwnPost(run, arming, keysOf(state)) : null;
					if (late?.id) return published(run, late.id);
					return { state: 'restart', reason: error.detail };
				}
				throw error;
			}
		},

		async reconcile(run, arming): Promise<ReconcileResult> {
			const state = stateSchema.parse(run.state);
			const found = await findOwnPost(run, arming, keysOf(state));
			if (found.id) return published(run, found.id);
			if (!found.complete) return { state: 'unknown', reason: 'the account has too many newer posts to look through' };
			const settledAt = arming.openSince.getTime() + settleSeconds * 1000;
			if (run.now().getTime() < settledAt) return { state: 'waiting', afterSeconds: Math.min(5, settleSeconds) };
			if (state.duplicate) return { state: 'unknown', reason: 'X says that the account has this text already, but the post is not in its timeline' };
			return { state: 'absent' };
		},

		async look(run, remoteId): Promise<LookResult> {
			const { data } = await lookUp(run, [remoteId], '');
			return data.some(({ id }) => id === remoteId) ? published(run, remoteId) : { state: 'gone', reason: 'The post has been deleted on X, or is not visible any more.' };
		},

		async remove(run, remoteId) {
			const path = `/2/tweets/${encodeURIComponent(remoteId)}`;
			try {
				const { data } = await send(run, { action: 'delete the post', effect: 'upload', method: 'DELETE', path, schema: deleteAnswer });
				if (data.data.deleted) return;
			} catch (error) {
				if (!(error instanceof HttpFailure && error.status === 404)) throw error;
			}
			// "Not deleted" is also said of a post that is gone already.
			const { data } = await lookUp(run, [remoteId], '');
			if (data.length > 0) throw new PipelineError('post_rejected', 'X did not delete the post, and gives no reason. Delete it on x.com.');
		},

		async measure(run, remoteIds) {
			const found = new Map<string, Engagement>();
			for (let at = 0; at < remoteIds.length; at += LOOKUP_IDS) {
				for (const post of await metricsOf(run, remoteIds.slice(at, at + LOOKUP_IDS))) found.set(post.id, engagement(post));
			}
			return found;
		},
	};

	/** Clicks are told to the author alone, and of posts of the last 30 days only: X leaves the others out of such an answer. */
	async function metricsOf(run: AccountRun, ids: readonly string[]): Promise<Looked[]> {
		const { data, errors } = await lookUp(run, ids, 'public_metrics,non_public_metrics');
		const older = errors.flatMap(({ type, resource_id, value }) => (/not-authorized/.test(type) ? (resource_id ?? value ?? []) : []));
		const left = ids.filter((id) => older.includes(id));
		return left.length === 0 ? data : [...data, ...(await lookUp(run, left, 'public_metrics')).data];
	}

	/** Looks through the posts made since the first publishing call: same media (exact), or same text where there is none. */
	async function findOwnPost(run: PlatformRun, arming: Arming, keys: string[]): Promise<{ id: string | null; complete: boolean }> {
		if (!run.account) throw new PipelineError('internal', 'The account of a post on X is not known.');
		const since = new Date(arming.firstArmedAt.getTime() - CLOCK_MARGIN_MS).toISOString().replace(/\.\d+Z$/, 'Z');
		const query = new URLSearchParams({ max_results: '100', start_time: since, 'tweet.fields': 'attachments,created_at,entities', expansions: 'attachments.media_keys' });
		for (let page = 0; page < TIMELINE_PAGES; page += 1) {
			const path = `/2/users/${encodeURIComponent(run.account.id)}/tweets?${query}`;
			const answer = await send(run, { action: 'read the timeline of the account', effect: 'read', method: 'GET', path, schema: timelineAnswer });
			const { data, meta } = answer.data;
			const mine = data.find((post) => isSame(post, run.post.text, keys));
			if (mine) return { id: mine.id, complete: true };
			if (!meta.next_token) return { id: null, complete: true };
			query.set('pagination_token', meta.next_token);
		}
		return { id: null, complete: false };
	}
}

const keysOf = ({ uploads }: z.infer<typeof stateSchema>): string[] => uploads.flatMap((upload) => (upload?.key ? [upload.key] : []));

/** Whether a post of the timeline is the one that was sent. */
export function isSame(post: z.infer<typeof postSchema>, text: string, mediaKeys: readonly string[]): boolean {
	if (mediaKeys.length > 0) return mediaKeys.every((key) => post.attachments?.media_keys.includes(key));
	const links: ShortenedUrl[] = (post.entities?.urls ?? []).map(({ url, expanded_url, media_key }) => ({
		url,
		expandedUrl: expanded_url,
		media: media_key !== undefined || /\/status\/\d+\/(photo|video)\/\d+$/.test(expanded_url),
	}));
	return comparable(post.text, links) === comparable(text);
}

const hasVideo = ({ media }: Pick<Post, 'media'>): boolean => media.some(({ facts }) => facts.fileType === 'video');

/** That `preview_media_id` takes what a post takes as picture is not documented (unconfirmed). */
function coverProblems({ cover }: Post): PostProblem[] {
	if (!cover) return [];
	return limitProblems({ ...cover.facts, mime: cover.mime, bytes: cover.bytes }, X_IMAGE).map(({ message }) => ({ field: 'cover', message: `X: ${message}` }));
}

function subtitleProblems({ subtitles, media }: Post): PostProblem[] {
	if (subtitles.length === 0) return [];
	if (!hasVideo({ media })) return [{ field: 'subtitles', message: 'Only a video has subtitles on X. Leave them out.' }];
	const codes = subtitles.map(({ language }) => languageCode(language));
	return subtitles.flatMap(({ language }, index) => {
		const field = `subtitles[${index}]`;
		if (codes[index] === null) return [{ field, message: `X names the language of subtitles by two letters; "${language}" has no such name.` }];
		return codes.indexOf(codes[index]!) < index ? [{ field, message: `X takes one track per language; there is another one for "${language}".` }] : [];
	});
}

function engagement({ public_metrics: open, non_public_metrics: own }: Looked): Engagement {
	const shared = open?.retweet_count == null ? null : open.retweet_count + (open.quote_count ?? 0);
	return {
		views: open?.impression_count ?? own?.impression_count ?? null,
		likes: open?.like_count ?? null,
		comments: open?.reply_count ?? null,
		shares: shared,
		saves: open?.bookmark_count ?? null,
		clicks: own?.url_link_clicks ?? null,
	};
}
