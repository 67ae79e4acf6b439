import { freshToken } from '../../shared/freshToken';
import type { Platform } from './platform';
import { textOf } from './textOf';

/**
 * A token lives 60 days (platforms.md 2.1). Tokens of old apps, and those of the Community Management API, answer 403 here: their token is
 * good all the same.
 */
const WHO_AM_I = { url: 'https://api.linkedin.com/v2/userinfo' };

export const linkedin: Platform = {
	name: 'LinkedIn',
	value: 'linkedin',
	// n8n's own: the second is for apps with the Community Management API, which LinkedIn lets have no other product.
	credentials: ['linkedInOAuth2Api', 'linkedInCommunityManagementOAuth2Api'],
	fields: [
		{
			displayName: 'Disable Reposts',
			name: 'disableReshare',
			type: 'boolean',
			default: false,
			description: 'Whether readers are kept from reposting it',
		},
		{
			displayName: 'Link Description',
			name: 'linkDescription',
			type: 'string',
			default: '',
			description: 'Text below the title on the card of the link. LinkedIn does not read the linked page.',
		},
		{
			displayName: 'Page ID',
			name: 'organization',
			type: 'string',
			default: '',
			placeholder: '2414183',
			description: 'Number of the page that posts, as in the address of its admin view. Empty means the member who connected the credential.',
		},
	],
	settings: (read) => ({
		disable_reshare: read('disableReshare'),
		link_description: read('linkDescription'),
		organization: textOf(read('organization')),
	}),
	async secrets(context, itemIndex) {
		return { access_token: await freshToken(context, itemIndex, linkedin, WHO_AM_I) };
	},
};
