/** What X refuses about the fields of a post and of subtitles, and what it tells of a post (platforms.md 1.3, 1.4, 1.6). */

type Fields = Record<string, unknown>;

/** `impressions` stand in the public numbers and in those that only the author may read. */
export interface XMetrics {
	likes: number;
	replies: number;
	reposts: number;
	quotes: number;
	bookmarks: number;
	impressions: number;
	linkClicks: number;
}

export const NO_METRICS: XMetrics = { likes: 0, replies: 0, reposts: 0, quotes: 0, bookmarks: 0, impressions: 0, linkClicks: 0 };

const REPLY_SETTINGS = ['following', 'mentionedUsers', 'subscribers', 'verified'];
/** Numbers that only the author may read are kept this long. */
const PRIVATE_DAYS = 30;

const isRecord = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isId = (value: unknown): boolean => typeof value === 'string' && /^\d{1,19}$/.test(value);
const strange = (fields: Fields, known: readonly string[]) => Object.keys(fields).find((name) => !known.includes(name));

/** Null: a body that would be taken. */
export function replyProblem({ reply, reply_settings: settings, made_with_ai: ai, paid_partnership: paid }: Fields): string | null {
	if (reply !== undefined) {
		if (!isRecord(reply)) return 'reply must be an object';
		const unknown = strange(reply, ['in_reply_to_tweet_id', 'exclude_reply_user_ids']);
		if (unknown) return `unknown field reply.${unknown}`;
		if (!isId(reply['in_reply_to_tweet_id'])) return 'reply.in_reply_to_tweet_id must be the id of a post, as text';
	}
	if (settings !== undefined && !REPLY_SETTINGS.includes(String(settings))) return `reply_settings must be one of ${REPLY_SETTINGS.join(', ')}`;
	if (![undefined, true, false].includes(ai as boolean)) return 'made_with_ai must be a boolean';
	if (![undefined, true, false].includes(paid as boolean)) return 'paid_partnership must be a boolean';
	return null;
}

export function subtitlesProblem(body: Fields): string | null {
	const { id, media_category: category, subtitles } = body;
	const unknown = strange(body, ['id', 'media_category', 'subtitles']);
	if (unknown) return `unknown field ${unknown}`;
	if (!isId(id)) return 'id must be the id of a video, as text';
	if (category !== 'TweetVideo' && category !== 'AmplifyVideo') return 'media_category must be TweetVideo or AmplifyVideo';
	if (!isRecord(subtitles)) return 'subtitles must be an object';
	const extra = strange(subtitles, ['id', 'language_code', 'display_name']);
	if (extra) return `unknown field subtitles.${extra}`;
	if (!isId(subtitles['id'])) return 'subtitles.id must be the id of a file, as text';
	if (typeof subtitles['language_code'] !== 'string' || !/^[A-Z]{2}$/.test(subtitles['language_code'])) return 'subtitles.language_code must be two capital letters';
	return typeof subtitles['display_name'] === 'string' && subtitles['display_name'] !== '' ? null : 'subtitles.display_name must be a text';
}

/** The fields that were asked for; undefined where the reader may not read them: then the whole post is left out. */
export function metricsOf(post: { at: Date; metrics: XMetrics }, fields: readonly string[], { own, now }: { own: boolean; now: number }): object | undefined {
	const { likes, replies, reposts, quotes, bookmarks, impressions, linkClicks } = post.metrics;
	const wantsPrivate = fields.includes('non_public_metrics');
	if (wantsPrivate && (!own || now - post.at.getTime() > PRIVATE_DAYS * 86_400_000)) return undefined;
	return {
		...(fields.includes('created_at') ? { created_at: post.at.toISOString() } : {}),
		...(fields.includes('public_metrics')
			? { public_metrics: { retweet_count: reposts, reply_count: replies, like_count: likes, quote_count: quotes, bookmark_count: bookmarks, impression_count: impressions } }
			: {}),
		...(wantsPrivate ? { non_public_metrics: { impression_count: impressions, url_link_clicks: linkClicks, user_profile_clicks: 0 } } : {}),
	};
}

/** A rate limit. */
export interface RateWindow {
	calls: number;
	windowSeconds: number;
}

/** What a call leaves of it. `resetsAt`: Unix seconds. */
export interface RateLeft {
	limit: number;
	remaining: number;
	resetsAt: number;
}

/** Counts calls by account. A window begins with the first call in it, and ends at the whole second that its header names. */
export function createWindows({ calls, windowSeconds }: RateWindow): (account: string, nowMs: number) => RateLeft & { refused: boolean } {
	const windows = new Map<string, { used: number; resetsAt: number }>();
	return (account, nowMs) => {
		const open = windows.get(account);
		const window = open && nowMs < open.resetsAt * 1000 ? open : { used: 0, resetsAt: Math.ceil(nowMs / 1000 + windowSeconds) };
		windows.set(account, window);
		const refused = window.used >= calls;
		if (!refused) window.used += 1;
		return { limit: calls, remaining: calls - window.used, resetsAt: window.resetsAt, refused };
	};
}

export const rateHeaders = ({ limit, remaining, resetsAt }: RateLeft): Record<string, string> => ({
	'x-rate-limit-limit': String(limit),
	'x-rate-limit-remaining': String(remaining),
	'x-rate-limit-reset': String(resetsAt),
});
