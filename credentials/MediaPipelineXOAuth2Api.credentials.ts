import type { Icon, ICredentialTestRequest, ICredentialType, INodeProperties } from 'n8n-workflow';

/**
 * X with the scope `media.write`, which n8n's own X credential does not ask for: uploads answer 403 without it.
 * Addresses and scopes: platforms.md 1.1.
 */
export class MediaPipelineXOAuth2Api implements ICredentialType {
	name = 'mediaPipelineXOAuth2Api';

	extends = ['oAuth2Api'];

	displayName = 'Media Pipeline X OAuth2 API';

	icon: Icon = { light: 'file:x.svg', dark: 'file:x.dark.svg' };

	documentationUrl = 'https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code';

	properties: INodeProperties[] = [
		{ displayName: 'Grant Type', name: 'grantType', type: 'hidden', default: 'pkce' },
		{
			displayName: 'Authorization URL',
			name: 'authUrl',
			type: 'hidden',
			default: 'https://x.com/i/oauth2/authorize',
			required: true,
		},
		{
			displayName: 'Access Token URL',
			name: 'accessTokenUrl',
			type: 'hidden',
			default: 'https://api.x.com/2/oauth2/token',
			required: true,
		},
		{
			displayName: 'Scope',
			name: 'scope',
			type: 'hidden',
			default: 'tweet.read tweet.write users.read media.write offline.access',
		},
		{ displayName: 'Auth URI Query Parameters', name: 'authQueryParameters', type: 'hidden', default: '' },
		// A confidential client authenticates with HTTP Basic.
		{ displayName: 'Authentication', name: 'authentication', type: 'hidden', default: 'header' },
	];

	/** Who am I: the scopes users.read and tweet.read (platforms.md 1.1). */
	test: ICredentialTestRequest = {
		request: { baseURL: 'https://api.x.com', url: '/2/users/me' },
	};
}
