import { languageOrDetectOptions } from '../../shared/languages';
import type { NodeOperation } from '../../shared/operation';
import { optionalText, readSource, withoutEmpty } from '../../shared/parameters';
import { optionsField, sourceProperties } from '../../shared/properties';
import { readRules, ruleOptions } from '../../shared/subtitles';

export const transcribe: NodeOperation = {
	name: 'Transcribe',
	value: 'transcribe',
	description: 'Turn speech into text and subtitles (SRT and VTT)',
	action: 'Transcribe speech',
	properties: [
		...sourceProperties,
		{
			displayName: 'Language',
			name: 'language',
			type: 'options',
			default: '',
			options: languageOrDetectOptions,
			description: 'Language that is spoken',
		},
		{
			displayName: 'Names and Special Words',
			name: 'prompt',
			type: 'string',
			default: '',
			placeholder: 'e.g. Kubernetes, Zoë Łukasik',
			typeOptions: { rows: 2 },
			description: 'Names and words that occur, spelled as they should appear',
		},
		{
			displayName: 'Tell Speakers Apart',
			name: 'speakers',
			type: 'boolean',
			default: false,
			description: 'Whether each segment says who speaks (A, B and so on), where the provider can tell',
		},
		{
			displayName: 'Longest Subtitle Line',
			name: 'maxLineChars',
			type: 'number',
			default: 42,
			typeOptions: { minValue: 16, maxValue: 80 },
			description: 'In characters. 42 is usual for wide videos; upright ones want less.',
		},
		optionsField([
			{
				displayName: 'Audio Track',
				name: 'audioTrack',
				type: 'number',
				default: 1,
				typeOptions: { minValue: 1, maxValue: 1000 },
				description: 'Which one, of a file that has several. Without it, the one that players choose.',
			},
			...ruleOptions,
		]),
	],
	build: ({ read }) => {
		const option = (name: string) => read(`options.${name}`, undefined);
		return [
			{
				operation: 'transcribe',
				...readSource(read),
				params: withoutEmpty({
					language: optionalText(read, 'language'),
					prompt: optionalText(read, 'prompt'),
					speakers: read('speakers', false) === true ? true : undefined,
					max_line_chars: read('maxLineChars'),
					audio_track: option('audioTrack'),
					...readRules(option),
				}),
			},
		];
	},
};
