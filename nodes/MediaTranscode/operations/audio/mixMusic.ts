import type { NodeOperation } from '../../../shared/operation';
import { readMediaInput, readSource, withoutEmpty } from '../../../shared/parameters';
import { mediaInputField, optionsField, sourceProperties } from '../../../shared/properties';

export const mixMusic: NodeOperation = {
	name: 'Mix Music',
	value: 'mix_music',
	description: 'Put music under speech; it becomes quieter while somebody speaks',
	action: 'Put music under speech',
	properties: [
		...sourceProperties,
		mediaInputField('Music', 'music', 'https://example.com/music.mp3', 'The music to put under the sound', { required: true }),
		optionsField([
			{
				displayName: 'Duck By',
				name: 'duck',
				type: 'number',
				default: 12,
				typeOptions: { minValue: 0, maxValue: 40 },
				description: 'By how much the music becomes quieter while somebody speaks, in dB',
			},
			{
				displayName: 'Fade In',
				name: 'fadeIn',
				type: 'number',
				default: 1,
				typeOptions: { minValue: 0, maxValue: 60, numberPrecision: 1 },
				description: 'Of the music, in seconds',
			},
			{
				displayName: 'Fade Out',
				name: 'fadeOut',
				type: 'number',
				default: 2,
				typeOptions: { minValue: 0, maxValue: 60, numberPrecision: 1 },
				description: 'Of the music, in seconds',
			},
			{
				displayName: 'Loop',
				name: 'loop',
				type: 'boolean',
				default: true,
				description: 'Whether music that is too short begins again',
			},
			{
				displayName: 'Music Volume',
				name: 'volume',
				type: 'number',
				default: -12,
				typeOptions: { minValue: -60, maxValue: 20 },
				description: 'Change of the volume of the music, in dB',
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'mix_music',
			...readSource(read),
			params: withoutEmpty({
				music: readMediaInput(read, 'music', 'Music'),
				music_volume_db: read('options.volume', undefined),
				duck_db: read('options.duck', undefined),
				fade_in: read('options.fadeIn', undefined),
				fade_out: read('options.fadeOut', undefined),
				loop: read('options.loop', undefined),
			}),
		},
	],
};
