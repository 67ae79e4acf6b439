import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';
import { audioBitrateOption, encoderSpeedOption } from './properties';

export const stream: NodeOperation = {
	name: 'Stream',
	value: 'stream',
	description: 'Make a video that browsers play while it loads, at its own size. Copies what complies.',
	action: 'Make a video ready for streaming',
	properties: [
		...sourceProperties,
		optionsField([
			audioBitrateOption(160, 32, 'In kbit/s, where the sound must be encoded'),
			encoderSpeedOption,
			{
				displayName: 'Quality (CRF)',
				name: 'crf',
				type: 'number',
				default: 21,
				typeOptions: { minValue: 0, maxValue: 51 },
				description: 'Where the picture must be encoded. From 0 to 51; lower is better and larger.',
			},
		]),
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
