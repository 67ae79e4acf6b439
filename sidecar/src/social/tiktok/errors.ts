import { isRecord, type Decision, type Effect, type Judgement } from '../outcome.ts';

/** A day after a cap was reached TikTok takes posts again (platforms.md 3.6). */
const CAP_MS = 24 * 3_600_000;

const REAUTH_SCOPE =
	'The account has not granted what this needs: choose the right "Access" in the TikTok credential (user.info.basic always, video.publish to post, video.upload for drafts, video.list for numbers) and connect it again.';

interface Meaning {
	decision: Decision;
	hint?: string;
	/** Only a day later. */
	cap?: true;
}

/** platforms.md 3.6 */
const MEANINGS: Record<string, Meaning> = {
	access_token_invalid: { decision: 'reauth' },
	scope_not_authorized: { decision: 'reauth', hint: REAUTH_SCOPE },
	rate_limit_exceeded: { decision: 'wait' },
	spam_risk_too_many_posts: { decision: 'stop', hint: 'The account has made as many posts through apps as TikTok allows in a day. Try again in 24 hours.', cap: true },
	spam_risk_too_many_pending_share: {
		decision: 'stop',
		hint: 'Five drafts of the last 24 hours wait in the inbox of the TikTok app. Post or discard them there, or try again tomorrow.',
		cap: true,
	},
	reached_active_user_cap: { decision: 'stop', hint: 'Your TikTok app has served as many accounts as it may in a day; an audited app may serve more. Try again in 24 hours.', cap: true },
	spam_risk_user_banned_from_posting: { decision: 'stop', hint: 'TikTok has banned the account from posting. Its owner finds out why, and can appeal, in the TikTok app.' },
	spam_risk: { decision: 'stop', hint: 'TikTok takes the post for spam. Change its text or video, or post it in the app.' },
	unaudited_client_can_only_post_to_private_accounts: {
		decision: 'stop',
		hint: 'Your TikTok app has not passed the audit: until then it posts with "Only Me", and only to accounts that are set to private in the TikTok app. Apply for the audit at developers.tiktok.com.',
	},
	url_ownership_unverified: {
		decision: 'stop',
		hint: 'TikTok fetches photos only from addresses that your app owns: add the address of this sidecar (PUBLIC_URL) at developers.tiktok.com, Manage Apps, URL Properties.',
	},
	privacy_level_option_mismatch: { decision: 'stop', hint: 'The account does not allow this privacy. Choose another one under "Who Can See It".' },
	app_version_check_failed: { decision: 'stop', hint: 'The TikTok app of the account is too old for drafts: update it.' },
};

/** TikTok's own reading of an answer: what counts is `error.code`, which may come with HTTP 200 (platforms.md 3.1). */
export function judgeTikTok(status: number, body: unknown, effect: Effect, now: Date): Judgement | undefined {
	const error = isRecord(body) && isRecord(body['error']) ? body['error'] : null;
	const code = typeof error?.['code'] === 'string' ? error['code'] : null;
	if (code === null || code === 'ok') return undefined;
	const meaning = MEANINGS[code];
	const detail = typeof error?.['message'] === 'string' && error['message'] !== '' ? `${error['message']} (${code})` : code;
	if (meaning) {
		const { decision, hint, cap } = meaning;
		return { decision, platformCode: code, detail, ...(hint ? { hint } : {}), ...(cap ? { retryAt: new Date(now.getTime() + CAP_MS) } : {}) };
	}
	// An error of theirs with HTTP 200 is no refusal.
	if (code === 'internal_error' && status < 300) return { decision: effect === 'publish' ? 'unknown' : 'retry', platformCode: code, detail };
	return status < 300 ? { decision: 'stop', platformCode: code, detail } : undefined;
}

/** `fail_reason` of a post that was taken and then not published, platforms.md 3.5. */
const FAIL_REASONS: Record<string, string> = {
	file_format_check_failed: 'TikTok does not take the format of the file. Make it an MP4 with H.264 (Platform Preset).',
	duration_check_failed: 'The video is too long or too short for this account. Trim it.',
	frame_rate_check_failed: 'TikTok takes 23 to 60 frames a second. Make a rendition for TikTok (Platform Preset).',
	picture_size_check_failed: 'The picture is too small or too large: 360 to 4096 pixels a side for videos, at most 1080 on the shorter side for photos.',
	publish_cancelled: 'The post was cancelled.',
	auth_removed: 'The account has taken the permission back from your TikTok app. Connect it again.',
	internal: 'It had an error of its own. Try again.',
	photo_pull_failed: 'TikTok could not fetch a photo: its address must be reachable from the internet, without a redirect, for an hour.',
	video_pull_failed: 'TikTok could not fetch the video.',
	spam_risk_too_many_posts: MEANINGS['spam_risk_too_many_posts']!.hint!,
	spam_risk_user_banned_from_posting: MEANINGS['spam_risk_user_banned_from_posting']!.hint!,
	spam_risk_text: 'TikTok takes the text for spam. Change it.',
	spam_risk: MEANINGS['spam_risk']!.hint!,
};

export const explainFailReason = (reason: string | undefined): string => (reason === undefined ? 'It gives no reason.' : (FAIL_REASONS[reason] ?? `Its reason is "${reason}".`));

/** Errors of TikTok's own, after which its documentation advises a new upload. */
export const mayPassWithNewUpload = (reason: string | undefined): boolean => reason === 'internal';
