import type { NodeOperation } from '../../shared/operation';
import { onePostFields, onePostItem } from './onePost';

export const deletePost: NodeOperation = {
	name: 'Delete',
	value: 'delete',
	description: 'Take a post away from its platform, or out of its schedule',
	action: 'Delete a post',
	properties: onePostFields,
	build: async (input) => [await onePostItem(input, 'delete_post')],
};
