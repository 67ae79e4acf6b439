import type { NodeOperation } from '../../shared/operation';
import type { BatchItem } from '../../shared/wire';
import { postFields } from './postFields';
import { readPlatforms, readPost } from './readPost';

/** A dry run: what each platform would say, and how the post would look. */
export const validate: NodeOperation = {
	name: 'Validate',
	value: 'validate',
	description: 'Check a post against the limits of the platforms and the account, without publishing it',
	action: 'Check a post',
	properties: postFields,
	async build({ context, itemIndex, read }) {
		const items: BatchItem[] = [];
		for (const platform of readPlatforms(read)) {
			items.push({ ...readPost(read, platform), operation: 'validate_post', secrets: await platform.secrets(context, itemIndex) });
		}
		return items;
	},
};
