import type { NodeOperation } from '../../shared/operation';
import { readSource } from '../../shared/parameters';
import { sourceProperties } from '../../shared/properties';

export const convert: NodeOperation = {
	name: 'Convert',
	value: 'convert',
	description: 'Change the file format; streams that already comply are copied, not encoded again',
	action: 'Convert to another format',
	properties: [
		...sourceProperties,
		{
			displayName: 'Format',
			name: 'format',
			type: 'options',
			default: 'mp4_h264',
			options: [
				{ name: 'M4A (AAC Audio)', value: 'm4a' },
				{ name: 'MOV (QuickTime)', value: 'mov' },
				{ name: 'MP3 (Audio)', value: 'mp3' },
				{ name: 'MP4 (H.264)', value: 'mp4_h264' },
				{ name: 'MP4 (H.265)', value: 'mp4_h265' },
				{ name: 'WAV (Audio)', value: 'wav' },
				{ name: 'WebM (VP9)', value: 'webm_vp9' },
			],
		},
	],
	build: ({ read }) => [{ operation: 'convert', ...readSource(read), params: { format: read('format') } }],
};
