import type { NodeOperation } from '../../../shared/operation';
import { readMediaInputs, readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, qualityOption, sourceProperties } from '../../../shared/properties';

export const concatenate: NodeOperation = {
	name: 'Concatenate',
	value: 'concatenate',
	description: 'Join videos and pictures one after the other, whatever their sizes, rates and sound',
	action: 'Concatenate videos',
	properties: [
		...sourceProperties,
		{
			displayName: 'Clips',
			name: 'clips',
			type: 'string',
			default: '',
			required: true,
			typeOptions: { rows: 3 },
			placeholder: 'https://example.com/outro.mp4',
			description: 'What follows the source, in order: asset IDs or addresses of videos and pictures, one per line or separated by commas, or a list from an expression; at most 20',
		},
		{
			displayName: 'Transition',
			name: 'transition',
			type: 'options',
			default: 'none',
			options: [
				{ name: 'Fade', value: 'fade', description: 'Each clip turns into the next one' },
				{ name: 'None', value: 'none', description: 'Hard cuts' },
			],
		},
		{
			displayName: 'Fade (Seconds)',
			name: 'fadeSeconds',
			type: 'number',
			default: 1,
			typeOptions: { minValue: 0.1, maxValue: 10, numberPrecision: 2 },
			displayOptions: { show: { transition: ['fade'] } },
			description: 'Length of a fade, at most half of the shortest clip',
		},
		{
			displayName: 'Clips of Another Shape',
			name: 'fit',
			type: 'options',
			default: 'contain',
			options: [
				{ name: 'Cut Off', value: 'cover', description: 'The clip fills the whole picture' },
				{ name: 'Pad with a Blurred Copy', value: 'blur', description: 'The whole clip, before itself, enlarged and blurred' },
				{ name: 'Pad with Black', value: 'contain', description: 'The whole clip, with bars' },
			],
		},
		optionsField([
			{
				displayName: 'Frame Rate',
				name: 'frameRate',
				type: 'number',
				default: 30,
				typeOptions: { minValue: 1, maxValue: 60 },
				description: 'Pictures per second. Without it, the highest of all clips.',
			},
			{
				displayName: 'Height',
				name: 'height',
				type: 'number',
				default: 1080,
				typeOptions: { minValue: 16, maxValue: 8192 },
				description: 'Of the result, in pixels and even; needs a width as well',
			},
			qualityOption,
			{
				displayName: 'Seconds per Picture',
				name: 'stillSeconds',
				type: 'number',
				default: 5,
				typeOptions: { minValue: 0.1, maxValue: 600, numberPrecision: 2 },
				description: 'How long a clip that is a picture is shown',
			},
			{
				displayName: 'Size',
				name: 'size',
				type: 'options',
				default: 'first',
				options: [
					{ name: 'As the Largest', value: 'largest' },
					{ name: 'As the Source', value: 'first' },
				],
			},
			{
				displayName: 'Width',
				name: 'width',
				type: 'number',
				default: 1920,
				typeOptions: { minValue: 16, maxValue: 8192 },
				description: 'Of the result, in pixels and even; needs a height as well',
			},
		]),
	],
	build: ({ read }) => {
		const width = read('options.width', undefined);
		const height = read('options.height', undefined);
		return [
			{
				operation: 'concatenate',
				...readSource(read),
				params: withoutEmpty({
					clips: readMediaInputs(read, 'clips', 'Clips'),
					transition: read('transition'),
					fade_seconds: read('transition') === 'fade' ? read('fadeSeconds') : undefined,
					fit: read('fit'),
					size: read('options.size', undefined),
					...(width && height ? { width, height } : {}),
					still_seconds: read('options.stillSeconds', undefined),
					frame_rate: read('options.frameRate', undefined),
					crf: read('options.crf', undefined),
				}),
			},
		];
	},
};
