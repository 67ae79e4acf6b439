import { longLivedToken } from './metaToken';
import type { Platform } from './platform';

export const threads: Platform = {
	name: 'Threads',
	value: 'threads',
	credentials: ['mediaPipelineThreadsOAuth2Api'],
	fields: [
		{
			displayName: 'Quoted Post ID',
			name: 'quotePostId',
			type: 'string',
			default: '',
			description: 'ID of a post that is quoted',
		},
		{
			displayName: 'Topic',
			name: 'topic',
			type: 'string',
			default: '',
			description: 'Topic of the post, without #. When empty, Threads takes the first #tag of the text.',
		},
		{
			displayName: 'Who Can Reply',
			name: 'replyControl',
			type: 'options',
			default: '',
			description: 'Who may answer the post',
			options: [
				{ name: 'Accounts That the Account Follows', value: 'accounts_you_follow' },
				{ name: 'As the Account Is Set', value: '' },
				{ name: 'Author of the Answered Post', value: 'parent_post_author_only' },
				{ name: 'Everyone', value: 'everyone' },
				{ name: 'Followers', value: 'followers_only' },
				{ name: 'Mentioned Accounts', value: 'mentioned_only' },
			],
		},
	],
	settings: (read) => ({ reply_control: read('replyControl'), topic: read('topic'), quote_post_id: read('quotePostId') }),
	async secrets(context, itemIndex) {
		return { access_token: await longLivedToken(context, itemIndex, threads) };
	},
};
