import type { INodeProperties } from 'n8n-workflow';
import type { NodeOperation, ReadParameter } from '../../../shared/operation';
import { optionalMediaInput, optionalText, ParameterError, readSource, withoutEmpty } from '../../../shared/parameters';
import { mediaInputField, optionsField, qualityOption, sourceProperties } from '../../../shared/properties';
import { percent, percentField } from '../../../shared/percent';
import { PLACES } from '../places';

const FONTS = ['DejaVu Sans', 'DejaVu Sans Mono', 'DejaVu Serif', 'Liberation Sans', 'Noto Sans', 'Noto Sans CJK SC', 'Open Sans', 'Roboto'];

const lowerThird: INodeProperties = {
	displayName: 'Lower Third',
	name: 'lowerThird',
	type: 'collection',
	default: {},
	placeholder: 'Add Option',
	displayOptions: { hide: { title: [''] } },
	options: [
		{
			displayName: 'Font',
			name: 'font',
			type: 'options',
			default: 'DejaVu Sans',
			description: 'It must be installed where the sidecar runs; DejaVu mostly is',
			options: FONTS.map((name) => ({ name, value: name })),
		},
		{
			displayName: 'From (Seconds)',
			name: 'from',
			type: 'number',
			default: 1,
			typeOptions: { minValue: 0, numberPrecision: 2 },
			description: 'When it appears, counted from the beginning of the video without intro',
		},
		{ displayName: 'Panel Colour', name: 'colour', type: 'color', default: '#1a1a1a' },
		{
			displayName: 'Seconds',
			name: 'seconds',
			type: 'number',
			default: 5,
			typeOptions: { minValue: 0.5, maxValue: 3600, numberPrecision: 2 },
			description: 'How long it stays',
		},
		{ displayName: 'Text Colour', name: 'textColour', type: 'color', default: '#ffffff' },
	],
};

export const brand: NodeOperation = {
	name: 'Brand',
	value: 'brand',
	description: 'Apply a brand kit in one go: logo, lower third, intro and outro',
	action: 'Brand a video',
	properties: [
		...sourceProperties,
		mediaInputField('Logo', 'logo', 'https://example.com/logo.png', 'A picture over the whole video, but not over intro and outro'),
		{ displayName: 'Logo Position', name: 'position', type: 'options', default: 'top_right', displayOptions: { hide: { logo: [''] } }, options: PLACES },
		{
			displayName: 'Lower Third: Title',
			name: 'title',
			type: 'string',
			default: 'Title',
			placeholder: 'Ada Lovelace',
			description: 'First line on a panel at the bottom, at most 80 letters. Empty means no lower third.',
		},
		{
			displayName: 'Lower Third: Subtitle',
			name: 'subtitle',
			type: 'string',
			default: '',
			placeholder: 'Mathematician',
			displayOptions: { hide: { title: [''] } },
			description: 'Second line, at most 120 letters',
		},
		lowerThird,
		mediaInputField('Intro', 'intro', 'https://example.com/intro.mp4', 'A video or picture before the video'),
		mediaInputField('Outro', 'outro', 'https://example.com/outro.mp4', 'A video or picture after the video'),
		optionsField([
			{
				displayName: 'Fade (Seconds)',
				name: 'fadeSeconds',
				type: 'number',
				default: 0.5,
				typeOptions: { minValue: 0, maxValue: 10, numberPrecision: 2 },
				description: 'In which intro, video and outro turn into each other. Without it, hard cuts.',
			},
			{
				displayName: 'Intro of Another Shape',
				name: 'fit',
				type: 'options',
				default: 'cover',
				description: 'What becomes of an intro or outro of another shape than the video',
				options: [
					{ name: 'Cut Off', value: 'cover' },
					{ name: 'Pad with a Blurred Copy', value: 'blur' },
					{ name: 'Pad with Black', value: 'contain' },
				],
			},
			percentField('Logo Margin (%)', 'marginPercent', 4, 'Distance to the edges, in percent of the shorter side of the video', 50),
			percentField('Logo Opacity (%)', 'opacityPercent', 100, 'From 1 (hardly there) to 100 (opaque)'),
			percentField('Logo Size (%)', 'scalePercent', 15, 'Width of the logo, in percent of the width of the video'),
			qualityOption,
			{
				displayName: 'Seconds per Picture',
				name: 'stillSeconds',
				type: 'number',
				default: 3,
				typeOptions: { minValue: 0.1, maxValue: 60, numberPrecision: 2 },
				description: 'How long an intro or outro that is a picture is shown',
			},
		]),
	],
	build: ({ read }) => {
		const file = optionalMediaInput(read, 'logo', 'Logo');
		const title = optionalText(read, 'title');
		const intro = optionalMediaInput(read, 'intro', 'Intro');
		const outro = optionalMediaInput(read, 'outro', 'Outro');
		if (!file && !title && !intro && !outro) throw new ParameterError('There is nothing to apply. Fill in at least one of "Logo", "Title", "Intro" and "Outro".');
		return [
			{
				operation: 'brand',
				...readSource(read),
				params: withoutEmpty({
					logo: file && logoParams(read, file),
					lower_third: title === undefined ? undefined : lowerThirdParams(read, title),
					intro,
					outro,
					fit: read('options.fit', undefined),
					fade_seconds: read('options.fadeSeconds', undefined),
					still_seconds: read('options.stillSeconds', undefined),
					crf: read('options.crf', undefined),
				}),
			},
		];
	},
};

const logoParams = (read: ReadParameter, file: object): object =>
	withoutEmpty({
		file,
		position: read('position', undefined),
		scale: percent(read('options.scalePercent', undefined)),
		opacity: percent(read('options.opacityPercent', undefined)),
		margin: percent(read('options.marginPercent', undefined)),
	});

const lowerThirdParams = (read: ReadParameter, title: string): object =>
	withoutEmpty({
		title,
		subtitle: optionalText(read, 'subtitle'),
		from: read('lowerThird.from', undefined),
		seconds: read('lowerThird.seconds', undefined),
		colour: read('lowerThird.colour', undefined),
		text_colour: read('lowerThird.textColour', undefined),
		font: read('lowerThird.font', undefined),
	});
