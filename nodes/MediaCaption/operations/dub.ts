import { languageOptions, languageOrDetectOptions } from '../../shared/languages';
import type { NodeOperation } from '../../shared/operation';
import { optionalText, readSource, requiredText, withoutEmpty } from '../../shared/parameters';
import { optionsField, sourceProperties } from '../../shared/properties';

export const dub: NodeOperation = {
	name: 'Dub',
	value: 'dub',
	description: 'Speak what is said in another language, over the original or instead of it',
	action: 'Dub into another language',
	properties: [
		...sourceProperties,
		{
			displayName: 'Language',
			name: 'to',
			type: 'options',
			default: 'es',
			options: languageOptions,
			description: 'Language to speak',
		},
		{
			displayName: 'Mode',
			name: 'mode',
			type: 'options',
			default: 'over',
			options: [
				{ name: 'Over the Original', value: 'over', description: 'The original becomes quieter while the voice speaks' },
				{ name: 'Replace the Original', value: 'replace', description: 'Only the new voice is heard' },
			],
		},
		{
			displayName: 'Engine',
			name: 'engine',
			type: 'options',
			default: 'auto',
			options: [
				{ name: 'Automatic', value: 'auto', description: 'Voices where there are subtitles in the language, else the dubbing service where it is set up' },
				{ name: 'Dubbing Service', value: 'dubbing', description: 'Keeps the voices of the original and translates by itself' },
				{ name: 'Voices', value: 'voices', description: 'Speaks the subtitles of the asset, translated where needed' },
			],
		},
		{
			displayName: 'Voice',
			name: 'voice',
			type: 'string',
			default: '',
			placeholder: 'e.g. Rachel',
			displayOptions: { show: { engine: ['auto', 'voices'] } },
			description: 'Name or ID of a voice that the provider knows. Empty means its own for the language.',
		},
		optionsField([
			{
				displayName: 'Keep Original Track',
				name: 'keepOriginal',
				type: 'boolean',
				default: true,
				description: 'Whether a video also gets its original sound, as a second track',
			},
			{
				displayName: 'Loudness',
				name: 'targetLufs',
				type: 'number',
				default: -16,
				typeOptions: { minValue: -40, maxValue: -9 },
				description: 'Of the result, in LUFS',
			},
			{
				displayName: 'Original Language',
				name: 'from',
				type: 'options',
				default: '',
				options: languageOrDetectOptions,
				description: 'Language that is spoken. Detect means that of the transcript.',
			},
			{
				displayName: 'Quieter By',
				name: 'duckDb',
				type: 'number',
				default: 15,
				typeOptions: { minValue: 0, maxValue: 40 },
				description: 'Change of the original under the voice, in dB',
			},
			{
				displayName: 'Subtitles',
				name: 'subtitles',
				type: 'string',
				default: '',
				typeOptions: { rows: 4 },
				description: 'What to say and when: text of an SRT, WebVTT or ASS file, in the language to speak, or in the original language where that is set',
			},
		]),
	],
	build: ({ read }) => {
		const engine = requiredText(read, 'engine', 'Engine');
		return [
			{
				operation: 'dub',
				...readSource(read),
				params: withoutEmpty({
					to: requiredText(read, 'to', 'Language'),
					mode: read('mode'),
					engine,
					voice: engine === 'dubbing' ? undefined : optionalText(read, 'voice'),
					from: optionalText(read, 'options.from'),
					subtitles: optionalText(read, 'options.subtitles'),
					duck_db: read('options.duckDb', undefined),
					keep_original: read('options.keepOriginal', undefined),
					target_lufs: read('options.targetLufs', undefined),
				}),
			},
		];
	},
};
