import type { NodeOperation } from '../../shared/operation';
import { readSource } from '../../shared/parameters';
import { sourceProperties } from '../../shared/properties';

export const indexForSearch: NodeOperation = {
	name: 'Index for Search',
	value: 'index_asset',
	description: 'Make a video, image or recording findable by what is said and seen in it',
	action: 'Index media for search',
	properties: [
		...sourceProperties,
		{
			displayName: 'Frames',
			name: 'frames',
			type: 'number',
			default: 12,
			typeOptions: { minValue: 0, maxValue: 60 },
			description: 'How many pictures of a video are looked at. With 0, what is seen cannot be found.',
		},
		{
			displayName: 'Put Pictures Into Words',
			name: 'describe',
			type: 'boolean',
			default: true,
			description: 'Whether things and text on the pictures can be found by words. Without, pictures are only compared with each other.',
		},
	],
	build: ({ read }) => [
		{
			operation: 'index_asset',
			...readSource(read),
			params: { frames: read('frames'), describe: read('describe') },
		},
	],
};
