import { languageOptions, languageOrDetectOptions } from '../../shared/languages';
import type { NodeOperation, ReadParameter } from '../../shared/operation';
import { isRecord, optionalText, ParameterError, readSource, requiredChoices, requiredText, withoutEmpty } from '../../shared/parameters';
import { optionsField, sourceProperties } from '../../shared/properties';

export const translate: NodeOperation = {
	name: 'Translate',
	value: 'translate',
	description: 'Translate subtitles and post texts; times, lines and lengths fit',
	action: 'Translate subtitles or captions',
	properties: [
		...sourceProperties,
		{
			displayName: 'Languages',
			name: 'to',
			type: 'multiOptions',
			default: ['es'],
			options: languageOptions,
			description: 'Each gets its own files and fields',
		},
		{
			displayName: 'What',
			name: 'what',
			type: 'options',
			default: 'subtitles',
			options: [
				{ name: 'Both', value: 'both' },
				{ name: 'Captions', value: 'captions', description: 'The texts that Write Caption made for this asset' },
				{ name: 'Subtitles', value: 'subtitles', description: 'What Transcribe made of this asset, or your own' },
			],
		},
		{
			displayName: 'Original Language',
			name: 'from',
			type: 'options',
			default: '',
			options: languageOrDetectOptions,
			description: 'Language to translate from. Detect means that of the transcript.',
		},
		{
			displayName: 'Subtitles',
			name: 'subtitles',
			type: 'string',
			default: '',
			typeOptions: { rows: 4 },
			placeholder: 'Empty: those of the asset',
			displayOptions: { show: { what: ['subtitles', 'both'] } },
			description: 'Text of an SRT, WebVTT or ASS file. Empty means those of the asset.',
		},
		{
			displayName: 'Glossary',
			name: 'glossary',
			type: 'fixedCollection',
			typeOptions: { multipleValues: true },
			default: {},
			placeholder: 'Add Term',
			description: 'How words are to be translated; the same on both sides for names that stay as they are',
			options: [
				{
					displayName: 'Term',
					name: 'term',
					values: [
						{ displayName: 'Original', name: 'from', type: 'string', default: '' },
						{ displayName: 'Translation', name: 'to', type: 'string', default: '' },
					],
				},
			],
		},
		optionsField([
			{
				displayName: 'Longest Line',
				name: 'maxLineChars',
				type: 'number',
				default: 42,
				typeOptions: { minValue: 8, maxValue: 80 },
				description: 'In characters. Without it 42, and 16 for Chinese, Japanese and Korean.',
			},
			{
				displayName: 'Most Lines',
				name: 'maxLines',
				type: 'number',
				default: 2,
				typeOptions: { minValue: 1, maxValue: 4 },
				description: 'Lines of one subtitle, at most',
			},
			{
				displayName: 'Reading Speed',
				name: 'maxCharsPerSecond',
				type: 'number',
				default: 20,
				typeOptions: { minValue: 4, maxValue: 40 },
				description: 'In characters per second; faster subtitles are reported. Without it 20, and 10 for Chinese, Japanese and Korean.',
			},
			{
				displayName: 'Tone',
				name: 'tone',
				type: 'string',
				default: '',
				placeholder: 'informal, for teenagers',
				description: 'How it shall sound, in your own words',
			},
		]),
	],
	build: ({ read }) => {
		const what = requiredText(read, 'what', 'What');
		return [
			{
				operation: 'translate',
				...readSource(read),
				params: withoutEmpty({
					to: requiredChoices(read, 'to', 'Languages').map((code) => code.toLowerCase()),
					what,
					from: optionalText(read, 'from'),
					subtitles: what === 'captions' ? undefined : optionalText(read, 'subtitles'),
					glossary: readGlossary(read),
					tone: optionalText(read, 'options.tone'),
					max_line_chars: read('options.maxLineChars', undefined),
					max_lines: read('options.maxLines', undefined),
					max_chars_per_second: read('options.maxCharsPerSecond', undefined),
				}),
			},
		];
	},
};

function readGlossary(read: ReadParameter): Array<{ from: string; to: string }> | undefined {
	const value = read('glossary', {});
	const terms = isRecord(value) && Array.isArray(value['term']) ? value['term'].filter(isRecord) : [];
	const filled = terms.map((term) => ({ from: String(term['from'] ?? '').trim(), to: String(term['to'] ?? '').trim() })).filter(({ from }) => from !== '');
	const incomplete = filled.find(({ to }) => to === '');
	if (incomplete) throw new ParameterError(`"Glossary": the term "${incomplete.from}" has no translation. Fill it in; a name that stays as it is has the same text on both sides.`);
	return filled.length > 0 ? filled : undefined;
}
