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
			description: 'An asset that exists already and is to be filled with this file. Leave empty to make a new one.',
		},
		metadataProperty,
	],
	build: ({ read }) => [
		withoutEmpty<BatchItem>({
			operation: 'ingest',
			file_url: requiredUrl(read, 'fileUrl', 'File URL'),
			asset_id: optionalText(read, 'assetId'),
			metadata: optionalObject(read, 'metadata', 'Metadata'),
		}),
	],
};
