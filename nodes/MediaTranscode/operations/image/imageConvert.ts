import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';
import { formatField, qualityField } from './fields';

export const imageConvert: NodeOperation = {
	name: 'Convert',
	value: 'image_convert',
	description: 'Change the format of a picture, or make its file as small as a limit asks',
	action: 'Convert an image',
	properties: [
		...sourceProperties,
		formatField('webp'),
		optionsField([
			{ displayName: 'Lossless', name: 'lossless', type: 'boolean', default: false, description: 'Whether no detail may be lost (WebP and AVIF; PNG never loses any)' },
			{
				displayName: 'Maximum File Size (kB)',
				name: 'targetKilobytes',
				type: 'number',
				default: 500,
				typeOptions: { minValue: 2 },
				description: 'The best quality is searched whose file is not larger. 1 kB is 1000 bytes. For JPEG, WebP and AVIF.',
			},
			qualityField,
		]),
	],
	build: ({ read }) => {
		const kilobytes = Number(read('options.targetKilobytes', 0));
		return [
			{
				operation: 'image_convert',
				...readSource(read),
				params: withoutEmpty({
					format: read('format'),
					quality: read('options.quality', undefined),
					lossless: read('options.lossless', undefined),
					target_bytes: kilobytes > 0 ? Math.round(kilobytes * 1000) : undefined,
				}),
			},
		];
	},
};
