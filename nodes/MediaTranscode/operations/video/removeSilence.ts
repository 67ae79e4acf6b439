import type { NodeOperation } from '../../../shared/operation';
import { readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';

export const removeSilence: NodeOperation = {
	name: 'Remove Silence',
	value: 'remove_silence',
	description: 'Cut the pauses out of a video or a sound',
	action: 'Remove silence',
	properties: [
		...sourceProperties,
		{
			displayName: 'Shortest Silence (Seconds)',
			name: 'minSilence',
			type: 'number',
			default: 0.6,
			typeOptions: { minValue: 0.1, maxValue: 60, numberPrecision: 2 },
			description: 'Shorter pauses stay',
		},
		optionsField([
			{
				displayName: 'Padding (Seconds)',
				name: 'padding',
				type: 'number',
				default: 0.12,
				typeOptions: { minValue: 0, maxValue: 5, numberPrecision: 2 },
				description: 'How much of each silence stays on both sides, so that no word is cut off',
			},
			{
				displayName: 'Quality (CRF)',
				name: 'crf',
				type: 'number',
				default: 20,
				typeOptions: { minValue: 0, maxValue: 51 },
				description: 'Of the picture, from 0 to 51. Lower is better and larger.',
			},
			{
				displayName: 'Threshold (dB)',
				name: 'threshold',
				type: 'number',
				default: -35,
				typeOptions: { minValue: -90, maxValue: -5 },
				description: 'What is quieter counts as silence. In a noisy room try -25.',
			},
		]),
	],
	build: ({ read }) => [
		{
			operation: 'remove_silence',
			...readSource(read),
			params: withoutEmpty({
				min_silence_seconds: read('minSilence'),
				threshold_db: read('options.threshold', undefined),
				padding_seconds: read('options.padding', undefined),
				crf: read('options.crf', undefined),
			}),
		},
	],
};
