import type { NodeOperation } from '../../shared/operation';
import { optionalObject, optionalText, requiredUrl, withoutEmpty } from '../../shared/parameters';
import type { BatchItem } from '../../shared/wire';
import { metadataProperty } from './metadata';

/** The sidecar downloads the file itself; n8n never holds its bytes. */
export const fromUrl: NodeOperation = {
	name: 'From URL',
	value: 'fromUrl',
	description: 'Fetch a file from a web address',
	action: 'Ingest a file from a URL',
	properties: [
		{
			displayName: 'File URL',
			name: 'fileUrl',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'https://example.com/video.mp4',
			description: 'Address of the media file. Private and local addresses are refused unless the sidecar allows them.',
		},
		{
			displayName: 'Asset ID',
			name: 'assetId',
			type: 'string',
			default: '',
			description: 'If an asset for this file exists already, its ID: it is waited for, and nothing is downloaded twice. Empty makes a new asset.',
		},
		metadataProperty,
	],
	build({ read }) {
		const assetId = optionalText(read, 'assetId');
		if (assetId) return [{ operation: 'ingest', asset_id: assetId }];
		return [
			withoutEmpty<BatchItem>({
				operation: 'ingest',
				file_url: requiredUrl(read, 'fileUrl', 'File URL'),
				metadata: optionalObject(read, 'metadata', 'Metadata'),
			}),
		];
	},
};
