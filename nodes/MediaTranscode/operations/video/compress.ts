import type { NodeOperation, ReadParameter } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';
import { audioBitrateOption } from './properties';

export const compress: NodeOperation = {
	name: 'Compress',
	value: 'compress',
	description: 'Make a video smaller: H.264 and AAC in MP4, which plays everywhere',
	action: 'Compress a video',
	properties: [
		...sourceProperties,
		{
			displayName: 'Height',
			name: 'height',
			type: 'options',
			default: 720,
			description: 'Of the picture, in pixels; the width follows. A smaller video is not enlarged.',
			options: [
				{ name: '1080p', value: 1080 },
				{ name: '2160p (4K)', value: 2160 },
				{ name: '360p', value: 360 },
				{ name: '480p', value: 480 },
				{ name: '720p', value: 720 },
			],
		},
		{
			displayName: 'Mode',
			name: 'compressMode',
			type: 'options',
			default: 'crf',
			description: 'What decides how small the file becomes',
			options: [
				{
					name: 'Fixed Quality (CRF)',
					value: 'crf',
					description: 'The same setting for every video',
				},
				{
					name: 'Smart',
					value: 'smart',
					description: 'Encode samples first, to find the smallest file that still looks as good as wanted',
				},
				{
					name: 'Target Size',
					value: 'size',
					description: 'As good as fits into a file of a given size',
				},
			],
		},
		{
			displayName: 'Quality (CRF)',
			name: 'crf',
			type: 'number',
			default: 23,
			displayOptions: { show: { compressMode: ['crf'] } },
			typeOptions: { minValue: 0, maxValue: 51 },
			description: 'From 0 to 51. Lower is better and larger; 18 looks like the original, 28 is small.',
		},
		{
			displayName: 'Quality',
			name: 'qualityLevel',
			type: 'options',
			default: 'standard',
			displayOptions: { show: { compressMode: ['smart'] } },
			options: [
				{ name: 'High', value: 'high', description: 'Looks like the original' },
				{ name: 'Small', value: 'small', description: 'Shows faults to those who look for them' },
				{ name: 'Standard', value: 'standard', description: 'Good on every screen' },
			],
		},
		{
			displayName: 'Size in MB',
			name: 'targetMb',
			type: 'number',
			default: 10,
			typeOptions: { minValue: 0.01, numberPrecision: 2 },
			displayOptions: { show: { compressMode: ['size'] } },
			description: 'Largest size of the file, in MB of 1,000,000 bytes. Where it is too small for the height, the height is lowered.',
		},
		optionsField([
			audioBitrateOption(128, 16, 'In kbit/s. Sound that has no more than that is copied.'),
			{
				displayName: 'Encoder Speed',
				name: 'preset',
				type: 'options',
				default: 'veryfast',
				description: 'Slower makes smaller files of the same quality. Without it: Very Fast, Medium for a target size, Slower for Smart.',
				options: [
					{ name: 'Fast', value: 'fast' },
					{ name: 'Faster', value: 'faster' },
					{ name: 'Medium', value: 'medium' },
					{ name: 'Slow', value: 'slow' },
					{ name: 'Slower', value: 'slower' },
					{ name: 'Super Fast', value: 'superfast' },
					{ name: 'Ultra Fast', value: 'ultrafast' },
					{ name: 'Very Fast', value: 'veryfast' },
					{ name: 'Very Slow', value: 'veryslow' },
				],
			},
			{
				displayName: 'Maximum Bitrate',
				name: 'maxBitrate',
				type: 'number',
				default: 5000,
				typeOptions: { minValue: 50, maxValue: 200_000 },
				description: 'Of the picture, in kbit/s. Without it, the quality decides alone.',
			},
			{
				displayName: 'Maximum Frame Rate',
				name: 'frameRate',
				type: 'number',
				default: 30,
				typeOptions: { minValue: 1, maxValue: 240 },
				description: 'Pictures per second. Never raised above that of the source.',
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'compress',
			...readSource(read),
			params: withoutEmpty({
				height: read('height'),
				...rateOf(read),
				audio_bitrate_kbps: read('options.audioBitrate', undefined),
				max_bitrate_kbps: read('options.maxBitrate', undefined),
				preset: read('options.preset', undefined),
				frame_rate: read('options.frameRate', undefined),
			}),
		},
	],
};

/** Only the field of the mode: the others would be refused, or mean nothing. */
function rateOf(read: ReadParameter): Record<string, unknown> {
	const mode = read('compressMode', 'crf');
	if (mode === 'size') return { mode, target_mb: read('targetMb') };
	if (mode === 'smart') return { mode, quality: read('qualityLevel') };
	return { crf: read('crf') };
}
