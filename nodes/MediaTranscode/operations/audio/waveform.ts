import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';

export const waveform: NodeOperation = {
	name: 'Waveform',
	value: 'waveform',
	description: 'Draw the sound: peaks as JSON for players, and a picture',
	action: 'Make a waveform',
	properties: [
		...sourceProperties,
		optionsField([
			{
				displayName: 'Background Color',
				name: 'background',
				type: 'color',
				default: '#ffffff',
				description: 'Of the picture. Without it, the background is transparent.',
			},
			{
				displayName: 'Bits',
				name: 'bits',
				type: 'options',
				default: 8,
				description: 'Precision of each peak in the JSON',
				options: [
					{ name: '16', value: 16 },
					{ name: '8', value: 8 },
				],
			},
			{
				displayName: 'Color',
				name: 'color',
				type: 'color',
				default: '#1e88e5',
				description: 'Of the wave',
			},
			{
				displayName: 'Height',
				name: 'height',
				type: 'number',
				default: 280,
				typeOptions: { minValue: 16, maxValue: 4096 },
				description: 'Of the picture, in pixels',
			},
			{
				displayName: 'Points Per Second',
				name: 'pointsPerSecond',
				type: 'number',
				default: 20,
				typeOptions: { minValue: 0.1, maxValue: 1000, numberPrecision: 1 },
				description: 'How many peaks the JSON has for each second of sound',
			},
			{
				displayName: 'Split Channels',
				name: 'splitChannels',
				type: 'boolean',
				default: false,
				description: 'Whether each channel gets a wave of its own',
			},
			{
				displayName: 'Width',
				name: 'width',
				type: 'number',
				default: 1800,
				typeOptions: { minValue: 16, maxValue: 8192 },
				description: 'Of the picture, in pixels',
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'waveform',
			...readSource(read),
			params: withoutEmpty({
				points_per_second: read('options.pointsPerSecond', undefined),
				bits: read('options.bits', undefined),
				width: read('options.width', undefined),
				height: read('options.height', undefined),
				color: read('options.color', undefined),
				background: read('options.background', undefined),
				split_channels: read('options.splitChannels', undefined),
			}),
		},
	],
};
