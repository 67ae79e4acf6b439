import type { NodeOperation } from '../../shared/operation';
import { readSource, withoutEmpty } from '../../shared/parameters';
import { optionsField, sourceProperties } from '../../shared/properties';

export const findDuplicates: NodeOperation = {
	name: 'Find Duplicates',
	value: 'find_duplicates',
	description: 'Find copies of the asset in your library, also trimmed, resized or mirrored ones',
	action: 'Find duplicates',
	properties: [
		...sourceProperties,
		{
			displayName: 'Compare',
			name: 'compare',
			type: 'options',
			default: 'all',
			description: 'By what copies are found',
			options: [
				{ name: 'Picture', value: 'picture', description: 'Only what is seen' },
				{ name: 'Picture and Sound', value: 'all', description: 'A film over the sound of another one is found as well' },
				{ name: 'Sound', value: 'sound', description: 'Only what is heard' },
			],
		},
		{
			displayName: 'When There Is a Copy',
			name: 'whenFound',
			type: 'options',
			default: 'report',
			description: 'What happens when a copy is found',
			options: [
				{ name: 'Only Report', value: 'report', description: 'The item leaves through Done, with the field "is_duplicate" set to true' },
				{ name: 'Stop', value: 'stop', description: 'The item leaves through Failed' },
			],
		},
		optionsField([
			{
				displayName: 'Least Common Part',
				name: 'minMatchedSeconds',
				type: 'number',
				default: 5,
				typeOptions: { minValue: 1, maxValue: 3600 },
				description: 'In seconds. How long two videos or sounds must be the same; of shorter ones half.',
			},
			{
				displayName: 'Least Similarity',
				name: 'minSimilarity',
				type: 'number',
				default: 0.65,
				typeOptions: { minValue: 0.4, maxValue: 1, numberPrecision: 2 },
				description: '1 finds equal ones only; 0.65 forgives small sizes, strong compression and a logo',
			},
			{
				displayName: 'Mirrored',
				name: 'mirrored',
				type: 'boolean',
				default: true,
				description: 'Whether pictures that are mirrored left to right count as copies',
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'find_duplicates',
			...readSource(read),
			params: withoutEmpty({
				compare: read('compare'),
				action: read('whenFound'),
				min_matched_seconds: read('options.minMatchedSeconds', undefined),
				min_similarity: read('options.minSimilarity', undefined),
				mirrored: read('options.mirrored', undefined),
			}),
		},
	],
};
