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
});
