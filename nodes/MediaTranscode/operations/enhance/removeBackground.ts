import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';
import { engineProperty } from './properties';

export const removeBackground: NodeOperation = {
	name: 'Remove Background',
	value: 'remove_background',
	description: 'Cut the subject of a picture out of its background',
	action: 'Remove the background of an image',
	properties: [
		...sourceProperties,
		{
			displayName: 'New Background',
			name: 'background',
			type: 'options',
			default: 'transparent',
			options: [
				{ name: 'Color', value: 'color' },
				{ name: 'Transparent', value: 'transparent' },
			],
		},
		{
			displayName: 'Color',
			name: 'color',
			type: 'color',
			default: '#ffffff',
			displayOptions: { show: { background: ['color'] } },
		},
		optionsField([
			engineProperty,
			{
				displayName: 'Format',
				name: 'format',
				type: 'options',
				default: 'png',
				options: [
					{ name: 'PNG', value: 'png' },
					{ name: 'WebP', value: 'webp' },
				],
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'remove_background',
			...readSource(read),
			params: withoutEmpty({
				background: read('background') === 'color' ? read('color') : 'transparent',
				format: read('options.format', undefined),
				engine: read('options.engine', undefined),
			}),
		},
	],
};
