import type { INodeProperties } from 'n8n-workflow';
import { languageOptions } from '../../shared/languages';
import type { ReadParameter } from '../../shared/operation';
import { optionalText, requiredText, withoutEmpty } from '../../shared/parameters';

const FROM_TEXT = { show: { subtitlesFrom: ['text'] } };

/** Which subtitles a video shall show. Read them with `readShownSubtitles`. */
export const shownSubtitleProperties: INodeProperties[] = [
	{
		displayName: 'Subtitles From',
		name: 'subtitlesFrom',
		type: 'options',
		default: 'asset',
		options: [
			{ name: 'Asset', value: 'asset', description: 'What Transcribe or Translate made of this video' },
			{ name: 'Text', value: 'text', description: 'The content of an SRT, WebVTT or ASS file' },
		],
	},
	{
		displayName: 'Subtitles',
		name: 'subtitles',
		type: 'string',
		default: '',
		required: true,
		typeOptions: { rows: 6 },
		placeholder: '1\n00:00:01,000 --> 00:00:03,000\nHello there',
		displayOptions: FROM_TEXT,
		description: 'Content of an SRT, WebVTT or ASS file; an expression can take it from an earlier node',
	},
	{
		displayName: 'Language',
		name: 'language',
		type: 'options',
		default: '',
		options: [{ name: 'As Spoken', value: '' }, ...languageOptions],
		description: 'Which of its subtitles; other languages need Translate first. Of a text: the language that it is in.',
	},
];

export const readShownSubtitles = (read: ReadParameter): { subtitles?: string; language?: string } =>
	withoutEmpty({
		...(read('subtitlesFrom') === 'text' ? { subtitles: requiredText(read, 'subtitles', 'Subtitles') } : {}),
		language: optionalText(read, 'language'),
	}) as { subtitles?: string; language?: string };
