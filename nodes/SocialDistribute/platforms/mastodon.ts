import { requireCredential } from '../../shared/requireCredential';
import type { Platform } from './platform';

export const mastodon: Platform = {
	name: 'Mastodon',
	value: 'mastodon',
	schedules: true,
	credentials: ['mediaPipelineMastodonApi'],
	async secrets(context, itemIndex) {
		const { baseUrl, accessToken } = await requireCredential<{ baseUrl: string; accessToken: string }>(
			context,
			itemIndex,
			mastodon,
		);
		return { access_token: accessToken, base_url: baseUrl.trim().replace(/\/+$/, '') };
	},
};
