import { subtitleConvert } from '../../../nodes/MediaCaption/operations/subtitleConvert';
import { subtitleEdit } from '../../../nodes/MediaCaption/operations/subtitleEdit';
import { transcribe } from '../../../nodes/MediaCaption/operations/transcribe';
import { build } from '../support/build';

const asset = { subtitlesFrom: 'asset', assetId: 'a1', language: '' };
const edit = (...edits: Array<Record<string, unknown>>) => build(subtitleEdit, { ...asset, edits: { edit: edits }, formats: ['srt'] });

describe('transcribe', () => {
	it('sends the rules of subtitles only where they are set', async () => {
		const fields = { source: 'asset', assetId: 'a1', language: '', prompt: '', speakers: true, maxLineChars: 32 };
		expect(await build(transcribe, { ...fields, options: { audioTrack: 2, maxLines: 1, readingSpeed: 20, minSeconds: 0.8, maxSeconds: 6, maxWideLineChars: 13, speakerDash: true } })).toEqual([
			{
				operation: 'transcribe',
				asset_id: 'a1',
				params: { speakers: true, max_line_chars: 32, audio_track: 2, max_lines: 1, reading_speed: 20, min_seconds: 0.8, max_seconds: 6, max_wide_line_chars: 13, speaker_dash: true },
			},
		]);
	});
});

describe('subtitles', () => {
	it('come from an asset, in a language', async () => {
		expect(await build(subtitleConvert, { ...asset, language: 'de', formats: ['vtt', 'ass'], options: {} })).toEqual([
			{ operation: 'subtitle_convert', asset_id: 'a1', params: { language: 'de', formats: ['vtt', 'ass'] } },
		]);
	});

	it('or from a text, without any asset', async () => {
		const fields = { subtitlesFrom: 'text', subtitles: 'WEBVTT\n', formats: ['srt'], options: { keepMarkup: true, wordTimes: true } };
		expect(await build(subtitleConvert, fields)).toEqual([
			{ operation: 'subtitle_convert', params: { subtitles: 'WEBVTT', formats: ['srt'], keep_markup: true, word_times: true } },
		]);
		await expect(build(subtitleConvert, { ...fields, subtitles: ' ' })).rejects.toThrow('"Subtitles" is empty');
	});
});

describe('edits', () => {
	it.each([
		[{ kind: 'shift', ms: -250, fromCue: 3, toCue: 0 }, { kind: 'shift', ms: -250, from_cue: 3 }],
		[{ kind: 'shift', ms: 0, fromCue: 1, toCue: 4 }, { kind: 'shift', ms: 0, from_cue: 1, to_cue: 4 }],
		[{ kind: 'scale', fromFps: 23.976, toFps: 25 }, { kind: 'scale', from_fps: 23.976, to_fps: 25 }],
		[{ kind: 'merge', fromCue: 2, lastCue: 3 }, { kind: 'merge', from_cue: 2, to_cue: 3 }],
		[{ kind: 'split', cue: 2, splitAt: 'time', atSeconds: 4.5 }, { kind: 'split', cue: 2, at_seconds: 4.5 }],
		[{ kind: 'split', cue: 2, splitAt: 'text', atText: 'and then' }, { kind: 'split', cue: 2, at_text: 'and then' }],
		[{ kind: 'replace', find: 'a', with: '', wholeWords: true, matchCase: false }, { kind: 'replace', find: 'a', with: '', whole_words: true, match_case: false }],
		[{ kind: 'set_text', cue: 1, text: 'Hello' }, { kind: 'set_text', cue: 1, text: 'Hello' }],
		[{ kind: 'delete', fromCue: 5, lastCue: 5 }, { kind: 'delete', from_cue: 5, to_cue: 5 }],
		[{ kind: 'rewrap', maxLineChars: 32, rules: { maxLines: 1 } }, { kind: 'rewrap', max_line_chars: 32, max_lines: 1 }],
	])('%j is sent as %j', async (values, wire) => {
		expect(await edit(values)).toEqual([{ operation: 'subtitle_edit', asset_id: 'a1', params: { edits: [wire], formats: ['srt'] } }]);
	});

	it('stay in their order', async () => {
		const [item] = await edit({ kind: 'delete', fromCue: 1, lastCue: 1 }, { kind: 'shift', ms: 10 });
		expect(item?.params).toMatchObject({ edits: [{ kind: 'delete' }, { kind: 'shift' }] });
	});

	it('must say what they need', async () => {
		await expect(edit()).rejects.toThrow('"Edits" is empty');
		await expect(edit({ kind: 'replace', find: ' ' })).rejects.toThrow('"Find" of an edit is empty');
		await expect(edit({ kind: 'split', cue: 1, splitAt: 'text' })).rejects.toThrow('"At Text" of an edit is empty');
		await expect(edit({ kind: 'explode' })).rejects.toThrow('"Edit" must be one of');
	});
});
