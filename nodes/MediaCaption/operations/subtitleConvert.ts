import type { NodeOperation } from '../../shared/operation';
import { requiredChoices, withoutEmpty } from '../../shared/parameters';
import { optionsField } from '../../shared/properties';
import { formatsProperty, readSubtitles, subtitleProperties } from '../../shared/subtitles';

export const subtitleConvert: NodeOperation = {
	name: 'Convert Subtitles',
	value: 'subtitle_convert',
	description: 'Turn subtitles into SRT, WebVTT, ASS, plain text or JSON',
	action: 'Convert subtitles',
	properties: [
		...subtitleProperties,
		{ ...formatsProperty, default: ['vtt'] },
		optionsField([
			{
				displayName: 'Keep Markup',
				name: 'keepMarkup',
				type: 'boolean',
				default: false,
				description: 'Whether italics, bold and underlining of a given text stay. All other markup goes anyway.',
			},
			{
				displayName: 'Times of Words',
				name: 'wordTimes',
				type: 'boolean',
				default: false,
				description: 'Whether WebVTT gets the time of each word, for players that highlight what is being said',
			},
		]),
	],
	build: ({ read }) => {
		const { item, params } = readSubtitles(read);
		return [
			{
				operation: 'subtitle_convert',
				...item,
				params: withoutEmpty({
					...params,
					formats: requiredChoices(read, 'formats', 'Formats'),
					keep_markup: read('options.keepMarkup', undefined),
					word_times: read('options.wordTimes', undefined),
				}),
			},
		];
	},
};
