import type { NodeOperation } from '../../../shared/operation';
import { readMediaInput, readSource, withoutEmpty } from '../../../shared/parameters';
import { mediaInputField, optionsField, qualityOption, sourceProperties } from '../../../shared/properties';
import { percent, percentField } from '../../../shared/percent';
import { PLACES } from '../places';

export const watermark: NodeOperation = {
	name: 'Watermark',
	value: 'watermark',
	description: 'Put a logo on a video, for all of it or for a part',
	action: 'Watermark a video',
	properties: [
		...sourceProperties,
		mediaInputField('Logo', 'logo', 'https://example.com/logo.png', 'The picture to put on top; transparency stays, a GIF plays again and again', { required: true }),
		{ displayName: 'Position', name: 'position', type: 'options', default: 'bottom_right', options: PLACES },
		percentField('Size (%)', 'scalePercent', 15, 'Width of the logo, in percent of the width of the video'),
		percentField('Opacity (%)', 'opacityPercent', 100, 'From 1 (hardly there) to 100 (opaque)'),
		optionsField([
			{
				displayName: 'From (Seconds)',
				name: 'from',
				type: 'number',
				default: 0,
				typeOptions: { minValue: 0, numberPrecision: 2 },
				description: 'When the logo appears. Without it, at the beginning.',
			},
			percentField('Margin (%)', 'marginPercent', 4, 'Distance to the edges, in percent of the shorter side of the video', 50),
			qualityOption,
			{
				displayName: 'To (Seconds)',
				name: 'to',
				type: 'number',
				default: 5,
				typeOptions: { minValue: 0, numberPrecision: 2 },
				description: 'When the logo disappears. Without it, at the end.',
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'watermark',
			...readSource(read),
			params: withoutEmpty({
				logo: readMediaInput(read, 'logo', 'Logo'),
				position: read('position'),
				scale: percent(read('scalePercent')),
				opacity: percent(read('opacityPercent')),
				margin: percent(read('options.marginPercent', undefined)),
				from_seconds: read('options.from', undefined),
				to_seconds: read('options.to', undefined),
				crf: read('options.crf', undefined),
			}),
		},
	],
};
