import type { INodeProperties } from 'n8n-workflow';
import { PLACES } from '../places';

/** Fields that several operations on pictures have. */

const FORMATS = [
	{ name: 'AVIF', value: 'avif' },
	{ name: 'GIF', value: 'gif' },
	{ name: 'JPEG', value: 'jpeg' },
	{ name: 'PNG', value: 'png' },
	{ name: 'WebP', value: 'webp' },
];

export const formatField = (fallback: string, extra: Partial<INodeProperties> = {}): INodeProperties => ({
	displayName: 'Format',
	name: 'format',
	type: 'options',
	default: fallback,
	description: 'GIF and WebP keep animations; the others hold their first picture',
	options: fallback === 'same' ? [...FORMATS, { name: 'Same as the Source', value: 'same' }] : FORMATS,
	...extra,
});

export const qualityField: INodeProperties = {
	displayName: 'Quality',
	name: 'quality',
	type: 'number',
	default: 80,
	typeOptions: { minValue: 1, maxValue: 100 },
	description: 'Of JPEG, WebP and AVIF, from 1 (smallest file) to 100 (best picture)',
};

/** With the two ways to look for what matters. */
export const PARTS = [
	...PLACES,
	{ name: 'What Draws the Eye', value: 'attention', description: 'Faces, skin and bright colors' },
	{ name: 'Where Most Detail Is', value: 'entropy' },
].sort((a, b) => a.name.localeCompare(b.name));

export const pixels = (displayName: string, name: string, fallback: number, description: string, minValue = 1, maxValue = 8192): INodeProperties => ({
	displayName,
	name,
	type: 'number',
	default: fallback,
	typeOptions: { minValue, maxValue },
	description,
});
