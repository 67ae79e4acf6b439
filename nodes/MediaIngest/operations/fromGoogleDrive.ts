import {
	NodeApiError,
	type IExecuteFunctions,
	type ILoadOptionsFunctions,
	type INodeCredentialDescription,
	type INodeListSearchResult,
} from 'n8n-workflow';
import { readHttpFailure } from '../../shared/httpError';
import type { NodeOperation } from '../../shared/operation';
import { optionalObject, ParameterError, withoutEmpty } from '../../shared/parameters';
import type { BatchItem } from '../../shared/wire';
import { metadataProperty } from './metadata';

/** n8n's own credential: its scope drive.readonly suffices, and users have it already. */
export const googleDriveCredential: INodeCredentialDescription = {
	name: 'googleDriveOAuth2Api',
	required: true,
	displayOptions: { show: { operation: ['fromGoogleDrive'] } },
};

const DRIVE_FILES = 'https://www.googleapis.com/drive/v3/files';
const LIST_PAGE_SIZE = 50;

interface DriveFile {
	id: string;
	name: string;
	mimeType: string;
	/** Bytes, as text. Google's own documents have none. */
	size?: string;
	webViewLink?: string;
}

/** n8n hands over the token and the file's id; the sidecar downloads. */
export const fromGoogleDrive: NodeOperation = {
	name: 'From Google Drive',
	value: 'fromGoogleDrive',
	description: 'Fetch a file from Google Drive',
	action: 'Ingest a file from Google Drive',
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
		metadataProperty,
	],
	async build({ context, itemIndex, read }) {
		const fileId = String(context.getNodeParameter('fileId', itemIndex, '', { extractValue: true }) ?? '').trim();
		if (!fileId) throw new ParameterError('"File" is empty. Choose a Google Drive file, or give its URL or ID.');
		const file = await readFile(context, fileId);
		if (file.mimeType.startsWith('application/vnd.google-apps.')) {
			throw new ParameterError(`"${file.name}" is no media file but a Google ${file.mimeType.split('.').pop()}.`);
		}
		return [
			withoutEmpty<BatchItem>({
				operation: 'ingest',
				source: { type: 'google_drive', file_id: file.id, access_token: await accessToken(context, itemIndex) },
				metadata: optionalObject(read, 'metadata', 'Metadata'),
			}),
		];
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

async function accessToken(context: IExecuteFunctions, itemIndex: number): Promise<string> {
	const credential = await context.getCredentials<{ oauthTokenData?: { access_token?: string } }>(
		googleDriveCredential.name,
		itemIndex,
	);
	const token = credential.oauthTokenData?.access_token;
	if (token) return token;
	throw new ParameterError('The Google Drive credential is not connected: open it and sign in with Google.');
}

/** Fills the list of the field "File": media files only, newest first. */
export async function searchDriveFiles(
	this: ILoadOptionsFunctions,
	filter?: string,
	paginationToken?: string,
): Promise<INodeListSearchResult> {
	const kinds = ['video', 'audio', 'image'].map((kind) => `mimeType contains '${kind}/'`).join(' or ');
	const named = filter ? ` and name contains '${filter.replace(/['\\]/g, '\\$&')}'` : '';
	const answer = (await this.helpers.httpRequestWithAuthentication.call(this, googleDriveCredential.name, {
		method: 'GET',
		url: DRIVE_FILES,
		qs: {
			q: `trashed = false and (${kinds})${named}`,
			fields: 'nextPageToken,files(id,name,mimeType,webViewLink)',
			orderBy: 'modifiedTime desc',
			pageSize: LIST_PAGE_SIZE,
			includeItemsFromAllDrives: true,
			supportsAllDrives: true,
			...(paginationToken ? { pageToken: paginationToken } : {}),
		},
		json: true,
	})) as { files?: DriveFile[]; nextPageToken?: string };
	return {
		results: (answer.files ?? []).map((file) => ({ name: file.name, value: file.id, url: file.webViewLink })),
		paginationToken: answer.nextPageToken,
	};
}
