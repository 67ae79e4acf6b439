import type { INodeProperties } from 'n8n-workflow';
import { languageOptions } from './languages';
import type { ReadParameter } from './operation';
import { optionalText, requiredText, withoutEmpty } from './parameters';
import type { BatchItem } from './wire';

/** Of subtitles that are given as text, where "Subtitles From" says so. */
export const subtitleTextProperty: INodeProperties = {
	displayName: 'Subtitles',
	name: 'subtitles',
	type: 'string',
	default: '',
	required: true,
	typeOptions: { rows: 6 },
	placeholder: '1\n00:00:01,000 --> 00:00:03,000\nHello there',
	displayOptions: { show: { subtitlesFrom: ['text'] } },
	description: 'Content of an SRT, WebVTT or ASS file; an expression can take it from an earlier node',
};

/** Fields of operations that work on subtitles alone: those of an asset, or a text. Read them with `readSubtitles`. */
export const subtitleProperties: INodeProperties[] = [
	{
		displayName: 'Subtitles From',
		name: 'subtitlesFrom',
		type: 'options',
		default: 'asset',
		options: [
			{ name: 'Asset', value: 'asset', description: 'What Transcribe or Translate made of an asset' },
			{ name: 'Text', value: 'text', description: 'The content of an SRT, WebVTT or ASS file' },
		],
	},
	{
		displayName: 'Asset ID',
		name: 'assetId',
		type: 'string',
		default: '={{ $json.asset_id }}',
		required: true,
		displayOptions: { show: { subtitlesFrom: ['asset'] } },
		description: 'ID of the asset whose subtitles are wanted. The default takes it from the previous node.',
	},
	{
		displayName: 'Language',
		name: 'language',
		type: 'options',
		default: '',
		displayOptions: { show: { subtitlesFrom: ['asset'] } },
		options: [{ name: 'As Spoken', value: '' }, ...languageOptions],
		description: 'Which of its subtitles. Other languages need Translate first.',
	},
	subtitleTextProperty,
];

/** The asset, or the text as a parameter. */
export function readSubtitles(read: ReadParameter): { item: Pick<BatchItem, 'asset_id'>; params: Record<string, unknown> } {
	return read('subtitlesFrom') === 'text'
		? { item: {}, params: { subtitles: requiredText(read, 'subtitles', 'Subtitles') } }
		: { item: { asset_id: requiredText(read, 'assetId', 'Asset ID') }, params: withoutEmpty({ language: optionalText(read, 'language') }) };
}

/** What the result is written as; the first one comes back as text, too. */
export const formatsProperty: INodeProperties = {
	displayName: 'Formats',
	name: 'formats',
	type: 'multiOptions',
	default: ['srt', 'vtt'],
	options: [
		{ name: 'ASS', value: 'ass', description: 'With styles, for video editors and players' },
		{ name: 'JSON', value: 'json', description: 'Cues with all that is known of them, times of words included' },
		{ name: 'Plain Text', value: 'txt', description: 'Without times' },
		{ name: 'SRT', value: 'srt', description: 'What most players and platforms take' },
		{ name: 'WebVTT', value: 'vtt', description: 'For websites' },
	],
	description: 'One file for each. The first one is in the field subtitles of the result, too.',
};

/** Rules by which subtitles are cut, for an Options collection. In the names' alphabetical order, merged with other fields by the caller. */
export const ruleOptions: INodeProperties[] = [
	{
		displayName: 'Longest Line (Chinese, Japanese, Korean)',
		name: 'maxWideLineChars',
		type: 'number',
		default: 16,
		typeOptions: { minValue: 8, maxValue: 40 },
		description: 'Characters, which are twice as wide in these languages',
	},
	{
		displayName: 'Longest Time (Seconds)',
		name: 'maxSeconds',
		type: 'number',
		default: 7,
		typeOptions: { minValue: 3, maxValue: 15, numberPrecision: 1 },
		description: 'How long one subtitle is shown at most',
	},
	{
		displayName: 'Most Lines',
		name: 'maxLines',
		type: 'number',
		default: 2,
		typeOptions: { minValue: 1, maxValue: 4 },
		description: 'Lines of one subtitle. Upright videos often show a single one.',
	},
	{
		displayName: 'Reading Speed',
		name: 'readingSpeed',
		type: 'number',
		default: 17,
		typeOptions: { minValue: 5, maxValue: 40 },
		description: 'Characters per second that viewers can read: 17 for adults, 20 for fast readers, 13 for children',
	},
	{
		displayName: 'Shortest Time (Seconds)',
		name: 'minSeconds',
		type: 'number',
		default: 1,
		typeOptions: { minValue: 0.2, maxValue: 3, numberPrecision: 1 },
		description: 'How long one subtitle is shown at least, where the next one lets it',
	},
	{
		displayName: 'Speaker Dash',
		name: 'speakerDash',
		type: 'boolean',
		default: false,
		description: 'Whether a dash stands before the first words of another speaker, where speakers are known',
	},
];

/** Fields of the wire, by field of the node. */
const RULES = {
	max_wide_line_chars: 'maxWideLineChars',
	max_seconds: 'maxSeconds',
	max_lines: 'maxLines',
	reading_speed: 'readingSpeed',
	min_seconds: 'minSeconds',
	speaker_dash: 'speakerDash',
} as const;

/** @param value reads one field by the node's name for it; undefined where it is not set */
export const readRules = (value: (name: string) => unknown): Record<string, unknown> => withoutEmpty(Object.fromEntries(Object.entries(RULES).map(([wire, field]) => [wire, value(field)])));
