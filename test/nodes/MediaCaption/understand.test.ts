import { analyze } from '../../../nodes/MediaCaption/operations/analyze';
import { findDuplicates } from '../../../nodes/MediaCaption/operations/findDuplicates';
import { safetyScan } from '../../../nodes/MediaCaption/operations/safetyScan';
import { build } from '../support/build';

const asset = { source: 'asset', assetId: 'a1' };

describe('the operations of Media Caption that look at media', () => {
	it('analyse asks for what is chosen', async () => {
		expect(await build(analyze, { ...asset, what: ['faces', 'text'], options: {} })).toEqual([{ operation: 'analyze', asset_id: 'a1', params: { what: ['faces', 'text'] } }]);
		expect(await build(analyze, { ...asset, what: ['labels'], options: { frames: 4, minScore: 0 } })).toMatchObject([{ params: { what: ['labels'], frames: 4, min_score: 0 } }]);
	});

	it('safety scan leaves thresholds to the sidecar unless one is given, zero included', async () => {
		expect(await build(safetyScan, { ...asset, whenUnsafe: 'stop', options: {} })).toEqual([{ operation: 'safety_scan', asset_id: 'a1', params: { action: 'stop' } }]);
		const options = { sexualThreshold: 0.9, selfHarmThreshold: 0, suggestiveThreshold: 0.97, frames: 32 };
		expect(await build(safetyScan, { ...asset, whenUnsafe: 'report', options })).toMatchObject([
			{ params: { action: 'report', frames: 32, thresholds: { sexual: 0.9, self_harm: 0, suggestive: 0.97 } } },
		]);
	});

	it('find duplicates sends what it compares and how strictly', async () => {
		const options = { minSimilarity: 0.9, minMatchedSeconds: 10, mirrored: false };
		expect(await build(findDuplicates, { ...asset, compare: 'sound', whenFound: 'stop', options })).toEqual([
			{ operation: 'find_duplicates', asset_id: 'a1', params: { compare: 'sound', action: 'stop', min_similarity: 0.9, min_matched_seconds: 10, mirrored: false } },
		]);
	});
});
