import { NodeApiError, type IExecuteFunctions } from 'n8n-workflow';
import { readHttpFailure } from './httpError';
import { ParameterError } from './parameters';
import { chosenCredential, requireCredential, type Service } from './requireCredential';

const TIMEOUT_MS = 10_000;

/** One look per node run and platform, however many items: some platforms charge for every read (platforms.md 1.6). */
const refreshed = new WeakMap<IExecuteFunctions, Map<string, Promise<void>>>();

interface OAuth2Credential {
	oauthTokenData?: { access_token?: string; refresh_token?: string };
}

export interface WhoAmI {
	/** Cheapest call that the scopes allow. */
	url: string;
	headers?: Record<string, string>;
	/** Default GET. */
	method?: 'GET' | 'POST';
}

/**
 * The access token of an OAuth2 credential. n8n refreshes an expired one when a call is answered with 401: that call is made here, once per
 * run, before anything is submitted.
 */
export async function freshToken(
	context: IExecuteFunctions,
	itemIndex: number,
	platform: Service,
	whoAmI: WhoAmI,
): Promise<string> {
	const stored = await requireCredential<OAuth2Credential>(context, itemIndex, platform);
	// Without a refresh token (no scope for it, or a local stand-in) there is nothing that n8n could renew.
	if (stored.oauthTokenData?.refresh_token) {
		const looks = refreshed.get(context) ?? new Map<string, Promise<void>>();
		refreshed.set(context, looks);
		const look = looks.get(platform.value) ?? refreshToken(context, platform, whoAmI);
		looks.set(platform.value, look);
		await look;
	}
	// Read again: refreshing stored a new token.
	const { oauthTokenData } = await requireCredential<OAuth2Credential>(context, itemIndex, platform);
	if (oauthTokenData?.access_token) return oauthTokenData.access_token;
	throw new ParameterError(`The ${platform.name} credential is not connected: open it and sign in with ${platform.name}.`);
}

/**
 * Only a 401 is an error here: when the platform cannot be reached from n8n, or is busy, the stored token may still be good, and
 * the sidecar will find out.
 */
async function refreshToken(context: IExecuteFunctions, platform: Service, { url, headers, method = 'GET' }: WhoAmI): Promise<void> {
	try {
		await context.helpers.httpRequestWithAuthentication.call(context, chosenCredential(context, platform) ?? '', {
			method,
			url,
			json: true,
			timeout: TIMEOUT_MS,
			...(headers ? { headers } : {}),
		});
	} catch (error) {
		const { status, cause } = readHttpFailure(error);
		if (status !== 401) return;
		throw new NodeApiError(context.getNode(), cause, {
			message: `${platform.name} refuses the credential`,
			description: `Open the ${platform.name} credential and connect it again.`,
		});
	}
}
