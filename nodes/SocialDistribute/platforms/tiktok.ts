import { freshToken } from '../../shared/freshToken';
import type { Platform } from './platform';

/** Every choice of the credential's access may call it. */
const WHO_AM_I = { url: 'https://open.tiktokapis.com/v2/user/info/?fields=open_id' };

/** Nothing is preset that TikTok's audit wants chosen for each post (platforms.md 3.7). */
export const tiktok: Platform = {
	name: 'TikTok',
	value: 'tiktok',
	credentials: ['mediaPipelineTikTokOAuth2Api'],
	fields: [
		{
			displayName: 'Add Music',
			name: 'autoAddMusic',
			type: 'boolean',
			default: false,
			description: 'Whether TikTok adds recommended music to photos',
		},
		{
			displayName: 'AI-Generated',
			name: 'aiGenerated',
			type: 'boolean',
			default: false,
			description: 'Whether to mark the video as made by AI',
		},
		{
			displayName: 'Allow Comments',
			name: 'allowComments',
			type: 'boolean',
			default: false,
			description: 'Whether people may comment',
		},
		{
			displayName: 'Allow Duet',
			name: 'allowDuet',
			type: 'boolean',
			default: false,
			description: 'Whether people may make duets with the video',
		},
		{
			displayName: 'Allow Stitch',
			name: 'allowStitch',
			type: 'boolean',
			default: false,
			description: 'Whether people may take parts of the video into theirs',
		},
		{
			displayName: 'Cover Photo',
			name: 'coverPhoto',
			type: 'number',
			typeOptions: { minValue: 1, maxValue: 35 },
			default: 1,
			description: 'Which of the photos is the cover, counted from 1',
		},
		{
			displayName: 'Mode',
			name: 'mode',
			type: 'options',
			default: 'direct',
			description: 'What becomes of it',
			options: [
				{
					name: 'Draft in the Inbox',
					value: 'inbox',
					description: 'Its user finds it in the inbox of the TikTok app, adds the text there and posts it',
				},
				{ name: 'Post', value: 'direct', description: 'It is published' },
			],
		},
		{
			displayName: 'Paid Partnership',
			name: 'paidPartnership',
			type: 'boolean',
			default: false,
			description:
				'Whether it promotes a third party. TikTok shows "Paid partnership". By posting, you agree to TikTok\'s Branded Content Policy and Music Usage Confirmation.',
		},
		{
			displayName: 'Your Brand',
			name: 'ownBrand',
			type: 'boolean',
			default: false,
			description: 'Whether it promotes your own business. TikTok shows "Promotional content".',
		},
		{
			displayName: 'Who Can See It',
			name: 'privacy',
			type: 'options',
			default: '',
			description: 'Must be chosen for each post; not for drafts. By posting, you agree to TikTok\'s Music Usage Confirmation.',
			options: [
				{ name: 'Choose…', value: '' },
				{ name: 'Everyone', value: 'everyone' },
				{ name: 'Followers', value: 'followers' },
				{ name: 'Friends', value: 'friends', description: 'Followers whom the account follows, too' },
				{ name: 'Only Me', value: 'only_me' },
			],
		},
	],
	settings: (read) => ({
		mode: read('mode'),
		privacy: read('privacy'),
		allow_comments: read('allowComments'),
		allow_duet: read('allowDuet'),
		allow_stitch: read('allowStitch'),
		paid_partnership: read('paidPartnership'),
		own_brand: read('ownBrand'),
		ai_generated: read('aiGenerated'),
		auto_add_music: read('autoAddMusic'),
		cover_photo: read('coverPhoto'),
	}),
	async secrets(context, itemIndex) {
		return { access_token: await freshToken(context, itemIndex, tiktok, WHO_AM_I) };
	},
};
