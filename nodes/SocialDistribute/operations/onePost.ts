import type { INodeProperties } from 'n8n-workflow';
import type { OperationInput } from '../../shared/operation';
import { requiredText, withoutEmpty } from '../../shared/parameters';
import type { BatchItem } from '../../shared/wire';
import { platformOptions } from './postFields';
import { findPlatform, readSettings } from './readPost';

/** Fields of the operations on a post that exists. Named as in Post, so that the same credentials are shown. */
export const onePostFields: INodeProperties[] = [
	{
		displayName: 'Platform',
		name: 'platforms',
		type: 'options',
		default: 'mastodon',
		required: true,
		options: platformOptions,
		description: 'Where the post is. Use an expression to take it from the previous node.',
	},
	{
		displayName: 'Post ID',
		name: 'postId',
		type: 'string',
		default: '={{ $json.post.id }}',
		required: true,
		description: 'ID of the post in the media pipeline. The default takes it from the output of Post.',
	},
];

export async function onePostItem({ context, itemIndex, read }: OperationInput, operation: string): Promise<BatchItem> {
	const platform = findPlatform(String(read('platforms', '')).trim().toLowerCase());
	return {
		operation,
		params: withoutEmpty({ post_id: requiredText(read, 'postId', 'Post ID'), settings: readSettings(read, platform) }),
		secrets: await platform.secrets(context, itemIndex),
	};
}
