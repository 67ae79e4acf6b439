import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';
import { formatField, PARTS, qualityField } from './fields';

const side = (displayName: string, name: string) => ({
	displayName,
	name,
	type: 'number' as const,
	default: 300,
	typeOptions: { minValue: 16, maxValue: 2048 },
	description: 'In pixels',
});

export const imageThumbnail: NodeOperation = {
	name: 'Thumbnail',
	value: 'image_thumbnail',
	description: 'Make a small picture of exactly one size, for lists',
	action: 'Make a thumbnail of an image',
	properties: [
		...sourceProperties,
		side('Width', 'width'),
		side('Height', 'height'),
		{ displayName: 'Part to Keep', name: 'position', type: 'options', default: 'attention', options: PARTS },
		optionsField([formatField('webp'), qualityField]),
	],
	build: ({ read }) => [
		{
			operation: 'image_thumbnail',
			...readSource(read),
			params: withoutEmpty({
				width: read('width'),
				height: read('height'),
				position: read('position'),
				format: read('options.format', undefined),
				quality: read('options.quality', undefined),
			}),
		},
	],
};
