import type { INodeProperties } from 'n8n-workflow';

/** Option of every operation that an AI engine does. */
export const engineProperty: INodeProperties = {
	displayName: 'Engine',
	name: 'engine',
	type: 'options',
	default: 'auto',
	description: 'Who does the work',
	options: [
		{ name: 'Automatic', value: 'auto', description: 'The local engine where it can, else Replicate' },
		{ name: 'Local', value: 'local', description: 'On the machine of the sidecar, without network and key' },
		{ name: 'Replicate', value: 'replicate', description: 'A model on replicate.com; the sidecar needs a key for it' },
	],
};

export const qualityProperty: INodeProperties = {
	displayName: 'Quality',
	name: 'quality',
	type: 'number',
	default: 82,
	typeOptions: { minValue: 1, maxValue: 100 },
	description: 'Of JPEG, WebP and AVIF, from 1 (smallest file) to 100 (best picture)',
};
