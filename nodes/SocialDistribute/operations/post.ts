import type { NodeOperation } from '../../shared/operation';
import { optionalText, withoutEmpty } from '../../shared/parameters';
import type { BatchItem } from '../../shared/wire';
import { requireAllFit } from './requireAllFit';
import { postFields } from './postFields';
import { readPlatforms, readPost, readTime } from './readPost';

/** One job per platform, so that one platform's refusal does not hold up another. */
export const post: NodeOperation = {
	name: 'Post',
	value: 'post',
	description: 'Publish a post',
	action: 'Publish a post',
	properties: postFields,
	async build({ context, itemIndex, read }) {
		const scheduledAt = readTime(context, optionalText(read, 'options.scheduledAt'));
		const items: BatchItem[] = [];
		for (const platform of readPlatforms(read)) {
			const item = readPost(read, platform);
			items.push({ ...item, params: withoutEmpty({ ...item.params, scheduled_at: scheduledAt }), secrets: await platform.secrets(context, itemIndex) });
		}
		if (read('options.onProblem', 'fail') === 'fail_all') await requireAllFit(context, items);
		return items;
	},
};
