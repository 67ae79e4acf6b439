import { requireCredential } from './requireCredential';
import type { Platform } from './platform';

const CREDENTIAL = 'mediaPipelineMastodonApi';

export const mastodon: Platform = {
	name: 'Mastodon',
	value: 'mastodon',
	credential: CREDENTIAL,
	async secrets(context, itemIndex) {
		const { baseUrl, accessToken } = await requireCredential<{ baseUrl: string; accessToken: string }>(
			context,
			itemIndex,
			mastodon,
		);
		return { access_token: accessToken, base_url: baseUrl.trim().replace(/\/+$/, '') };
	},
};
