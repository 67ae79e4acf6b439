import type { TextEmbedder } from '../../../../sidecar/src/ai/embedder.ts';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import type { NewEntry } from '../../../../sidecar/src/db/search.ts';
import { addTextVectors } from '../../../../sidecar/src/operations/ai/entry-vectors.ts';
import { openTestDatabase } from '../../../support/pglite.ts';

const entry = (text: string): NewEntry => ({ kind: 'transcript', startSeconds: 0, endSeconds: 1, text, language: 'en', vectors: [] });

describe('vectors of entries', () => {
	let database: OpenDatabase;
	beforeAll(async () => {
		database = await openTestDatabase();
	});
	afterAll(() => database.close());

	const give = async (entries: NewEntry[], vectors: number[][]) => {
		const embedder: TextEmbedder = { name: 'local', model: 'm', space: 'test:m:2', dimensions: 2, obstacle: () => null, embed: async () => ({ vectors, usage: { ai_tokens: 3 }, provider: 'local', model: 'm' }) };
		return addTextVectors(database.db, embedder, entries, new AbortController().signal);
	};

	it.each([
		['of another length', [1, 0, 0]],
		['that is empty', []],
		['without direction', [0, 0]],
		['that is no number', [Number.NaN, 1]],
		['without end', [Number.POSITIVE_INFINITY, 1]],
	])('leave out one %s, and say so: all comparisons with it would fail', async (_, broken) => {
		const entries = [entry('a'), entry('b')];
		const { count, notes, usage } = await give(entries, [broken, [0.6, 0.8]]);
		expect(entries.map(({ vectors }) => vectors)).toEqual([[], [{ space: 'test:m:2', values: [0.6, 0.8] }]]);
		expect({ count, notes, usage }).toEqual({ count: 1, notes: ['m gave no usable vector for 1 of 2: those are found by words only.'], usage: { ai_tokens: 3 } });
	});

	it('leave out what was not answered', async () => {
		const entries = [entry('a'), entry('b')];
		expect((await give(entries, [[1, 0]])).count).toBe(1);
		expect(entries[1]?.vectors).toEqual([]);
	});
});
