import { randomUUID } from 'node:crypto';
import type { TextEmbedder } from '../../../../sidecar/src/ai/embedder.ts';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import { assets, assetTags, files, searchEntries } from '../../../../sidecar/src/db/schema.ts';
import { replaceEntries, type NewEntry } from '../../../../sidecar/src/db/search.ts';
import { createWorkspace } from '../../../../sidecar/src/db/workspaces.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import { addTextVectors } from '../../../../sidecar/src/operations/ai/entry-vectors.ts';
import { createLibrary, marked, type SearchAnswer, type SearchRequest } from '../../../../sidecar/src/operations/ai/library.ts';
import { parseQuery } from '../../../../sidecar/src/db/search-query.ts';
import { localTextVectors } from '../../../support/local-vectors.ts';
import { SEARCH_DATABASES } from '../../../support/search-databases.ts';

const { signal } = new AbortController();

describe.each(SEARCH_DATABASES)('the library, on $name', ({ open, vectors }) => {
	let database: OpenDatabase;
	let close: () => Promise<void>;
	let embedder: TextEmbedder;
	beforeAll(async () => {
		({ database, close } = await open());
		for (const id of ['mine', 'theirs']) await createWorkspace(database.db, id, `key-of-${id}-0123456789`);
		embedder = await localTextVectors();
	});
	afterAll(() => close());
	beforeEach(async () => {
		await database.db.delete(searchEntries);
		await database.db.delete(assetTags);
		await database.db.delete(files);
		await database.db.delete(assets);
	});

	const asset = async (said: string[], { language = 'en', workspaceId = 'mine', ...change }: Partial<typeof assets.$inferInsert> & { language?: string } = {}): Promise<string> => {
		const id = randomUUID();
		await database.db.insert(assets).values({ id, workspaceId, source: 'upload', status: 'ready', fileType: 'video', ...change });
		const entries = said.map((text, index): NewEntry => ({ kind: 'transcript', startSeconds: index * 30, endSeconds: index * 30 + 30, text, language, vectors: [] }));
		await addTextVectors(database.db, embedder, entries, signal);
		await replaceEntries(database.db, { id, workspaceId }, entries);
		return id;
	};
	const search = (request: Partial<SearchRequest>, change: Partial<TextEmbedder> = {}): Promise<SearchAnswer> =>
		createLibrary({ db: database.db, embedder: { ...embedder, ...change }, tellLanguage: async (text) => (text.includes(' der ') ? 'de' : 'en'), fileUrl: (key) => `signed:${key}` }).search('mine', { limit: 10, offset: 0, ...request }, signal);
	const ids = async (request: Partial<SearchRequest>): Promise<string[]> => (await search(request)).results.map(({ asset_id: id }) => id);

	it('answers the moment in which the words are said, and marks them', async () => {
		await asset(['welcome everybody', 'now pour the <b>hot</b> water over the leaves', 'goodbye'], { metadata: { file_name: 'tea.mp4', title: 'Green tea' }, storageKey: 'raw/tea.mp4' });
		await asset(['the water of the lake is cold today']);
		const { results, methods } = await search({ q: 'hot water ' });
		expect(results[0]).toMatchObject({ title: 'Green tea', start_seconds: 30, end_seconds: 60, text: 'now pour the <b>hot</b> water over the leaves', file_type: 'video' });
		expect(results[0]?.moments[0]?.marked).toBe('now pour the &lt;b&gt;<mark>hot</mark>&lt;/b&gt; <mark>water</mark> over the leaves');
		expect(results[0]?.score).toBeGreaterThan(results[1]?.score ?? 0);
		expect(methods).toEqual(vectors ? ['words', 'meaning'] : ['words']);
	});

	it('finds what is said in other words, where vectors can be compared, and says where not', async () => {
		const car = await asset(['We bought a new automobile last month', 'hello there']);
		await asset(['The soup needs more salt']);
		const { results, notes } = await search({ q: 'purchasing a car' });
		if (vectors) {
			expect(results[0]).toMatchObject({ asset_id: car, matched_by: expect.arrayContaining(['meaning']), start_seconds: 0 });
			expect(notes).toEqual([]);
		} else {
			expect(notes).toEqual([expect.stringMatching(/Only words were looked for, not meanings: .*pgvector/)]);
		}
	});

	it('leaves out what is excluded, and needs what is in quotes, also by meaning', async () => {
		const red = await asset(['a fast red car on the road']);
		const blue = await asset(['a fast blue car on the road']);
		expect(await ids({ q: 'quick vehicle car -blue' })).toEqual([red]);
		expect(await ids({ q: '"blue car" quick vehicle' })).toEqual([blue]);
	});

	it('filters, pages, and lists the newest when nothing is asked', async () => {
		const made = await Promise.all([1, 2, 3].map((day) => asset(['the same tea every day'], { createdAt: new Date(`2026-01-0${day}T12:00:00Z`), fileType: day === 2 ? 'audio' : 'video' })));
		expect(await ids({})).toEqual(made.toReversed());
		expect(await ids({ limit: 1, offset: 1 })).toEqual([made[1]]);
		expect((await search({})).methods).toEqual([]);
		expect(await ids({ type: 'audio' })).toEqual([made[1]]);
		expect(await ids({ q: 'tea', type: 'audio' })).toEqual([made[1]]);
		const pages = [await ids({ q: 'tea', limit: 2 }), await ids({ q: 'tea', limit: 2, offset: 2 })];
		expect(pages.flat().sort()).toEqual([...made].sort());
		await database.db.insert(assetTags).values({ assetId: made[0] as string, workspaceId: 'mine', tag: 'grüner tee', source: 'person' });
		expect(await ids({ q: 'tea', tags: ['#Grüner  Tee'] })).toEqual([made[0]]);
		expect((await search({ tags: ['grüner tee'] })).results[0]?.tags).toEqual(['grüner tee']);
		expect(await ids({ q: 'tea', from: new Date('2026-01-02T00:00:00Z'), to: new Date('2026-01-03T00:00:00Z') })).toEqual([made[1]]);
	});

	it('says so when there is nothing to look for, and finds nothing by a tag that is none', async () => {
		await asset(['a fast blue car']);
		expect(await search({ q: '-blue' })).toMatchObject({ results: [], notes: [expect.stringMatching(/^Nothing to look for/)] });
		expect(await ids({ tags: ['#'] })).toEqual([]);
	});

	it('never answers what belongs to others', async () => {
		const secret = await asset(['our secret recipe for tea'], { workspaceId: 'theirs' });
		const { results, notes } = await search({ q: 'secret recipe' });
		expect(results).toEqual([]);
		expect(notes).toContain('Nothing of this workspace has been indexed yet. Run index_asset on its assets first.');
		await expect(search({ similarTo: secret })).rejects.toMatchObject({ code: 'not_found' });
		const mine = await asset(['a recipe for tea']);
		expect(await ids({ similarTo: mine })).toEqual([]);
	});

	it('gives links to the original and to the newest picture', async () => {
		const id = await asset(['tea'], { storageKey: 'raw/a.mp4', facts: { fileType: 'video' } as never });
		await database.db.insert(files).values(['old', 'new'].map((name, day) => ({ id: randomUUID(), workspaceId: 'mine', assetId: id, name, storageKey: `${name}.jpg`, mime: 'image/jpeg', bytes: 1, createdAt: new Date(2026, 1, day + 1) })));
		expect((await search({ q: 'tea' })).results[0]).toMatchObject({ file_url: 'signed:raw/a.mp4', thumbnail_url: 'signed:new.jpg' });
	});

	it('goes on with words when the model fails, and says so; a caller that has gone ends it', async () => {
		const id = await asset(['green tea']);
		const broken = { embed: () => Promise.reject(new PipelineError('provider_rate_limited', 'Too many requests.')) };
		const { results, notes } = await search({ q: 'green tea' }, broken);
		expect(results.map(({ asset_id: found }) => found)).toEqual([id]);
		if (vectors) expect(notes).toEqual(['Only words were looked for, not meanings: Too many requests.']);
		if (vectors) await expect(search({ q: 'green tea' }, { embed: () => Promise.reject(new Error('a bug')) })).rejects.toThrow('a bug');
		const nothing = { embed: async () => ({ vectors: [], usage: {}, provider: 'local' as const, model: 'm' }) };
		if (vectors) expect((await search({ q: 'green tea' }, nothing)).notes).toEqual([expect.stringMatching(/no usable vector/)]);
	});

	if (!vectors) return;

	it('asks the English model nothing in other languages', async () => {
		await asset(['Guten Tag aus der schönen Stadt'], { language: 'de' });
		for (const q of ['Wo ist der Bahnhof in der Stadt bitte', 'Где вокзал']) {
			const { methods, notes } = await search({ q });
			expect(methods).toEqual(['words']);
			expect(notes[0]).toMatch(/knows English only/);
		}
		expect((await search({ q: 'Bahnhof' })).notes[0]).toMatch(/nothing has been indexed with the model local:use-lite:512/);
	});

	it('finds assets like another one, without itself', async () => {
		const tea = await asset(['how to make green tea', 'pour hot water over the leaves']);
		const coffee = await asset(['brewing a cup of coffee', 'heat the water first']);
		await asset(['the stock market fell on Monday', 'investors sold their shares']);
		const { results, methods } = await search({ similarTo: tea });
		expect(results[0]?.asset_id).toBe(coffee);
		expect(results.map(({ asset_id: id }) => id)).not.toContain(tea);
		expect(methods).toEqual(['similar']);
		expect(await ids({ similarTo: tea, q: '-brewing' })).toEqual([]);
		expect(await ids({ similarTo: tea, q: '"heat the water"' })).toEqual([coffee]);
		expect(await ids({ similarTo: tea, q: '"cold water"' })).toEqual([]);
		const bare = await asset([]);
		expect((await search({ similarTo: bare })).notes).toEqual([expect.stringMatching(/Run index_asset on it/)]);
	});
});

describe('marked text', () => {
	it('is safe to be shown as HTML', () => {
		expect(marked('<img src=x onerror="alert(1)"> & \'tea\'', parseQuery('img tea ').terms)).toBe('&lt;<mark>img</mark> src=x onerror=&quot;alert(1)&quot;&gt; &amp; &#39;<mark>tea</mark>&#39;');
	});
});
