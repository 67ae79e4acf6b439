import { basename } from 'node:path';
import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { ask } from './call.ts';
import type { FormField } from './body.ts';
import type { Http } from './http.ts';
import { coverProblems, isMastodon, limitsOf, readInstance, type MastodonSend } from './mastodon-instance.ts';
import { describeBody, HttpFailure, type Judgement } from './outcome.ts';
import type { Account, AccountRun, CheckResult, Engagement, FinishResult, LookResult, Platform, PlatformRun, PostMedia, PostRecord, Published, ReconcileResult } from './platform.ts';
import { unsettledMs } from './settle.ts';
import { comparable, textOfHtml } from './text.ts';

export interface MastodonOptions {
	/** The instance is named by the user: this must go through the SSRF guard. */
	http: Http;
	/** How long a call that was cut off may still be at work on the server. Default 45: longer than is waited for its answer. */
	settleSeconds?: number;
}

/** The server remembers a key for an hour (platforms.md 10.3); five minutes less, for clocks. */
const KEY_SECONDS = 55 * 60;
/** Longest a publishing call may take: less than the lease of a claim. */
const PUBLISH_TIMEOUT_SECONDS = 30;
/** platforms.md 10.2: every 1 to 2 s, then back off. */
const FIRST_POLL_SECONDS = 1;
const LONGEST_POLL_SECONDS = 10;
/** 40 statuses a page. */
const STATUS_PAGES = 5;
const CLOCK_MARGIN_MS = 60_000;
/** A busy server publishes what is due with a delay. */
const PUBLISHED_WITHIN_MS = 30 * 60_000;

const uploadSchema = z.object({ id: z.string(), ready: z.boolean(), polls: z.number() });
const stateSchema = z.object({
	uploads: z.array(uploadSchema).default([]),
	/** When the last repeat was sent, milliseconds since 1970. */
	sentAt: z.number().nullable().default(null),
});

const count = z.number().nullish().catch(null);
const statusSchema = z.object({
	id: z.string(),
	url: z.string().nullish(),
	uri: z.string().nullish(),
	created_at: z.string(),
	content: z.string().default(''),
	media_attachments: z.array(z.object({ id: z.string() })).default([]),
	favourites_count: count,
	reblogs_count: count,
	replies_count: count,
	/** Since 4.5. */
	quotes_count: count,
});
type Status = z.infer<typeof statusSchema>;
const accountAnswer = z.object({ id: z.string(), acct: z.string() });
const mediaAnswer = z.object({ id: z.string(), url: z.string().nullish() });
const scheduledSchema = z.object({ id: z.string(), scheduled_at: z.string() });
const listedSchema = scheduledSchema.extend({ params: z.object({ text: z.string().nullish() }), media_attachments: z.array(z.object({ id: z.string() })).default([]) });

/** Mastodon and the servers that speak its API (platforms.md 10). */
export function createMastodon({ http, settleSeconds = 45 }: MastodonOptions): Platform {
	const send: MastodonSend = (run, { path, ...request }) => {
		if (!run.credentials.baseUrl) throw new PipelineError('invalid_request', 'secrets.base_url is missing: the address of the Mastodon server, e.g. https://mastodon.social.');
		return ask(http, { judge: judgeRefusal, token: run.credentials.accessToken, ...request, url: new URL(path, run.credentials.baseUrl) }, run);
	};

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

		async limits(run) {
			const instance = await readInstance(send, run);
			return { ...limitsOf(instance), problems: coverProblems(run.post, instance) };
		},

		async start(run) {
			const { uploads, sentAt } = stateSchema.parse(run.state);
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
							...(run.post.cover && media.facts.fileType === 'video' ? [fileField('thumbnail', run.post.cover)] : []),
							fileField('file', media),
						],
					},
					judge: judgeScope,
				});
				uploads.push({ id: answer.data.id, ready: answer.status === 200, polls: 0 });
				await run.save({ uploads, sentAt });
				run.progress((uploads.length / run.post.media.length) * 100);
			}
		},

		async check(run): Promise<CheckResult> {
			const { uploads, sentAt } = stateSchema.parse(run.state);
			for (const upload of uploads) {
				if (upload.ready) continue;
				const status = await mediaStatus(run, upload.id);
				if (status === 404) return { state: 'restart', reason: 'the media is not known any more' };
				if (status === 206) {
					upload.polls += 1;
					await run.save({ uploads, sentAt });
					return { state: 'waiting', afterSeconds: Math.min(LONGEST_POLL_SECONDS, FIRST_POLL_SECONDS * 2 ** Math.min(upload.polls - 1, 10)) };
				}
				upload.ready = true;
				await run.save({ uploads, sentAt });
			}
			return { state: 'ready' };
		},

		async finish(run, { attempts }): Promise<FinishResult> {
			const { uploads } = stateSchema.parse(run.state);
			const sentAt = attempts > 1 ? run.now().getTime() : null;
			if (attempts > 1) await run.save({ uploads, sentAt });
			const { text, visibility, language, sensitive, spoilerText, scheduledAt, replyTo } = run.post;
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
							...(replyTo ? { in_reply_to_id: replyTo.remoteId } : {}),
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
					await run.save({ uploads: uploads.map((upload) => ({ ...upload, ready: false })), sentAt });
					return { state: 'waiting', afterSeconds: FIRST_POLL_SECONDS };
				}
				// "… or already attached to another post": after an earlier call that may be ours.
				if (attempts === 1 && /media/i.test(error.detail) && /not found/i.test(error.detail)) return { state: 'restart', reason: error.detail };
				throw error;
			}
		},

		async reconcile(run, { openSince, firstArmedAt }): Promise<ReconcileResult> {
			const openSeconds = (run.now().getTime() - openSince.getTime()) / 1000;
			const { sentAt } = stateSchema.parse(run.state);
			// The server stores the key after the status: a repeat must not overtake a call that is still at work, nor an earlier repeat.
			const early = unsettledMs({ openSince, sentAt, now: run.now(), seconds: settleSeconds });
			if (early > 0) return { state: 'waiting', afterSeconds: Math.min(5, early / 1000) };
			const genuine = isMastodon(await readInstance(send, run));
			if (genuine && openSeconds < KEY_SECONDS) return { state: 'repeat' };
			return lookUp(run, firstArmedAt, genuine);
		},

		async look(run, remoteId, record): Promise<LookResult> {
			if (record?.scheduledFor) return lookScheduled(run, remoteId, record.scheduledFor, record);
			const status = await statusOf(run, remoteId);
			return status ? published(status) : { state: 'gone', reason: 'The post has been deleted on Mastodon.' };
		},

		async remove(run, remoteId, status) {
			const scheduled = status === 'scheduled';
			const path = `/api/v1/${scheduled ? 'scheduled_statuses' : 'statuses'}/${encodeURIComponent(remoteId)}`;
			try {
				await send(run, { action: 'delete the post', effect: 'upload', method: 'DELETE', path, schema: z.unknown(), judge: judgeScope });
			} catch (error) {
				if (!(error instanceof HttpFailure && error.status === 404)) throw error;
				// When its time has come, it is out under another id.
				if (scheduled) throw new PipelineError('conflict', 'The post is not scheduled any more: it is out by now, or was taken away on the server. Ask for its status (Get Status), then delete it.');
			}
		},

		async measure(run, remoteIds) {
			const found = new Map<string, Engagement>();
			for (const remoteId of remoteIds) {
				const status = await statusOf(run, remoteId);
				if (status) found.set(remoteId, engagement(status));
			}
			return found;
		},
	};

	/** Null: there is no such status. */
	async function statusOf(run: AccountRun, id: string): Promise<Status | null> {
		// What is public can be read without the scope read:statuses, too.
		for (const anonymous of [{}, { token: null }]) {
			try {
				return (await send(run, { action: 'read the post', effect: 'read', method: 'GET', path: `/api/v1/statuses/${encodeURIComponent(id)}`, schema: statusSchema, ...anonymous })).data;
			} catch (error) {
				if (error instanceof HttpFailure && error.status === 404) return null;
				if (!(error instanceof HttpFailure && error.status === 403) || 'token' in anonymous) throw error;
			}
		}
		return null;
	}

	/** A scheduled post that is published has a new id, under which nobody is told of it: it is found by its text and its time. */
	async function lookScheduled(run: AccountRun, id: string, at: Date, { text }: PostRecord): Promise<LookResult> {
		try {
			const path = `/api/v1/scheduled_statuses/${encodeURIComponent(id)}`;
			await send(run, { action: 'read the scheduled post', effect: 'read', method: 'GET', path, schema: z.object({ id: z.string() }), judge: judgeScope });
			return { state: 'scheduled', remoteId: id };
		} catch (error) {
			if (!(error instanceof HttpFailure && error.status === 404)) throw error;
		}
		const account = run.account;
		const statuses = account && run.now() >= at ? await statusesOf(run, account, null) : [];
		const window = [at.getTime() - CLOCK_MARGIN_MS, at.getTime() + PUBLISHED_WITHIN_MS] as const;
		const mine = (statuses ?? []).find((status) => {
			const made = Date.parse(status.created_at);
			return made >= window[0] && made <= window[1] && isSame(status, text, []);
		});
		if (mine) return published(mine);
		if (!account || !statuses) return { state: 'scheduled', remoteId: id, warnings: ['It is not scheduled any more, but the token may not read the posts of the account (scopes read:accounts and read:statuses).'] };
		const late = run.now().getTime() > at.getTime() && run.now().getTime() < at.getTime() + PUBLISHED_WITHIN_MS;
		return late ? { state: 'scheduled', remoteId: id } : { state: 'gone', reason: 'It is not scheduled any more, and no such post is on the account: it was taken away on Mastodon.' };
	}

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

	/**
	 * After the key has expired: media that is still unattached proves absence; else the account's statuses tell. `genuine`: of other servers
	 * it is not known whether they keep keys, and whether they tell attached media apart.
	 */
	async function lookUp(run: PlatformRun, since: Date, genuine: boolean): Promise<ReconcileResult> {
		const { uploads } = stateSchema.parse(run.state);
		const first = uploads[0];
		const unknown = (reason: string): ReconcileResult => ({ state: 'unknown', reason });
		const { scheduledAt } = run.post;
		if (scheduledAt) {
			const listed = await findScheduled(run, scheduledAt, uploads.map((upload) => upload.id));
			if (listed) return listed;
			if (run.now() < scheduledAt) return unknown('it is not in the list of scheduled posts, but may have been taken away there');
		}
		// What only waits for its time is unattached, too.
		if (genuine && !scheduledAt && first && (await mediaStatus(run, first.id)) !== 404) return { state: 'absent' };
		if (!run.account) return unknown('the token may not read the account (scope read:accounts)');
		const ids = uploads.map((upload) => upload.id);
		let maxId: string | null = null;
		for (let page = 0; page < STATUS_PAGES; page += 1) {
			const statuses = await statusesOf(run, run.account, maxId);
			if (!statuses) return unknown('the token may not read the posts of the account (scope read:statuses)');
			const recent = statuses.filter((status) => Date.parse(status.created_at) >= since.getTime() - CLOCK_MARGIN_MS);
			const alike = (status: Status) => !genuine && run.post.text.trim() !== '' && status.media_attachments.length === ids.length && isSame(status, run.post.text, []);
			const mine = recent.find((status) => isSame(status, run.post.text, ids) || alike(status));
			if (mine) return published(mine);
			if (recent.length < statuses.length || statuses.length === 0) {
				return unknown(genuine && ids.length > 0 ? 'the media is attached to a post, or gone, but no such post was found' : 'no such post was found, and it may have been deleted');
			}
			maxId = statuses.at(-1)!.id;
		}
		return unknown('the account has too many newer posts to look through');
	}

	/** Until its time comes, a scheduled post stands in a list of its own. Null: not there. */
	async function findScheduled(run: PlatformRun, at: Date, ids: readonly string[]): Promise<ReconcileResult | null> {
		try {
			const { data } = await send(run, { action: 'read the scheduled posts', effect: 'read', method: 'GET', path: '/api/v1/scheduled_statuses?limit=40', schema: z.array(listedSchema) });
			const mine = data.find(
				({ scheduled_at, params, media_attachments: media }) =>
					Math.abs(Date.parse(scheduled_at) - at.getTime()) < CLOCK_MARGIN_MS &&
					(ids.length > 0 ? ids.every((id) => media.some((entry) => entry.id === id)) : comparable(params.text ?? '') === comparable(run.post.text)),
			);
			return mine ? { state: 'scheduled', remoteId: mine.id } : null;
		} catch (error) {
			if (!(error instanceof HttpFailure && error.status === 403)) throw error;
			return { state: 'unknown', reason: 'the token may not read the scheduled posts (scope read:statuses)' };
		}
	}

	/** Null: not allowed. */
	async function statusesOf(run: AccountRun, account: Account, maxId: string | null): Promise<Status[] | null> {
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
export function isSame(status: Pick<Status, 'content' | 'media_attachments'>, text: string, mediaIds: readonly string[]): boolean {
	if (mediaIds.length > 0) return mediaIds.every((id) => status.media_attachments.some((media) => media.id === id));
	// The host of a remote mention is shown only in its link.
	const withoutHosts = (shown: string) => comparable(shown).replace(/@([\w.-]+)@[\w.-]+/g, '@$1');
	return withoutHosts(textOfHtml(status.content)) === withoutHosts(text);
}

const fileField = (name: string, { path, bytes, mime }: PostMedia): FormField => ({ name, file: { path, start: 0, end: bytes, fileName: basename(path), mime } });

function published(status: Status): Published {
	return { state: 'published', remoteId: status.id, permalink: status.url ?? status.uri ?? null };
}

/** Mastodon counts neither views nor clicks. */
function engagement({ favourites_count, reblogs_count, replies_count, quotes_count }: Status): Engagement {
	const shares = reblogs_count == null ? null : reblogs_count + (quotes_count ?? 0);
	return { views: null, likes: favourites_count ?? null, comments: replies_count ?? null, shares, saves: null, clicks: null };
}

/** What helps, where the server's words do not say it. */
function judgeRefusal(status: number, body: unknown): Judgement | undefined {
	const said = describeBody(body);
	if (status === 403 && /disabled|suspended|login/i.test(said)) return { decision: 'stop', hint: 'Log in to the server in a browser and do what it asks: the account may not post now.' };
	if (status === 404 && /reply/i.test(said)) return { decision: 'stop', hint: 'The post that this one answers has been deleted.' };
	return undefined;
}

/** 403 at a writing call: the token lacks `write:media` or `write:statuses`. */
const judgeScope = (status: number, body: unknown): Judgement | undefined =>
	judgeRefusal(status, body) ??
	(status === 403 ? { decision: 'reauth', hint: 'The token lacks a scope: make one with write:media, write:statuses, read:accounts and read:statuses (Preferences, Development).' } : undefined);
