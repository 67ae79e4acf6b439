import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { assets, assetTags, searchEntries, searchVectors } from '../../../sidecar/src/db/schema.ts';
import { matching, meanVectors, nearest, newestAssets, replaceEntries, type NewEntry, type SearchScope } from '../../../sidecar/src/db/search.ts';
import { parseQuery, searchText } from '../../../sidecar/src/db/search-query.ts';
import { ensureIndex, hasVectors } from '../../../sidecar/src/db/search-vectors.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { SEARCH_DATABASES } from '../../support/search-databases.ts';

const SPACE = "test:o'clock";
/** A vector that points into one of four directions, a little turned towards the next. */
const direction = (axis: number, turn = 0): number[] => [0, 1, 2, 3].map((at) => (at === axis ? Math.cos(turn) : at === (axis + 1) % 4 ? Math.sin(turn) : 0));
const entry = (text: string, more: Partial<NewEntry> = {}): NewEntry => ({ kind: 'transcript', startSeconds: 0, endSeconds: 30, text, language: 'en', vectors: [], ...more });

describe.each(SEARCH_DATABASES)('what can be found, on $name', ({ open, vectors }) => {
	let database: OpenDatabase;
	let close: () => Promise<void>;
	beforeAll(async () => {
		({ database, close } = await open());
		for (const id of ['mine', 'theirs']) await createWorkspace(database.db, id, `key-of-${id}-0123456789`);
	});
	afterAll(() => close());
	beforeEach(async () => {
		await database.db.delete(searchEntries);
		await database.db.delete(assets);
	});

	const asset = async (entries: NewEntry[], change: Partial<typeof assets.$inferInsert> = {}): Promise<string> => {
		const id = randomUUID();
		const workspaceId = change.workspaceId ?? 'mine';
		await database.db.insert(assets).values({ id, workspaceId, source: 'upload', status: 'ready', fileType: 'video', ...change });
		await replaceEntries(database.db, { id, workspaceId }, entries);
		return id;
	};
	const words = async (q: string, scope: Partial<SearchScope> = {}, limit = 10): Promise<string[]> =>
		(await matching(database.db, { workspaceId: 'mine', ...scope }, parseQuery(q), limit)).map(({ text }) => text);
	const alike = async (values: number[], scope: Partial<SearchScope> = {}, limit = 10): Promise<string[]> =>
		(await nearest(database.db, { workspaceId: 'mine', ...scope }, { space: SPACE, values }, limit)).map(({ text }) => text);

	it('ranks entries with more and rarer words first', async () => {
		await asset([entry('the price of tea'), entry('the tea is green'), entry('the weather'), entry('the price of a green tea today'), entry('the end')]);
		const ranked = await words('green tea price ');
		expect(ranked).toHaveLength(3);
		expect(ranked[0]).toBe('the price of a green tea today');
		await asset([entry('tea with tapioca'), entry('tea with tea')]);
		expect((await words('tea tapioca '))[0]).toBe('tea with tapioca');
	});

	it('finds the word that is being typed by its beginning, and a finished word only as a whole', async () => {
		await asset([entry('a bicycle ride'), entry('two bikes')]);
		expect(await words('bicy')).toEqual(['a bicycle ride']);
		expect(await words('bicy ')).toEqual([]);
		expect(await words('-bike bicy')).toEqual(['a bicycle ride']);
	});

	it('needs phrases in quotes, and leaves out what a minus excludes', async () => {
		await asset([entry('green tea from Japan'), entry('tea in a green cup'), entry('green tea from China')]);
		expect(await words('"green tea" ')).toEqual(expect.arrayContaining(['green tea from Japan', 'green tea from China']));
		expect(await words('"green tea" cup ')).toHaveLength(2);
		expect(await words('tea -china -"green cup" ')).toEqual(['green tea from Japan']);
		expect(await words('"tea green"')).toEqual([]);
	});

	it.each([
		['はじめての東京タワー', '東京'],
		['مرحبا بكم في الاستوديو', 'الاستوديو '],
		['שלום עולם', 'עולם '],
		['Der Käse schmeckt', 'ka\u0308se '],
		['We did it 🎉 today', '🎉'],
		['a zero\u200bwidth \u200fword', 'zerowidth word '],
		['新しいiPhoneを買う', 'iphone '],
		['2026年の新しいiPhone', '"iPhone"'],
		['서울에서 만나요', '서울 '],
		['“KÄSE”—und Tee…', 'käse tee '],
		['الشاي، والقهوة', 'الشاي '],
	])('finds in "%s" what is typed as "%s"', async (text, q) => {
		await asset([entry(searchText(text)), entry('something else')]);
		expect(await words(q)).toHaveLength(1);
	});

	it('leaves room for others beside a long recording that is all about it', async () => {
		const vector = (turn: number) => ({ vectors: [{ space: SPACE, values: direction(0, turn) }] });
		await asset(Array.from({ length: 300 }, (_, index) => entry(`tea, tea and tea, part ${index}`, vector(index / 10_000))));
		await asset([entry('one word about tea, and many about other things', vector(0.2))]);
		const texts = await words('tea ', {}, 200);
		expect(texts).toContain('one word about tea, and many about other things');
		expect(texts).toHaveLength(11);
		if (!vectors) return;
		await ensureIndex(database.db, SPACE, 4);
		for (const exactMost of [5000, 100]) {
			const hits = await nearest(database.db, { workspaceId: 'mine' }, { space: SPACE, values: direction(0) }, 200, { exactMost });
			expect(hits.map(({ text }) => text)).toContain('one word about tea, and many about other things');
			expect(hits).toHaveLength(11);
		}
	});

	it.each(["'", '"', "' or 1=1 --", '!&|()<->:*', ':*', 'a:* & b', '\\', '%', '_', '\u0000', '\ud800', '-', '--', '-"', '<script>', '((((', "it's", 'x'.repeat(500), 'word '.repeat(200), '-a -b -c', '"" ""', 'a\u0000b', '🎉🎉', '\u202egnp.exe'])('takes whatever is typed, such as %j', async (q) => {
		await asset([entry('nothing of that kind is said here')]);
		expect(await words(q)).toEqual([]);
	});

	it('keeps workspaces apart', async () => {
		await asset([entry('our secret recipe', { vectors: [{ space: SPACE, values: direction(0) }] })], { workspaceId: 'theirs' });
		expect(await words('secret recipe')).toEqual([]);
		expect(await alike(direction(0))).toEqual([]);
		expect(await newestAssets(database.db, { workspaceId: 'mine' }, 10, 0)).toEqual([]);
		expect(await words('secret recipe', { workspaceId: 'theirs' })).toHaveLength(1);
	});

	it('filters by type, tags, time and asset', async () => {
		const vector = { vectors: [{ space: SPACE, values: direction(0) }] };
		const old = await asset([entry('tea one', vector)], { createdAt: new Date('2026-01-05T00:00:00Z') });
		const sound = await asset([entry('tea two', vector)], { fileType: 'audio', createdAt: new Date('2026-02-05T00:00:00Z') });
		const still = await asset([entry('tea three', vector)], { fileType: 'image', createdAt: new Date('2026-03-05T00:00:00Z') });
		await database.db.insert(assetTags).values([old, sound].map((assetId) => ({ assetId, workspaceId: 'mine', tag: 'kitchen', source: 'person' as const })));
		await database.db.insert(assetTags).values({ assetId: old, workspaceId: 'mine', tag: 'cup', source: 'analysis' });
		const cases: Array<[Partial<SearchScope>, string[]]> = [
			[{ type: 'audio' }, ['tea two']],
			[{ tags: ['kitchen'] }, ['tea one', 'tea two']],
			[{ tags: ['kitchen', 'cup'] }, ['tea one']],
			[{ tags: ["'; drop table assets; --"] }, []],
			[{ from: new Date('2026-02-05T00:00:00Z') }, ['tea three', 'tea two']],
			[{ to: new Date('2026-02-05T00:00:00Z') }, ['tea one']],
			[{ except: still }, ['tea one', 'tea two']],
		];
		for (const [scope, texts] of cases) {
			expect((await words('tea ', scope)).sort()).toEqual(texts);
			expect((await alike(direction(0), scope)).sort()).toEqual(vectors ? texts : []);
			expect(await newestAssets(database.db, { workspaceId: 'mine', ...scope }, 10, 0)).toHaveLength(texts.length);
		}
	});

	it('replaces what was there, all of it or nothing', async () => {
		const id = await asset([entry('old words'), entry('old frame', { kind: 'frame', vectors: [{ space: SPACE, values: direction(0) }] })]);
		await replaceEntries(database.db, { id, workspaceId: 'mine' }, [entry('new words')]);
		expect(await words('old new')).toEqual(['new words']);
		expect(await database.db.select().from(searchVectors)).toEqual([]);
		const broken = entry('newest words', { vectors: [{ space: SPACE, values: ['x' as unknown as number] }] });
		await expect(replaceEntries(database.db, { id, workspaceId: 'mine' }, [broken])).rejects.toThrow();
		expect(await words('new newest words')).toEqual(['new words']);
		await replaceEntries(database.db, { id, workspaceId: 'mine' }, [entry('about it', { kind: 'metadata', startSeconds: null, endSeconds: null })], ['metadata']);
		expect((await words('new about')).sort()).toEqual(['about it', 'new words']);
	});

	it('holds the entries of one run when two index an asset at the same time', async () => {
		const id = await asset([]);
		const runs = ['first', 'second', 'third'].map((name) => Array.from({ length: 20 }, (_, index) => entry(`${name} run, part ${index}`)));
		await Promise.all(runs.map((entries) => replaceEntries(database.db, { id, workspaceId: 'mine' }, entries)));
		const left = (await database.db.select({ text: searchEntries.text }).from(searchEntries)).map(({ text }) => text);
		expect(left).toHaveLength(20);
		expect(new Set(left.map((text) => text.split(' ')[0])).size).toBe(1);
	});

	it('lets others have their turn while many vectors are stored', async () => {
		const id = await asset([]);
		let turns = 0;
		let next = setImmediate(function count() {
			turns += 1;
			next = setImmediate(count);
		});
		await replaceEntries(database.db, { id, workspaceId: 'mine' }, Array.from({ length: 200 }, () => entry('tea', { vectors: [{ space: SPACE, values: direction(0) }] })));
		clearImmediate(next);
		expect(turns).toBeGreaterThan(10);
	});

	it('goes with its asset', async () => {
		const id = await asset([entry('tea', { vectors: [{ space: SPACE, values: direction(0) }] })]);
		await database.db.delete(assets).where(sql`id = ${id}`);
		expect(await words('tea')).toEqual([]);
		expect(await database.db.select().from(searchVectors)).toEqual([]);
	});

	it('says whether vectors can be compared', async () => {
		expect(await hasVectors(database.db)).toBe(vectors);
		if (!vectors) expect(database.vectors).toMatch(/no pgvector.*search finds words, but not meanings/);
		await ensureIndex(database.db, 'any', 4);
		await asset([entry('tea', { vectors: [{ space: SPACE, values: direction(0) }] })]);
		expect(await alike(direction(0))).toEqual(vectors ? ['tea'] : []);
	});

	if (!vectors) return;

	it('ranks by how alike vectors are, and knows spaces apart', async () => {
		await asset([
			entry('far', { vectors: [{ space: SPACE, values: direction(0, 1.2) }] }),
			entry('near', { vectors: [{ space: SPACE, values: direction(0, 0.2) }] }),
			entry('same', { vectors: [{ space: SPACE, values: direction(0) }, { space: 'other', values: [1] }] }),
			entry('elsewhere', { vectors: [{ space: 'other', values: [1] }] }),
		]);
		expect(await alike(direction(0))).toEqual(['same', 'near', 'far']);
		const [best] = await nearest(database.db, { workspaceId: 'mine' }, { space: SPACE, values: direction(0) }, 1);
		expect(best?.score).toBeCloseTo(1, 5);
	});

	it('finds all of a small workspace, wherever the scan of the index gave up', async () => {
		// One connection, so that what is set here holds for the search.
		if (database.kind !== 'pglite') return;
		await ensureIndex(database.db, SPACE, 4);
		const spread = (axis: number, count: number) => Array.from({ length: count }, (_, index) => entry(`${axis} ${index}`, { vectors: [{ space: SPACE, values: direction(axis, index / 1000) }] }));
		await asset(spread(0, 400), { workspaceId: 'theirs' });
		for (let each = 0; each < 5; each += 1) await asset(spread(1, 5));
		await database.db.execute(sql.raw('set hnsw.max_scan_tuples = 1; '));
		for (const way of ['seqscan', 'bitmapscan', 'sort']) await database.db.execute(sql.raw(`set enable_${way} = off`));
		const hits = await nearest(database.db, { workspaceId: 'mine' }, { space: SPACE, values: direction(0) }, 20, { exactMost: 1 });
		for (const way of ['seqscan', 'bitmapscan', 'sort']) await database.db.execute(sql.raw(`reset enable_${way}`));
		await database.db.execute(sql.raw('reset hnsw.max_scan_tuples'));
		expect(hits).toHaveLength(20);
	});

	it('means the vectors of an asset', async () => {
		const id = await asset([entry('a', { vectors: [{ space: SPACE, values: direction(0) }] }), entry('b', { vectors: [{ space: SPACE, values: direction(1) }, { space: 'one', values: [1] }] })]);
		const means = await meanVectors(database.db, 'mine', id);
		expect(means.map(({ space }) => space).sort()).toEqual(['one', SPACE]);
		expect(means.find(({ space }) => space === SPACE)?.values.map((value) => Math.round(value * 1000))).toEqual([707, 707, 0, 0]);
		expect(await meanVectors(database.db, 'theirs', id)).toEqual([]);
	});

	it('makes an index per space, once, also when several do it together, and uses it when there is much', async () => {
		const named = () => database.db.execute<{ name: string }>(sql`select indexname as name from pg_indexes where schemaname = current_schema() and indexdef like '%hnsw%' and indexdef like '%big%'`);
		await Promise.all(Array.from({ length: 3 }, () => ensureIndex(database.db, 'big', 4)));
		expect((await named()).rows).toHaveLength(1);
		const id = await asset([]);
		const spread = (index: number): number[] => [Math.cos(index), Math.sin(index), Math.cos(index * 7.1), Math.sin(index * 3.3)].map((value) => value / 1.42);
		await database.db.execute(sql`insert into search_entries (id, workspace_id, asset_id, kind, text) select gen_random_uuid(), 'mine', ${id}, 'frame', 'number ' || n from generate_series(1, 500) n`);
		await database.db.execute(sql`insert into search_vectors (entry_id, space, workspace_id, "values") select id, 'big', 'mine', array[cos(n), sin(n), cos(n * 7.1), sin(n * 3.3)]::real[] from (select id, split_part(text, ' ', 2)::float8 as n from search_entries) numbered`);
		await database.db.execute(sql`analyze search_vectors`);
		const hits = await nearest(database.db, { workspaceId: 'mine' }, { space: 'big', values: spread(123) }, 5, { exactMost: 100 });
		expect(hits[0]?.text).toBe('number 123');
		const scope = { workspaceId: 'mine', type: 'audio' as const };
		expect(await nearest(database.db, scope, { space: 'big', values: spread(123) }, 5, { exactMost: -1 })).toEqual([]);
		const { rows } = await database.db.transaction(async (tx) => {
			// So few rows are read faster without any index.
			await tx.execute(sql`set local enable_seqscan = off`);
			await tx.execute(sql`set local enable_bitmapscan = off`);
			await tx.execute(sql`set local enable_sort = off`);
			return tx.execute<Record<string, string>>(sql`explain select entry_id from search_vectors where workspace_id = 'mine' and space = 'big' order by ("values"::public.vector(4)) operator(public.<=>) '[1,0,0,0]'::public.vector(4) limit 5`);
		});
		expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toMatch(/Index Scan using "?search_vectors_[0-9a-f]{16}/);
	});
});
