import { basename } from 'node:path';
import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { MASTODON_DEFAULTS, type MediaLimits } from '../media/platform-limits.ts';
import { ask, type TypedRequest } from './call.ts';
import type { Http } from './http.ts';
import { HttpFailure, type Decision } from './outcome.ts';
import type { Account, AccountRun, CheckResult, FinishResult, Limits, Platform, PlatformRun, ReconcileResult } from './platform.ts';
import { comparable, countFediverse, textOfHtml } from './text.ts';

export interface MastodonOptions {
	/** The instance is named by the user: this must go through the SSRF guard. */
	http: Http;
	/** How long a call that was cut off may still be at work on the server. Default 10. */
	settleSeconds?: number;
}

/** The server remembers a key for an hour (platforms.md 10.3); five minutes less, for clocks. */
const KEY_SECONDS = 55 * 60;
/** Longest a publishing call may take: less than the lease of a claim. */
const PUBLISH_TIMEOUT_SECONDS = 30;
/** platforms.md 10.2: every 1 to 2 s, then back off. */
const FIRST_POLL_SECONDS = 1;
const LONGEST_POLL_SECONDS = 10;
const SCHEDULE_LEAD_SECONDS = 5 * 60;
/** 40 statuses a page. */
const STATUS_PAGES = 5;
const CLOCK_MARGIN_MS = 60_000;

const uploadSchema = z.object({ id: z.string(), ready: z.boolean(), polls: z.number() });
const stateSchema = z.object({ uploads: z.array(uploadSchema).default([]) });

const number = (fallback: number) => z.number().catch(fallback);
/** Of v2 and of v1; forks leave things out. Fallbacks: platforms.md 10.2 and 10.3. */
const instanceAnswer = z.object({
	max_toot_chars: z.number().optional().catch(undefined),
	configuration: z
		.object({
			statuses: z
				.object({ max_characters: z.number().optional().catch(undefined), max_media_attachments: number(MASTODON_DEFAULTS.attachments), characters_reserved_per_url: number(23) })
				.catch({ max_characters: undefined, max_media_attachments: MASTODON_DEFAULTS.attachments, characters_reserved_per_url: 23 }),
			media_attachments: z
				.object({
					supported_mime_types: z.array(z.string()).catch([]),
					image_size_limit: number(MASTODON_DEFAULTS.imageBytes),
					image_matrix_limit: number(MASTODON_DEFAULTS.imagePixels),
					video_size_limit: number(MASTODON_DEFAULTS.videoBytes),
					video_matrix_limit: number(MASTODON_DEFAULTS.videoPixels),
					video_frame_rate_limit: number(MASTODON_DEFAULTS.videoFrameRate),
					description_limit: number(1500),
				})
				.optional()
				.catch(undefined),
		})
		.optional()
		.catch(undefined),
});
type Instance = z.infer<typeof instanceAnswer>;

const DEFAULT_MIMES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'video/mp4', 'video/webm', 'video/quicktime', 'audio/mpeg', 'audio/ogg', 'audio/wav', 'audio/flac', 'audio/mp4'];

const statusSchema = z.object({
	id: z.string(),
	url: z.string().nullish(),
	uri: z.string().nullish(),
	created_at: z.string(),
	content: z.string().default(''),
	media_attachments: z.array(z.object({ id: z.string() })).default([]),
});
const accountAnswer = z.object({ id: z.string(), acct: z.string() });
const mediaAnswer = z.object({ id: z.string(), url: z.string().nullish() });
const scheduledSchema = z.object({ id: z.string(), scheduled_at: z.string() });

/** Mastodon and the servers that speak its API (platforms.md 10). */
export function createMastodon({ http, settleSeconds = 10 }: MastodonOptions): Platform {
	type Call<T> = Omit<TypedRequest<T>, 'url' | 'token'> & { path: string; token?: null };
	const send = <T>(run: AccountRun, { path, ...request }: Call<T>) => {
		if (!run.credentials.baseUrl) throw new PipelineError('invalid_request', 'secrets.base_url is missing: the address of the Mastodon server, e.g. https://mastodon.social.');
		return ask(http, { token: run.credentials.accessToken, ...request, url: new URL(path, run.credentials.baseUrl) }, run);
	};

	async function instance(run: AccountRun): Promise<Instance> {
		const read = async (path: string) =>
			(await send(run, { action: 'read the limits of the server', effect: 'read', method: 'GET', path, token: null, schema: instanceAnswer })).data;
		try {
			return await read('/api/v2/instance').catch((error: unknown) => {
				if (error instanceof HttpFailure && error.status === 404) return read('/api/v1/instance');
				throw error;
			});
		} catch (error) {
			if (!(error instanceof HttpFailure && error.status === 404)) throw error;
			throw new PipelineError('invalid_request', `${run.credentials.baseUrl} is not a Mastodon server. secrets.base_url must be its address, e.g. https://mastodon.social.`);
		}
	}

	return {
		name: 'mastodon',
		title: 'Mastodon',
		needsBaseUrl: true,
		settings: z.strictObject({}),

		async identify(run): Promise<Account | null> {
			try {
				const path = '/api/v1/accounts/verify_credentials';
				const { data } = await send(run, { action: 'read the account', effect: 'read', method: 'GET', path, schema: accountAnswer });
				return { id: data.id, name: data.acct };
			} catch (error) {
				// A token that may only write can post, too; only looking a post up after an hour needs the account.
				if (error instanceof HttpFailure && error.status === 403) return null;
				throw error;
			}
		},

		limits: async (run) => limitsOf(await instance(run)),

		async start(run) {
			const { uploads } = stateSchema.parse(run.state);
			for (const media of run.post.media.slice(uploads.length)) {
				const answer = await send(run, {
					schema: mediaAnswer,
					action: `upload file ${uploads.length + 1} of ${run.post.media.length}`,
					effect: 'upload',
					method: 'POST',
					path: '/api/v2/media',
					body: {
						kind: 'form',
						fields: [
							...(media.altText ? [{ name: 'description', value: media.altText }] : []),
							{ name: 'file', file: { path: media.path, start: 0, end: media.bytes, fileName: basename(media.path), mime: media.mime } },
						],
					},
					judge: judgeScope,
				});
				uploads.push({ id: answer.data.id, ready: answer.status === 200, polls: 0 });
				await run.save({ uploads });
				run.progress((uploads.length / run.post.media.length) * 100);
			}
		},

		async check(run): Promise<CheckResult> {
			const { uploads } = stateSchema.parse(run.state);
			for (const upload of uploads) {
				if (upload.ready) continue;
				const status = await mediaStatus(run, upload.id);
				if (status === 404) return { state: 'restart', reason: 'the media is not known any more' };
				if (status === 206) {
					upload.polls += 1;
					await run.save({ uploads });
					return { state: 'waiting', afterSeconds: Math.min(LONGEST_POLL_SECONDS, FIRST_POLL_SECONDS * 2 ** Math.min(upload.polls - 1, 10)) };
				}
				upload.ready = true;
				await run.save({ uploads });
			}
			return { state: 'ready' };
		},

		async finish(run, { attempts }): Promise<FinishResult> {
			const { uploads } = stateSchema.parse(run.state);
			const { text, visibility, language, sensitive, spoilerText, scheduledAt } = run.post;
			try {
				const answer = await send(run, {
					action: 'create the post',
					effect: 'publish',
					method: 'POST',
					path: '/api/v1/statuses',
					headers: { 'idempotency-key': run.operationKey },
					timeoutSeconds: PUBLISH_TIMEOUT_SECONDS,
					schema: z.union([scheduledSchema, statusSchema]),
					judge: judgeScope,
					body: {
						kind: 'json',
						value: {
							status: text,
							...(uploads.length > 0 ? { media_ids: uploads.map((upload) => upload.id) } : {}),
							...(visibility ? { visibility } : {}),
							...(language ? { language } : {}),
							...(sensitive ? { sensitive } : {}),
							...(spoilerText ? { spoiler_text: spoilerText } : {}),
							...(scheduledAt ? { scheduled_at: scheduledAt.toISOString() } : {}),
						},
					},
				});
				return 'scheduled_at' in answer.data ? { state: 'scheduled', remoteId: answer.data.id } : published(answer.data);
			} catch (error) {
				if (!(error instanceof HttpFailure) || error.status !== 422) throw error;
				if (/not finished processing/i.test(error.detail)) {
					await run.save({ uploads: uploads.map((upload) => ({ ...upload, ready: false })) });
					return { state: 'waiting', afterSeconds: FIRST_POLL_SECONDS };
				}
				// "… or already attached to another post": after an earlier call that may be ours.
				if (attempts === 1 && /media/i.test(error.detail) && /not found/i.test(error.detail)) return { state: 'restart', reason: error.detail };
				throw error;
			}
		},

		async reconcile(run, { openSince, firstArmedAt }): Promise<ReconcileResult> {
			const openSeconds = (run.now().getTime() - openSince.getTime()) / 1000;
			// The server stores the key after the status: a repeat must not overtake a call that is still at work.
			if (openSeconds < settleSeconds) return { state: 'waiting', afterSeconds: Math.min(5, settleSeconds) };
			if (openSeconds < KEY_SECONDS) return { state: 'repeat' };
			return lookUp(run, firstArmedAt);
		},
	};

	/** 200 ready, 206 processing, 404 unknown or attached already. */
	async function mediaStatus(run: PlatformRun, id: string): Promise<200 | 206 | 404> {
		try {
			const path = `/api/v1/media/${encodeURIComponent(id)}`;
			const answer = await send(run, { action: 'ask whether the media is ready', effect: 'read', method: 'GET', path, schema: mediaAnswer });
			return answer.status === 206 ? 206 : 200;
		} catch (error) {
			if (!(error instanceof HttpFailure)) throw error;
			if (error.status === 404) return 404;
			if (error.status === 422) throw new PipelineError('post_rejected', `Mastodon could not process the media${error.detail ? `: ${error.detail}` : ''}. Nothing was posted.`);
			throw error;
		}
	}

	/** After the key has expired: media that is still unattached proves absence; else the account's statuses tell. */
	async function lookUp(run: PlatformRun, since: Date): Promise<ReconcileResult> {
		const { uploads } = stateSchema.parse(run.state);
		const first = uploads[0];
		const unknown = (reason: string): ReconcileResult => ({ state: 'unknown', reason });
		if (run.post.scheduledAt) return unknown('a scheduled post cannot be looked up more than an hour later');
		if (first && (await mediaStatus(run, first.id)) !== 404) return { state: 'absent' };
		if (!run.account) return unknown('the token may not read the account (scope read:accounts)');
		const ids = uploads.map((upload) => upload.id);
		let maxId: string | null = null;
		for (let page = 0; page < STATUS_PAGES; page += 1) {
			const statuses = await statusesOf(run, run.account, maxId);
			if (!statuses) return unknown('the token may not read the posts of the account (scope read:statuses)');
			const recent = statuses.filter((status) => Date.parse(status.created_at) >= since.getTime() - CLOCK_MARGIN_MS);
			const mine = recent.find((status) => isSame(status, run.post.text, ids));
			if (mine) return published(mine);
			if (recent.length < statuses.length || statuses.length === 0) {
				return unknown(ids.length > 0 ? 'the media is attached to a post, or gone, but no such post was found' : 'no such post was found, and it may have been deleted');
			}
			maxId = statuses.at(-1)!.id;
		}
		return unknown('the account has too many newer posts to look through');
	}

	/** Null: not allowed. */
	async function statusesOf(run: PlatformRun, account: Account, maxId: string | null): Promise<Array<z.infer<typeof statusSchema>> | null> {
		const query = new URLSearchParams({ limit: '40', exclude_reblogs: 'true', ...(maxId ? { max_id: maxId } : {}) });
		const path = `/api/v1/accounts/${encodeURIComponent(account.id)}/statuses?${query}`;
		// What is public can be read without the scope, too.
		for (const anonymous of [{}, { token: null }]) {
			try {
				return (await send(run, { action: 'read the posts of the account', effect: 'read', method: 'GET', path, schema: z.array(statusSchema), ...anonymous })).data;
			} catch (error) {
				if (!(error instanceof HttpFailure) || (error.status !== 403 && error.status !== 401)) throw error;
			}
		}
		return null;
	}
}

/** Whether a status of the account is the one that was sent. */
export function isSame(status: z.infer<typeof statusSchema>, text: string, mediaIds: readonly string[]): boolean {
	if (mediaIds.length > 0) return mediaIds.every((id) => status.media_attachments.some((media) => media.id === id));
	// The host of a remote mention is shown only in its link.
	const withoutHosts = (shown: string) => comparable(shown).replace(/@([\w.-]+)@[\w.-]+/g, '@$1');
	return withoutHosts(textOfHtml(status.content)) === withoutHosts(text);
}

function published(status: z.infer<typeof statusSchema>): { state: 'published'; remoteId: string; permalink: string | null } {
	return { state: 'published', remoteId: status.id, permalink: status.url ?? status.uri ?? null };
}

/** 403 at a writing call: the token lacks `write:media` or `write:statuses`. */
const judgeScope = (status: number): Decision | undefined => (status === 403 ? 'reauth' : undefined);

function limitsOf(instance: Instance): Limits {
	const statuses = instance.configuration?.statuses;
	const media = instance.configuration?.media_attachments;
	const perUrl = statuses?.characters_reserved_per_url ?? 23;
	const mimes = media && media.supported_mime_types.length > 0 ? media.supported_mime_types : DEFAULT_MIMES;
	const image: MediaLimits = {
		count: statuses?.max_media_attachments ?? MASTODON_DEFAULTS.attachments,
		mimes,
		maxBytes: media?.image_size_limit ?? MASTODON_DEFAULTS.imageBytes,
		maxPixels: media?.image_matrix_limit ?? MASTODON_DEFAULTS.imagePixels,
	};
	const maxBytes = media?.video_size_limit ?? MASTODON_DEFAULTS.videoBytes;
	return {
		text: {
			max: statuses?.max_characters ?? instance.max_toot_chars ?? 500,
			unit: `characters (a link counts ${perUrl})`,
			count: (post) => countFediverse(post.text, perUrl) + countFediverse(post.spoilerText ?? '', perUrl),
		},
		maxAltText: media?.description_limit ?? 1500,
		media: {
			image,
			gif: { ...image, count: 1 },
			video: { count: 1, mimes, maxBytes, maxPixels: media?.video_matrix_limit ?? MASTODON_DEFAULTS.videoPixels, maxFrameRate: media?.video_frame_rate_limit ?? MASTODON_DEFAULTS.videoFrameRate },
			audio: { count: 1, mimes, maxBytes },
		},
		options: { visibility: ['public', 'unlisted', 'private', 'direct'], sensitive: true, spoilerText: true, scheduleLeadSeconds: SCHEDULE_LEAD_SECONDS },
	};
}
