import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';
import { audioBitrateOption } from '../video/properties';

export const extractAudio: NodeOperation = {
	name: 'Extract Audio',
	value: 'extract_audio',
	description: 'Take the sound out of a video; it is copied where the format allows it',
	action: 'Extract the sound of a video',
	properties: [
		...sourceProperties,
		{
			displayName: 'Format',
			name: 'format',
			type: 'options',
			default: 'original',
			options: [
				{ name: 'As It Is', value: 'original', description: 'The sound is copied, or encoded in the nearest of the other formats' },
				{ name: 'FLAC', value: 'flac' },
				{ name: 'M4A (AAC)', value: 'm4a_aac' },
				{ name: 'MP3', value: 'mp3' },
				{ name: 'Ogg (Opus)', value: 'ogg_opus' },
				{ name: 'WAV', value: 'wav' },
			],
		},
		optionsField([
			audioBitrateOption(160, 16, 'In kbit/s; MP3 takes at most 320. Has no effect on FLAC, WAV and on sound that is copied.'),
			{
				displayName: 'Track',
				name: 'track',
				type: 'number',
				default: 1,
				typeOptions: { minValue: 1, maxValue: 1000 },
				description: 'Which sound track, from 1; without it, the one that players choose',
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'extract_audio',
			...readSource(read),
			params: withoutEmpty({
				format: read('format'),
				audio_bitrate_kbps: read('options.audioBitrate', undefined),
				track: read('options.track', undefined),
			}),
		},
	],
};
