import type { ILoadOptionsFunctions } from 'n8n-workflow';
import { MediaIngest } from '../../../nodes/MediaIngest/MediaIngest.node';
import { loadPipelines, searchAssets } from '../../../nodes/MediaIngest/search/assets';
import { fakeContext } from '../support/context';
import { startServer, type Answer, type TestServer } from '../support/sidecar';

const ASSET = '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f';

/** What is answered at once. */
describe('the library', () => {
	let server: TestServer;
	afterEach(() => server.close());

	const start = async (answer: Answer) => (server = await startServer(answer));
	const credentials = () => ({ mediaSidecarApi: { url: server.url, apiKey: 'k' } });
	const run = async (parameters: Record<string, unknown>, more: { continueOnFail?: boolean } = {}) => {
		const { context, waits } = fakeContext({ parameters, credentials: credentials(), ...more });
		const outputs = await new MediaIngest().execute.call(context);
		expect(waits).toEqual([]);
		return outputs;
	};
	const asked = () => server.received.map(({ method, path }) => `${method} ${path}`);

	it('gives an asset, by its ID or chosen from the list', async () => {
		await start(({ path }) => ({ status: 200, body: { id: path.split('/').pop(), title: 'T' } }));
		for (const asset of [ASSET, { __rl: true, mode: 'list', value: ASSET }]) {
			expect(await run({ operation: 'getAsset', asset })).toEqual([[{ json: { id: ASSET, title: 'T' }, pairedItem: { item: 0 } }], []]);
		}
		expect(asked()).toEqual([`GET /api/media/assets/${ASSET}`, `GET /api/media/assets/${ASSET}`]);
	});

	it.each([['', '"Asset" is empty'], [{ mode: 'id', value: null }, '"Asset" is empty'], ['../keys', '"Asset" must be the ID of an asset, but is "../keys"']])('does not ask for the asset %j', async (asset, message) => {
		await start(() => undefined);
		await expect(run({ operation: 'getAsset', asset })).rejects.toThrow(message);
		expect(asked()).toEqual([]);
	});

	it('that has no such asset says so, through Failed where the node goes on', async () => {
		await start(() => ({ status: 404, body: { error: { code: 'not_found', message: 'There is no asset.' } } }));
		await expect(run({ operation: 'getAsset', asset: ASSET })).rejects.toThrow('There is no asset.');
		const [done, failed] = await run({ operation: 'deleteAsset', asset: ASSET }, { continueOnFail: true });
		expect([done, failed?.[0]?.json]).toEqual([[], expect.objectContaining({ message: 'There is no asset.', item_index: 0 })]);
	});

	it('lists up to the limit or to the end, page by page, with filters', async () => {
		await start(({ path }) => {
			const query = new URL(path, 'http://x').searchParams;
			const from = Number(query.get('cursor') ?? 0);
			const to = Math.min(from + Number(query.get('limit')), 450);
			return { status: 200, body: { assets: Array.from({ length: to - from }, (_, index) => ({ id: `asset-${from + index}` })), next_cursor: to < 450 ? String(to) : null } };
		});
		const few = await run({ operation: 'listAssets', returnAll: false, limit: 3, filters: {} });
		expect(few[0]?.map(({ json }) => json.id)).toEqual(['asset-0', 'asset-1', 'asset-2']);
		const filters = { fileType: 'video', status: 'ready', tag: 'x y', name: 'n', createdAfter: '2026-01-02T03:04:05.000+02:00', createdBefore: '' };
		const all = await run({ operation: 'listAssets', returnAll: true, filters });
		expect(all[0]).toHaveLength(450);
		const queries = server.received.map(({ path }) => Object.fromEntries(new URL(path, 'http://x').searchParams));
		const filtered = { file_type: 'video', status: 'ready', tag: 'x y', name: 'n', created_after: '2026-01-02T01:04:05.000Z' };
		expect(queries).toEqual([{ limit: '3' }, { ...filtered, limit: '200' }, { ...filtered, limit: '200', cursor: '200' }, { ...filtered, limit: '200', cursor: '400' }]);
	});

	it.each([
		['2026-01-31', '2026-01-30T23:00:00.000Z'],
		['2026-07-31T12:00:00', '2026-07-31T10:00:00.000Z'],
		['next week', 'next week'],
	])('lists from %s in the time zone of the workflow', async (createdAfter, asked) => {
		await start(() => ({ status: 200, body: { assets: [], next_cursor: null } }));
		await run({ operation: 'listAssets', returnAll: true, filters: { createdAfter, createdBefore: createdAfter } });
		expect(Object.fromEntries(new URL(server.received[0]!.path, 'http://x').searchParams)).toEqual({ created_after: asked, created_before: asked, limit: '200' });
	});

	it('changes only what is named, and something must be', async () => {
		await start(() => ({ status: 200, body: { id: ASSET } }));
		await run({ operation: 'updateAsset', asset: ASSET, fields: { title: 'New', tags: 'a,b', metadata: '{"x":null}' } });
		expect(server.received.map(({ method, body }) => [method, JSON.parse(body) as unknown])).toEqual([['PATCH', { title: 'New', tags: ['a', 'b'], metadata: { x: null } }]]);
		await expect(run({ operation: 'updateAsset', asset: ASSET, fields: {} })).rejects.toThrow('There is nothing to change');
	});

	it('can take back what was said of an asset: fields that were added and left empty', async () => {
		await start(() => ({ status: 200, body: { id: ASSET } }));
		await run({ operation: 'updateAsset', asset: ASSET, fields: { title: '', description: ' ', language: '', tags: '' } });
		expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({ title: null, description: null, language: null, tags: [] });
	});

	it('deletes', async () => {
		await start(() => ({ status: 200, body: { asset_id: ASSET, deleted: true, files: 2, bytes: 3 } }));
		expect((await run({ operation: 'deleteAsset', asset: ASSET }))[0]?.[0]?.json).toEqual({ asset_id: ASSET, deleted: true, files: 2, bytes: 3 });
		expect(asked()).toEqual([`DELETE /api/media/assets/${ASSET}`]);
	});

	it('makes a link to upload to', async () => {
		await start(() => undefined);
		const file = { operation: 'createUploadLink', fileName: 'a.mp4', fileSize: 5, mimeType: 'video/mp4', protocol: 'tus' };
		const [done] = await run({ ...file, options: { title: 'T', expiresMinutes: 30, scan: true, metadata: '{"a":1}' } });
		expect(done?.[0]?.json).toMatchObject({ asset_id: 'asset-up', method: 'PUT' });
		expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({ file_name: 'a.mp4', file_size: 5, mime_type: 'video/mp4', protocol: 'tus', expires_in_seconds: 1800, scan: true, details: { title: 'T' }, metadata: { a: 1 } });
		await expect(run({ ...file, fileName: '' })).rejects.toThrow('"File Name" is empty');
		await expect(run({ ...file, fileSize: 0 })).rejects.toThrow('"File Size (Bytes)"');
	});

	it('fills the lists of the editor', async () => {
		const asset = (more: object) => ({ id: ASSET, title: null, metadata: {}, file_type: null, created_at: '2026-01-02T03:04:05Z', thumbnail_url: null, ...more });
		await start(({ path }) =>
			path.includes('pipelines')
				? { status: 200, body: { pipelines: [{ name: 'default', version: 1, description: '', steps: [{ operation: 'thumbnail' }, { operation: 'transcribe' }] }] } }
				: { status: 200, body: { assets: [asset({ title: 'T', file_type: 'video' }), asset({ metadata: { file_name: 'a.mp4' } }), asset({})], next_cursor: 'p2' } },
		);
		const { context } = fakeContext({ parameters: {}, credentials: credentials() });
		const editor = context as object as ILoadOptionsFunctions;
		const { results, paginationToken } = await searchAssets.call(editor, 'x', 'p1');
		expect([results.map(({ name }) => name), paginationToken]).toEqual([['T (video, 2026-01-02)', 'a.mp4 (on its way, 2026-01-02)', `${ASSET} (on its way, 2026-01-02)`], 'p2']);
		expect(await loadPipelines.call(editor)).toEqual([{ name: 'default', value: 'default', description: 'thumbnail, transcribe' }]);
		expect(asked()).toEqual(['GET /api/media/assets?limit=50&name=x&cursor=p1', 'GET /api/media/pipelines']);
	});
});
