import { freshToken } from './freshToken';
import type { Platform } from './platform';

/** A token lives two hours (platforms.md 1.1). */
const WHO_AM_I = { url: 'https://api.x.com/2/users/me' };

export const x: Platform = {
	name: 'X',
	value: 'x',
	credentials: ['mediaPipelineXOAuth2Api'],
	async secrets(context, itemIndex) {
		return { access_token: await freshToken(context, itemIndex, x, WHO_AM_I) };
	},
};
