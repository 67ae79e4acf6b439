import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';

export const sprite: NodeOperation = {
	name: 'Sprite Sheet',
	value: 'sprite',
	description: 'Make sheets of small pictures all along a video, with the WebVTT file that players show them by',
	action: 'Make a sprite sheet of a video',
	properties: [
		...sourceProperties,
		{
			displayName: 'Tiles',
			name: 'tiles',
			type: 'options',
			default: 'auto',
			options: [
				{ name: 'Automatic', value: 'auto', description: '100 in all, but no more than one per second' },
				{ name: 'By Interval', value: 'interval', description: 'One for every so many seconds' },
				{ name: 'By Number', value: 'count', description: 'So many, evenly over the video' },
			],
		},
		{
			displayName: 'Interval (Seconds)',
			name: 'interval',
			type: 'number',
			default: 10,
			typeOptions: { minValue: 0.1, maxValue: 3600, numberPrecision: 1 },
			displayOptions: { show: { tiles: ['interval'] } },
		},
		{
			displayName: 'Number of Tiles',
			name: 'count',
			type: 'number',
			default: 50,
			typeOptions: { minValue: 1, maxValue: 2000 },
			displayOptions: { show: { tiles: ['count'] } },
		},
		optionsField([
			{
				displayName: 'Columns',
				name: 'columns',
				type: 'number',
				default: 10,
				typeOptions: { minValue: 1, maxValue: 20 },
				description: 'Tiles side by side. A sheet has as many rows at most.',
			},
			{
				displayName: 'Format',
				name: 'format',
				type: 'options',
				default: 'jpeg',
				options: [
					{ name: 'JPEG', value: 'jpeg' },
					{ name: 'WebP', value: 'webp' },
				],
			},
			{
				displayName: 'Quality',
				name: 'quality',
				type: 'number',
				default: 75,
				typeOptions: { minValue: 1, maxValue: 100 },
				description: 'From 1 (smallest file) to 100 (best picture)',
			},
			{
				displayName: 'Tile Width',
				name: 'width',
				type: 'number',
				default: 160,
				typeOptions: { minValue: 16, maxValue: 480 },
				description: 'In pixels; the height follows',
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'sprite',
			...readSource(read),
			params: withoutEmpty({
				interval_seconds: read('tiles') === 'interval' ? read('interval') : undefined,
				count: read('tiles') === 'count' ? read('count') : undefined,
				columns: read('options.columns', undefined),
				width: read('options.width', undefined),
				format: read('options.format', undefined),
				quality: read('options.quality', undefined),
			}),
		},
	],
};
