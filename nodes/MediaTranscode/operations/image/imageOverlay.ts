import type { NodeOperation } from '../../../shared/operation';
import { readMediaInput, readSource, withoutEmpty } from '../../../shared/parameters';
import { mediaInputField, optionsField, sourceProperties } from '../../../shared/properties';
import { formatField, qualityField } from './fields';
import { PLACES } from '../places';
import { percent } from '../../../shared/percent';

export const imageOverlay: NodeOperation = {
	name: 'Overlay Logo',
	value: 'image_overlay',
	description: 'Put a logo or watermark on a picture, once or all over it',
	action: 'Overlay a logo on an image',
	properties: [
		...sourceProperties,
		mediaInputField('Logo', 'logo', 'https://example.com/logo.png', 'The picture to put on top', { required: true }),
		{ displayName: 'Position', name: 'position', type: 'options', default: 'bottom_right', options: PLACES },
		{
			displayName: 'Size (%)',
			name: 'scalePercent',
			type: 'number',
			default: 20,
			typeOptions: { minValue: 1, maxValue: 100 },
			description: 'Width of the logo, in percent of the width of the picture',
		},
		{
			displayName: 'Opacity (%)',
			name: 'opacityPercent',
			type: 'number',
			default: 100,
			typeOptions: { minValue: 1, maxValue: 100 },
			description: 'From 1 (hardly there) to 100 (opaque)',
		},
		optionsField([
			formatField('same'),
			{
				displayName: 'Margin (%)',
				name: 'marginPercent',
				type: 'number',
				default: 3,
				typeOptions: { minValue: 0, maxValue: 50 },
				description: 'Distance to the edges, in percent of the shorter side of the picture',
			},
			qualityField,
			{ displayName: 'Tile', name: 'tile', type: 'boolean', default: false, description: 'Whether copies of the logo cover the whole picture' },
		]),
	],
	build: ({ read }) => [
		{
			operation: 'image_overlay',
			...readSource(read),
			params: withoutEmpty({
				logo: readMediaInput(read, 'logo', 'Logo'),
				position: read('position'),
				scale: percent(read('scalePercent')),
				opacity: percent(read('opacityPercent')),
				margin: percent(read('options.marginPercent', undefined)),
				tile: read('options.tile', undefined),
				format: read('options.format', undefined),
				quality: read('options.quality', undefined),
			}),
		},
	],
};
