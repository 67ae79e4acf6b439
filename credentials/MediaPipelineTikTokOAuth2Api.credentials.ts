import type { Icon, ICredentialTestRequest, ICredentialType, INodeProperties } from 'n8n-workflow';

/**
 * TikTok calls a client's id `client_key`, in the address where the user signs in and in the form that gets the token; n8n sends
 * `client_id`. What n8n lets a credential add carries it: query parameters of the first, properties of the second. Renewing
 * takes neither, only the address of the token, hence the key stands there, too. Addresses and scopes: platforms.md 3.1.
 */
export class MediaPipelineTikTokOAuth2Api implements ICredentialType {
	name = 'mediaPipelineTikTokOAuth2Api';

	extends = ['oAuth2Api'];

	displayName = 'Media Pipeline TikTok OAuth2 API';

	icon: Icon = { light: 'file:tiktok.svg', dark: 'file:tiktok.dark.svg' };

	documentationUrl = 'https://developers.tiktok.com/doc/content-posting-api-get-started/';

	properties: INodeProperties[] = [
		{ displayName: 'Grant Type', name: 'grantType', type: 'hidden', default: 'authorizationCode' },
		{
			displayName: 'Authorization URL',
			name: 'authUrl',
			type: 'hidden',
			default: 'https://www.tiktok.com/v2/auth/authorize/',
			required: true,
		},
		{
			displayName: 'Access Token URL',
			name: 'accessTokenUrl',
			type: 'hidden',
			// That TikTok reads the key here when a token is renewed is unconfirmed: its pages name the form only.
			default: '=https://open.tiktokapis.com/v2/oauth/token/?client_key={{encodeURIComponent($self["clientId"])}}',
			required: true,
		},
		{
			displayName: 'Client Key',
			name: 'clientId',
			type: 'string',
			default: '',
			required: true,
			description: 'Client key of your app at developers.tiktok.com, Manage Apps',
		},
		{
			displayName: 'Client Secret',
			name: 'clientSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			description: 'Client secret of the same app',
		},
		{
			displayName: 'Access',
			name: 'access',
			type: 'options',
			default: 'user.info.basic,video.publish',
			description:
				'What the app may do for the account. TikTok must have approved your app for each of the scopes, or it refuses to connect.',
			options: [
				{
					name: 'Drafts in the Inbox Only',
					value: 'user.info.basic,video.upload',
					description: 'Scope video.upload',
				},
				{ name: 'Post', value: 'user.info.basic,video.publish', description: 'Scope video.publish' },
				{
					name: 'Post and Drafts',
					value: 'user.info.basic,video.publish,video.upload',
					description: 'Scopes video.publish and video.upload',
				},
				{
					name: 'Post, Drafts and Numbers',
					value: 'user.info.basic,video.publish,video.upload,video.list',
					description: 'Scopes video.publish, video.upload and, for views and likes, video.list',
				},
			],
		},
		// With commas: n8n then joins them with commas, as TikTok wants them.
		{ displayName: 'Scope', name: 'scope', type: 'hidden', default: '={{$self["access"]}}' },
		{
			displayName: 'Auth URI Query Parameters',
			name: 'authQueryParameters',
			type: 'hidden',
			default: '=client_key={{encodeURIComponent($self["clientId"])}}',
		},
		// The key and the secret go in the form; TikTok knows no HTTP Basic here.
		{ displayName: 'Authentication', name: 'authentication', type: 'hidden', default: 'body' },
		{
			displayName: 'Additional Body Properties',
			name: 'additionalBodyProperties',
			type: 'hidden',
			default: '={{ JSON.stringify({ client_key: $self["clientId"] }) }}',
		},
	];

	test: ICredentialTestRequest = {
		request: { baseURL: 'https://open.tiktokapis.com', url: '/v2/user/info/?fields=open_id,display_name' },
	};
}
