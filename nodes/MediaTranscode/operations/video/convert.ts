import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { sourceProperties } from '../../../shared/properties';

export const convert: NodeOperation = {
	name: 'Convert',
	value: 'convert',
	description: 'Change the file format of a video; streams that already comply are copied, not encoded again',
	action: 'Convert a video',
	properties: [
		...sourceProperties,
		{
			displayName: 'Format',
			name: 'format',
			type: 'options',
			default: 'mp4_h264',
			options: [
				{ name: 'MOV (H.264)', value: 'mov_h264' },
				{ name: 'MP4 (AV1)', value: 'mp4_av1' },
				{ name: 'MP4 (H.264)', value: 'mp4_h264' },
				{ name: 'MP4 (H.265)', value: 'mp4_h265' },
				{ name: 'WebM (VP9)', value: 'webm_vp9' },
			],
		},
		{
			displayName: 'Options',
			name: 'options',
			type: 'collection',
			default: {},
			placeholder: 'Add Option',
			options: [
				{
					displayName: 'Audio Bitrate',
					name: 'audioBitrate',
					type: 'number',
					default: 160,
					typeOptions: { minValue: 16, maxValue: 512 },
					description: 'In kbit/s. Has no effect on sound that is copied.',
				},
			],
		},
	],
	build: ({ read }) => [
		{
			operation: 'convert',
			...readSource(read),
			params: withoutEmpty({
				format: read('format'),
				audio_bitrate_kbps: read('options.audioBitrate', undefined),
			}),
		},
	],
};
