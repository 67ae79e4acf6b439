import type { NodeOperation } from '../../shared/operation';
import { optionalText, readSource, withoutEmpty } from '../../shared/parameters';
import { sourceProperties } from '../../shared/properties';

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
			type: 'string',
			default: '',
			placeholder: 'en',
			description: 'Two-letter code of the language that is spoken. Empty means: find out.',
		},
		{
			displayName: 'Prompt',
			name: 'prompt',
			type: 'string',
			default: '',
			typeOptions: { rows: 2 },
			description: 'Names and words that occur, spelled as they should appear',
		},
		{
			displayName: 'Longest Subtitle Line',
			name: 'maxLineChars',
			type: 'number',
			default: 42,
			typeOptions: { minValue: 16, maxValue: 80 },
			description: 'In characters. 42 is usual for wide videos; upright ones want less.',
		},
	],
	build: ({ read }) => [
		{
			operation: 'transcribe',
			...readSource(read),
			params: withoutEmpty({
				language: optionalText(read, 'language'),
				prompt: optionalText(read, 'prompt'),
				max_line_chars: read('maxLineChars'),
			}),
		},
	],
};
