import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';
import { audioBitrateOption } from '../video/properties';

/** The operation `convert` with the formats of sound: whoever has a sound does not look for them under Video. */
export const convertAudio: NodeOperation = {
	name: 'Convert Audio',
	value: 'convert_audio',
	description: 'Change the format of a sound; sound that is in it already is copied',
	action: 'Convert audio to another format',
	properties: [
		...sourceProperties,
		{
			displayName: 'Format',
			name: 'format',
			type: 'options',
			default: 'mp3',
			options: [
				{ name: 'FLAC', value: 'flac' },
				{ name: 'M4A (AAC)', value: 'm4a_aac' },
				{ name: 'MP3', value: 'mp3' },
				{ name: 'Ogg (Opus)', value: 'ogg_opus' },
				{ name: 'WAV', value: 'wav' },
			],
		},
		optionsField([
			audioBitrateOption(160, 16, 'In kbit/s; MP3 takes at most 320. Has no effect on FLAC, WAV and on sound that is copied.'),
		]),
	],
	build: ({ read }) => [
		{
			operation: 'convert',
			...readSource(read),
			params: withoutEmpty({ format: read('format'), audio_bitrate_kbps: read('options.audioBitrate', undefined) }),
		},
	],
};
