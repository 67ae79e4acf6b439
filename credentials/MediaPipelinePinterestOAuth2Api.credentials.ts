import type { Icon, ICredentialTestRequest, ICredentialType, INodeProperties } from 'n8n-workflow';

/** n8n has no Pinterest credential of its own. Addresses and scopes: platforms.md 8.1. */
export class MediaPipelinePinterestOAuth2Api implements ICredentialType {
	name = 'mediaPipelinePinterestOAuth2Api';

	extends = ['oAuth2Api'];

	displayName = 'Media Pipeline Pinterest OAuth2 API';

	icon: Icon = { light: 'file:pinterest.svg', dark: 'file:pinterest.dark.svg' };

	documentationUrl = 'https://developers.pinterest.com/docs/getting-started/set-up-authentication-and-authorization/';

	properties: INodeProperties[] = [
		{ displayName: 'Grant Type', name: 'grantType', type: 'hidden', default: 'authorizationCode' },
		{
			displayName: 'Authorization URL',
			name: 'authUrl',
			type: 'hidden',
			default: 'https://www.pinterest.com/oauth/',
			required: true,
		},
		{
			displayName: 'Access Token URL',
			name: 'accessTokenUrl',
			type: 'hidden',
			default: 'https://api.pinterest.com/v5/oauth/token',
			required: true,
		},
		{
			displayName: 'Scope',
			name: 'scope',
			type: 'hidden',
			// With commas: n8n then joins them with commas, as Pinterest wants them.
			default: 'boards:read,boards:write,pins:read,pins:write,user_accounts:read',
		},
		{ displayName: 'Auth URI Query Parameters', name: 'authQueryParameters', type: 'hidden', default: '' },
		// HTTP Basic with the app's ID and secret.
		{ displayName: 'Authentication', name: 'authentication', type: 'hidden', default: 'header' },
	];

	test: ICredentialTestRequest = {
		request: { baseURL: 'https://api.pinterest.com/v5', url: '/user_account' },
	};
}
