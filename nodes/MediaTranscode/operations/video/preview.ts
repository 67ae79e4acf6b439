import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';

export const preview: NodeOperation = {
	name: 'Preview',
	value: 'preview',
	description: 'Make a small video for looking through: 720p, starts at once',
	action: 'Make a preview of a video',
	properties: [
		...sourceProperties,
		optionsField([
			{
				displayName: 'Quality (CRF)',
				name: 'crf',
				type: 'number',
				default: 28,
				typeOptions: { minValue: 0, maxValue: 51 },
				description: 'From 0 to 51. Lower is better and larger.',
			},
			{
				displayName: 'Size',
				name: 'height',
				type: 'options',
				default: 720,
				description: 'Pixels of the shorter side. A smaller video is not enlarged.',
				options: [
					{ name: '240p', value: 240 },
					{ name: '360p', value: 360 },
					{ name: '480p', value: 480 },
					{ name: '720p', value: 720 },
				],
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'preview',
			...readSource(read),
			params: withoutEmpty({ height: read('options.height', undefined), crf: read('options.crf', undefined) }),
		},
	],
};
