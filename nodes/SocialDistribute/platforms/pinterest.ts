import { freshToken } from '../../shared/freshToken';
import type { Platform } from './platform';
import { textOf } from './textOf';

/** A token lives 30 days; platforms.md 8.1. */
const WHO_AM_I = { url: 'https://api.pinterest.com/v5/user_account' };

export const pinterest: Platform = {
	name: 'Pinterest',
	value: 'pinterest',
	credentials: ['mediaPipelinePinterestOAuth2Api'],
	fields: [
		{
			displayName: 'Board',
			name: 'board',
			type: 'string',
			default: '',
			placeholder: 'Recipes',
			description: 'Name or ID of the board that the pin goes to. May be empty where the account has only one.',
		},
		{
			displayName: 'Board Section ID',
			name: 'boardSectionId',
			type: 'string',
			default: '',
			description: 'Number of a section of the board. Empty means none.',
		},
	],
	settings: (read) => ({ board: textOf(read('board')), board_section_id: textOf(read('boardSectionId')) }),
	async secrets(context, itemIndex) {
		return { access_token: await freshToken(context, itemIndex, pinterest, WHO_AM_I) };
	},
};
