import type { NodeOperation } from '../../shared/operation';
import { onePostFields, onePostItem } from './onePost';

export const getStatus: NodeOperation = {
	name: 'Get Status',
	value: 'getStatus',
	description: 'Look on the platform what has become of a post',
	action: 'Get the status of a post',
	properties: onePostFields,
	build: async (input) => [await onePostItem(input, 'post_status')],
};
