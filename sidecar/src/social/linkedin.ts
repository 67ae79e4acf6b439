import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { deniedComment, deniedVideo, deniedWriting, linkedInApi, linkedInCode, readingDenied, type LinkedInApiOptions } from './linkedin/api.ts';
import { limitsOf, settingsSchema } from './linkedin/limits.ts';
import { toLittleText, withoutMentions } from './linkedin/text.ts';
import { checkUploads, filesOf, notYet, untakenOf, uploadOne, uploadSchema, type Upload } from './linkedin/upload.ts';
import { HttpFailure, isRecord } from './outcome.ts';
import type { Account, AccountRun, Arming, Engagement, FinishResult, LookResult, Platform, PlatformRun, Published, ReconcileResult } from './platform.ts';
import { unsettledMs } from './settle.ts';

export interface LinkedInOptions extends LinkedInApiOptions {
	/** Where posts are seen. Default https://www.linkedin.com */
	webBaseUrl?: string;
	/** How long a call that was cut off may still be at work on LinkedIn. Default 45: longer than is waited for its answer. */
	settleSeconds?: number;
}

/** Longest a publishing call may take: less than the lease of a claim. */
const PUBLISH_TIMEOUT_SECONDS = 30;
/** A text stays a duplicate for 24 to 48 h (platforms.md 2.7); an hour less, for clocks. */
const DUPLICATE_SECONDS = 23 * 3600;
const CLOCK_MARGIN_MS = 5 * 60_000;
const NOT_YET_SECONDS = 6;
/** Of at most 100 comments each. */
const COMMENT_PAGES = 20;

const stateSchema = z.object({
	/** In the order of `filesOf`. */
	uploads: z.array(uploadSchema.nullable()).default([]),
	/** What LinkedIn named as the post that a repeat is a duplicate of. `older`: it was there before the first call that is open. */
	duplicate: z.object({ urn: z.string().nullable(), older: z.boolean() }).nullable().default(null),
	/** When the last repeat was sent, milliseconds since 1970. */
	sentAt: z.number().nullable().default(null),
});

const memberAnswer = z.object({ sub: z.string(), name: z.string().optional() });
const legacyAnswer = z.object({ id: z.string(), localizedFirstName: z.string().default(''), localizedLastName: z.string().default('') });
const commentsAnswer = z.object({
	paging: z.object({ total: z.number().optional() }).optional(),
	elements: z.array(z.object({ id: z.string(), actor: z.string(), created: z.object({ time: z.number() }).optional(), message: z.object({ text: z.string().default('') }).optional() })),
});
const metadataAnswer = z.object({
	reactionSummaries: z.record(z.string(), z.object({ count: z.number().default(0) })).default({}),
	commentSummary: z.object({ count: z.number().optional() }).optional(),
});
/** A comment has no state. */
const postAnswer = z.object({ lifecycleState: z.string().optional() });

const POST_URN = /urn:li:(?:share|ugcPost|activity):\d+/;
const COMMENT_URN = /^urn:li:comment:\((urn:li:\w+:\d+),(\d+)\)$/;

/** LinkedIn, members and pages (platforms.md 2). */
export function createLinkedIn({ webBaseUrl = 'https://www.linkedin.com', settleSeconds = 45, ...options }: LinkedInOptions): Platform {
	const api = linkedInApi(options);
	const web = webBaseUrl.replace(/\/$/, '');
	const permalinkOf = (urn: string): string => {
		const comment = COMMENT_URN.exec(urn);
		return comment ? `${web}/feed/update/${comment[1]}/?commentUrn=${encodeURIComponent(urn)}` : `${web}/feed/update/${urn}/`;
	};
	const published = (urn: string, uploads: readonly (Upload | null)[] = []): Published => {
		const warnings = untakenOf(uploads).map((part) => `LinkedIn took no ${part} for this video: the post is without.`);
		return { state: 'published', remoteId: urn, permalink: permalinkOf(urn), ...(warnings.length > 0 ? { warnings } : {}) };
	};

	function uploadContext(run: PlatformRun) {
		const owner = authorOf(run);
		return { api, run, owner, denied: deniedWriting(owner), deniedVideo: deniedVideo(owner) };
	}

	/** Who the token belongs to; null where it may not tell. */
	async function member(run: AccountRun): Promise<Account | null> {
		const ask = async <T>(path: string, schema: z.ZodType<T>) => (await api.plain(run, { action: 'read the account', effect: 'read', method: 'GET', path, schema })).data;
		const unlessDenied = (error: unknown) => {
			if (error instanceof HttpFailure && error.status === 403) return null;
			throw error;
		};
		const told = await ask('/userinfo', memberAnswer).catch(unlessDenied);
		if (told) return { id: `urn:li:person:${told.sub}`, name: told.name ?? told.sub };
		// Apps from before OpenID Connect, and those of the Community Management API.
		const legacy = await ask('/me', legacyAnswer).catch(unlessDenied);
		return legacy && { id: `urn:li:person:${legacy.id}`, name: `${legacy.localizedFirstName} ${legacy.localizedLastName}`.trim() || legacy.id };
	}

	return {
		name: 'linkedin',
		title: 'LinkedIn',
		needsBaseUrl: false,
		settings: settingsSchema,
		settingsOf: (accountId) => (accountId.startsWith('urn:li:person:') ? {} : { organization: accountId }),

		async identify(run) {
			const { organization } = settingsSchema.parse(run.settings);
			const who = await member(run);
			if (organization !== undefined) return { id: organization, name: `Page ${organization.replace(/\D/g, '')}` };
			if (who) return who;
			throw new PipelineError(
				'needs_reauth',
				'The LinkedIn token may not tell whose it is. Open the LinkedIn credential in n8n, switch "Legacy" off, add the product "Sign In with LinkedIn using OpenID Connect" to your LinkedIn app, and connect it again. Nothing was posted.',
			);
		},

		limits: async (run) => limitsOf(run),

		async start(run) {
			if (run.post.replyTo) return;
			const files = filesOf(run.post);
			for (const [index, file] of files.entries()) {
				const keep = (upload: Upload | null) => keepUpload(run, index, upload);
				const part = (done: number) => run.progress(((index + done) / files.length) * 100);
				await uploadOne(uploadContext(run), file, stateSchema.parse(run.state).uploads[index] ?? null, keep, part);
				part(1);
			}
		},

		async check(run) {
			const { uploads } = stateSchema.parse(run.state);
			return checkUploads(uploadContext(run), uploads, (index, upload) => keepUpload(run, index, upload));
		},

		finish: (run, arming) => (run.post.replyTo ? comment(run, run.post.replyTo.rootId) : create(run, arming)),

		async reconcile(run, arming) {
			const { sentAt } = stateSchema.parse(run.state);
			// A repeat, or a look, must not overtake a call that is still at work: neither the first one nor an earlier repeat.
			const early = unsettledMs({ openSince: arming.openSince, sentAt, now: run.now(), seconds: settleSeconds });
			if (early > 0) return { state: 'waiting', afterSeconds: Math.min(5, early / 1000) };
			return run.post.replyTo ? findComment(run, run.post.replyTo.rootId, arming) : whetherToRepeat(run, arming);
		},

		async look(run, remoteId) {
			const comment = COMMENT_URN.test(remoteId);
			const path = comment ? pathOf(remoteId) : `${pathOf(remoteId)}?viewContext=AUTHOR`;
			try {
				const { data } = await api.rest(run, { action: 'read the post', effect: 'read', method: 'GET', path, schema: postAnswer });
				return data.lifecycleState === 'PUBLISH_FAILED' ? gone('LinkedIn took the post and could not publish it') : published(remoteId);
			} catch (error) {
				if (error instanceof HttpFailure && error.status === 404) return gone('LinkedIn does not know it any more');
				throw readingDenied(error);
			}
		},

		async remove(run, remoteId) {
			const author = authorOf(run);
			const path = COMMENT_URN.test(remoteId) ? `${pathOf(remoteId)}?${new URLSearchParams({ actor: author })}` : pathOf(remoteId);
			try {
				await api.rest(run, { action: 'delete the post', effect: 'upload', method: 'DELETE', path, schema: z.unknown(), denied: deniedWriting(author) });
			} catch (error) {
				if (!(error instanceof HttpFailure) || error.status !== 404) throw error;
			}
		},

		async measure(run, remoteIds) {
			const numbers = new Map<string, Engagement>();
			for (const id of remoteIds) {
				const path = `/socialMetadata/${encodeURIComponent(id)}`;
				try {
					const { data } = await api.rest(run, { action: 'read likes and comments', effect: 'read', method: 'GET', path, schema: metadataAnswer });
					const likes = Object.values(data.reactionSummaries).reduce((sum, { count }) => sum + count, 0);
					numbers.set(id, { views: null, likes, comments: data.commentSummary?.count ?? null, shares: null, saves: null, clicks: null });
				} catch (error) {
					if (error instanceof HttpFailure && error.status === 404) continue;
					throw readingDenied(error);
				}
			}
			return numbers;
		},
	};

	async function create(run: PlatformRun, { attempts, openSince }: Arming): Promise<FinishResult> {
		const state = stateSchema.parse(run.state);
		const author = authorOf(run);
		if (attempts > 1) {
			state.sentAt = run.now().getTime();
			await run.save(state);
		}
		const action = 'create the post';
		try {
			const answer = await api.rest(run, {
				action,
				effect: 'publish',
				method: 'POST',
				path: '/posts',
				timeoutSeconds: PUBLISH_TIMEOUT_SECONDS,
				schema: z.unknown(),
				body: { kind: 'json', value: bodyOf(run, author, state.uploads) },
				denied: deniedWriting(author),
			});
			// 201 with an empty body: the id is in a header.
			const id = answer.headers['x-restli-id'] ?? answer.headers['x-linkedin-id'];
			const urn = typeof id === 'string' ? POST_URN.exec(id.replaceAll('%3A', ':'))?.[0] : undefined;
			if (urn) return published(urn, state.uploads);
			throw new HttpFailure({ action, decision: 'unknown', status: null, detail: `HTTP ${answer.status}, but without the id of a post` });
		} catch (error) {
			if (!(error instanceof HttpFailure)) throw error;
			const code = linkedInCode(error.body);
			if (code === 'DUPLICATE_POST' || (error.status === 422 && /duplicate/i.test(error.detail))) {
				const urn = POST_URN.exec(JSON.stringify(error.body))?.[0] ?? null;
				if (attempts === 1) throw refusedDuplicate(error, urn);
				// platforms.md 0.3: a repeat names the post that the first call made.
				const older = urn !== null && madeBefore(urn, openSince);
				if (urn !== null && !older) return published(urn, state.uploads);
				await run.save({ ...state, duplicate: { urn, older } });
				throw error.as('unknown');
			}
			if (code === 'MEDIA_ASSET_WAITING_UPLOAD') {
				await run.save({ ...state, uploads: notYet(state.uploads, run.now()) });
				return { state: 'waiting', afterSeconds: NOT_YET_SECONDS };
			}
			// With other uploads a repeat would be another post, no duplicate.
			if (attempts > 1) throw error;
			const isGone = error.status !== null && [400, 404, 422].includes(error.status) && state.uploads.length > 0;
			if (isGone && /\b(media|image|video|asset)/i.test(`${code} ${error.detail}`) && /not[ _]found|does not exist|not[ _]exist|expired|no media asset/i.test(`${code} ${error.detail}`)) {
				return { state: 'restart', reason: error.detail };
			}
			throw error;
		}
	}

	/** The account has this post from before: nothing was posted, and nothing is open. */
	function refusedDuplicate(error: HttpFailure, urn: string | null): HttpFailure {
		const where = urn === null ? '' : ` (${urn})`;
		const hint = `The account has posted this text before${where}, or deleted such a post within the last two days. Change the text, even a little.`;
		return new HttpFailure({ ...error, body: error.body, decision: 'stop', platformCode: 'DUPLICATE_POST', hint });
	}

	async function comment(run: PlatformRun, target: string): Promise<FinishResult> {
		const actor = authorOf(run);
		const action = 'write the comment';
		const answer = await api.rest(run, {
			action,
			effect: 'publish',
			method: 'POST',
			path: `/socialActions/${encodeURIComponent(target)}/comments`,
			timeoutSeconds: PUBLISH_TIMEOUT_SECONDS,
			schema: z.unknown(),
			// Plain text: escapes would be seen (platforms.md 2.4).
			body: { kind: 'json', value: { actor, object: target, message: { text: withoutMentions(run.post.text) } } },
			denied: deniedComment(actor),
		});
		const told: unknown[] = [answer.headers['x-restli-id'], isRecord(answer.data) ? answer.data['id'] : null];
		const id = told.map((given) => (typeof given === 'string' ? /(\d+)\D*$/.exec(given)?.[1] : undefined)).find((given) => given !== undefined);
		if (id) return published(`urn:li:comment:(${target},${id})`);
		throw new HttpFailure({ action, decision: 'unknown', status: null, detail: `HTTP ${answer.status}, but without the id of a comment` });
	}

	/** Comments have no guard against duplicates; they can be read back where the app may. A page may be shorter than it was asked for. */
	async function findComment(run: PlatformRun, target: string, { firstArmedAt }: Arming): Promise<ReconcileResult> {
		const actor = authorOf(run);
		const text = spoken(withoutMentions(run.post.text));
		const since = firstArmedAt.getTime() - CLOCK_MARGIN_MS;
		try {
			for (let page = 0, start = 0; page < COMMENT_PAGES; page += 1) {
				const path = `/socialActions/${encodeURIComponent(target)}/comments?start=${start}&count=100`;
				const { data } = await api.rest(run, { action: 'read the comments', effect: 'read', method: 'GET', path, schema: commentsAnswer });
				const mine = data.elements.find((entry) => entry.actor === actor && spoken(entry.message?.text ?? '') === text && (entry.created?.time ?? since) >= since);
				if (mine) return published(`urn:li:comment:(${target},${mine.id})`);
				start += data.elements.length;
				if (data.elements.length === 0 || start >= (data.paging?.total ?? Infinity)) return { state: 'absent' };
			}
			return { state: 'unknown', reason: 'the post has too many comments to look through' };
		} catch (error) {
			if (!(error instanceof HttpFailure) || error.status !== 403) throw error;
			return { state: 'unknown', reason: 'LinkedIn lets this app write comments, but not read them' };
		}
	}

	/** Nothing can be read without a rare permission; a repeat is refused as a duplicate and names the post (platforms.md 2.7). */
	function whetherToRepeat(run: PlatformRun, { openSince }: Arming): ReconcileResult {
		const { duplicate } = stateSchema.parse(run.state);
		if (duplicate?.older) {
			const where = duplicate.urn === null ? '' : `: ${permalinkOf(duplicate.urn)}`;
			return { state: 'rejected', reason: `the account has posted the same text before${where}. Change the text, even a little.`, platformCode: 'DUPLICATE_POST' };
		}
		if (duplicate) return { state: 'unknown', reason: 'LinkedIn says that the account has this post already, but not which one it is' };
		// Duplicates are told by their words; whether media alone count is not known.
		if (run.post.text.trim() === '') return { state: 'unknown', reason: 'LinkedIn tells a repeat by its words, and this post has none' };
		if (run.now().getTime() - openSince.getTime() > DUPLICATE_SECONDS * 1000) {
			return { state: 'unknown', reason: 'it was sent so long ago that LinkedIn would not notice a repeat' };
		}
		return { state: 'repeat' };
	}
}

function keepUpload(run: PlatformRun, index: number, upload: Upload | null): Promise<void> {
	const state = stateSchema.parse(run.state);
	state.uploads[index] = upload;
	return run.save({ ...state, uploads: Array.from(state.uploads, (entry) => entry ?? null) });
}

/** A comment in a form in which what was sent and what is shown can be compared: LinkedIn shortens links (lnkd.in). */
const spoken = (text: string): string => text.normalize('NFC').replace(/https?:\/\/\S+/gi, 'link').replace(/\s+/g, ' ').trim();

const gone = (reason: string): LookResult => ({ state: 'gone', reason });

/** Where a post or a comment is in the API. URNs in a path are encoded. */
function pathOf(urn: string): string {
	const comment = COMMENT_URN.exec(urn);
	return comment ? `/socialActions/${encodeURIComponent(comment[1]!)}/comments/${comment[2]}` : `/posts/${encodeURIComponent(urn)}`;
}

/** URN of the page or member. A post that was begun as one stays with it, whatever the settings say when it is tried again. */
function authorOf(run: AccountRun): string {
	const author = run.account?.id ?? settingsSchema.parse(run.settings).organization;
	if (author === undefined) throw new PipelineError('internal', 'The account of a post on LinkedIn is not known.');
	return author;
}

function bodyOf(run: PlatformRun, author: string, uploads: readonly (Upload | null)[]): object {
	const { post } = run;
	const { disable_reshare: noReshare } = settingsSchema.parse(run.settings);
	const content = contentOf(run, uploads);
	return {
		author,
		commentary: toLittleText(post.text),
		visibility: post.visibility === 'private' ? 'CONNECTIONS' : 'PUBLIC',
		distribution: { feedDistribution: 'MAIN_FEED', targetEntities: [], thirdPartyDistributionChannels: [] },
		lifecycleState: 'PUBLISHED',
		...(noReshare === undefined ? {} : { isReshareDisabledByAuthor: noReshare }),
		...(content ? { content } : {}),
	};
}

/** Titles, descriptions and alternative texts are plain: not escaped (platforms.md 2.5). */
function contentOf({ post, settings }: PlatformRun, uploads: readonly (Upload | null)[]): object | null {
	const ids = uploads.flatMap((upload) => (upload ? [upload.urn] : []));
	if (post.link !== null) {
		const { link_description: description } = settingsSchema.parse(settings);
		return { article: { source: post.link, title: post.title, ...(description ? { description } : {}), ...(ids[0] ? { thumbnail: ids[0] } : {}) } };
	}
	const [first, ...more] = post.media.map(({ altText }, index) => ({ id: ids[index]!, ...(altText ? { altText } : {}) }));
	if (!first) return null;
	if (more.length > 0) return { multiImage: { images: [first, ...more] } };
	return { media: { ...first, ...(post.title === null ? {} : { title: post.title }) } };
}

/** LinkedIn's ids hold their time: milliseconds since 1970 above the lowest 22 bits (third party, unconfirmed). Nonsense: false. */
export function madeBefore(urn: string, time: Date): boolean {
	const made = Number(BigInt(urn.replace(/^.*:/, '')) >> 22n);
	const launched = Date.UTC(2003, 4, 5);
	return made > launched && made < time.getTime() - CLOCK_MARGIN_MS;
}
