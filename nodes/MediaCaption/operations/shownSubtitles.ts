import type { INodeProperties } from 'n8n-workflow';
import { languageOptions } from '../../shared/languages';
import type { ReadParameter } from '../../shared/operation';
import { optionalText, requiredText, withoutEmpty } from '../../shared/parameters';
import { subtitleTextProperty } from '../../shared/subtitles';

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
	subtitleTextProperty,
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
