import { Readable } from 'node:stream';
import { existingAsset } from '../../../nodes/MediaIngest/operations/existingAsset';
import { fromBinary } from '../../../nodes/MediaIngest/operations/fromBinary';
import { fromUrl } from '../../../nodes/MediaIngest/operations/fromUrl';
import { build } from '../support/build';
import { startServer, type TestServer } from '../support/sidecar';

describe('From URL', () => {
	it('asks the sidecar to fetch the file, with own data', async () => {
		expect(await build(fromUrl, { fileUrl: ' https://a.test/v.mp4 ', metadata: '{"campaign":"spring"}' })).toEqual([
			{ operation: 'ingest', file_url: 'https://a.test/v.mp4', metadata: { campaign: 'spring' } },
		]);
	});

	it('takes metadata that an expression gives as an object, and leaves out an empty one', async () => {
		expect(await build(fromUrl, { fileUrl: 'http://a.test/v', metadata: { a: 1 } })).toMatchObject([{ metadata: { a: 1 } }]);
		expect((await build(fromUrl, { fileUrl: 'http://a.test/v', metadata: '{}' }))[0]).not.toHaveProperty('metadata');
	});

	it('waits for the asset instead, when there is one, and then needs no URL', async () => {
		expect(await build(fromUrl, { assetId: 'asset-1', fileUrl: null })).toEqual([{ operation: 'ingest', asset_id: 'asset-1' }]);
	});

	it.each(['', '   ', 'ftp://a.test/v', '/etc/passwd', 'file:///etc/passwd', 'https://a b'])('refuses the URL "%s"', async (fileUrl) => {
		await expect(build(fromUrl, { fileUrl })).rejects.toThrow('"File URL"');
	});

	it.each(['{', '[1]', '"text"'])('refuses the metadata %s', async (metadata) => {
		await expect(build(fromUrl, { fileUrl: 'http://a.test/v', metadata })).rejects.toThrow('"Metadata"');
	});
});

describe('Existing Asset', () => {
	it('waits for the asset', async () => {
		expect(await build(existingAsset, { assetId: 'asset-1' })).toEqual([{ operation: 'ingest', asset_id: 'asset-1' }]);
	});

	it('says which field is empty', async () => {
		await expect(build(existingAsset, { assetId: undefined })).rejects.toThrow('"Asset ID" is empty');
	});
});

describe('From Binary', () => {
	let server: TestServer;
	beforeEach(async () => {
		server = await startServer();
	});
	afterEach(() => server.close());

	const credentials = () => ({ mediaSidecarApi: { url: server.url, apiKey: 'k' } });

	it('sends a stored file from its stream, then names its asset', async () => {
		const chunk = Buffer.alloc(64 * 1024, 7);
		const chunks = 160;
		const stream = () => Readable.from(Array.from({ length: chunks }, () => chunk), { objectMode: false });
		const binary = { data: { id: 'filesystem:1', data: 'filesystem', mimeType: 'video/mp4', fileName: 'clip.mp4' } };
		const items = await build(
			fromBinary,
			{ binaryProperty: 'data', metadata: '{"a":1}' },
			{ items: [{ json: {}, binary }], credentials: credentials(), binaryStream: stream, binarySize: chunk.length * chunks },
		);
		expect(items).toEqual([{ operation: 'ingest', asset_id: 'asset-up' }]);
		const [sign, put] = server.received;
		expect(JSON.parse(sign?.body ?? '')).toEqual({
			file_name: 'clip.mp4',
			file_size: chunk.length * chunks,
			mime_type: 'video/mp4',
			metadata: { a: 1 },
		});
		expect(put).toMatchObject({ method: 'PUT', path: '/uploads/w/asset-up?sig=s', bytes: chunk.length * chunks });
		expect(put?.headers).toMatchObject({ 'content-type': 'video/mp4' });
		// The signed link is the permission: the API key is not for it.
		expect(put?.headers).not.toHaveProperty('authorization');
	});

	it('sends the bytes that n8n holds in memory', async () => {
		const binary = { file: { data: Buffer.from('hello').toString('base64'), mimeType: 'audio/mpeg', fileName: 'a.mp3' } };
		await build(fromBinary, { binaryProperty: 'file' }, { items: [{ json: {}, binary }], credentials: credentials() });
		expect(server.received[1]).toMatchObject({ body: 'hello' });
	});

	it('says that the file is empty, and sends nothing', async () => {
		const binary = { file: { data: '', mimeType: 'audio/mpeg' } };
		await expect(
			build(fromBinary, { binaryProperty: 'file' }, { items: [{ json: {}, binary }], credentials: credentials() }),
		).rejects.toThrow('The file in "file" is empty');
		expect(server.received).toEqual([]);
	});
});
