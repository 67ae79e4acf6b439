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

/** Percents as a part of 1, to a tenth of a percent; an expression may give them as text. What is no number is for the sidecar to refuse. */
export function percent(value: unknown): unknown {
	if (value === undefined || value === null || value === '') return undefined;
	return Number.isFinite(Number(value)) ? Math.round(Number(value) * 10) / 1000 : value;
}
