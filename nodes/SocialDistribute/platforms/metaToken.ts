import type { IExecuteFunctions } from 'n8n-workflow';
import { ParameterError } from '../../shared/parameters';
import { requireCredential } from '../../shared/requireCredential';
import type { Platform } from './platform';

interface Token {
	access_token?: string;
}

interface MetaCredential {
	longLivedToken?: string;
	/** Instagram's pages show the token in a list of one (platforms.md 5.1). */
	oauthTokenData?: Token & { data?: Token[] };
}

/**
 * The token of an Instagram or Threads credential: the long-lived one that was pasted in, else the one that connecting gave. The latter lives
 * an hour, and there is no refresh token with which n8n could renew it (platforms.md 5.1, 7.1).
 */
export async function longLivedToken(
	context: IExecuteFunctions,
	itemIndex: number,
	platform: Pick<Platform, 'name' | 'value' | 'credentials'>,
): Promise<string> {
	const { longLivedToken: pasted, oauthTokenData: connected } = await requireCredential<MetaCredential>(context, itemIndex, platform);
	const token = pasted?.trim() || connected?.access_token || connected?.data?.[0]?.access_token;
	if (token) return token;
	throw new ParameterError(`The ${platform.name} credential holds no token: open it and paste a long-lived access token, or connect the account.`);
}
