import type { INodeProperties } from 'n8n-workflow';

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
