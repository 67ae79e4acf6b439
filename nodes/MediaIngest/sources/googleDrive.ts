import { NodeApiError, type IExecuteFunctions } from 'n8n-workflow';
import { readHttpFailure } from '../../shared/httpError';
import { ParameterError } from '../../shared/parameters';
import { DRIVE_FILES, driveToken, googleDriveCredential, type DriveFile } from './googleDriveCredential';
import type { IngestSource } from './source';

/** n8n hands over the token and the file's id; the sidecar downloads. */
export const googleDrive: IngestSource = {
	name: 'Google Drive File',
	value: 'googleDrive',
	description: 'A file in Google Drive',
	properties: [
		{
			displayName: 'File',
			name: 'fileId',
			type: 'resourceLocator',
			default: { mode: 'list', value: '' },
			required: true,
			description: 'The media file in Google Drive',
			modes: [
				{
					displayName: 'From List',
					name: 'list',
					type: 'list',
					placeholder: 'Select a file…',
					typeOptions: { searchListMethod: 'searchDriveFiles', searchable: true },
				},
				{
					displayName: 'By URL',
					name: 'url',
					type: 'string',
					placeholder: 'https://drive.google.com/file/d/1aBcDeFgHiJkLmNoPqRsTuVwXyZ/view',
					extractValue: {
						type: 'regex',
						regex: 'https://(?:drive|docs)\\.google\\.com/(?:file/d/|open\\?id=|uc\\?.*id=)([0-9a-zA-Z_-]{10,})',
					},
				},
				{
					displayName: 'By ID',
					name: 'id',
					type: 'string',
					placeholder: '1aBcDeFgHiJkLmNoPqRsTuVwXyZ',
					validation: [
						{
							type: 'regex',
							properties: { regex: '[0-9a-zA-Z_-]{10,}', errorMessage: 'This is no Google Drive file ID' },
						},
					],
				},
			],
		},
	],
	async find({ context, itemIndex }) {
		const fileId = String(context.getNodeParameter('fileId', itemIndex, '', { extractValue: true }) ?? '').trim();
		if (!fileId) throw new ParameterError('"File" is empty. Choose a Google Drive file, or give its URL or ID.');
		const file = await readFile(context, fileId);
		if (file.mimeType.startsWith('application/vnd.google-apps.')) {
			throw new ParameterError(`"${file.name}" is no media file but a Google ${file.mimeType.split('.').pop()}.`);
		}
		return [{ operation: 'ingest', source: { type: 'google_drive', file_id: file.id, access_token: await driveToken(context, itemIndex) } }];
	},
};

/** Cheap, and it makes n8n refresh a token that has run out, before it is handed over. */
async function readFile(context: IExecuteFunctions, fileId: string): Promise<DriveFile> {
	try {
		return (await context.helpers.httpRequestWithAuthentication.call(context, googleDriveCredential.name, {
			method: 'GET',
			url: `${DRIVE_FILES}/${encodeURIComponent(fileId)}`,
			qs: { fields: 'id,name,size,mimeType', supportsAllDrives: true },
			json: true,
		})) as DriveFile;
	} catch (error) {
		const { cause, reason } = readHttpFailure(error);
		throw new NodeApiError(context.getNode(), cause, {
			message: `Google Drive does not give out the file ${fileId}`,
			description: `Check the ID, and that the account of the Google Drive credential may open the file. Reason: ${reason}`,
		});
	}
}
