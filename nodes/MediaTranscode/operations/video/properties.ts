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

/** Positions, by the values of the wire. */
export const PLACES = [
	{ name: 'Bottom', value: 'bottom' },
	{ name: 'Bottom Left', value: 'bottom_left' },
	{ name: 'Bottom Right', value: 'bottom_right' },
	{ name: 'Center', value: 'center' },
	{ name: 'Left', value: 'left' },
	{ name: 'Right', value: 'right' },
	{ name: 'Top', value: 'top' },
	{ name: 'Top Left', value: 'top_left' },
	{ name: 'Top Right', value: 'top_right' },
];

/** A field in percent, for a parameter that is a part of one. */
export const percentField = (displayName: string, name: string, fallback: number, description: string, maxValue = 100): INodeProperties => ({
	displayName,
	name,
	type: 'number',
	default: fallback,
	typeOptions: { minValue: 0, maxValue },
	description,
});
export const percent = (value: unknown): number | undefined => (value === undefined || value === '' ? undefined : Math.round(Number(value) * 10) / 1000);
