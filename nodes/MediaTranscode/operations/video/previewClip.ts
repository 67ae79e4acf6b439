import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';

export const previewClip: NodeOperation = {
	name: 'Preview Clip (GIF)',
	value: 'preview_clip',
	description: 'Make a silent moving picture of a few seconds, as GIF, WebP or MP4',
	action: 'Make a preview clip of a video',
	properties: [
		...sourceProperties,
		{
			displayName: 'Show',
			name: 'show',
			type: 'options',
			default: 'auto',
			options: [
				{ name: 'One Part', value: 'part', description: 'From a place that you name' },
				{ name: 'Several Parts', value: 'auto', description: 'Short parts from all over the video' },
			],
		},
		{
			displayName: 'Start (Seconds)',
			name: 'start',
			type: 'number',
			default: 0,
			typeOptions: { minValue: 0, numberPrecision: 3 },
			displayOptions: { show: { show: ['part'] } },
			description: 'Where the clip begins in the video',
		},
		{
			displayName: 'Length (Seconds)',
			name: 'seconds',
			type: 'number',
			default: 4,
			typeOptions: { minValue: 0.5, maxValue: 30, numberPrecision: 1 },
		},
		{
			displayName: 'Format',
			name: 'format',
			type: 'options',
			default: 'gif',
			options: [
				{ name: 'GIF', value: 'gif', description: 'Shown everywhere, also in mail' },
				{ name: 'MP4', value: 'mp4', description: 'The smallest, for players' },
				{ name: 'WebP', value: 'webp', description: 'Smaller than GIF, shown by all browsers' },
			],
		},
		optionsField([
			{
				displayName: 'Frame Rate',
				name: 'fps',
				type: 'number',
				default: 10,
				typeOptions: { minValue: 1, maxValue: 30 },
				description: 'Pictures per second',
			},
			{
				displayName: 'Loop',
				name: 'loop',
				type: 'boolean',
				default: true,
				description: 'Whether a GIF or WebP plays again and again',
			},
			{
				displayName: 'Width',
				name: 'width',
				type: 'number',
				default: 400,
				typeOptions: { minValue: 16, maxValue: 1280 },
				description: 'In pixels; the height follows',
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'preview_clip',
			...readSource(read),
			params: withoutEmpty({
				start: read('show') === 'part' ? read('start') : 'auto',
				seconds: read('seconds'),
				format: read('format'),
				width: read('options.width', undefined),
				fps: read('options.fps', undefined),
				loop: read('options.loop', undefined),
			}),
		},
	],
};
