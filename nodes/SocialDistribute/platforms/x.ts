import { freshToken } from '../../shared/freshToken';
import type { Platform } from './platform';

/** A token lives two hours (platforms.md 1.1). */
const WHO_AM_I = { url: 'https://api.x.com/2/users/me' };

export const x: Platform = {
	name: 'X',
	value: 'x',
	credentials: ['mediaPipelineXOAuth2Api'],
	fields: [
		{
			displayName: 'Made with AI',
			name: 'madeWithAi',
			type: 'boolean',
			default: false,
			description: 'Whether X labels the post as made with AI',
		},
		{
			displayName: 'Paid Partnership',
			name: 'paidPartnership',
			type: 'boolean',
			default: false,
			description: 'Whether X labels the post as a paid partnership',
		},
		{
			displayName: 'Who Can Reply',
			name: 'replySettings',
			type: 'options',
			default: 'everyone',
			description: 'Who may answer, beside the people who are mentioned',
			options: [
				{ name: 'Everyone', value: 'everyone' },
				{ name: 'Only Mentioned People', value: 'mentionedUsers' },
				{ name: 'People the Account Follows', value: 'following' },
				{ name: 'Subscribers', value: 'subscribers' },
				{ name: 'Verified Accounts', value: 'verified' },
			],
		},
	],
	settings: (read) => ({
		made_with_ai: read('madeWithAi') === true ? true : undefined,
		paid_partnership: read('paidPartnership') === true ? true : undefined,
		reply_settings: read('replySettings') === 'everyone' ? undefined : read('replySettings'),
	}),
	async secrets(context, itemIndex) {
		return { access_token: await freshToken(context, itemIndex, x, WHO_AM_I) };
	},
};
