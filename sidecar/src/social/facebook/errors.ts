import { readGraphError } from '../graph/errors.ts';
import { HttpFailure, type Effect, type Judgement } from '../outcome.ts';

export const PERMISSION_HINT =
	'The token lacks a permission. Grant pages_show_list, pages_read_engagement and pages_manage_posts (for comments also pages_manage_engagement), ' +
	'as a person who may create content on the Page. An app that Meta has not reviewed posts only for people with a role on it.';

/** A video that did not arrive in whole: the same again (platforms.md 6.3). */
const UPLOAD_AGAIN = [1_363_019, 1_363_030];
/** Wrong offset; the right ones are in error_data. */
export const WRONG_OFFSET = 1_363_037;

/** platforms.md 6.2, 6.3, by subcode or code. */
const HINTS: Record<number, string> = {
	506: 'The Page has a post of exactly these words. Change them.',
	1_363_022: 'The video file is too small.',
	1_363_023: 'The video file is too large. Compress it.',
	1_363_040: 'The shape of the video is not taken: a reel is 9:16. Use the preset for Facebook reels (Preset).',
	1_363_118: 'Facebook schedules 10 minutes ahead at least; reels up to 29 days, videos 6 months, other posts 30 days.',
	1_363_126: 'A Page may publish 30 reels in 24 hours. Publish it tomorrow, or as a video of the feed.',
	1_363_127: 'The video is too small: a reel has at least 540×960 pixels.',
	1_363_128: 'The length is not taken: a reel lasts 3 to 90 seconds.',
	1_363_129: 'The frame rate is not taken: a reel has 24 to 60 frames a second.',
};

export const hintOf = (code: number): string | undefined => HINTS[code];

/** What Facebook means by codes that the other APIs of Meta do not have. */
export function judgeFacebook(body: unknown, effect: Effect): Judgement | undefined {
	const error = readGraphError(body);
	if (!error) return undefined;
	const { code, subcode, message: detail } = error;
	const platformCode = subcode === null ? String(code) : `${code}/${subcode}`;
	if (subcode !== null && UPLOAD_AGAIN.includes(subcode)) return { decision: effect === 'publish' ? 'unknown' : 'retry', detail, platformCode };
	const hint = (subcode === null ? undefined : HINTS[subcode]) ?? HINTS[code];
	return hint === undefined ? undefined : { decision: 'stop', detail, platformCode, hint };
}

const errorOf = (error: unknown) => (error instanceof HttpFailure ? readGraphError(error.body) : null);
export const hasCode = (error: unknown, code: number): error is HttpFailure => errorOf(error)?.code === code;
export const hasSubcode = (error: unknown, subcode: number): error is HttpFailure => errorOf(error)?.subcode === subcode;
/** 100/33: the object does not exist, or not for this account. */
export const isGone = (error: unknown): error is HttpFailure => hasSubcode(error, 33);
