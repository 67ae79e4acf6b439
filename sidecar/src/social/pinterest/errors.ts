import { isRecord, type Decision, type Judgement } from '../outcome.ts';

/** The form of an upload is refused with XML. */
export function bucketJudge(status: number, body: unknown): Judgement | undefined {
	if (status < 400 || typeof body !== 'string') return undefined;
	const part = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1];
	const [code, message] = [part('Code'), part('Message')];
	if (code === undefined) return undefined;
	const decision: Decision = status >= 500 || code === 'SlowDown' || code === 'RequestTimeout' ? 'retry' : 'stop';
	return { decision, detail: message ?? code, platformCode: code };
}

/** How long Pinterest's block against spam is left alone; it does not say itself. */
const SPAM_PAUSE_MS = 60 * 60_000;

/**
 * What Pinterest's answers mean where the status alone does not tell. The codes are not documented; these were seen on real answers
 * (platforms.md 8.4).
 */
export const judgePinterest =
	(now: () => Date) =>
	(status: number, body: unknown): Judgement | undefined => {
		if (status < 400 || !isRecord(body)) return undefined;
		const code = Number(body['code']);
		const message = typeof body['message'] === 'string' ? body['message'] : '';
		if (status === 401 && code === 3) {
			return { decision: 'reauth', hint: 'The sign-in lacks a permission: it needs boards:read, boards:write, pins:read, pins:write and user_accounts:read.' };
		}
		if (code === 29 || /trial access/i.test(message)) {
			return {
				decision: 'stop',
				hint: 'The app behind the credential has trial access, which may not create pins. Ask for standard access at developers.pinterest.com (My apps); until then PINTEREST_API_BASE_URL can point to the sandbox.',
			};
		}
		if (code === 9 || /combat spam/i.test(message)) {
			return { decision: 'wait', retryAt: new Date(now().getTime() + SPAM_PAUSE_MS), hint: 'It takes these pins for spam. Leave more time between pins, and vary their texts and links.' };
		}
		if (/suspended|deactivated|account (is )?(locked|disabled)/i.test(message)) {
			return { decision: 'stop', hint: 'Sign in at pinterest.com: the account is suspended or locked, and only Pinterest can lift that.' };
		}
		if (status === 404 && /board/i.test(message)) return { decision: 'stop', hint: 'The board has been deleted, or belongs to somebody else. Choose another one.' };
		if (status === 403) return { decision: 'stop', hint: 'Pinterest does not allow this account or app to do that. Check on pinterest.com that the account may save to the board.' };
		if (/unable to reach the url|link/i.test(message) && status === 400) return { decision: 'stop', hint: 'Check the link of the pin: it must be a public web page that Pinterest does not block.' };
		return undefined;
	};
