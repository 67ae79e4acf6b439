import { isRecord, type Decision, type Effect, type HttpFailure, type Judgement } from '../outcome.ts';

/** The error of an answer of Graph (platforms.md 6.5). */
export interface GraphError {
	code: number;
	subcode: number | null;
	/** For people where there are such words, else for developers. */
	message: string;
	transient: boolean;
}

interface Rule {
	decision: Decision;
	hint: string;
}

const stop = (hint: string): Rule => ({ decision: 'stop', hint });
const retry = (hint: string): Rule => ({ decision: 'retry', hint });
const reauth = (hint: string): Rule => ({ decision: 'reauth', hint });
const TRY_LATER = 'This usually passes: run it again in a few minutes.';
const FETCH =
	'The address of the file must be open to the internet over https, without login or redirect: check PUBLIC_URL, and that no firewall or robots.txt keeps Meta out.';

/** platforms.md 5.5 and 6.5. Subcodes say more than codes. */
const BY_SUBCODE: Record<number, Rule> = {
	458: reauth('The account has removed the app.'),
	459: reauth('Meta wants the account to be checked: log in at facebook.com or in the app and follow what it asks.'),
	460: reauth('The password of the account was changed.'),
	463: reauth('The token has expired: tokens live 60 days at most unless they are renewed.'),
	464: reauth('The account has not been confirmed: log in there and confirm it.'),
	467: reauth('The token is not valid any more.'),
	492: reauth('The person who connected has no role on the Page any more.'),
	// Videos of Facebook: platforms.md 6.2, 6.3.
	1_363_019: retry('The video did not arrive in whole.'),
	1_363_022: stop('The video file is too small.'),
	1_363_023: stop('The video file is too large. Compress it.'),
	1_363_030: retry('The video did not arrive in time.'),
	1_363_040: stop('The shape of the video is not taken: a reel is 9:16. Use the preset for Facebook reels (Preset).'),
	1_363_118: stop('Facebook schedules 10 minutes ahead at least; reels up to 29 days, videos 6 months, other posts 30 days.'),
	1_363_126: stop('A Page may publish 30 reels in 24 hours. Publish it tomorrow, or as a video of the feed.'),
	1_363_127: stop('The video is too small: a reel has at least 540×960 pixels.'),
	1_363_128: stop('The length is not taken: a reel lasts 3 to 90 seconds.'),
	1_363_129: stop('The frame rate is not taken: a reel has 24 to 60 frames a second.'),
	4854002: stop('Meta wants the account to be checked: log in there and follow what it asks.'),
	1390008: stop('Too much was posted in a short time. Wait some hours, then post less often.'),
	2207001: stop('Meta takes it for spam. Change the text or the media, and post less often.'),
	2207003: retry(FETCH),
	2207004: stop('The picture is too large: 8 MB at most.'),
	2207005: stop('Only JPEG pictures are taken: convert it to JPEG (Convert Image).'),
	2207009: stop('The shape of the picture is not taken: between 4:5 upright and 1.91:1 wide. Crop it.'),
	2207010: stop('The caption is too long: 2200 characters at most.'),
	2207020: retry('The upload was older than 24 hours.'),
	2207026: stop('The format of the video is not taken: use the preset of this platform (Preset).'),
	2207027: retry('The media was not ready yet.'),
	2207028: stop('A carousel has 2 to 10 pictures or videos.'),
	2207032: retry(TRY_LATER),
	2207040: stop('At most 30 hashtags and 20 mentions are allowed.'),
	2207042: stop('The account has reached its number of posts for 24 hours. Post again tomorrow.'),
	2207050: stop('Instagram has restricted the account. Open the app, look at Account Status, and follow what it asks.'),
	// It may be live in spite of this answer (platforms.md 5.3).
	2207051: stop('Instagram has blocked this action for the account. Look at Account Status in the app.'),
	2207052: retry(FETCH),
	2207053: retry(TRY_LATER),
	2207057: stop('The moment of the cover lies outside of the video.'),
	2207077: retry(FETCH),
	2207081: stop('The account cannot make trial reels.'),
	2207082: retry(TRY_LATER),
	2207085: retry(TRY_LATER),
};

const BY_CODE: Record<number, Rule> = {
	1: retry(TRY_LATER),
	2: retry(TRY_LATER),
	9: stop('The account has reached what it may post in 24 hours. Post again tomorrow.'),
	25: stop('The account is restricted. Log in there, look at the status of the account, and follow what it asks.'),
	102: reauth('The session of the account has ended.'),
	104: reauth('No access token arrived.'),
	190: reauth('The token is not valid any more.'),
	352: stop('The format of the video is not taken: use the preset of this platform (Preset).'),
	368: stop('The account is blocked for some hours, for what it did or how fast. Log in there, and wait.'),
	506: stop('The same was posted a moment ago.'),
	1609005: stop('The link in the post cannot be opened, or is blocked.'),
};

/** 4 app, 17 user, 32 and 80001 Page, 341 and 613 others, 80002 Instagram …: platforms.md 6.5. */
const isThrottle = (code: number): boolean => [4, 17, 32, 341, 613].includes(code) || (code >= 80_000 && code <= 80_014);

/** A publishing call that was refused with this may have had its effect all the same (platforms.md 5.3). */
const MAY_BE_LIVE = 2_207_051;
/** Said of containers that are not ready, or too old: nothing was published. Threads says "not found" of both. */
const NOT_READY = [2_207_027, 4_279_009];
const EXPIRED = 2_207_020;

/** Whether a failure says that the media is not ready yet, or so it seems. */
export const isNotReady = ({ platformCode }: HttpFailure): boolean => NOT_READY.some((subcode) => platformCode?.endsWith(`/${subcode}`));

/** What a person does about an error of this subcode; null where that is not known. */
export const hintOfSubcode = (subcode: number): string | null => BY_SUBCODE[subcode]?.hint ?? null;

/** Whether the same may go well another time. */
export const isPassing = (subcode: number): boolean => BY_SUBCODE[subcode]?.decision === 'retry';

/** The error of an answer, whatever its status; null where there is none. */
export function readGraphError(body: unknown): GraphError | null {
	const error = isRecord(body) ? body['error'] : null;
	if (!isRecord(error) || typeof error['code'] !== 'number') return null;
	const subcode = error['error_subcode'];
	const texts = [error['error_user_msg'], error['error_user_title'], error['message']];
	return {
		code: error['code'],
		subcode: typeof subcode === 'number' ? subcode : null,
		message: texts.find((text): text is string => typeof text === 'string' && text !== '') ?? '',
		transient: error['is_transient'] === true,
	};
}

/** As people find it in Meta's pages: `190/463`. */
export const platformCodeOf = ({ code, subcode }: Pick<GraphError, 'code' | 'subcode'>): string => (subcode === null ? String(code) : `${code}/${subcode}`);

export interface GraphSituation {
	effect: Effect;
	status: number;
	/** What the usage headers say. */
	retryAt: Date | null;
	/** What the user does about a missing permission. */
	permissionHint: string;
}

/** What an error of Graph means for the call that it answers; undefined: only its status tells. */
export function judgeGraph(
	{ code, subcode, transient, message }: GraphError,
	{ effect, status, retryAt, permissionHint }: GraphSituation,
): Judgement | undefined {
	const platformCode = platformCodeOf({ code, subcode });
	if (subcode === MAY_BE_LIVE && effect === 'publish') return { decision: 'unknown', platformCode, detail: message };
	const rule = ruleFor(code, subcode, permissionHint);
	// A throttled call had no effect (platforms.md 0.2).
	if (!rule && isThrottle(code))
		return { decision: 'wait', platformCode, detail: message, retryAt, hint: 'Meta counts the calls of the app and of the account.' };
	const certain = subcode !== null && (subcode === EXPIRED || NOT_READY.includes(subcode));
	if (certain && effect === 'publish') return { decision: 'stop', platformCode, detail: message };
	if (rule && rule.decision !== 'retry') return { ...rule, platformCode, detail: message };
	if (rule || transient) return { decision: effect === 'publish' ? 'unknown' : 'retry', platformCode, detail: message, ...(rule ? { hint: rule.hint } : {}) };
	if (status >= 200 && status < 300) return { decision: 'stop', platformCode, detail: message };
	return undefined;
}

function ruleFor(code: number, subcode: number | null, permissionHint: string): Rule | undefined {
	if (code === 10 || (code >= 200 && code <= 299)) return reauth(permissionHint);
	return (subcode === null ? undefined : BY_SUBCODE[subcode]) ?? BY_CODE[code];
}
