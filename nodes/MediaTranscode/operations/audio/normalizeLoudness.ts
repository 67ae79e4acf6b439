import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';

export const normalizeLoudness: NodeOperation = {
	name: 'Normalize Loudness',
	value: 'normalize_loudness',
	description: 'Bring the sound to a target loudness (EBU R128); the picture of a video is not touched',
	action: 'Normalize the loudness',
	properties: [
		...sourceProperties,
		{
			displayName: 'Target',
			name: 'target',
			type: 'options',
			default: -14,
			options: [
				{ name: '-14 LUFS (Streaming)', value: -14, description: 'YouTube, Spotify, Instagram, TikTok' },
				{ name: '-16 LUFS (Podcasts)', value: -16, description: 'Apple Podcasts and Apple Music' },
				{ name: '-23 LUFS (European Broadcast)', value: -23, description: 'EBU R128' },
				{ name: '-24 LUFS (American Broadcast)', value: -24, description: 'ATSC A/85' },
			],
		},
		optionsField([
			{
				displayName: 'Custom Target',
				name: 'customTarget',
				type: 'number',
				default: -18,
				typeOptions: { minValue: -70, maxValue: -5 },
				description: 'In LUFS, instead of the target above',
			},
			{
				displayName: 'Highest True Peak',
				name: 'truePeak',
				type: 'number',
				default: -1,
				typeOptions: { minValue: -9, maxValue: 0, numberPrecision: 1 },
				description: 'In dBTP. Peaks above it are limited.',
			},
			{
				displayName: 'Largest Loudness Range',
				name: 'loudnessRange',
				type: 'number',
				default: 11,
				typeOptions: { minValue: 1, maxValue: 50 },
				description: 'In LU. Wider sound is compressed; without it, the range stays as it is.',
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'normalize_loudness',
			...readSource(read),
			params: withoutEmpty({
				target_lufs: read('options.customTarget', undefined) ?? read('target'),
				true_peak_dbtp: read('options.truePeak', undefined),
				loudness_range_lu: read('options.loudnessRange', undefined),
			}),
		},
	],
};
