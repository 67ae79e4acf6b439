import { addSubtitles } from '../../../nodes/MediaCaption/operations/addSubtitles';
import { burnSubtitles } from '../../../nodes/MediaCaption/operations/burnSubtitles';
import { build } from '../support/build';

const source = { source: 'asset', assetId: 'a1' };
const look = { style: 'karaoke', platform: 'tiktok', position: '', size: 'medium', font: '', textColour: '#ffffff', highlightColour: '#ffd60a', options: {} };

describe('burn subtitles', () => {
	it('sends the look, and leaves to the sidecar what is not chosen', async () => {
		expect(await build(burnSubtitles, { ...source, ...look, subtitlesFrom: 'asset', language: 'de' })).toEqual([
			{ operation: 'burn_subtitles', asset_id: 'a1', params: { language: 'de', style: 'karaoke', platform: 'tiktok', size: 'medium', text_colour: '#ffffff', highlight_colour: '#ffd60a' } },
		]);
	});

	it('sends a text, a font of the brand, and percents as parts', async () => {
		const options = { boxOpacity: 40, boxColour: '#102030', bold: false, upperCase: true, maxWords: 2, outlineColour: '#111111', crf: 18 };
		const [item] = await build(burnSubtitles, { ...source, ...look, subtitlesFrom: 'text', subtitles: 'WEBVTT\n', language: '', font: 'other', fontName: 'Montserrat', position: 'top', options });
		expect(item?.params).toMatchObject({ subtitles: 'WEBVTT', font: 'Montserrat', position: 'top', box_opacity: 0.4, box_colour: '#102030', bold: false, upper_case: true, max_words: 2, outline_colour: '#111111', crf: 18 });
		expect(item?.params).not.toHaveProperty('language');
		const [other] = await build(burnSubtitles, { ...source, ...look, subtitlesFrom: 'asset', language: '', options: { boxOpacity: '40' } });
		expect(other?.params).toMatchObject({ box_opacity: 0.4 });
	});
});

describe('add subtitle track', () => {
	it('sends one track, or several languages', async () => {
		expect(await build(addSubtitles, { ...source, subtitlesFrom: 'asset', language: '', options: {} })).toEqual([{ operation: 'add_subtitles', asset_id: 'a1', params: {} }]);
		expect(await build(addSubtitles, { ...source, subtitlesFrom: 'several', languages: ['en', 'de'], options: { show: false, forced: true, format: 'mkv' } })).toEqual([
			{ operation: 'add_subtitles', asset_id: 'a1', params: { languages: ['en', 'de'], show: false, forced: true, format: 'mkv' } },
		]);
	});

	it('takes languages from an expression as text, too', async () => {
		expect(await build(addSubtitles, { ...source, subtitlesFrom: 'several', languages: 'EN, de', options: {} })).toMatchObject([{ params: { languages: ['en', 'de'] } }]);
		await expect(async () => build(addSubtitles, { ...source, subtitlesFrom: 'several', languages: [], options: {} })).rejects.toThrow('"Languages" is empty');
	});

	it('asks for the text', async () => {
		await expect(build(addSubtitles, { ...source, subtitlesFrom: 'text', subtitles: ' ', options: {} })).rejects.toThrow('"Subtitles" is empty');
	});
});
