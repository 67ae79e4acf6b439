import type { Icon, ICredentialTestRequest, ICredentialType, INodeProperties } from 'n8n-workflow';

/**
 * A Threads account. What connecting gives lives an hour and has no refresh token, so n8n cannot renew it: a long-lived token can be
 * pasted in, too, and is used instead. Addresses and scopes: platforms.md 7.1.
 */
export class MediaPipelineThreadsOAuth2Api implements ICredentialType {
	name = 'mediaPipelineThreadsOAuth2Api';

	extends = ['oAuth2Api'];

	displayName = 'Media Pipeline Threads OAuth2 API';

	icon: Icon = { light: 'file:threads.svg', dark: 'file:threads.dark.svg' };

	documentationUrl = 'https://developers.facebook.com/docs/threads/get-started/';

	properties: INodeProperties[] = [
		{ displayName: 'Grant Type', name: 'grantType', type: 'hidden', default: 'authorizationCode' },
		{
			displayName: 'Authorization URL',
			name: 'authUrl',
			type: 'hidden',
			default: 'https://threads.com/oauth/authorize',
			required: true,
		},
		{
			displayName: 'Access Token URL',
			name: 'accessTokenUrl',
			type: 'hidden',
			default: 'https://graph.threads.net/oauth/access_token',
			required: true,
		},
		{
			displayName: 'Threads App ID',
			name: 'clientId',
			type: 'string',
			default: '',
			required: true,
			description: 'At developers.facebook.com, your app, App settings, Basic. Not the ID of the app itself.',
		},
		{
			displayName: 'Threads App Secret',
			name: 'clientSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			description: 'From the same page',
		},
		{
			displayName: 'Long-Lived Access Token',
			name: 'longLivedToken',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description:
				'Lives 60 days, while connecting gives a token of one hour. Get it with User Token Generator in the settings of the Threads use case. When it is given, the account need not be connected here.',
		},
		{
			displayName: 'Scope',
			name: 'scope',
			type: 'hidden',
			// With commas: n8n then joins them with commas, as Threads wants them.
			default:
				'threads_basic,threads_content_publish,threads_manage_replies,threads_read_replies,threads_manage_insights,threads_delete',
		},
		{ displayName: 'Auth URI Query Parameters', name: 'authQueryParameters', type: 'hidden', default: '' },
		// The ID and the secret go in the form.
		{ displayName: 'Authentication', name: 'authentication', type: 'hidden', default: 'body' },
	];

	test: ICredentialTestRequest = {
		request: { baseURL: 'https://graph.threads.net', url: '/v1.0/me?fields=id,username' },
	};
}
