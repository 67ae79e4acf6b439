import { ingest } from '../../../nodes/MediaIngest/operations/ingest';
import { sources } from '../../../nodes/MediaIngest/sources';
import { build } from '../support/build';
import { startServer, type TestServer } from '../support/sidecar';

const ASSET = '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f';

describe('URL', () => {
	it('asks the sidecar to fetch the file', async () => {
		expect(await build(ingest, { source: 'url', fileUrl: ' https://a.test/v.mp4 ' })).toEqual([{ operation: 'ingest', file_url: 'https://a.test/v.mp4' }]);
	});

	it('waits for the asset instead, when there is one, and then needs no URL', async () => {
		expect(await build(ingest, { source: 'url', fileUrl: null, options: { assetId: ASSET } })).toEqual([{ operation: 'ingest', asset_id: ASSET }]);
	});

	it.each(['', '   ', 'ftp://a.test/v', '/etc/passwd', 'file:///etc/passwd', 'https://a b'])('refuses the address "%s"', async (fileUrl) => {
		await expect(build(ingest, { source: 'url', fileUrl })).rejects.toThrow('"File URL"');
	});
});

describe('Existing Asset', () => {
	it('waits for the asset; only the pipeline is new for it', async () => {
		expect(await build(ingest, { source: 'asset', assetId: ASSET, options: { title: 'Other', pipeline: 'default' } })).toEqual([{ operation: 'ingest', asset_id: ASSET, pipeline: 'default' }]);
	});

	it('says which field is empty', async () => {
		await expect(build(ingest, { source: 'asset', assetId: undefined })).rejects.toThrow('"Asset ID" is empty');
	});
});

describe('Discord', () => {
	const url = 'https://cdn.discordapp.com/attachments/1/2/v.mp4?ex=1';
	it('goes without a bot, and with one takes its token along', async () => {
		expect(await build(ingest, { source: 'discord', attachmentUrl: url })).toEqual([{ operation: 'ingest', source: { type: 'discord', url } }]);
		expect(await build(ingest, { source: 'discord', attachmentUrl: url }, { credentials: { discordBotApi: { botToken: 'bot' } } })).toEqual([{ operation: 'ingest', source: { type: 'discord', url, bot_token: 'bot' } }]);
		await expect(build(ingest, { source: 'discord', attachmentUrl: 'v.mp4' })).rejects.toThrow('"Attachment URL"');
	});
});

describe('Dropbox', () => {
	const credentials = { dropboxOAuth2Api: { oauthTokenData: { access_token: 't' } } };
	it('finds a file by its path or by a shared link', async () => {
		expect(await build(ingest, { source: 'dropbox', dropboxBy: 'path', dropboxPath: '/v.mp4' }, { credentials })).toEqual([{ operation: 'ingest', source: { type: 'dropbox', path: '/v.mp4', access_token: 't' } }]);
		const sharedLink = 'https://www.dropbox.com/scl/fi/a/v.mp4?rlkey=k';
		expect(await build(ingest, { source: 'dropbox', dropboxBy: 'link', sharedLink }, { credentials })).toEqual([{ operation: 'ingest', source: { type: 'dropbox', url: sharedLink, access_token: 't' } }]);
	});

	it('names what is missing: the account, the sign-in, the path', async () => {
		const chosen = { source: 'dropbox', dropboxBy: 'path', dropboxPath: '/v.mp4' };
		await expect(build(ingest, chosen)).rejects.toThrow('Dropbox is chosen, but no Dropbox account');
		await expect(build(ingest, chosen, { credentials: { dropboxOAuth2Api: {} } })).rejects.toThrow('sign in with Dropbox');
		await expect(build(ingest, { ...chosen, dropboxPath: '' }, { credentials })).rejects.toThrow('"Path" is empty');
	});
});

describe('S3', () => {
	const keys = { accessKeyId: 'AK', secretAccessKey: 'SK' };
	const secrets = { access_key_id: 'AK', secret_access_key: 'SK' };
	const chosen = { source: 's3', bucket: 'b', objectKey: 'a/v.mp4' };

	it.each([
		['of AWS leaves the address to the sidecar', { ...keys, region: 'eu-central-1', endpoint: 'https://s3.amazonaws.com' }, { region: 'eu-central-1' }],
		['of AWS in a region, too', { ...keys, region: 'eu-west-1', endpoint: 'https://s3.eu-west-1.amazonaws.com' }, { region: 'eu-west-1' }],
		['elsewhere names its address', { ...keys, region: 'auto', endpoint: ' https://acc.r2.cloudflarestorage.com ' }, { region: 'auto', endpoint: 'https://acc.r2.cloudflarestorage.com' }],
		['whose credential has no address is of AWS', keys, {}],
	])('an object %s', async (_what, credential, place) => {
		expect(await build(ingest, chosen, { credentials: { s3: credential } })).toEqual([{ operation: 'ingest', source: { type: 's3', bucket: 'b', key: 'a/v.mp4', ...place, ...secrets } }]);
	});

	it('names what is missing', async () => {
		await expect(build(ingest, chosen, { credentials: { s3: { accessKeyId: 'AK' } } })).rejects.toThrow('The S3 credential has no access key');
		await expect(build(ingest, { ...chosen, bucket: '' }, { credentials: { s3: keys } })).rejects.toThrow('"Bucket" is empty');
		await expect(build(ingest, { ...chosen, objectKey: ' ' }, { credentials: { s3: keys } })).rejects.toThrow('"Key" is empty');
	});
});

describe('folders and feeds', () => {
	let server: TestServer;
	beforeEach(async () => {
		server = await startServer(({ path }) => (path === '/api/media/sources/list' ? { status: 200, body: { entries: [], cursor: null, has_more: false, skipped: [] } } : undefined));
	});
	afterEach(() => server.close());

	const google = { googleDriveOAuth2Api: { oauthTokenData: { access_token: 'g' } } };
	const dropbox = { dropboxOAuth2Api: { oauthTokenData: { access_token: 'd' } } };
	const s3 = { s3: { accessKeyId: 'AK', secretAccessKey: 'SK', region: 'auto', endpoint: 'https://r2.test' } };
	const link = 'https://www.dropbox.com/scl/fo/a?rlkey=k';
	it.each([
		[{ source: 'googleDriveFolder', folderId: 'folder-1', recursive: true }, google, { type: 'google_drive_folder', folder_id: 'folder-1', recursive: true, access_token: 'g' }],
		[{ source: 'dropboxFolder', dropboxBy: 'path', dropboxFolder: '/Videos', recursive: true }, dropbox, { type: 'dropbox_folder', path: '/Videos', recursive: true, access_token: 'd' }],
		[{ source: 'dropboxFolder', dropboxBy: 'path', dropboxFolder: '' }, dropbox, { type: 'dropbox_folder', recursive: false, access_token: 'd' }],
		[{ source: 'dropboxFolder', dropboxBy: 'link', sharedLink: link, recursive: true }, dropbox, { type: 'dropbox_folder', url: link, access_token: 'd' }],
		[{ source: 's3Prefix', bucket: 'b', prefix: '2026/' }, s3, { type: 's3_prefix', bucket: 'b', prefix: '2026/', region: 'auto', endpoint: 'https://r2.test', access_key_id: 'AK', secret_access_key: 'SK' }],
		[{ source: 'rss', feedUrl: 'https://a.test/feed.xml' }, {}, { type: 'rss', url: 'https://a.test/feed.xml' }],
		[{ source: 'watchFolder', folder: 'interviews' }, {}, { type: 'folder', path: 'interviews', recursive: false }],
		[{ source: 'watchFolder', folder: '', recursive: true }, {}, { type: 'folder', recursive: true }],
	])('%j asks the sidecar what is in it', async (parameters, credentials, source) => {
		expect(await build(ingest, { ...parameters, limit: 7 }, { credentials: { mediaSidecarApi: { url: server.url, apiKey: 'k' }, ...credentials } })).toEqual([]);
		expect(server.received.map(({ body }) => JSON.parse(body) as unknown)).toEqual([{ source, cursor: null, limit: 7 }]);
	});

	it.each([
		[{ source: 'googleDriveFolder', folderId: '' }, google, '"Folder" is empty'],
		[{ source: 'googleDriveFolder', folderId: 'folder-1' }, {}, 'Google Drive is chosen, but no Google Drive account'],
		[{ source: 'dropboxFolder', dropboxBy: 'link', sharedLink: '/Videos' }, dropbox, '"Shared Link" must be an address'],
		[{ source: 's3Prefix', bucket: '' }, s3, '"Bucket" is empty'],
		[{ source: 'rss', feedUrl: 'podcast' }, {}, '"Feed URL" must be an address'],
	])('%j is refused before anybody is asked', async (parameters, credentials, message) => {
		await expect(build(ingest, parameters, { credentials: { mediaSidecarApi: { url: server.url, apiKey: 'k' }, ...credentials } })).rejects.toThrow(message);
		expect(server.received).toEqual([]);
	});
});

describe('the list of sources', () => {
	it('offers each once, and refuses what it does not know', async () => {
		expect(new Set(sources.map(({ value }) => value)).size).toBe(sources.length);
		await expect(build(ingest, { source: 'fromUrl' })).rejects.toThrow('There is no source "fromUrl". Known: url, binary');
	});
});
