import type {
	IAuthenticateGeneric,
	Icon,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

/** Where the sidecar is, the key that the nodes show to it, and the secret with which it signs its callbacks. */
export class MediaSidecarApi implements ICredentialType {
	name = 'mediaSidecarApi';

	displayName = 'Media Sidecar API';

	icon: Icon = { light: 'file:mediaSidecar.svg', dark: 'file:mediaSidecar.dark.svg' };

	documentationUrl = 'https://github.com/n8n-nodes-media-pipeline/n8n-nodes-media-pipeline#credentials';

	properties: INodeProperties[] = [
		{
			displayName: 'Sidecar URL',
			name: 'url',
			type: 'string',
			default: 'http://127.0.0.1:8080',
			placeholder: 'http://127.0.0.1:8080',
			description: 'Where n8n reaches the sidecar. From inside Docker this is not 127.0.0.1 but the name of the service.',
			required: true,
		},
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description: 'The sidecar prints it once at its first start, unless the variable API_KEY sets it',
			required: true,
		},
		{
			displayName: 'Callback Secret',
			name: 'callbackSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			placeholder: 'whsec_…',
			description:
				'Proves that a callback comes from the sidecar. Printed beside the API key, or set by CALLBACK_SECRET. Needed for the wait mode "Suspend Until Called Back".',
		},
	];

	authenticate: IAuthenticateGeneric = {
		type: 'generic',
		properties: { headers: { Authorization: '=Bearer {{$credentials.apiKey}}' } },
	};

	test: ICredentialTestRequest = {
		request: { baseURL: '={{$credentials.url.replace(/\\/+$/, "")}}', url: '/api/media/whoami' },
	};
}
