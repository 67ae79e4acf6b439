import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parsed, type Api } from '../cloud/api.ts';
import { PipelineError } from '../../errors.ts';

/** A key of a service account of Google Cloud. */
export interface ServiceAccount {
	email: string;
	privateKey: KeyObject;
	/** Where a signed assertion becomes an access token. */
	tokenUrl: string;
}

const keyFile = z.object({
	type: z.literal('service_account'),
	client_email: z.string().min(3),
	private_key: z.string().includes('PRIVATE KEY'),
	token_uri: z.url({ protocol: /^https?$/ }).default('https://oauth2.googleapis.com/token'),
});

/**
 * Reads the JSON key of a service account: the text itself, or the path of its file. Throws an Error in words for the operator; what
 * was given is not in it.
 */
export function readServiceAccount(given: string): ServiceAccount {
	const isText = given.trimStart().startsWith('{');
	const read = keyFile.safeParse(parsed(isText ? given : readText(given)));
	if (!read.success) {
		throw new Error(
			`${isText ? 'This' : 'The file that it names'} is no JSON key of a service account (wrong: ${read.error.issues.map(({ path }) => path.join('.') || 'no JSON object').join(', ')}). ` +
				'In the Google Cloud console: IAM, Service accounts, Keys, Add key, JSON.',
		);
	}
	try {
		return { email: read.data.client_email, privateKey: createPrivateKey(read.data.private_key), tokenUrl: read.data.token_uri };
	} catch {
		throw new Error('The private_key of this service account cannot be read. Its line breaks must stand as \\n inside of the JSON; make a new key when it was damaged.');
	}
}

function readText(path: string): string {
	try {
		return readFileSync(path, 'utf8');
	} catch (error) {
		throw new Error(`The file that it names cannot be read (${String((error as NodeJS.ErrnoException).code)}). Give the path of the JSON key of a service account, or its text.`);
	}
}

/** Signs with RSA and SHA-256: what Google calls RS256 and GOOG4-RSA-SHA256. */
export const signWith = (account: ServiceAccount, text: string): Buffer => sign('sha256', Buffer.from(text), account.privateKey);

const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const LIFE_SECONDS = 3600;
/** A token is renewed so long before its end: a call that begins with it must not outlive it. */
const RENEW_SECONDS = 300;
const tokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });

/** Access tokens of a service account (RFC 7523), one for everybody until it is about to end. */
export function createAccessToken(account: ServiceAccount, api: Pick<Api, 'send'>, now: () => number = Date.now): (anew: boolean) => Promise<string> {
	let current: { token: Promise<string>; until: number } | null = null;

	async function fetchToken(): Promise<{ token: string; seconds: number }> {
		const seconds = Math.floor(now() / 1000);
		const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
		const unsigned = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ iss: account.email, scope: SCOPE, aud: account.tokenUrl, iat: seconds, exp: seconds + LIFE_SECONDS })}`;
		const { body } = await api.send({
			action: 'give an access token to the service account',
			method: 'POST',
			url: account.tokenUrl,
			open: true,
			headers: { 'content-type': 'application/x-www-form-urlencoded' },
			body: new URLSearchParams({ grant_type: GRANT, assertion: `${unsigned}.${signWith(account, unsigned).toString('base64url')}` }).toString(),
		});
		const answer = tokenAnswer.safeParse(body);
		if (!answer.success) throw new PipelineError('storage_failed', 'Google gave no access token to the service account.');
		return { token: answer.data.access_token, seconds: answer.data.expires_in };
	}

	return (anew) => {
		if (current && !anew && now() < current.until) return current.token;
		const asked = fetchToken();
		const mine = { token: asked.then(({ token }) => token), until: now() + LIFE_SECONDS * 1000 };
		current = mine;
		asked.then(
			({ seconds }) => (mine.until = now() + (seconds - RENEW_SECONDS) * 1000),
			() => {
				if (current === mine) current = null;
			},
		);
		return mine.token;
	};
}
