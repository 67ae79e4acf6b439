import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';
import { engineProperty, qualityProperty } from './properties';

export const upscale: NodeOperation = {
	name: 'Upscale',
	value: 'upscale',
	description: 'Make a picture larger without making it blurred',
	action: 'Upscale an image',
	properties: [
		...sourceProperties,
		{
			displayName: 'Factor',
			name: 'factor',
			type: 'options',
			default: 2,
			options: [
				{ name: '2 Times', value: 2 },
				{ name: '4 Times', value: 4 },
			],
		},
		optionsField([
			engineProperty,
			{
				displayName: 'Format',
				name: 'format',
				type: 'options',
				default: 'same',
				options: [
					{ name: 'As the Source', value: 'same' },
					{ name: 'AVIF', value: 'avif' },
					{ name: 'JPEG', value: 'jpeg' },
					{ name: 'PNG', value: 'png' },
					{ name: 'WebP', value: 'webp' },
				],
			},
			qualityProperty,
		]),
	],
	build: ({ read }) => [
		{
			operation: 'upscale',
			...readSource(read),
			params: withoutEmpty({
				factor: read('factor'),
				format: read('options.format', undefined),
				quality: read('options.quality', undefined),
				engine: read('options.engine', undefined),
			}),
		},
	],
};
