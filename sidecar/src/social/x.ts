import { z } from 'zod';
import { VIDEO_PLATFORMS, X_GIF, X_IMAGE } from '../media/platform-limits.ts';
import { planSegments } from './body.ts';
import { ask, type TypedRequest } from './call.ts';
import type { Http } from './http.ts';
import { describeBody, HttpFailure, isRecord, type Decision } from './outcome.ts';
import type { AccountRun, Arming, CheckResult, FinishResult, Limits, Platform, PlatformRun, PostMedia, Published, ReconcileResult } from './platform.ts';
import { PipelineError } from '../errors.ts';
import { comparable, weightedLength, type ShortenedUrl } from './text.ts';
import { kindOf } from './validate.ts';

export interface XOptions {
	http: Http;
	/** Default https://api.x.com */
	apiBaseUrl?: string;
	/** Where posts are seen. Default https://x.com */
	webBaseUrl?: string;
	/** How long a post may take to appear in the timeline before its absence counts. Default 30. */
	settleSeconds?: number;
}

/** Larger requests are refused by X's edge with 413 (platforms.md 1.2). */
const SEGMENT_BYTES = 1024 * 1024;
/** An upload that expires sooner is made again: the post must be out before. */
const EXPIRY_MARGIN_MS = 5 * 60_000;
/** Longest a publishing call may take: less than the lease of a claim. */
const PUBLISH_TIMEOUT_SECONDS = 30;
/** Where X does not say when to ask again. */
const POLL_SECONDS = 5;
/** Clocks differ: the timeline is read from a minute before the call. */
const CLOCK_MARGIN_MS = 60_000;
/** 100 posts a page: more than an account may post in the time that matters. */
const TIMELINE_PAGES = 10;

/** platforms.md 1.5 */
const LIMITS: Limits = {
	text: { max: 280, unit: 'characters as X counts them (a link 23, an emoji or CJK character 2)', count: (post) => weightedLength(post.text) },
	maxAltText: 1000,
	media: { image: X_IMAGE, gif: X_GIF, video: VIDEO_PLATFORMS.x.video },
	options: { visibility: ['public'], sensitive: false, spoilerText: false, scheduleLeadSeconds: null },
};

const CATEGORIES: Record<string, string> = { image: 'tweet_image', gif: 'tweet_gif', video: 'tweet_video' };

const uploadSchema = z.object({
	id: z.string(),
	/** The best evidence that a post is ours. */
	key: z.string().nullable(),
	/** Milliseconds since 1970. */
	expiresAt: z.number(),
	/** Segments that X has. */
	segments: z.number(),
	finalized: z.boolean(),
	altText: z.boolean(),
	/** Not to be asked about before, milliseconds since 1970. Null: nothing (more) to wait for. */
	pollAt: z.number().nullable(),
});
type Upload = z.infer<typeof uploadSchema>;
const stateSchema = z.object({
	uploads: z.array(uploadSchema.nullable()).default([]),
	/** X has said "duplicate" to a repeat: the first call did post. */
	duplicate: z.boolean().default(false),
});

const accountAnswer = z.object({ data: z.object({ id: z.string(), username: z.string() }) });
const initializeAnswer = z.object({
	data: z.object({
		id: z.string(),
		media_key: z.string().optional(),
		/** X documents 86,400 for an unused upload. */
		expires_after_secs: z.number().default(86_400),
	}),
});
const processingAnswer = z.object({
	data: z.object({
		processing_info: z
			.object({
				state: z.enum(['pending', 'in_progress', 'succeeded', 'failed']),
				check_after_secs: z.number().optional(),
				error: z.object({ name: z.string().optional(), message: z.string().optional() }).optional(),
			})
			.optional(),
	}),
});
type Processing = z.infer<typeof processingAnswer>['data']['processing_info'];

const createAnswer = z.object({ data: z.object({ id: z.string() }) });
const postSchema = z.object({
	id: z.string(),
	text: z.string().default(''),
	attachments: z.object({ media_keys: z.array(z.string()).default([]) }).optional(),
	entities: z.object({ urls: z.array(z.object({ url: z.string(), expanded_url: z.string().default(''), media_key: z.string().optional() })).default([]) }).optional(),
});
/** No posts: only `meta`. */
const timelineAnswer = z.object({ data: z.array(postSchema).default([]), meta: z.object({ next_token: z.string().optional() }) });

/** X, API v2 (platforms.md 1). */
export function createX({ http, apiBaseUrl = 'https://api.x.com', webBaseUrl = 'https://x.com', settleSeconds = 30 }: XOptions): Platform {
	type Call<T> = Omit<TypedRequest<T>, 'url' | 'token'> & { path: string };
	const send = <T>(run: AccountRun, { path, ...request }: Call<T>) =>
		ask(http, { judge, ...request, url: `${apiBaseUrl.replace(/\/$/, '')}${path}`, token: run.credentials.accessToken }, run);

	const permalink = (run: PlatformRun, id: string) => `${webBaseUrl.replace(/\/$/, '')}/${run.account?.name ?? 'i'}/status/${id}`;
	const published = (run: PlatformRun, id: string): Published => ({ state: 'published', remoteId: id, permalink: permalink(run, id) });

	async function uploadOne(run: PlatformRun, media: PostMedia, known: Upload | null, keep: (upload: Upload) => Promise<void>, part: (done: number) => void): Promise<void> {
		let upload = known;
		if (!upload) {
			const { data: answer } = await send(run, {
				action: 'begin the upload',
				effect: 'upload',
				method: 'POST',
				path: '/2/media/upload/initialize',
				schema: initializeAnswer,
				body: { kind: 'json', value: { media_type: media.mime, total_bytes: media.bytes, media_category: CATEGORIES[kindOf(media)] } },
				judge: judgeMedia,
			});
			const { id, media_key: key = null, expires_after_secs: lifeSeconds } = answer.data;
			const expiresAt = run.now().getTime() + lifeSeconds * 1000;
			upload = { id, key, expiresAt, segments: 0, finalized: false, altText: false, pollAt: null };
			await keep(upload);
		}
		const base = `/2/media/upload/${encodeURIComponent(upload.id)}`;
		const segments = planSegments(media.bytes, SEGMENT_BYTES);
		for (const { index, start, end } of segments.slice(upload.segments)) {
			await send(run, {
				action: `upload part ${index + 1} of ${segments.length}`,
				effect: 'upload',
				method: 'POST',
				path: `${base}/append`,
				schema: z.unknown(),
				body: {
					kind: 'form',
					fields: [
						{ name: 'segment_index', value: String(index) },
						{ name: 'media', file: { path: media.path, start, end, fileName: 'media', mime: 'application/octet-stream' } },
					],
				},
				judge: judgeMedia,
			});
			upload = { ...upload, segments: index + 1 };
			await keep(upload);
			part((index + 1) / segments.length);
		}
		if (!upload.finalized) {
			// Without a JSON body X answers 400 (platforms.md 1.2).
			const { data } = await send(run, {
				action: 'finish the upload',
				effect: 'upload',
				method: 'POST',
				path: `${base}/finalize`,
				body: { kind: 'json', value: {} },
				schema: processingAnswer,
				judge: judgeMedia,
			});
			upload = { ...upload, finalized: true, pollAt: pollAt(data.data.processing_info, run.now()) };
			await keep(upload);
		}
		if (media.altText && !upload.altText) {
			await send(run, {
				action: 'set the alternative text',
				effect: 'upload',
				method: 'POST',
				path: '/2/media/metadata',
				schema: z.unknown(),
				body: { kind: 'json', value: { id: upload.id, metadata: { alt_text: { text: media.altText } } } },
				judge: judgeMedia,
			});
			await keep({ ...upload, altText: true });
		}
	}

	return {
		name: 'x',
		title: 'X',
		needsBaseUrl: false,
		settings: z.strictObject({}),

		async identify(run) {
			const { data } = await send(run, { action: 'read the account', effect: 'read', method: 'GET', path: '/2/users/me', schema: accountAnswer, judge: judgeScope });
			return { id: data.data.id, name: data.data.username };
		},

		limits: async () => LIMITS,

		async start(run) {
			const saved = stateSchema.parse(run.state);
			const total = run.post.media.length;
			for (const [index, media] of run.post.media.entries()) {
				const usable = (upload: Upload | null | undefined) => (upload && upload.expiresAt > run.now().getTime() + EXPIRY_MARGIN_MS ? upload : null);
				const keep = (upload: Upload | null) => {
					const state = stateSchema.parse(run.state);
					state.uploads[index] = upload;
					return run.save({ ...state, uploads: Array.from(state.uploads, (entry) => entry ?? null) });
				};
				const part = (done: number) => run.progress(((index + done) / total) * 100);
				const known = usable(saved.uploads[index]);
				try {
					await uploadOne(run, media, known, keep, part);
				} catch (error) {
					// X forgot what a former process had begun: once more from the start.
					if (!known || known.finalized || !(error instanceof HttpFailure) || ![400, 404].includes(error.status ?? 0)) throw error;
					await keep(null);
					await uploadOne(run, media, null, keep, part);
				}
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
					const { data } = await send(run, { action: 'ask whether the media is ready', effect: 'read', method: 'GET', path, schema: processingAnswer, judge: judgeMedia });
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

		async finish(run, { attempts }): Promise<FinishResult> {
			const state = stateSchema.parse(run.state);
			const ids = state.uploads.flatMap((upload) => (upload ? [upload.id] : []));
			const value = { text: run.post.text, ...(ids.length > 0 ? { media: { media_ids: ids } } : {}) };
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
					return { state: 'restart', reason: error.detail };
				}
				throw error;
			}
		},

		async reconcile(run, arming): Promise<ReconcileResult> {
			const state = stateSchema.parse(run.state);
			const keys = state.uploads.flatMap((upload) => (upload?.key ? [upload.key] : []));
			const found = await findOwnPost(run, arming, keys);
			if (found.id) return published(run, found.id);
			if (state.duplicate) return { state: 'unknown', reason: 'X says that the account has this text already, but the post is not in its timeline' };
			if (!found.complete) return { state: 'unknown', reason: 'the account has too many newer posts to look through' };
			const settledAt = arming.openSince.getTime() + settleSeconds * 1000;
			if (run.now().getTime() < settledAt) return { state: 'waiting', afterSeconds: Math.min(5, settleSeconds) };
			return { state: 'absent' };
		},
	};

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

/** When to look again; null: ready. */
function pollAt(processing: Processing, now: Date): number | null {
	if (!processing || processing.state === 'succeeded') return null;
	if (processing.state === 'failed') {
		const { name, message } = processing.error ?? {};
		throw new PipelineError('post_rejected', `X could not process the media: ${[name, message].filter(Boolean).join(', ') || 'no reason given'}. Nothing was posted.`, {
			details: { platform_code: name ?? null },
		});
	}
	return now.getTime() + (processing.check_after_secs ?? POLL_SECONDS) * 1000;
}

const isDuplicate = (failure: HttpFailure): boolean => failure.status === 403 && /duplicate/i.test(describeBody(failure.body));

/** A spent billing cap also comes as 429, but waiting does not help (platforms.md 1.6). */
function judge(status: number, body: unknown): Decision | undefined {
	return status === 429 && isRecord(body) && String(body['type']).endsWith('usage-capped') ? 'stop' : undefined;
}

/** 403 at these calls means that the token lacks a scope: users.read, or media.write which n8n's own X credential does not ask for. */
const judgeScope = (status: number, body: unknown): Decision | undefined => (status === 403 ? 'reauth' : judge(status, body));
const judgeMedia = judgeScope;
