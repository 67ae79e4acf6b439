import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';

export const scenes: NodeOperation = {
	name: 'List Scenes',
	value: 'scenes',
	description: 'Find the cuts of a video: where each scene begins and ends',
	action: 'List the scenes of a video',
	properties: [
		...sourceProperties,
		{
			displayName: 'With Pictures',
			name: 'thumbnails',
			type: 'boolean',
			default: false,
			description: 'Whether to take one picture out of each scene, of the first 50',
		},
		optionsField([
			{
				displayName: 'Shortest Scene (Seconds)',
				name: 'minScene',
				type: 'number',
				default: 0.5,
				typeOptions: { minValue: 0, maxValue: 600, numberPrecision: 2 },
				description: 'Shorter scenes belong to the one before',
			},
			{
				displayName: 'Threshold',
				name: 'threshold',
				type: 'number',
				default: 10,
				typeOptions: { minValue: 1, maxValue: 100 },
				description: 'How much must change for a cut, from 1 (finds too many) to 100',
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'scenes',
			...readSource(read),
			params: withoutEmpty({
				thumbnails: read('thumbnails'),
				threshold: read('options.threshold', undefined),
				min_scene_seconds: read('options.minScene', undefined),
			}),
		},
	],
};
