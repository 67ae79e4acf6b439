import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';
import { formatField, qualityField } from './fields';

export const imagePreview: NodeOperation = {
	name: 'Preview',
	value: 'image_preview',
	description: 'Make a copy for looking at, of limited size',
	action: 'Make a preview of an image',
	properties: [
		...sourceProperties,
		{
			displayName: 'Longer Side',
			name: 'maxSide',
			type: 'number',
			default: 1080,
			typeOptions: { minValue: 64, maxValue: 4096 },
			description: 'In pixels, at most. Smaller pictures are not enlarged.',
		},
		optionsField([formatField('webp'), qualityField]),
	],
	build: ({ read }) => [
		{
			operation: 'image_preview',
			...readSource(read),
			params: withoutEmpty({
				max_side: read('maxSide'),
				format: read('options.format', undefined),
				quality: read('options.quality', undefined),
			}),
		},
	],
};
