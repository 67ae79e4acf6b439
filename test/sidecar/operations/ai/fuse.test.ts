import type { Hit } from '../../../../sidecar/src/db/search.ts';
import { fuse } from '../../../../sidecar/src/operations/ai/fuse.ts';

const hit = (entryId: string, assetId: string, seconds: number | null = null, score = 1): Hit => ({ entryId, assetId, kind: 'transcript', startSeconds: seconds, endSeconds: seconds === null ? null : seconds + 30, text: entryId, score });

describe('rankings of several methods', () => {
	it('become one: what both find stands before what only one finds', () => {
		const groups = fuse([
			{ method: 'words', hits: [hit('a1', 'a'), hit('b1', 'b')] },
			{ method: 'meaning', hits: [hit('c1', 'c'), hit('b1', 'b')] },
		]);
		expect(groups.map(({ assetId }) => assetId)).toEqual(['b', 'a', 'c']);
		expect(groups[0]).toMatchObject({ methods: ['words', 'meaning'], moments: [{ hit: { entryId: 'b1' }, methods: ['words', 'meaning'] }] });
		expect(groups[0]?.score).toBeCloseTo((1 / 62 + 1 / 62) / (2 / 61), 6);
	});

	it('give the first one of every ranking a score of 1', () => {
		const [first, second] = fuse([{ method: 'words', hits: [hit('a1', 'a'), hit('a2', 'a', 60), hit('b1', 'b')] }]);
		expect(first).toMatchObject({ assetId: 'a', score: 1 });
		// The second asset, not the third entry.
		expect(second?.score).toBeCloseTo(61 / 62, 6);
	});

	it('name the best three moments of an asset, none of the same seconds as a better one', () => {
		const hits = [hit('a1', 'a', 0), hit('a2', 'a', 25), hit('a3', 'a', 100), hit('a4', 'a', 200), hit('a5', 'a', 300)];
		expect(fuse([{ method: 'words', hits }])[0]?.moments.map(({ hit: { entryId } }) => entryId)).toEqual(['a1', 'a3', 'a4']);
	});

	it('hardly listen to one word of a long question', () => {
		const groups = fuse([
			{ method: 'words', hits: [hit('a1', 'a', null, 0.1), hit('b1', 'b', null, 0.1)] },
			{ method: 'meaning', hits: [hit('c1', 'c'), hit('b1', 'b')] },
		]);
		expect(groups.map(({ assetId }) => assetId)).toEqual(['c', 'b', 'a']);
	});

	it('may be empty', () => {
		expect(fuse([])).toEqual([]);
		expect(fuse([{ method: 'words', hits: [] }, { method: 'meaning', hits: [] }])).toEqual([]);
	});
});
