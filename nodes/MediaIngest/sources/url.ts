import { optionalText, requiredUrl } from '../../shared/parameters';
import type { IngestSource } from './source';

/** The sidecar downloads the file itself; n8n never holds its bytes. */
export const url: IngestSource = {
	name: 'URL',
	value: 'url',
	description: 'A file on the internet, which the sidecar downloads',
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
	],
	find({ read }) {
		const assetId = optionalText(read, 'options.assetId');
		return [assetId ? { operation: 'ingest', asset_id: assetId } : { operation: 'ingest', file_url: requiredUrl(read, 'fileUrl', 'File URL') }];
	},
};
