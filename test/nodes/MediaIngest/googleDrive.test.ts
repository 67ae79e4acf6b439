import { readParameter } from '../../../nodes/shared/collect';
import type { IHttpRequestOptions, ILoadOptionsFunctions } from 'n8n-workflow';
import { ingest } from '../../../nodes/MediaIngest/operations/ingest';
import { searchDriveFiles, searchDriveFolders } from '../../../nodes/MediaIngest/search/drive';
import { fakeContext } from '../support/context';

/** Google as far as this operation sees it; asking refreshes the token, as n8n does when it has run out. */
function withDrive(answer: (options: IHttpRequestOptions) => unknown) {
	const credentials = { googleDriveOAuth2Api: { oauthTokenData: { access_token: 'old' } } };
	const asked: IHttpRequestOptions[] = [];
	const { context } = fakeContext({ parameters: { source: 'googleDrive', fileId: 'drive-file-1' }, credentials });
	context.helpers.httpRequestWithAuthentication = (_type, options) => {
		asked.push(options);
		credentials.googleDriveOAuth2Api.oauthTokenData.access_token = 'fresh';
		return Promise.resolve(answer(options));
	};
	const build = () =>
		ingest.build({ context, itemIndex: 0, read: readParameter(context, 0) });
	return { build, asked, credentials, context };
}

describe('a Google Drive file', () => {
	it('hands over the file id and a token that was refreshed just before', async () => {
		const { build, asked } = withDrive(() => ({ id: 'drive-file-1', name: 'a.mp4', mimeType: 'video/mp4', size: '5' }));
		expect(await build()).toEqual([
			{ operation: 'ingest', source: { type: 'google_drive', file_id: 'drive-file-1', access_token: 'fresh' } },
		]);
		expect(asked).toEqual([
			{
				method: 'GET',
				url: 'https://www.googleapis.com/drive/v3/files/drive-file-1',
				qs: { fields: 'id,name,size,mimeType', supportsAllDrives: true },
				json: true,
			},
		]);
	});

	it('refuses a folder or a Google document by name', async () => {
		const { build } = withDrive(() => ({ id: 'f', name: 'Holiday', mimeType: 'application/vnd.google-apps.folder' }));
		await expect(build()).rejects.toThrow('"Holiday" is no media file but a Google folder');
	});

	it('says that it is empty, or that nobody has signed in', async () => {
		const { context, build, credentials } = withDrive(() => ({ id: 'f', name: 'a.mp4', mimeType: 'video/mp4' }));
		credentials.googleDriveOAuth2Api = {} as typeof credentials.googleDriveOAuth2Api;
		context.helpers.httpRequestWithAuthentication = () => Promise.resolve({ id: 'f', name: 'a.mp4', mimeType: 'video/mp4' });
		await expect(build()).rejects.toThrow('The Google Drive credential is not connected');
		const empty = fakeContext({ parameters: { source: 'googleDrive', fileId: '' } });
		await expect(ingest.build({ context: empty.context, itemIndex: 0, read: readParameter(empty.context, 0) })).rejects.toThrow('"File" is empty');
	});

	it('names the file when Google refuses', async () => {
		const { build } = withDrive(() => {
			throw new Error('404');
		});
		await expect(build()).rejects.toThrow('Google Drive does not give out the file drive-file-1');
	});

	it('lists media files that are not in the bin, with quotes in the search escaped', async () => {
		const { context, asked } = withDrive(() => ({ files: [{ id: '1', name: 'a', mimeType: 'video/mp4', webViewLink: 'http://d' }], nextPageToken: 'p2' }));
		const list = await searchDriveFiles.call(context as object as ILoadOptionsFunctions, "it's", 'p1');
		expect(list).toEqual({ results: [{ name: 'a', value: '1', url: 'http://d' }], paginationToken: 'p2' });
		expect(asked[0]?.qs).toMatchObject({ pageToken: 'p1' });
		expect(String(asked[0]?.qs?.q)).toContain("name contains 'it\\'s'");
		expect(String(asked[0]?.qs?.q)).toContain('trashed = false');
	});

	it('lists folders only, for the field of the folder', async () => {
		const { context, asked } = withDrive(() => ({ files: [{ id: '9', name: 'Interviews', mimeType: 'application/vnd.google-apps.folder' }] }));
		expect(await searchDriveFolders.call(context as object as ILoadOptionsFunctions)).toMatchObject({ results: [{ name: 'Interviews', value: '9' }] });
		expect(asked[0]?.qs).toMatchObject({ q: "trashed = false and mimeType = 'application/vnd.google-apps.folder'", supportsAllDrives: true, includeItemsFromAllDrives: true });
	});
});
