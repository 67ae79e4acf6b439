import { dub } from '../../../nodes/MediaCaption/operations/dub';
import { translate } from '../../../nodes/MediaCaption/operations/translate';
import { build } from '../support/build';

const asset = { source: 'asset', assetId: 'a1' };

describe('translate', () => {
	const fields = { ...asset, to: ['de', 'ja'], what: 'subtitles', from: '', subtitles: '', glossary: {}, options: {} };

	it('sends the languages, and leaves to the sidecar what is not chosen', async () => {
		expect(await build(translate, fields)).toEqual([{ operation: 'translate', asset_id: 'a1', params: { to: ['de', 'ja'], what: 'subtitles' } }]);
		expect(await build(translate, { ...fields, to: 'de, FR ,' })).toMatchObject([{ params: { to: ['de', 'fr'] } }]);
	});

	it('sends a glossary, a text, and options', async () => {
		const glossary = { term: [{ from: ' n8n ', to: 'n8n' }, { from: '', to: '' }] };
		const options = { tone: 'informal', maxLineChars: 30, maxLines: 1, maxCharsPerSecond: 15 };
		expect(await build(translate, { ...fields, what: 'both', from: 'en', subtitles: 'WEBVTT', glossary, options })).toMatchObject([
			{ params: { what: 'both', from: 'en', subtitles: 'WEBVTT', glossary: [{ from: 'n8n', to: 'n8n' }], tone: 'informal', max_line_chars: 30, max_lines: 1, max_chars_per_second: 15 } },
		]);
		const [captions] = await build(translate, { ...fields, what: 'captions', subtitles: 'left over' });
		expect(captions?.params).not.toHaveProperty('subtitles');
	});

	it('says which field is wrong', async () => {
		await expect(build(translate, { ...fields, to: [] })).rejects.toThrow('"Languages" is empty');
		await expect(build(translate, { ...fields, glossary: { term: [{ from: 'tea', to: ' ' }] } })).rejects.toThrow('the term "tea" has no translation');
	});
});

describe('dub', () => {
	const fields = { ...asset, to: 'es', mode: 'over', engine: 'auto', voice: '', options: {} };

	it('sends the language and the way', async () => {
		expect(await build(dub, fields)).toEqual([{ operation: 'dub', asset_id: 'a1', params: { to: 'es', mode: 'over', engine: 'auto' } }]);
	});

	it('sends a voice where one speaks, and options', async () => {
		const options = { from: 'en', keepOriginal: true, duckDb: 10, targetLufs: -14, subtitles: 'WEBVTT' };
		expect(await build(dub, { ...fields, mode: 'replace', voice: 'Rachel', options })).toMatchObject([
			{ params: { mode: 'replace', voice: 'Rachel', from: 'en', keep_original: true, duck_db: 10, target_lufs: -14, subtitles: 'WEBVTT' } },
		]);
		const [service] = await build(dub, { ...fields, engine: 'dubbing', voice: 'Rachel' });
		expect(service?.params).not.toHaveProperty('voice');
	});
});
