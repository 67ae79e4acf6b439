import { classify, describeBody, isRecord, type Effect, type HttpFailure, type Judgement } from '../outcome.ts';

export const isDuplicate = (failure: HttpFailure): boolean => failure.status === 403 && /duplicate/i.test(describeBody(failure.body));

/** The last part of a problem's type: `client-forbidden`. */
function problemOf(body: unknown): string | undefined {
	const type = isRecord(body) && typeof body['type'] === 'string' ? body['type'] : '';
	return /\/([a-z-]+)\/?$/.exec(type)?.[1];
}

/** What X's answers mean where the status alone does not tell, and what helps (platforms.md 1.6). */
export const judgeX =
	(effect: Effect) =>
	(status: number, body: unknown): Judgement | undefined => {
		if (status < 400) return undefined;
		const platformCode = problemOf(body);
		const code = platformCode === undefined ? {} : { platformCode };
		const said = describeBody(body);
		const stop = (hint: string): Judgement => ({ decision: 'stop', ...code, hint });
		// Comes as 429, but waiting does not help.
		if (status === 429 && platformCode === 'usage-capped') return stop('The spending limit of the X app is reached: raise it in the developer console of X.');
		if (/suspended|account is (temporarily )?locked|is locked/i.test(said)) return stop('Sign in at x.com: the account is locked or suspended, and only X can lift that.');
		if (status === 403 && /duplicate/i.test(said)) return stop('X refuses what the account has said before. Change the text.');
		if (status === 403 && /repl(y|ies)/i.test(said)) return stop('X lets an app answer only posts of the account itself, or those that mention it.');
		// Reads and uploads: 403 means that the token lacks a scope; n8n's own X credential does not ask for media.write.
		if (status === 403 && effect !== 'publish') return { decision: 'reauth', ...code, hint: 'The sign-in lacks a permission: it needs tweet.read, tweet.write, users.read and media.write.' };
		if (platformCode === 'client-forbidden') return stop("The X app may not do that: check in X's developer console that it has write access and a plan that includes posting.");
		return platformCode === undefined ? undefined : { decision: classify({ kind: 'status', status }, effect), ...code };
	};
