import { ask, call, type PacedRequest, type TypedAnswer, type TypedRequest } from '../call.ts';
import type { Http, HttpAnswer } from '../http.ts';
import { codeOf, describeBody, HttpFailure, isRecord, type Judgement } from '../outcome.ts';
import type { AccountRun } from '../platform.ts';

export interface LinkedInApiOptions {
	http: Http;
	/** Default https://api.linkedin.com */
	apiBaseUrl?: string | undefined;
	/** Month of the API, YYYYMM: LinkedIn serves each for about a year (platforms.md 2.1). Default 202609. */
	version?: string | undefined;
}

type Call<T> = Omit<TypedRequest<T>, 'url' | 'token' | 'judge'> & { path: string; denied?: string };

export interface LinkedInApi {
	/** A call to the versioned API. `denied`: what a 403 means for the user. */
	rest<T>(run: AccountRun, request: Call<T>): Promise<TypedAnswer<T>>;
	/** A call to the older API without versions. */
	plain<T>(run: AccountRun, request: Call<T>): Promise<TypedAnswer<T>>;
	/** Bytes to an address that LinkedIn gave. */
	put(run: AccountRun, request: Pick<PacedRequest, 'action' | 'body'> & { url: string }): Promise<HttpAnswer>;
}

export function linkedInApi({ http, apiBaseUrl = 'https://api.linkedin.com', version = '202609' }: LinkedInApiOptions): LinkedInApi {
	const api = apiBaseUrl.replace(/\/$/, '');
	const versions = { 'linkedin-version': version, 'x-restli-protocol-version': '2.0.0' };
	/** Upload addresses are on other hosts of LinkedIn (www.linkedin.com); no other host is given the token, and none without encryption. */
	const trusted = (url: string): boolean => {
		const { origin, protocol, hostname } = new URL(url);
		return origin === new URL(api).origin || (protocol === 'https:' && /(^|\.)linkedin\.com$/.test(hostname));
	};
	const judgeFor = (run: AccountRun, denied?: string) => (status: number, body: unknown) => judge(status, body, { now: run.now(), version, denied });
	return {
		rest: (run, { path, denied, headers, ...request }) =>
			ask(http, { ...request, url: `${api}/rest${path}`, token: run.credentials.accessToken, headers: { ...versions, ...headers }, judge: judgeFor(run, denied) }, run),
		plain: (run, { path, denied, ...request }) => ask(http, { ...request, url: `${api}/v2${path}`, token: run.credentials.accessToken, judge: judgeFor(run, denied) }, run),
		put: (run, request) =>
			call(
				http,
				{
					...request,
					effect: 'upload',
					method: 'PUT',
					// Whether the signed address needs the token as well is told differently (platforms.md 2.3); sending it works.
					token: trusted(request.url) ? run.credentials.accessToken : null,
					judge: judgeFor(run),
				},
				run,
			),
	};
}

/** LinkedIn's name of the error; that of the wrong input says more than that of the whole. */
export function linkedInCode(body: unknown): string | null {
	const details = isRecord(body) && isRecord(body['errorDetails']) ? body['errorDetails'] : {};
	const inputs: unknown = details['inputErrors'];
	const first: unknown = Array.isArray(inputs) ? inputs[0] : undefined;
	return isRecord(first) && typeof first['code'] === 'string' ? first['code'] : codeOf(body);
}

/** platforms.md 2.7 */
function judge(status: number, body: unknown, { now, version, denied }: { now: Date; version: string; denied: string | undefined }): Judgement | undefined {
	const code = linkedInCode(body);
	const named = code === null ? {} : { platformCode: code };
	if (status === 401) {
		return { decision: 'reauth', ...named, hint: 'A LinkedIn token ends after 60 days, and only apps of approved partners can have it renewed.' };
	}
	if (status === 403 && denied !== undefined) return { decision: 'reauth', ...named, hint: denied };
	if (status === 426) {
		const hint = `LinkedIn no longer serves version ${version} of its API: set LINKEDIN_VERSION of the sidecar to a month of the last half year (YYYYMM), and restart it.`;
		return { decision: 'stop', ...named, hint };
	}
	if (status === 429 && /\bday\b/i.test(describeBody(body))) {
		return { decision: 'wait', ...named, retryAt: nextMidnight(now), hint: "LinkedIn's limit of calls per day is used up; it begins anew at 00:00 UTC." };
	}
	if (code === 'FIELD_LENGTH_TOO_LONG') return { decision: 'stop', ...named, hint: 'Shorten the text, the title or the description.' };
	// As usual, but with the code of the wrong input.
	return code !== null && REFUSALS.includes(status) ? { decision: 'stop', ...named } : undefined;
}

/** platforms.md 0.2: nothing happened. */
const REFUSALS = [400, 403, 404, 409, 413, 415, 422];

const nextMidnight = (now: Date): Date => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1));

/** What a 403 means, in words for whoever owns the credential (platforms.md 2.1). */
export const deniedWriting = (author: string): string =>
	author.startsWith('urn:li:organization:')
		? 'To post as a page, the member needs the role of super admin or content admin there, the LinkedIn app needs the Community Management API, and the n8n credential needs "Organization Support" switched on.'
		: 'The LinkedIn app needs the product "Share on LinkedIn" (scope w_member_social). An account that LinkedIn has restricted is refused as well: look at it on linkedin.com.';
export const deniedVideo = (author: string): string =>
	author.startsWith('urn:li:organization:') ? `${deniedWriting(author)} For videos the role of content admin is not enough.` : deniedWriting(author);
export const deniedComment = (author: string): string => `${deniedWriting(author)} For comments some LinkedIn apps need a scope of their own (w_member_social_feed or w_organization_social_feed), which n8n's credential does not ask for.`;

/** n8n's credentials do not ask for the scopes of reading, and LinkedIn grants them rarely. */
export function readingDenied(error: unknown): unknown {
	if (!(error instanceof HttpFailure) || error.status !== 403) return error;
	const hint = 'LinkedIn lets only apps with the scope r_member_social (members) or r_organization_social (pages) read posts back; it grants them rarely, and n8n\'s LinkedIn credential does not ask for them.';
	return new HttpFailure({ ...error, body: error.body, decision: 'stop', hint });
}
