import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { sourceProperties } from '../../../shared/properties';

export const stream: NodeOperation = {
	name: 'Stream',
	value: 'stream',
	description: 'Make a video that browsers play while it loads, at its own size. Copies what complies.',
	action: 'Make a video ready for streaming',
	properties: [
		...sourceProperties,
		{
			displayName: 'Options',
			name: 'options',
			type: 'collection',
			default: {},
			placeholder: 'Add Option',
			options: [
				{
					displayName: 'Audio Bitrate',
					name: 'audioBitrate',
					type: 'number',
					default: 160,
					typeOptions: { minValue: 32, maxValue: 512 },
					description: 'In kbit/s, where the sound must be encoded',
				},
				{
					displayName: 'Encoder Speed',
					name: 'preset',
					type: 'options',
					default: 'veryfast',
					description: 'Slower makes smaller files of the same quality',
					options: [
						{ name: 'Fast', value: 'fast' },
						{ name: 'Faster', value: 'faster' },
						{ name: 'Medium', value: 'medium' },
						{ name: 'Slow', value: 'slow' },
						{ name: 'Super Fast', value: 'superfast' },
						{ name: 'Very Fast', value: 'veryfast' },
					],
				},
				{
					displayName: 'Quality (CRF)',
					name: 'crf',
					type: 'number',
					default: 21,
					typeOptions: { minValue: 0, maxValue: 51 },
					description: 'Where the picture must be encoded. From 0 to 51; lower is better and larger.',
				},
			],
		},
	],
	build: ({ read }) => [
		{
			operation: 'stream',
			...readSource(read),
			params: withoutEmpty({
				crf: read('options.crf', undefined),
				preset: read('options.preset', undefined),
				audio_bitrate_kbps: read('options.audioBitrate', undefined),
			}),
		},
	],
};
