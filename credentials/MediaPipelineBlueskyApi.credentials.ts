import type { Icon, ICredentialTestRequest, ICredentialType, INodeProperties } from 'n8n-workflow';

/** One account on Bluesky, or on a server of its own, with an app password (platforms.md 9.1). */
export class MediaPipelineBlueskyApi implements ICredentialType {
	name = 'mediaPipelineBlueskyApi';

	displayName = 'Media Pipeline Bluesky API';

	icon: Icon = { light: 'file:bluesky.svg', dark: 'file:bluesky.dark.svg' };

	documentationUrl = 'https://bsky.app/settings/app-passwords';

	properties: INodeProperties[] = [
		{
			displayName: 'Service URL',
			name: 'serviceUrl',
			type: 'string',
			default: 'https://bsky.social',
			placeholder: 'https://bsky.social',
			description: 'Where the account signs in. Another address only if the account is on a server of its own.',
			required: true,
		},
		{
			displayName: 'Handle',
			name: 'handle',
			type: 'string',
			default: '',
			placeholder: 'name.bsky.social',
			description: 'Name of the account, without the @',
			required: true,
		},
		{
			displayName: 'App Password',
			name: 'appPassword',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			placeholder: 'xxxx-xxxx-xxxx-xxxx',
			description:
				'On Bluesky: Settings, Privacy and Security, App Passwords. Do not use the password of the account itself.',
			required: true,
		},
	];

	/** Signs in: 30 times in five minutes at most. */
	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.serviceUrl.trim().replace(/\\/+$/, "")}}',
			url: '/xrpc/com.atproto.server.createSession',
			method: 'POST',
			body: {
				identifier: '={{$credentials.handle.trim().replace(/^@/, "")}}',
				password: '={{$credentials.appPassword.trim()}}',
			},
		},
	};
}
