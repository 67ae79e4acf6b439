import { isRecord, type Judgement } from '../outcome.ts';

const SCOPES_HINT = 'Leave the scopes of the YouTube credential as they are, and agree to everything that Google asks.';
const DAY_MS = 86_400_000;

/** What the user can do about an error that waiting does not cure, by YouTube's reason (platforms.md 4.7). */
const HINTS: Record<string, string> = {
	youtubeSignupRequired: 'The Google account has no YouTube channel: create one on youtube.com, or connect the account (or brand account) that has it. Service accounts cannot have one.',
	invalidTitle: 'Give a title of 1 to 100 characters, without < and >.',
	invalidDescription: 'Give a description of at most 5000 bytes, without < and >.',
	invalidTags: 'Give fewer or shorter tags: all together at most 500 characters, without < and >.',
	invalidCategoryId: 'Choose another category: this one does not exist in the country of the channel, or takes no videos.',
	invalidPublishAt: 'Give a time to publish that lies ahead.',
	invalidVideoMetadata: 'Check the options of the video: one of them is not accepted.',
	invalidFilename: 'Rename the file.',
	mediaBodyRequired: 'The file is not a video, or is empty.',
	forbiddenPrivacySetting: 'The channel may not use this visibility. Choose another one.',
	forbiddenLicenseSetting: 'The channel may not use this licence. Choose another one.',
	authenticatedUserAccountSuspended: 'YouTube has suspended the account: only its owner can object, in YouTube Studio.',
	authenticatedUserAccountClosed: 'The YouTube account has been closed: connect another one.',
	accountDelegationForbidden: 'The connected Google account may not act for this channel: connect its owner.',
	accessNotConfigured: 'Switch on "YouTube Data API v3" in the Google Cloud project that the credential belongs to, and wait a few minutes.',
	commentsDisabled: 'The video takes no comments: it is private, made for kids, or its owner switched them off.',
	commentTextTooLong: 'Shorten the comment.',
	videoNotFound: 'The video does not exist any more, or belongs to another channel.',
	forbidden: 'The channel is not allowed to do this. Thumbnails of your own need a channel that was verified by phone: youtube.com/verify.',
	invalidImage: 'Give the thumbnail as JPEG or PNG.',
};

/** The reason of an error answer: `error.errors[0].reason`; null where there is none. */
export function reasonOf(body: unknown): string | null {
	const error = isRecord(body) && isRecord(body['error']) ? body['error'] : null;
	const errors: unknown = error?.['errors'];
	const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
	return isRecord(first) && typeof first['reason'] === 'string' ? first['reason'] : null;
}

/** platforms.md 4.7: what an answer means beyond its status. Undefined: as usual. */
export function judgeYouTube(status: number, body: unknown, now: Date): Judgement | undefined {
	const reason = reasonOf(body);
	if (status < 400 || reason === null) return undefined;
	const judged = (judgement: Judgement): Judgement => ({ platformCode: reason, ...judgement });
	switch (reason) {
		case 'quotaExceeded':
		case 'dailyLimitExceeded':
			return judged({
				decision: 'wait',
				detail: 'the daily quota of the Google Cloud project is used up',
				hint: 'It starts anew at midnight Pacific time. Ask Google for more quota if this happens often.',
				retryAt: nextPacificMidnight(now),
			});
		case 'uploadLimitExceeded':
			return judged({
				decision: 'wait',
				detail: 'the channel has uploaded as many videos as it may in a day',
				hint: 'Try again a day later. Channels that were verified may upload more: youtube.com/verify.',
				retryAt: new Date(now.getTime() + DAY_MS),
			});
		case 'rateLimitExceeded':
		case 'userRateLimitExceeded':
		case 'uploadRateLimitExceeded':
			return judged({ decision: 'wait' });
		case 'insufficientPermissions':
		case 'ACCESS_TOKEN_SCOPE_INSUFFICIENT':
			return judged({ decision: 'reauth', detail: 'the access token lacks a scope', hint: SCOPES_HINT });
	}
	const hint = HINTS[reason];
	if (hint === undefined) return undefined;
	return judged({ decision: 'stop', hint });
}

const PACIFIC = new Intl.DateTimeFormat('en-US', { timeZone: 'America/Los_Angeles', hourCycle: 'h23', hour: 'numeric', minute: 'numeric', second: 'numeric' });

function pacificSeconds(at: Date): number {
	const parts = Object.fromEntries(PACIFIC.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
	return (parts['hour'] ?? 0) * 3600 + (parts['minute'] ?? 0) * 60 + (parts['second'] ?? 0);
}

/** When the quota starts anew (platforms.md 4.6): the next midnight in California, also on days of 23 and 25 hours. */
export function nextPacificMidnight(now: Date): Date {
	const guess = new Date(Math.floor(now.getTime() / 1000) * 1000 + (86_400 - pacificSeconds(now)) * 1000);
	const off = pacificSeconds(guess);
	return new Date(guess.getTime() + (off > 43_200 ? 86_400 - off : -off) * 1000);
}

/** Why processing ended badly, by YouTube's own name of it (platforms.md 4.4). */
const ENDS: Record<string, string> = {
	codec: 'it does not know the codec. Make a rendition with the preset for YouTube',
	conversion: 'it could not convert the file. Make a rendition with the preset for YouTube',
	emptyFile: 'the file is empty',
	invalidFile: 'the file is no video that it knows. Make a rendition with the preset for YouTube',
	tooSmall: 'the file is too small',
	uploadAborted: 'the upload was broken off',
	claim: 'somebody else claims the content as theirs',
	copyright: 'of a copyright complaint',
	duplicate: 'the channel has this video already',
	inappropriate: 'it finds the content inappropriate',
	legal: 'of a legal complaint',
	length: 'it is longer than 15 minutes and the channel was not verified (youtube.com/verify)',
	termsOfUse: 'it finds the content against its terms of use',
	trademark: 'of a trademark complaint',
	uploaderAccountClosed: 'the account has been closed',
	uploaderAccountSuspended: 'the account is suspended',
};

/** For "YouTube did not keep the video because …". */
export const whyEnded = (reason: string | undefined): string => ENDS[reason ?? ''] ?? `of "${reason ?? 'no reason given'}"`;
