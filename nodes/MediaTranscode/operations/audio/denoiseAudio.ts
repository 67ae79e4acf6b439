import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';

export const denoiseAudio: NodeOperation = {
	name: 'Remove Noise',
	value: 'denoise_audio',
	description: 'Remove noise from speech; music goes, too, unless the engine is Filters. The picture of a video is not touched.',
	action: 'Remove noise from the sound',
	properties: [
		...sourceProperties,
		{
			displayName: 'Engine',
			name: 'engine',
			type: 'options',
			default: 'auto',
			options: [
				{ name: 'Automatic', value: 'auto', description: 'The neural network where it can run (removes music, too), else filters' },
				{ name: 'Filters (Ffmpeg)', value: 'ffmpeg', description: 'Against steady noise; leaves music alone' },
				{ name: 'Neural Network (GTCRN)', value: 'gtcrn', description: 'Best for speech; removes music, too' },
			],
		},
		optionsField([
			{
				displayName: 'Strength',
				name: 'strength',
				type: 'options',
				default: 'medium',
				description: 'How much quieter the filters make the noise',
				options: [
					{ name: 'Light (10 dB)', value: 'light' },
					{ name: 'Medium (20 dB)', value: 'medium' },
					{ name: 'Strong (30 dB)', value: 'strong' },
				],
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'denoise_audio',
			...readSource(read),
			params: withoutEmpty({ engine: read('engine'), strength: read('options.strength', undefined) }),
		},
	],
};
