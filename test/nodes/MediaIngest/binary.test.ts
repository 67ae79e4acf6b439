import { Readable } from 'node:stream';
import { ingest } from '../../../nodes/MediaIngest/operations/ingest';
import { build } from '../support/build';
import { startServer, type TestServer } from '../support/sidecar';

describe('binary data', () => {
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
			ingest,
			{ source: 'binary', binaryProperty: 'data', options: { metadata: '{"a":1}', title: 'A clip', tags: 'one, two', dedupe: 'copy', scan: true, pipeline: 'default' } },
			{ items: [{ json: {}, binary }], credentials: credentials(), binaryStream: stream, binarySize: chunk.length * chunks },
		);
		expect(items).toEqual([{ operation: 'ingest', asset_id: 'asset-up', pipeline: 'default' }]);
		const [sign, put] = server.received;
		expect(JSON.parse(sign?.body ?? '')).toEqual({
			file_name: 'clip.mp4',
			file_size: chunk.length * chunks,
			mime_type: 'video/mp4',
			metadata: { a: 1 },
			details: { title: 'A clip', tags: ['one', 'two'] },
			dedupe: 'copy',
			scan: true,
		});
		expect(put).toMatchObject({ method: 'PUT', path: '/uploads/w/asset-up?sig=s', bytes: chunk.length * chunks });
		expect(put?.headers).toMatchObject({ 'content-type': 'video/mp4' });
		// The signed link is the permission: the API key is not for it.
		expect(put?.headers).not.toHaveProperty('authorization');
	});

	it('tells the sidecar when the bytes have gone straight to a store', async () => {
		const links = (url: string) => ({ upload_url: `${url}/uploads/bucket/key?X-Amz-Signature=s`, method: 'PUT', headers: { 'content-type': 'audio/mpeg', 'content-length': '5' }, complete_url: `${url}/uploads/complete` });
		const store: TestServer = await startServer(({ path }) => (path === '/api/media/sign' ? { status: 201, body: { asset_id: 'asset-up', expires_at: '', ...links(store.url) } } : undefined));
		const binary = { file: { data: Buffer.from('hello').toString('base64'), mimeType: 'audio/mpeg', fileName: 'a.mp3' } };
		await build(ingest, { source: 'binary', binaryProperty: 'file' }, { items: [{ json: {}, binary }], credentials: { mediaSidecarApi: { url: store.url, apiKey: 'k' } } });
		expect(store.received.map(({ method, path }) => `${method} ${path.split('?')[0]}`)).toEqual(['POST /api/media/sign', 'PUT /uploads/bucket/key', 'POST /uploads/complete']);
		expect(store.received[1]?.headers['content-length']).toBe('5');
		expect(store.received[2]?.headers).not.toHaveProperty('authorization');
		await store.close();
	});

	it('sends the bytes that n8n holds in memory', async () => {
		const binary = { file: { data: Buffer.from('hello').toString('base64'), mimeType: 'audio/mpeg', fileName: 'a.mp3' } };
		await build(ingest, { source: 'binary', binaryProperty: 'file' }, { items: [{ json: {}, binary }], credentials: credentials() });
		expect(server.received[1]).toMatchObject({ body: 'hello' });
	});

	it('says that the file is empty, and sends nothing', async () => {
		const binary = { file: { data: '', mimeType: 'audio/mpeg' } };
		await expect(
			build(ingest, { source: 'binary', binaryProperty: 'file' }, { items: [{ json: {}, binary }], credentials: credentials() }),
		).rejects.toThrow('The file in "file" is empty');
		expect(server.received).toEqual([]);
	});

	it('sends several files of one item, each as an asset of its own', async () => {
		const file = (text: string) => ({ data: Buffer.from(text).toString('base64'), mimeType: 'audio/mpeg', fileName: `${text}.mp3` });
		const items = await build(ingest, { source: 'binary', binaryProperty: 'file_0, file_1,' }, { items: [{ json: {}, binary: { file_0: file('one'), file_1: file('two') } }], credentials: credentials() });
		expect(items).toHaveLength(2);
		expect(server.received.filter(({ method }) => method === 'PUT').map(({ body }) => body)).toEqual(['one', 'two']);
	});

	it('refuses to make it a new version, before anything is sent', async () => {
		const binary = { file: { data: 'aGVsbG8=', mimeType: 'audio/mpeg' } };
		const options = { dedupe: 'version', versionOf: '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f' };
		await expect(build(ingest, { source: 'binary', binaryProperty: 'file', options }, { items: [{ json: {}, binary }], credentials: credentials() })).rejects.toThrow('cannot become a new version');
		expect(server.received).toEqual([]);
	});

	it('sends a file that is too large for one request by the resumable protocol', async () => {
		const large: TestServer = await startServer(({ path, method }) => {
			if (path === '/api/media/sign') return { status: 201, body: { asset_id: 'asset-up', upload_url: '', method: 'PUT', headers: {}, expires_at: '', complete_url: null, tus: { endpoint: `${large.url}/tus/p/asset-up`, expires_at: '' } } };
			if (path === '/tus/p/asset-up' && method === 'POST') return { status: 201, body: '', headers: { location: '/tus/p/asset-up/1' } };
			return path === '/tus/p/asset-up/1' ? { status: 204, body: '' } : undefined;
		});
		const bytes = 500 * 1024 * 1024 + 1;
		const binary = { data: { id: 'filesystem:1', data: 'filesystem', mimeType: 'video/mp4', fileName: 'clip.mp4' } };
		// What the fake sends is short; only what it says of itself is large.
		await build(ingest, { source: 'binary', binaryProperty: 'data' }, { items: [{ json: {}, binary }], credentials: { mediaSidecarApi: { url: large.url, apiKey: 'k' } }, binaryStream: () => Readable.from([Buffer.from('bytes')], { objectMode: false }), binarySize: bytes });
		const [sign, create, patch] = large.received;
		expect(JSON.parse(sign?.body ?? '')).toMatchObject({ protocol: 'tus', file_size: bytes });
		expect(create?.headers).toMatchObject({ 'tus-resumable': '1.0.0', 'upload-length': String(bytes) });
		expect(patch).toMatchObject({ method: 'PATCH', body: 'bytes' });
		expect(patch?.headers).toMatchObject({ 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' });
		for (const { headers } of [create!, patch!]) expect(headers).not.toHaveProperty('authorization');
		await large.close();
	});
});
