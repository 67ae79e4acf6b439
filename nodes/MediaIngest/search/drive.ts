import type { ILoadOptionsFunctions, INodeListSearchResult } from 'n8n-workflow';
import { DRIVE_FILES, googleDriveCredential, type DriveFile } from '../sources/googleDriveCredential';

const LIST_PAGE_SIZE = 50;
const KINDS = ['video', 'audio', 'image'].map((kind) => `mimeType contains '${kind}/'`).join(' or ');

/** Fills the list of the field "File": media files only, newest first. */
export function searchDriveFiles(this: ILoadOptionsFunctions, filter?: string, paginationToken?: string): Promise<INodeListSearchResult> {
	return search(this, `(${KINDS})`, filter, paginationToken);
}

/** Fills the list of the field "Folder". */
export function searchDriveFolders(this: ILoadOptionsFunctions, filter?: string, paginationToken?: string): Promise<INodeListSearchResult> {
	return search(this, "mimeType = 'application/vnd.google-apps.folder'", filter, paginationToken);
}

async function search(context: ILoadOptionsFunctions, which: string, filter?: string, paginationToken?: string): Promise<INodeListSearchResult> {
	const named = filter ? ` and name contains '${filter.replace(/['\\]/g, '\\$&')}'` : '';
	const answer = (await context.helpers.httpRequestWithAuthentication.call(context, googleDriveCredential.name, {
		method: 'GET',
		url: DRIVE_FILES,
		qs: {
			q: `trashed = false and ${which}${named}`,
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
