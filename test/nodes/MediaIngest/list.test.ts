import { createHash } from 'node:crypto';
import type { INodeExecutionData, IDataObject } from 'n8n-workflow';
import { MediaIngest } from '../../../nodes/MediaIngest/MediaIngest.node';
import { fakeContext, type FakeRun } from '../support/context';
import { startServer, type Answer, type TestServer } from '../support/sidecar';

interface File {
	name: string;
	version?: string;
	title?: string;
	address?: string;
}

/** A feed as the sidecar lists it: pages of `page` files, the cursor is the place of the next one. */
function listing(files: () => File[], page = 1000): Answer {
	return ({ path, body }) => {
		if (path !== '/api/media/sources/list') return undefined;
		const { cursor, limit } = JSON.parse(body) as { cursor: string | null; limit: number };
		const from = Number(cursor ?? 0);
		const to = from + Math.min(limit, page);
		const entries = files()
			.slice(from, to)
			.map(({ name, version = name, title, address }) => ({ source: { type: 'url', url: address ?? `https://a.test/${name}` }, name, bytes: 1, mime: 'video/mp4', modified_at: null, version, metadata: title ? { title } : {} }));
		const more = to < files().length;
		return { status: 200, body: { entries, cursor: more ? String(to) : null, has_more: more, skipped: from === 0 ? [{ name: 'notes.pdf', reason: 'No media.' }] : [] } };
	};
}

/** Under which a place is remembered: no address and no token in what n8n stores. */
const keyOf = (place: string) => createHash('sha256').update(place).digest('base64url');

const FEED = keyOf('rss https://a.test/feed.xml');

const many = (count: number, prefix = 'f'): File[] => Array.from({ length: count }, (_, index) => ({ name: `${prefix}${index}` }));

describe('a place with many files', () => {
	let server: TestServer;
	afterEach(() => server.close());

	const run = async (parameters: Record<string, unknown> = {}, more: Partial<FakeRun> = {}) => {
		const all = { operation: 'ingest', source: 'rss', feedUrl: 'https://a.test/feed.xml', waitMode: 'none', limit: 50, ...parameters };
		const fake = fakeContext({ parameters: all, credentials: { mediaSidecarApi: { url: server.url, apiKey: 'k' } }, ...more });
		const outputs = await new MediaIngest().execute.call(fake.context);
		return { ...fake, outputs };
	};
	const names = () => server.batches().at(-1)?.items.map(({ metadata }) => (metadata as { file_name: string }).file_name);
	const pages = () => server.received.filter(({ path }) => path === '/api/media/sources/list').map(({ body }) => (JSON.parse(body) as { limit: number }).limit);

	it('is read page by page, and is one batch', async () => {
		server = await startServer(listing(() => ['a', 'b', 'c'].map((name) => ({ name })), 2));
		const { outputs, logged } = await run();
		expect(names()).toEqual(['a', 'b', 'c']);
		expect([server.batches().length, outputs[0]?.length, pages()]).toEqual([1, 3, [50, 48]]);
		expect(logged).toEqual(['Media Ingest passes over "notes.pdf": No media.']);
	});

	it('is read up to the limit', async () => {
		server = await startServer(listing(() => ['a', 'b', 'c', 'd'].map((name) => ({ name })), 2));
		await run({ limit: 3 });
		expect([names(), pages()]).toEqual([['a', 'b', 'c'], [3, 1]]);
	});

	it('names a file twice: it is ingested once', async () => {
		server = await startServer(listing(() => [{ name: 'a' }, { name: 'a', version: 'other', address: 'https://a.test/a' }]));
		await run();
		expect(names()).toEqual(['a']);
	});

	it('gives its titles to the assets, unless the options say another one', async () => {
		server = await startServer(listing(() => [{ name: 'a', title: 'Episode 1' }]));
		await run();
		expect(server.batches()[0]?.items[0]).toMatchObject({ details: { title: 'Episode 1' }, metadata: { title: 'Episode 1', file_name: 'a' } });
		await run({ options: { title: 'Mine', tags: 'x', metadata: '{"a":1}' } });
		expect(server.batches()[1]?.items[0]).toMatchObject({ details: { title: 'Mine', tags: ['x'] }, metadata: { a: 1, title: 'Episode 1' } });
	});

	it('without anything in it passes no item on', async () => {
		server = await startServer(listing(() => []));
		const { outputs } = await run({}, { items: [{ json: { from: 'schedule' } }] });
		expect([outputs, server.batches()]).toEqual([[[], []], []]);
	});

	it('gives a run a thousand files at most, over all items; the one that finds no room says so', async () => {
		server = await startServer(({ body, ...request }) => listing(() => many(600, (JSON.parse(body) as { source?: { url: string } }).source?.url.slice(-1)))({ body, ...request }));
		const parameters = (item: number) => ({ operation: 'ingest', source: 'rss', feedUrl: `https://a.test/${item}`, waitMode: 'none', limit: 1000 });
		const { context, logged } = fakeContext({ parameters, items: [{ json: {} }, { json: {} }, { json: {} }], continueOnFail: true, credentials: { mediaSidecarApi: { url: server.url, apiKey: 'k' } } });
		const [, failed] = await new MediaIngest().execute.call(context);
		expect([names()?.length, names()?.filter((name) => name.startsWith('1')).length]).toEqual([1000, 400]);
		expect(logged.at(-1)).toBe('Media Ingest takes 1000 files per run: there may be more in this place');
		expect(failed).toEqual([{ json: expect.objectContaining({ message: expect.stringContaining('one run takes no more. Lower "Limit"') as string }) as IDataObject, pairedItem: { item: 2 } }]);
		expect(pages()).toEqual([1000, 400]);
	});

	it.each(['rss', 'watchFolder'])('cannot become the next version of an asset, and is not even listed: %s', async (source) => {
		server = await startServer(listing(() => [{ name: 'a' }]));
		await expect(run({ source, options: { dedupe: 'version', versionOf: '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f' } })).rejects.toThrow('may give many files, and only a single one can become the next version');
		expect(server.received).toEqual([]);
	});

	describe('of which only what is new is wanted', () => {
		const onlyNew = { onlyNew: true };

		it('gives each file once', async () => {
			const files: File[] = [{ name: 'a' }, { name: 'b' }];
			server = await startServer(listing(() => files));
			const staticData: IDataObject = {};
			await run(onlyNew, { staticData });
			expect(names()).toEqual(['a', 'b']);
			files.unshift({ name: 'c' });
			await run(onlyNew, { staticData });
			expect(names()).toEqual(['c']);
			const { outputs } = await run(onlyNew, { staticData });
			expect([server.batches().length, outputs]).toEqual([2, [[], []]]);
			expect(staticData).toEqual({ taken: { [FEED]: expect.stringMatching(/^[\w-]{33}$/) as string } });
		});

		it('goes on next time where the limit ended it, however the place pages', async () => {
			server = await startServer(listing(() => ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name })), 2));
			const staticData: IDataObject = {};
			const seen = [];
			for (let times = 0; times < 3; times++) {
				await run({ ...onlyNew, limit: 2 }, { staticData });
				seen.push(names());
			}
			expect(seen).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
		});

		it('takes a file again when its content has changed; and an entry of a feed does not change with its address', async () => {
			let file: File = { name: 'a', version: 'guid' };
			server = await startServer(listing(() => [file]));
			const [feed, folder] = [{}, {}];
			const fromFolder = { ...onlyNew, source: 'watchFolder', folder: 'x' };
			await run(onlyNew, { staticData: feed });
			await run(fromFolder, { staticData: folder });
			file = { ...file, address: 'https://a.test/a?session=2' };
			await run(onlyNew, { staticData: feed });
			expect(server.batches()).toHaveLength(2);
			file = { name: 'a', version: 'changed' };
			await run(fromFolder, { staticData: folder });
			expect(server.batches()).toHaveLength(3);
		});

		it('forgets what is no longer there', async () => {
			let files: File[] = [{ name: 'a' }, { name: 'b' }];
			server = await startServer(listing(() => files));
			const staticData: IDataObject = {};
			await run(onlyNew, { staticData });
			files = [{ name: 'c' }];
			await run(onlyNew, { staticData });
			expect((staticData as { taken: Record<string, string> }).taken[FEED]).toHaveLength(11);
		});

		it('forgets nothing when the place is empty for once', async () => {
			let files: File[] = [{ name: 'a' }, { name: 'b' }];
			server = await startServer(listing(() => files));
			const staticData: IDataObject = {};
			await run(onlyNew, { staticData });
			files = [];
			await run(onlyNew, { staticData });
			files = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
			await run(onlyNew, { staticData });
			expect(names()).toEqual(['c']);
		});

		it('says that there are more files than it can remember, and takes those of a place whose old ones are gone', async () => {
			let files = many(20_000);
			server = await startServer(listing(() => files));
			const marks = files.map(({ name }) => createHash('sha256').update(name).digest('base64url').slice(0, 11)).join('');
			const staticData: IDataObject = { taken: { [FEED]: marks } };
			files = [...files, { name: 'new' }];
			await expect(run(onlyNew, { staticData })).rejects.toThrow('more than 20000 files');
			expect([staticData, server.batches()]).toEqual([{ taken: { [FEED]: marks } }, []]);
			files = [{ name: 'new' }, ...many(1500)];
			await run({ ...onlyNew, limit: 1 }, { staticData });
			expect(names()).toEqual(['new']);
			expect((staticData as { taken: Record<string, string> }).taken[FEED]).toHaveLength(1501 * 11);
		});

		it('remembers nothing when the sidecar does not take the files, also where the node goes on', async () => {
			let refuses = true;
			const list = listing(() => [{ name: 'a' }]);
			server = await startServer((request) => list(request) ?? (refuses && request.path === '/api/media/batch' ? { status: 507, body: { error: { code: 'quota_exceeded', message: 'Full.' } } } : undefined));
			const staticData: IDataObject = {};
			await expect(run(onlyNew, { staticData })).rejects.toThrow('Full.');
			const { outputs } = await run(onlyNew, { staticData, continueOnFail: true });
			expect(outputs[1]?.[0]?.json).toMatchObject({ code: 'sidecar_request_failed' });
			expect(staticData).toEqual({});
			refuses = false;
			await run(onlyNew, { staticData });
			expect(names()).toEqual(['a']);
		});

		it('keeps what was taken of one place when another one was refused', async () => {
			const list = listing(() => [{ name: 'a' }]);
			server = await startServer((request) => {
				const { source, items } = JSON.parse(request.body) as { source?: { url: string }; items?: unknown[] };
				if (source?.url.endsWith('/broken.xml')) return { status: 422, body: { error: { code: 'input_unsupported', message: 'No feed.' } } };
				return list(request) ?? (items?.length === 0 ? { status: 400, body: {} } : undefined);
			});
			const items: INodeExecutionData[] = [{ json: {} }, { json: {} }];
			const feeds = ['https://a.test/broken.xml', 'https://a.test/good.xml'];
			const staticData: IDataObject = {};
			const parameters = (item: number) => ({ operation: 'ingest', source: 'rss', feedUrl: feeds[item], waitMode: 'none', limit: 50, ...onlyNew });
			const { context } = fakeContext({ parameters, items, staticData, continueOnFail: true, credentials: { mediaSidecarApi: { url: server.url, apiKey: 'k' } } });
			const [done, failed] = await new MediaIngest().execute.call(context);
			expect([done?.length, failed?.map(({ pairedItem }) => pairedItem)]).toEqual([1, [{ item: 0 }]]);
			expect(Object.keys((staticData as { taken: object }).taken)).toEqual([keyOf('rss https://a.test/good.xml')]);
		});

		it('forgets the place whose file the sidecar does not take, and keeps the one whose files it takes', async () => {
			const list = listing(() => [{ name: 'a' }]);
			server = await startServer((request) => {
				const refused = request.path === '/api/media/batch' && (JSON.parse(request.body) as { items: unknown[] }).items.length > 1;
				return refused ? { status: 400, body: { error: { code: 'invalid_request', message: 'No.', details: { field: 'items.0.source' } } } } : list(request);
			});
			const staticData: IDataObject = {};
			const parameters = (item: number) => ({ operation: 'ingest', source: 'rss', feedUrl: `https://a.test/${item}.xml`, waitMode: 'none', limit: 50, ...onlyNew });
			const { context } = fakeContext({ parameters, items: [{ json: {} }, { json: {} }], staticData, continueOnFail: true, credentials: { mediaSidecarApi: { url: server.url, apiKey: 'k' } } });
			const [done, failed] = await new MediaIngest().execute.call(context);
			expect([done, failed].map((items) => items?.map(({ pairedItem }) => pairedItem))).toEqual([[{ item: 1 }], [{ item: 0 }]]);
			expect(Object.keys((staticData as { taken: object }).taken)).toEqual([keyOf('rss https://a.test/1.xml')]);
		});

		it('takes a file once when two items name the same place', async () => {
			server = await startServer(listing(() => [{ name: 'a' }]));
			await run(onlyNew, { items: [{ json: {} }, { json: {} }] });
			expect(names()).toEqual(['a']);
		});
	});
});
