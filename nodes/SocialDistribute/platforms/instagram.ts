import { ParameterError } from '../../shared/parameters';
import { longLivedToken } from './metaToken';
import { chosenCredential, requireCredential } from '../../shared/requireCredential';
import type { Platform } from './platform';

const INSTAGRAM_LOGIN = 'mediaPipelineInstagramOAuth2Api';

const names = (list: unknown): string[] | undefined =>
	typeof list === 'string'
		? list
				.split(/[\s,]+/)
				.map((name) => name.replace(/^@/, ''))
				.filter(Boolean)
		: undefined;

/** Which of the two logins is meant shows in the credential that is chosen (platforms.md 5.1). */
export const instagram: Platform = {
	name: 'Instagram',
	value: 'instagram',
	// The second one is n8n's own: the token of a Facebook account or Page that the Instagram account is linked to.
	credentials: [INSTAGRAM_LOGIN, 'facebookGraphApi'],
	fields: [
		{
			displayName: 'Account',
			name: 'account',
			type: 'string',
			default: '',
			placeholder: 'demo',
			description: 'Name or ID of the Instagram account. Needed only where a Facebook credential reaches several.',
		},
		{
			displayName: 'Audio Name',
			name: 'audioName',
			type: 'string',
			default: '',
			description: 'Name of the sound of a reel',
		},
		{
			displayName: 'Collaborators',
			name: 'collaborators',
			type: 'string',
			default: '',
			placeholder: 'anna, ben',
			description: 'Names of up to 3 accounts that are invited as authors, separated by commas',
		},
		{
			displayName: 'Landscape Video',
			name: 'allowLandscape',
			type: 'boolean',
			default: false,
			description: 'Whether a video that is wider than high may go out as it is: Instagram shows it upright, with bars',
		},
		{
			displayName: 'Location ID',
			name: 'locationId',
			type: 'string',
			default: '',
			description: 'ID of the Facebook Page of a place. With a Facebook credential only.',
		},
		{
			displayName: 'Made with AI',
			name: 'madeWithAi',
			type: 'boolean',
			default: false,
			description: 'Whether to label the post as made with AI',
		},
		{
			displayName: 'Placement',
			name: 'placement',
			type: 'options',
			default: 'feed',
			description: 'Where it is shown',
			options: [
				{
					name: 'Feed',
					value: 'feed',
					description: 'Pictures become a post, several files a carousel, a single video a reel',
				},
				{ name: 'Story', value: 'story', description: 'One picture or video, gone after a day, without text' },
			],
		},
		{
			displayName: 'Share Reel to Feed',
			name: 'shareToFeed',
			type: 'boolean',
			default: true,
			description: 'Whether a reel is also shown among the posts of the account',
		},
		{
			displayName: 'Tagged Accounts',
			name: 'taggedAccounts',
			type: 'string',
			default: '',
			placeholder: 'anna, ben',
			description: 'Names of accounts that are tagged in a single picture or in a reel, separated by commas',
		},
	],
	settings: (read) => ({
		account: read('account'),
		placement: read('placement'),
		allow_landscape: read('allowLandscape'),
		share_to_feed: read('shareToFeed'),
		audio_name: read('audioName'),
		collaborators: names(read('collaborators')),
		user_tags: names(read('taggedAccounts'))?.map((username) => ({ username })),
		location_id: read('locationId'),
		made_with_ai: read('madeWithAi'),
	}),
	async secrets(context, itemIndex) {
		if (chosenCredential(context, instagram) === INSTAGRAM_LOGIN) {
			return { login: 'instagram', access_token: await longLivedToken(context, itemIndex, instagram) };
		}
		const { accessToken } = await requireCredential<{ accessToken?: string }>(context, itemIndex, instagram);
		if (accessToken?.trim()) return { login: 'facebook', access_token: accessToken.trim() };
		throw new ParameterError('The Facebook credential holds no access token: open it and paste the token of the person or Page that the Instagram account is linked to.');
	},
};
