import { caption } from '../../../nodes/MediaCaption/operations/caption';
import { giveFeedback } from '../../../nodes/MediaCaption/operations/giveFeedback';
import { indexForSearch } from '../../../nodes/MediaCaption/operations/indexForSearch';
import { search } from '../../../nodes/MediaCaption/operations/search';
import { build } from '../support/build';

const asset = { source: 'asset', assetId: 'a1' };

describe('finding media and putting results right', () => {
	it('index sends what is to be looked at', async () => {
		expect(await build(indexForSearch, { ...asset, frames: 8, describe: false })).toEqual([{ operation: 'index_asset', asset_id: 'a1', params: { frames: 8, describe: false } }]);
	});

	it('search needs no asset, and sends only what is filled in', async () => {
		expect(await build(search, { query: ' tea ', similarTo: '', kind: '', limit: 5, options: {} })).toEqual([{ operation: 'search', params: { q: 'tea', limit: 5 } }]);
		const options = { tags: 'product, , interview', from: '2026-01-01T00:00:00.000+01:00', to: 'next week', offset: 10 };
		expect(await build(search, { query: '', similarTo: 'a2', kind: 'video', limit: 50, options })).toEqual([
			{
				operation: 'search',
				params: { similar_to: 'a2', type: 'video', limit: 50, offset: 10, tags: ['product', 'interview'], from: '2025-12-31T23:00:00.000Z', to: 'next week' },
			},
		]);
	});

	it('search takes times without a zone for those of the workflow, and a day for a day', async () => {
		const fields = { query: 'tea', similarTo: '', kind: '', limit: 5 };
		expect(await build(search, { ...fields, options: { from: '2026-07-01T12:00:00', to: '2026-07-31' } })).toMatchObject([{ params: { from: '2026-07-01T10:00:00.000Z', to: '2026-07-31' } }]);
	});

	it.each([
		['word', { wrong: ' Cooper Netties ', right: 'Kubernetes', wordLanguage: '' }, { kind: 'word', wrong: 'Cooper Netties', right: 'Kubernetes' }],
		['word', { wrong: 'a', right: 'b', wordLanguage: 'en' }, { kind: 'word', wrong: 'a', right: 'b', language: 'en' }],
		['translation', { from: 'a', to: 'b', translationLanguage: 'de' }, { kind: 'translation', from: 'a', to: 'b', language: 'de' }],
		['label', { label: 'tea', labelAction: 'remove' }, { kind: 'label', label: 'tea', action: 'remove' }],
		['caption', { platform: 'x', text: 'Hi', captionAction: 'edited', jobId: '' }, { kind: 'caption', platform: 'x', text: 'Hi', action: 'edited' }],
	])('feedback on a %s is sent with its own fields (%#)', async (feedbackKind, fields, params) => {
		if (feedbackKind !== 'label') expect(await build(giveFeedback, { feedbackKind, assetId: '', ...fields })).toEqual([{ operation: 'feedback', params }]);
		expect(await build(giveFeedback, { feedbackKind, assetId: 'a1', ...fields })).toEqual([{ operation: 'feedback', asset_id: 'a1', params }]);
	});

	it('feedback names the field that is empty', async () => {
		await expect(async () => build(giveFeedback, { feedbackKind: 'word', assetId: '', wrong: '', right: 'b' })).rejects.toThrow(/"Wrong" is empty/);
		await expect(async () => build(giveFeedback, { feedbackKind: 'label', assetId: '', label: 'tea', labelAction: 'add' })).rejects.toThrow(/"Asset ID" is empty/);
	});

	it('caption sends the angles that were chosen', async () => {
		const fields = { platforms: ['x'], tone: 'dry', language: '', brief: '', callToAction: '', bannedWords: '', variants: 2 };
		expect(await build(caption, { ...asset, ...fields, angles: ['story', 'number'] })).toMatchObject([{ params: { variants: 2, angles: ['story', 'number'] } }]);
		expect(await build(caption, { ...asset, ...fields, angles: [] })).not.toMatchObject([{ params: { angles: expect.anything() } }]);
	});
});
