import { readParameter } from '../../../nodes/shared/collect';
import type { IHttpRequestOptions, ILoadOptionsFunctions } from 'n8n-workflow';
import { fromGoogleDrive, searchDriveFiles } from '../../../nodes/MediaIngest/operations/fromGoogleDrive';
import { fakeContext } from '../support/context';

/** Google as far as this operation sees it; asking refreshes the token, as n8n does when it has run out. */
function withDrive(answer: (options: IHttpRequestOptions) => unknown) {
	const credentials = { googleDriveOAuth2Api: { oauthTokenData: { access_token: 'old' } } };
	const asked: IHttpRequestOptions[] = [];
	const { context } = fakeContext({ parameters: { fileId: 'drive-file-1', metadata: '' }, credentials });
	context.helpers.httpRequestWithAuthentication = (_type, options) => {
		asked.push(options);
		credentials.googleDriveOAuth2Api.oauthTokenData.access_token = 'fresh';
		return Promise.resolve(answer(options));
	};
	const build = () =>
		fromGoogleDrive.build({ context, itemIndex: 0, read: readParameter(context, 0) });
	return { build, asked, credentials, context };
}

describe('From Google Drive', () => {
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
});
