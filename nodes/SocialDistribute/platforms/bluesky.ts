import { requireCredential } from '../../shared/requireCredential';
import type { Platform } from './platform';

interface BlueskyCredential {
	serviceUrl: string;
	handle: string;
	appPassword: string;
}

/** An app password has nothing to be renewed: the sidecar signs in with it, once for many posts (platforms.md 9.1). */
export const bluesky: Platform = {
	name: 'Bluesky',
	value: 'bluesky',
	credentials: ['mediaPipelineBlueskyApi'],
	fields: [
		{
			displayName: 'As GIF',
			name: 'asGif',
			type: 'boolean',
			default: false,
			description: 'Whether the video is shown as a GIF: without sound, over and over',
		},
		{
			displayName: 'Labels',
			name: 'labels',
			type: 'multiOptions',
			default: [],
			description: 'Warnings that go with the post. Without one, Sensitive means Graphic Media.',
			options: [
				{ name: 'Adult Content', value: 'porn' },
				{ name: 'Graphic Media', value: 'graphic-media' },
				{ name: 'Nudity', value: 'nudity' },
				{ name: 'Only for People Who Are Signed In', value: '!no-unauthenticated' },
				{ name: 'Sexually Suggestive', value: 'sexual' },
			],
		},
		{
			displayName: 'Languages',
			name: 'languages',
			type: 'string',
			default: '',
			placeholder: 'en, pt-BR',
			description: 'Up to three languages of the text, with commas. Default: the option Language.',
		},
		{
			displayName: 'Link Description',
			name: 'linkDescription',
			type: 'string',
			default: '',
			description: 'Second line of the link card; its first is the title',
		},
	],
	settings: (read) => ({
		as_gif: read('asGif'),
		labels: read('labels'),
		languages: listOf(read('languages')),
		link_description: read('linkDescription'),
	}),
	async secrets(context, itemIndex) {
		const { serviceUrl, handle, appPassword } = await requireCredential<BlueskyCredential>(context, itemIndex, bluesky);
		return {
			access_token: appPassword.trim(),
			identifier: handle.trim().replace(/^@/, ''),
			base_url: serviceUrl.trim().replace(/\/+$/, ''),
		};
	},
};

function listOf(text: unknown): string[] | undefined {
	const names = String(text ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '');
	return names.length > 0 ? names : undefined;
}
