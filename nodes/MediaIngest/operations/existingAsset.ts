import type { NodeOperation } from '../../shared/operation';
import { requiredText } from '../../shared/parameters';

/** Waits until the bytes of an asset are there, e.g. one that POST /api/media/process has just created. */
export const existingAsset: NodeOperation = {
	name: 'Existing Asset',
	value: 'existingAsset',
	description: 'Wait until an asset that was created elsewhere has arrived completely',
	action: 'Wait for an existing asset',
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
	build: ({ read }) => [{ operation: 'ingest', asset_id: requiredText(read, 'assetId', 'Asset ID') }],
};
