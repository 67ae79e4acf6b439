import { NodeApiError, type IExecuteFunctions } from 'n8n-workflow';
import { readHttpFailure } from '../../shared/httpError';
import { ParameterError } from '../../shared/parameters';
import { requireCredential } from './requireCredential';
import type { Platform } from './platform';

const CREDENTIAL = 'mediaPipelineXOAuth2Api';

/** Cheapest call that the scopes allow; a token lives two hours (platforms.md 1.1). */
const WHO_AM_I = 'https://api.x.com/2/users/me';
const WHO_AM_I_TIMEOUT_MS = 10_000;

/** One look per node run, however many items: every read costs money (platforms.md 1.6). */
const refreshed = new WeakMap<IExecuteFunctions, Promise<void>>();

interface XCredential {
	oauthTokenData?: { access_token?: string; refresh_token?: string };
}

export const x: Platform = {
	name: 'X',
	value: 'x',
	credential: CREDENTIAL,
	async secrets(context, itemIndex) {
		const stored = await requireCredential<XCredential>(context, itemIndex, x);
		// Without a refresh token (no scope offline.access, or a local stand-in) there is nothing that n8n could renew.
		if (stored.oauthTokenData?.refresh_token) {
			const refreshing = refreshed.get(context) ?? refreshToken(context);
			refreshed.set(context, refreshing);
			await refreshing;
		}
		// Read again: refreshing stored a new token.
		const { oauthTokenData } = await requireCredential<XCredential>(context, itemIndex, x);
		if (oauthTokenData?.access_token) return { access_token: oauthTokenData.access_token };
		throw new ParameterError('The X credential is not connected: open it and sign in with X.');
	},
};

/**
 * n8n refreshes an expired token when a call is answered with 401. Only such an answer is an error here: when X cannot be
 * reached from n8n, or is busy, the stored token may still be good, and the sidecar will find out.
 */
async function refreshToken(context: IExecuteFunctions): Promise<void> {
	try {
		await context.helpers.httpRequestWithAuthentication.call(context, CREDENTIAL, {
			method: 'GET',
			url: WHO_AM_I,
			json: true,
			timeout: WHO_AM_I_TIMEOUT_MS,
		});
	} catch (error) {
		const { status, cause } = readHttpFailure(error);
		if (status !== 401) return;
		throw new NodeApiError(context.getNode(), cause, {
			message: 'X refuses the credential',
			description: 'Open the X credential and connect it again.',
		});
	}
}
