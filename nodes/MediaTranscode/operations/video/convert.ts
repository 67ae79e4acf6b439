import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';
import { audioBitrateOption } from './properties';

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
		optionsField([
			audioBitrateOption(160, 16, 'In kbit/s. Has no effect on sound that is copied.'),
		]),
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
