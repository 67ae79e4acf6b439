import type { NodeOperation } from '../../../shared/operation';
import { readSource, requiredText, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';
import { engineProperty, qualityProperty } from './properties';

export const styleTransfer: NodeOperation = {
	name: 'Style Transfer',
	value: 'style_transfer',
	description: 'Draw a picture anew in a style that you describe',
	action: 'Transfer a style to an image',
	properties: [
		...sourceProperties,
		{
			displayName: 'Style',
			name: 'prompt',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'watercolour on rough paper',
			description: 'The style in words. Needs a Replicate key in the sidecar.',
		},
		{
			displayName: 'Strength',
			name: 'strength',
			type: 'number',
			default: 0.6,
			typeOptions: { minValue: 0, maxValue: 1, numberPrecision: 2 },
			description: 'From 0 (hardly changed) to 1 (freely drawn anew)',
		},
		optionsField([
			engineProperty,
			{
				displayName: 'Format',
				name: 'format',
				type: 'options',
				default: 'jpeg',
				options: [
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
			operation: 'style_transfer',
			...readSource(read),
			params: withoutEmpty({
				prompt: requiredText(read, 'prompt', 'Style'),
				strength: read('strength'),
				format: read('options.format', undefined),
				quality: read('options.quality', undefined),
				engine: read('options.engine', undefined),
			}),
		},
	],
};
