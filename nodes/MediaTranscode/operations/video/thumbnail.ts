import type { NodeOperation } from '../../../shared/operation';
import { optionalText, ParameterError, readSource, withoutEmpty } from '../../../shared/parameters';
import { sourceProperties } from '../../../shared/properties';

export const thumbnail: NodeOperation = {
	name: 'Thumbnail',
	value: 'thumbnail',
	description: 'Take one picture out of a video',
	action: 'Make a thumbnail',
	properties: [
		...sourceProperties,
		{
			displayName: 'At',
			name: 'at',
			type: 'string',
			default: '',
			placeholder: '1.5, 50% or best',
			description: 'Seconds from the start, a share of the duration such as 50%, or best: the sharpest and best lit picture. Empty means 1 second, or the middle of a shorter video.',
		},
		{
			displayName: 'Width',
			name: 'width',
			type: 'number',
			default: 1280,
			typeOptions: { minValue: 16, maxValue: 8192 },
			description: 'In pixels; the height follows. A smaller picture is not enlarged.',
		},
		{
			displayName: 'Format',
			name: 'format',
			type: 'options',
			default: 'jpeg',
			options: [
				{ name: 'JPEG', value: 'jpeg' },
				{ name: 'PNG', value: 'png' },
				{ name: 'WebP', value: 'webp' },
			],
		},
		{
			displayName: 'Quality',
			name: 'quality',
			type: 'number',
			default: 80,
			typeOptions: { minValue: 1, maxValue: 100 },
			displayOptions: { show: { format: ['jpeg', 'webp'] } },
			description: 'From 1 (smallest file) to 100 (best picture)',
		},
	],
	build: ({ read }) => [
		{
			operation: 'thumbnail',
			...readSource(read),
			params: withoutEmpty({
				at: readTime(optionalText(read, 'at')),
				width: read('width'),
				format: read('format'),
				quality: read('format') === 'png' ? undefined : read('quality'),
			}),
		},
	],
};

/** Seconds as a number, a percentage and "best" as text. */
function readTime(text: string | undefined): number | string | undefined {
	if (text === undefined) return undefined;
	if (/^(\d+(\.\d+)?%|best)$/i.test(text)) return text.toLowerCase();
	if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
	throw new ParameterError(`"At" must be seconds such as 1.5, a percentage such as 50%, or best, but is "${text}".`);
}
