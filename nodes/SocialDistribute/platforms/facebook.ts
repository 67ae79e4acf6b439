import { ParameterError } from '../../shared/parameters';
import { requireCredential } from '../../shared/requireCredential';
import type { Platform } from './platform';

/** Pages only: Facebook lets programs post to no profiles and no groups. */
export const facebook: Platform = {
	name: 'Facebook',
	value: 'facebook',
	schedules: true,
	// n8n's own: a token that is pasted in. There is nothing to renew, so the sidecar's first look is the test of it.
	credentials: ['facebookGraphApi'],
	fields: [
		{
			displayName: 'Form',
			name: 'form',
			type: 'options',
			default: 'auto',
			description: 'What a video or picture becomes',
			options: [
				{
					name: 'Automatic',
					value: 'auto',
					description: 'An upright video of 3 to 90 seconds becomes a reel, another one a video of the feed, pictures a post of photos',
				},
				{ name: 'Reel', value: 'reel' },
				{ name: 'Story', value: 'story', description: 'One upright video of 3 to 60 seconds, or one picture; gone after a day, without text' },
				{ name: 'Video', value: 'video', description: 'A video of the feed, also where it would do as a reel' },
			],
		},
		{
			displayName: 'Page ID',
			name: 'pageId',
			type: 'string',
			default: '',
			placeholder: '110000000000000123',
			description: 'Number of the Page to post to. May be empty where the token belongs to one Page, or to an account that manages only one.',
		},
	],
	settings: (read) => ({ form: read('form'), page_id: read('pageId') }),
	async secrets(context, itemIndex) {
		const { accessToken } = await requireCredential<{ accessToken?: string }>(context, itemIndex, facebook);
		if (accessToken?.trim()) return { access_token: accessToken.trim() };
		throw new ParameterError('The Facebook credential holds no access token: open it and paste the token of the Page.');
	},
};
