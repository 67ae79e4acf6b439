import { caption } from '../../../nodes/MediaCaption/operations/caption';
import { transcribe } from '../../../nodes/MediaCaption/operations/transcribe';
import { build } from '../support/build';

const asset = { source: 'asset', assetId: 'a1' };

describe('the operations of Media Caption', () => {
	it('transcribe leaves the language to the engine unless one is given', async () => {
		expect(await build(transcribe, { ...asset, language: '', prompt: '', maxLineChars: 42 })).toEqual([
			{ operation: 'transcribe', asset_id: 'a1', params: { max_line_chars: 42 } },
		]);
		expect(await build(transcribe, { ...asset, language: 'de', prompt: 'n8n', maxLineChars: 42 })).toMatchObject([{ params: { language: 'de', prompt: 'n8n' } }]);
	});

	it('caption sends all that the writer should know', async () => {
		const fields = { platforms: ['x'], tone: 'funny', language: 'en', brief: 'launch', callToAction: 'try it', bannedWords: 'cheap, , new', variants: 3 };
		expect(await build(caption, { ...asset, ...fields })).toEqual([
			{
				operation: 'caption',
				asset_id: 'a1',
				params: { platforms: ['x'], tone: 'funny', language: 'en', brief: 'launch', call_to_action: 'try it', banned_words: ['cheap', 'new'], variants: 3 },
			},
		]);
	});

	const fields = { ...asset, platforms: ['x'], tone: 'friendly and clear', language: '', brief: '', callToAction: '', bannedWords: '', variants: 1 };

	it('caption takes a tone of the list, or words of its own', async () => {
		expect(await build(caption, { ...fields, tone: 'own', toneWords: ' dry ' })).toMatchObject([{ params: { tone: 'dry' } }]);
		expect(await build(caption, { ...fields, tone: 'as an expression says' })).toMatchObject([{ params: { tone: 'as an expression says' } }]);
		await expect(async () => build(caption, { ...fields, tone: 'own', toneWords: '' })).rejects.toThrow('"Tone in Your Own Words" is empty');
	});

	it('caption takes lists from expressions as text, too, and says which one is empty', async () => {
		expect(await build(caption, { ...fields, platforms: 'x, mastodon', angles: 'story', bannedWords: '安い、cheap\nnew' })).toMatchObject([
			{ params: { platforms: ['x', 'mastodon'], angles: ['story'], banned_words: ['安い', 'cheap', 'new'] } },
		]);
		await expect(async () => build(caption, { ...fields, platforms: [] })).rejects.toThrow('"Platforms" is empty. Choose at least one');
	});
});
