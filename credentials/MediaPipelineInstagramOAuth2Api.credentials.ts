import type { Icon, ICredentialTestRequest, ICredentialType, INodeProperties } from 'n8n-workflow';

/**
 * An Instagram account by Instagram Login. What connecting gives lives an hour and has no refresh token, so n8n cannot renew it: a
 * long-lived token can be pasted in, too, and is used instead. Addresses and scopes: platforms.md 5.1.
 */
export class MediaPipelineInstagramOAuth2Api implements ICredentialType {
	name = 'mediaPipelineInstagramOAuth2Api';

	extends = ['oAuth2Api'];

	displayName = 'Media Pipeline Instagram OAuth2 API';

	icon: Icon = { light: 'file:instagram.svg', dark: 'file:instagram.dark.svg' };

	documentationUrl = 'https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/';

	properties: INodeProperties[] = [
		{ displayName: 'Grant Type', name: 'grantType', type: 'hidden', default: 'authorizationCode' },
		{
			displayName: 'Authorization URL',
			name: 'authUrl',
			type: 'hidden',
			default: 'https://www.instagram.com/oauth/authorize',
			required: true,
		},
		{
			displayName: 'Access Token URL',
			name: 'accessTokenUrl',
			type: 'hidden',
			default: 'https://api.instagram.com/oauth/access_token',
			required: true,
		},
		{
			displayName: 'Instagram App ID',
			name: 'clientId',
			type: 'string',
			default: '',
			required: true,
			description: 'At developers.facebook.com, your app, Instagram, API setup with Instagram login. Not the ID of the app itself.',
		},
		{
			displayName: 'Instagram App Secret',
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
				'Lives 60 days, while connecting gives a token of one hour. Get it on the same page with Generate Token. When it is given, the account need not be connected here.',
		},
		{
			displayName: 'Scope',
			name: 'scope',
			type: 'hidden',
			// With commas: n8n then joins them with commas, as Instagram wants them.
			default:
				'instagram_business_basic,instagram_business_content_publish,instagram_business_manage_comments,instagram_business_manage_insights',
		},
		{ displayName: 'Auth URI Query Parameters', name: 'authQueryParameters', type: 'hidden', default: '' },
		// The ID and the secret go in the form.
		{ displayName: 'Authentication', name: 'authentication', type: 'hidden', default: 'body' },
	];

	test: ICredentialTestRequest = {
		request: { baseURL: 'https://graph.instagram.com', url: '/v25.0/me?fields=user_id,username' },
	};
}
