import type { NodeOperation } from '../../shared/operation';
import { isRecord, optionalText, readSource, withoutEmpty } from '../../shared/parameters';
import { percent } from '../../shared/percent';
import { optionsField, qualityOption, sourceProperties } from '../../shared/properties';
import { shownSubtitleProperties, readShownSubtitles } from './shownSubtitles';

const FONTS = ['DejaVu Sans', 'DejaVu Sans Mono', 'DejaVu Serif', 'Liberation Sans', 'Noto Sans', 'Noto Sans CJK SC', 'Open Sans', 'Roboto'];
const OTHER_FONT = 'other';

const options = optionsField([
	{ displayName: 'Bold', name: 'bold', type: 'boolean', default: true, description: 'Whether letters are bold' },
	{ displayName: 'Box Colour', name: 'boxColour', type: 'color', default: '#000000', description: 'With the style Boxed' },
	{
		displayName: 'Box Opacity (Percent)',
		name: 'boxOpacity',
		type: 'number',
		default: 75,
		typeOptions: { minValue: 0, maxValue: 100 },
		description: 'With the style Boxed: 100 lets nothing be seen through the box',
	},
	{ displayName: 'Most Words at Once', name: 'maxWords', type: 'number', default: 3, typeOptions: { minValue: 1, maxValue: 20 }, description: 'Fewer words change more often' },
	{ displayName: 'Outline Colour', name: 'outlineColour', type: 'color', default: '#000000' },
	qualityOption,
	{ displayName: 'Upper Case', name: 'upperCase', type: 'boolean', default: true, description: 'Whether all letters are capitals. Left out: with the style Big Words only.' },
]);

export const burnSubtitles: NodeOperation = {
	name: 'Burn Subtitles',
	value: 'burn_subtitles',
	description: 'Draw subtitles into the picture, in a style of your choice, so that every feed shows them',
	action: 'Burn subtitles into a video',
	properties: [
		...sourceProperties,
		...shownSubtitleProperties,
		{
			displayName: 'Style',
			name: 'style',
			type: 'options',
			default: 'karaoke',
			options: [
				{ name: 'Big Words', value: 'word', description: 'One to three large words at a time, in the middle' },
				{ name: 'Boxed', value: 'boxed', description: 'On a box that can be seen through' },
				{ name: 'Karaoke', value: 'karaoke', description: 'Each word lights up as it is said' },
				{ name: 'Plain', value: 'plain', description: 'With an outline' },
			],
		},
		{
			displayName: 'Platform',
			name: 'platform',
			type: 'options',
			default: 'none',
			options: [
				{ name: 'Any', value: 'none' },
				{ name: 'Instagram Reels', value: 'reels' },
				{ name: 'Stories', value: 'stories' },
				{ name: 'TikTok', value: 'tiktok' },
				{ name: 'YouTube Shorts', value: 'shorts' },
			],
			description: 'Upright videos: subtitles keep clear of the buttons and texts that the app lays over the picture',
		},
		{
			displayName: 'Position',
			name: 'position',
			type: 'options',
			default: '',
			options: [
				{ name: 'Bottom', value: 'bottom' },
				{ name: 'By Style', value: '', description: 'Big words in the middle, all else at the bottom' },
				{ name: 'Middle', value: 'middle' },
				{ name: 'Top', value: 'top' },
			],
		},
		{
			displayName: 'Size',
			name: 'size',
			type: 'options',
			default: 'medium',
			options: [
				{ name: 'Extra Large', value: 'extra_large' },
				{ name: 'Large', value: 'large' },
				{ name: 'Medium', value: 'medium' },
				{ name: 'Small', value: 'small' },
			],
		},
		{
			displayName: 'Font',
			name: 'font',
			type: 'options',
			default: '',
			options: [{ name: 'Automatic', value: '' }, ...FONTS.map((name) => ({ name, value: name })), { name: 'Other', value: OTHER_FONT }],
			description: 'It must be installed where the sidecar runs. Letters that it lacks come from others.',
		},
		{
			displayName: 'Font Name',
			name: 'fontName',
			type: 'string',
			default: 'Montserrat',
			required: true,
			displayOptions: { show: { font: [OTHER_FONT] } },
			description: 'Name of a font that is installed where the sidecar runs, such as that of your brand',
		},
		{ displayName: 'Text Colour', name: 'textColour', type: 'color', default: '#ffffff' },
		{
			displayName: 'Highlight Colour',
			name: 'highlightColour',
			type: 'color',
			default: '#ffd60a',
			displayOptions: { show: { style: ['karaoke', 'word'] } },
			description: 'Of the word that is being said',
		},
		options,
	],
	build: ({ read }) => {
		const given = read('options', {});
		const chosen = isRecord(given) ? given : {};
		const font = optionalText(read, 'font');
		return [
			{
				operation: 'burn_subtitles',
				...readSource(read),
				params: withoutEmpty({
					...readShownSubtitles(read),
					style: read('style'),
					platform: read('platform'),
					position: optionalText(read, 'position'),
					size: read('size'),
					font: font === OTHER_FONT ? optionalText(read, 'fontName') : font,
					text_colour: optionalText(read, 'textColour'),
					highlight_colour: optionalText(read, 'highlightColour'),
					outline_colour: chosen['outlineColour'],
					box_colour: chosen['boxColour'],
					box_opacity: percent(chosen['boxOpacity']),
					bold: chosen['bold'],
					upper_case: chosen['upperCase'],
					max_words: chosen['maxWords'],
					crf: chosen['crf'],
				}),
			},
		];
	},
};
