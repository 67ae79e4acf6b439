import { platformCodeOf, readGraphError } from '../graph/errors.ts';
import { HttpFailure, type Judgement } from '../outcome.ts';

export const PERMISSION_HINT =
	'The token lacks a permission. Grant pages_show_list, pages_read_engagement and pages_manage_posts (for comments also pages_manage_engagement), ' +
	'as a person who may create content on the Page. An app that Meta has not reviewed posts only for people with a role on it.';

/** Wrong offset; the right ones are in error_data. */
export const WRONG_OFFSET = 1_363_037;

/** What Facebook means by codes that say something else on Meta's other platforms; all others: graph/errors.ts. */
export function judgeFacebook(body: unknown): Judgement | undefined {
	const error = readGraphError(body);
	if (error?.code !== 506) return undefined;
	return { decision: 'stop', detail: error.message, platformCode: platformCodeOf(error), hint: 'The Page has a post of exactly these words. Change them.' };
}

const errorOf = (error: unknown) => (error instanceof HttpFailure ? readGraphError(error.body) : null);
export const hasCode = (error: unknown, code: number): error is HttpFailure => errorOf(error)?.code === code;
export const hasSubcode = (error: unknown, subcode: number): error is HttpFailure => errorOf(error)?.subcode === subcode;
/** 100/33: the object does not exist, or not for this account. */
export const isGone = (error: unknown): error is HttpFailure => hasSubcode(error, 33);
