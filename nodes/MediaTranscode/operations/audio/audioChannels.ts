import type { NodeOperation } from '../../../shared/operation';
import { readSource } from '../../../shared/parameters';
import { sourceProperties } from '../../../shared/properties';

export const audioChannels: NodeOperation = {
	name: 'Change Channels',
	value: 'audio_channels',
	description: 'Make the sound mono, stereo or 5.1, keep one side, or exchange the sides',
	action: 'Change the channels of the sound',
	properties: [
		...sourceProperties,
		{
			displayName: 'Channels',
			name: 'channels',
			type: 'options',
			default: 'mono',
			options: [
				{ name: '5.1 Surround', value: 'surround_5_1', description: 'Stereo spread over six channels' },
				{ name: 'Left Only', value: 'left', description: 'The left channel on both sides, as mono' },
				{ name: 'Mono', value: 'mono', description: 'All channels mixed into one' },
				{ name: 'Right Only', value: 'right', description: 'The right channel on both sides, as mono' },
				{ name: 'Stereo', value: 'stereo', description: 'Surround mixed down with centre and bass, mono on both sides' },
				{ name: 'Swap Left and Right', value: 'swap' },
			],
		},
	],
	build: ({ read }) => [{ operation: 'audio_channels', ...readSource(read), params: { channels: read('channels') } }],
};
