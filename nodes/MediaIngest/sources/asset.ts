import { requiredText } from '../../shared/parameters';
import type { IngestSource } from './source';

/** Waits until the bytes of an asset are there, e.g. one that POST /api/media/process has just created. */
export const asset: IngestSource = {
	name: 'Existing Asset',
	value: 'asset',
	description: 'An asset that was created elsewhere: waits until it has arrived completely',
	properties: [
		{
			displayName: 'Asset ID',
			name: 'assetId',
			type: 'string',
			default: '={{ $json.asset_id }}',
			required: true,
			description: 'ID of the asset to wait for',
		},
	],
	find: ({ read }) => [{ operation: 'ingest', asset_id: requiredText(read, 'assetId', 'Asset ID') }],
};
