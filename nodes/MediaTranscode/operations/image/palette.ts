import type { NodeOperation } from '../../../shared/operation';
import { readSource } from '../../../shared/parameters';
import { sourceProperties } from '../../../shared/properties';

export const palette: NodeOperation = {
	name: 'Get Palette',
	value: 'palette',
	description: 'Find the dominant colors of a picture, and a pair for background and text',
	action: 'Get the palette of an image',
	properties: [
		...sourceProperties,
		{
			displayName: 'Colors',
			name: 'colors',
			type: 'number',
			default: 6,
			typeOptions: { minValue: 1, maxValue: 12 },
			description: 'How many at most; fewer where the picture has fewer that differ',
		},
	],
	build: ({ read }) => [{ operation: 'palette', ...readSource(read), params: { colors: read('colors') } }],
};
