import { freshToken } from '../../shared/freshToken';
import { ParameterError } from '../../shared/parameters';
import { DRIVE_FILES, googleDriveCredential } from './googleDriveCredential';
import { findListed, listProperties } from './list';
import type { IngestSource } from './source';

const DRIVE = { name: 'Google Drive', value: 'googleDrive', credentials: [googleDriveCredential.name] };

/** The sidecar lists the folder, with the token of n8n's credential. */
export const googleDriveFolder: IngestSource = {
	name: 'Google Drive Folder',
	value: 'googleDriveFolder',
	description: 'Every media file of a folder in Google Drive',
	isList: true,
	properties: [
		{
			displayName: 'Folder',
			name: 'folderId',
			type: 'resourceLocator',
			default: { mode: 'list', value: '' },
			required: true,
			description: 'The folder in Google Drive, shared drives included',
			modes: [
				{
					displayName: 'From List',
					name: 'list',
					type: 'list',
					placeholder: 'Select a folder…',
					typeOptions: { searchListMethod: 'searchDriveFolders', searchable: true },
				},
				{
					displayName: 'By URL',
					name: 'url',
					type: 'string',
					placeholder: 'https://drive.google.com/drive/folders/1aBcDeFgHiJkLmNoPqRsTuVwXyZ',
					extractValue: { type: 'regex', regex: 'https://drive\\.google\\.com/(?:drive/)?(?:u/\\d+/)?folders/([0-9a-zA-Z_-]{10,})' },
				},
				{
					displayName: 'By ID',
					name: 'id',
					type: 'string',
					placeholder: '1aBcDeFgHiJkLmNoPqRsTuVwXyZ',
					validation: [{ type: 'regex', properties: { regex: 'root|[0-9a-zA-Z_-]{10,}', errorMessage: 'This is no Google Drive folder ID' } }],
				},
			],
		},
		{ displayName: 'Include Subfolders', name: 'recursive', type: 'boolean', default: false, description: 'Whether to take the files of folders in it, too' },
		...listProperties,
	],
	async find(input) {
		const { context, itemIndex, read } = input;
		const folderId = String(context.getNodeParameter('folderId', itemIndex, '', { extractValue: true }) ?? '').trim();
		if (!folderId) throw new ParameterError('"Folder" is empty. Choose a Google Drive folder, or give its URL or ID.');
		const token = await freshToken(context, itemIndex, DRIVE, { url: `${DRIVE_FILES}/${encodeURIComponent(folderId)}?fields=id&supportsAllDrives=true` });
		const recursive = read('recursive', false) === true;
		return await findListed(input, {
			key: `drive ${folderId}`,
			source: { type: 'google_drive_folder', folder_id: folderId, recursive, access_token: token },
			secrets: { access_token: token },
		});
	},
};
