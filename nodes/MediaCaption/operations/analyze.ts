import type { NodeOperation } from '../../shared/operation';
import { readSource, requiredChoices, withoutEmpty } from '../../shared/parameters';
import { optionsField, sourceProperties } from '../../shared/properties';

export const analyze: NodeOperation = {
	name: 'Analyse',
	value: 'analyze',
	description: 'Tell what is in the picture: labels, objects, text and faces',
	action: 'Analyse the picture',
	properties: [
		...sourceProperties,
		{
			displayName: 'Look For',
			name: 'what',
			type: 'multiOptions',
			default: ['labels', 'objects', 'text'],
			description: 'What is looked for. What is found becomes tags of the asset.',
			options: [
				{ name: 'Faces', value: 'faces', description: 'Only where they are. Must be allowed on the sidecar (ALLOW_FACES).' },
				{ name: 'Labels', value: 'labels', description: 'What the picture is about' },
				{ name: 'Objects', value: 'objects', description: 'Things, how many, and where' },
				{ name: 'Text', value: 'text', description: 'Text that stands in the picture' },
			],
		},
		optionsField([
			{
				displayName: 'Frames',
				name: 'frames',
				type: 'number',
				default: 8,
				typeOptions: { minValue: 1, maxValue: 64 },
				description: 'How many pictures of a video are looked at',
			},
			{
				displayName: 'Least Certainty',
				name: 'minScore',
				type: 'number',
				default: 0.4,
				typeOptions: { minValue: 0, maxValue: 1, numberPrecision: 2 },
				description: 'Findings below it are left out. From 0 to 1.',
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'analyze',
			...readSource(read),
			params: withoutEmpty({
				what: requiredChoices(read, 'what', 'Look For'),
				frames: read('options.frames', undefined),
				min_score: read('options.minScore', undefined),
			}),
		},
	],
};
