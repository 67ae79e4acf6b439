import type {
	IAuthenticateGeneric,
	Icon,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

/** One account on one Mastodon instance; its token does not expire (platforms.md 10.1). */
export class MediaPipelineMastodonApi implements ICredentialType {
	name = 'mediaPipelineMastodonApi';

	displayName = 'Media Pipeline Mastodon API';

	icon: Icon = { light: 'file:mastodon.svg', dark: 'file:mastodon.dark.svg' };

	documentationUrl = 'https://docs.joinmastodon.org/client/token/';

	properties: INodeProperties[] = [
		{
			displayName: 'Instance URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://mastodon.social',
			placeholder: 'https://mastodon.social',
			description: 'Address of the instance where the account is',
			required: true,
		},
		{
			displayName: 'Access Token',
			name: 'accessToken',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description:
				'On the instance: Preferences, Development, New application, with the scopes write:media, write:statuses, read:accounts and read:statuses',
			required: true,
		},
	];

	authenticate: IAuthenticateGeneric = {
		type: 'generic',
		properties: { headers: { Authorization: '=Bearer {{$credentials.accessToken.trim()}}' } },
	};

	test: ICredentialTestRequest = {
		request: { baseURL: '={{$credentials.baseUrl.trim().replace(/\\/+$/, "")}}', url: '/api/v1/accounts/verify_credentials' },
	};
}
