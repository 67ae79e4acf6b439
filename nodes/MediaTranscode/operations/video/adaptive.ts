import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';
import { encoderSpeedOption } from './properties';

export const adaptive: NodeOperation = {
	name: 'Adaptive Streaming (HLS and DASH)',
	value: 'adaptive',
	description: 'Make several sizes in short segments, from which a player chooses by the speed of the connection',
	action: 'Make a video for adaptive streaming',
	properties: [
		...sourceProperties,
		{
			displayName: 'Sizes',
			name: 'heights',
			type: 'multiOptions',
			default: [1080, 720, 540, 360, 240],
			description: 'Pixels of the shorter side. Sizes above that of the source are left out.',
			options: [
				{ name: '1080p', value: 1080 },
				{ name: '1440p', value: 1440 },
				{ name: '2160p (4K)', value: 2160 },
				{ name: '240p', value: 240 },
				{ name: '360p', value: 360 },
				{ name: '480p', value: 480 },
				{ name: '540p', value: 540 },
				{ name: '720p', value: 720 },
			],
		},
		{
			displayName: 'Manifests',
			name: 'manifests',
			type: 'options',
			default: 'hls+dash',
			options: [
				{ name: 'DASH', value: 'dash', description: 'The file manifest.mpd' },
				{ name: 'HLS', value: 'hls', description: 'The file master.m3u8' },
				{ name: 'HLS and DASH', value: 'hls+dash', description: 'Both, over the same segments' },
			],
		},
		optionsField([
			encoderSpeedOption,
			{
				displayName: 'Quality (CRF)',
				name: 'crf',
				type: 'number',
				default: 22,
				typeOptions: { minValue: 10, maxValue: 40 },
				description: 'From 10 to 40. Lower is better and larger.',
			},
			{
				displayName: 'Segment Length (Seconds)',
				name: 'segmentSeconds',
				type: 'number',
				default: 4,
				typeOptions: { minValue: 1, maxValue: 15 },
				description: 'Shorter segments start faster, longer ones make smaller files',
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'adaptive',
			...readSource(read),
			params: withoutEmpty({
				heights: read('heights'),
				manifests: read('manifests'),
				crf: read('options.crf', undefined),
				preset: read('options.preset', undefined),
				segment_seconds: read('options.segmentSeconds', undefined),
			}),
		},
	],
};
