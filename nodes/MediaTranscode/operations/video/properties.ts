import type { INodeProperties } from 'n8n-workflow';

/** Fields that several operations on videos share. */

export const qualityOption: INodeProperties = {
	displayName: 'Quality (CRF)',
	name: 'crf',
	type: 'number',
	default: 20,
	typeOptions: { minValue: 0, maxValue: 51 },
	description: 'From 0 to 51. Lower is better and larger; 20 is nearly as good as the source.',
};
