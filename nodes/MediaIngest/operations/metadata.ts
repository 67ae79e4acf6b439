import type { INodeProperties } from 'n8n-workflow';

/** The same field for every way in. */
export const metadataProperty: INodeProperties = {
	displayName: 'Metadata',
	name: 'metadata',
	type: 'json',
	default: '{}',
	description: 'Own data kept with the asset, as a JSON object',
};
