import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { addSubtitles } from '../../../../sidecar/src/operations/video/add-subtitles.ts';
import type { EarlierResults } from '../../../../sidecar/src/operations/operation.ts';
import { probe } from '../../../../sidecar/src/media/probe.ts';
import { plain } from '../../../fixtures/plain.ts';
import { runOperationOn, type Made } from '../../../support/engine.ts';
import { streamHash } from '../../../support/sound.ts';

const SRT = '1\n00:00:01,000 --> 00:00:03,000\nGreen tea\nin three steps\n\n2\n00:00:03,200 --> 00:00:09,000\nEnjoy\n';

const add = <T>(video: Parameters<typeof plain>[0], params: Record<string, unknown>, look: (made: Made & { path: string }) => Promise<T> | T, earlier?: EarlierResults): Promise<T> =>
	runOperationOn(addSubtitles, plain(video), params, async (made) => look({ ...made, path: made.files[0]?.path ?? '' }), [], earlier);

/** What a player gets of a track. */
const track = (path: string, index = 0): string => execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', path, '-map', `0:s:${index}`, '-f', 'srt', '-'], { encoding: 'utf8' }).replace(/[\r\u2060]/g, '');
const tracks = (path: string): unknown =>
	(JSON.parse(execFileSync('ffprobe', ['-v', 'error', '-select_streams', 's', '-show_entries', 'stream=codec_name:stream_disposition=default,forced:stream_tags=language,handler_name,title', '-of', 'json', path], { encoding: 'utf8' })) as { streams: unknown }).streams;

/** An asset in which this is said, with its translation into German. */
const asset = (text: string): EarlierResults => {
	const output = (language: string, said: string) => ({ language, target_language: language, segments: [{ start: 1, end: 3, text: said }], words: null });
	const results: Record<string, Record<string, unknown>> = { transcribe: output('en', text), translate: output('de', 'Grüner Tee') };
	return { earlierOutput: (name) => Promise.resolve(results[name] ?? null), readStored: () => Promise.reject(new Error('nothing is stored')) };
};

describe('add_subtitles, for real', () => {
	it('adds a track to an MP4 and copies everything else', async () => {
		await add('wide', { subtitles: SRT, language: 'de' }, async ({ path, output, files }) => {
			expect(track(path)).toContain('00:00:01,000 --> 00:00:03,000\nGreen tea\nin three steps');
			expect(tracks(path)).toEqual([{ codec_name: 'mov_text', disposition: { default: 1, forced: 0 }, tags: { language: 'deu', handler_name: 'Deutsch' } }]);
			expect([streamHash(path, 'v'), streamHash(path, 'a')]).toEqual([streamHash(plain('wide'), 'v'), streamHash(plain('wide'), 'a')]);
			expect(output).toMatchObject({ format: 'mp4', copied: { video: true, audio: true }, tracks: [{ language: 'de', code: 'deu', title: 'Deutsch', cues: 2, from: 'request', default: true, forced: false }] });
			expect(files.map(({ name }) => name)).toEqual(['subtitled.mp4', 'subtitles.de.vtt']);
			expect(await readFile(files[1]?.path ?? '', 'utf8')).toMatch(/^WEBVTT[\s\S]*Green tea/);
			// The last subtitle ends with the picture, and does not make the video longer.
			expect((await probe(path)).durationSeconds).toBeCloseTo((await probe(plain('wide'))).durationSeconds, 1);
		});
	});

	it('adds several languages of the asset, the first of them shown', async () => {
		await add('wide', { languages: ['en', 'de'], forced: true }, ({ path, files }) => {
			expect(tracks(path)).toMatchObject([
				{ disposition: { default: 1, forced: 1 }, tags: { language: 'eng', handler_name: 'English' } },
				{ disposition: { default: 0, forced: 1 }, tags: { language: 'deu', handler_name: 'Deutsch' } },
			]);
			expect([track(path, 0), track(path, 1)]).toEqual([expect.stringContaining('Green tea'), expect.stringContaining('Grüner Tee')]);
			expect(files.map(({ name }) => name)).toEqual(['subtitled.mp4', 'subtitles.en.vtt', 'subtitles.de.vtt']);
		}, asset('Green tea'));
	});

	it('keeps text that looks like markup or commands', async () => {
		const text = 'a <b>b</b> {\\an8}{\\b1} C:\\New --> & ; end';
		for (const format of ['mp4', 'mkv']) await add('wide', { format }, ({ path }) => expect(track(path).replace(/\n/g, ' ')).toContain(text), asset(text));
	});

	it('takes a container that holds the picture as it is, else encodes what must be', async () => {
		await add('webm', { subtitles: SRT, show: false }, ({ path, output }) => {
			expect(output).toMatchObject({ format: 'mkv', copied: { video: true, audio: true } });
			expect(tracks(path)).toMatchObject([{ codec_name: 'subrip', disposition: { default: 0, forced: 0 }, tags: { title: 'Subtitles' } }]);
		});
		await add('webm', { subtitles: SRT, format: 'mp4' }, async ({ path, output }) => {
			expect(output).toMatchObject({ format: 'mp4', copied: { video: false, audio: false } });
			expect((await probe(path)).video?.codec).toBe('h264');
			expect(track(path)).toContain('Green tea');
		});
		await add('avi', { subtitles: SRT }, ({ path, output }) => {
			expect(output).toMatchObject({ format: 'mp4', copied: { video: false, audio: false } });
			expect(track(path)).toContain('Green tea');
		});
	});

	it('keeps videos upright that players turn', async () => {
		for (const format of ['mp4', 'mkv']) await add('turned', { subtitles: SRT, format }, async ({ path }) => expect((await probe(path)).video).toMatchObject({ width: 360, height: 640 }));
	});

	it('leaves the track off where it shall not be shown', async () => {
		for (const format of ['mp4', 'mkv'])
			await add('wide', { subtitles: SRT, show: false, format }, async ({ path }) => {
				expect([format, tracks(path)]).toMatchObject([format, [{ disposition: { default: 0 } }]]);
				expect(track(path)).toContain('Green tea');
				// Only the subtitles are off.
				expect(execFileSync('ffprobe', ['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'stream_disposition=default', '-of', 'csv=p=0', path], { encoding: 'utf8' }).trim()).toBe('1');
				expect((await probe(path)).audio?.tracks).toMatchObject([{ default: true }]);
			});
	});

	it('keeps all sound tracks, and encodes only those that MP4 cannot hold', async () => {
		await add('bilingual', { subtitles: SRT }, async ({ path, output }) => {
			expect(output).toMatchObject({ format: 'mp4', copied: { video: true, audio: false } });
			expect((await probe(path)).audio?.tracks).toMatchObject([{ codec: 'aac', language: 'eng', default: true }, { codec: 'aac', language: 'deu' }]);
			expect(streamHash(path, 'a')).toBe(streamHash(plain('bilingual'), 'a'));
		});
		await add('bilingual', { subtitles: SRT, format: 'mkv' }, async ({ path, output }) => {
			expect(output).toMatchObject({ copied: { video: true, audio: true } });
			expect((await probe(path)).audio?.tracks).toMatchObject([{ codec: 'aac', language: 'eng' }, { codec: 'vorbis', language: 'deu' }]);
		});
	});

	it('copies sound without loss into MP4', async () => {
		await add('lossless', { subtitles: SRT }, async ({ path, output }) => {
			expect(output).toMatchObject({ format: 'mp4', copied: { video: true, audio: true } });
			expect((await probe(path)).audio?.codec).toBe('flac');
		});
	});

	it('says which languages have nothing to say, and what comes too late', async () => {
		const german = { language: 'de', target_language: 'de', segments: [{ start: 60, end: 63, text: 'spät' }], words: null };
		const earlier: EarlierResults = { ...asset('Green tea'), earlierOutput: (name) => (name === 'translate' ? Promise.resolve(german) : asset('Green tea').earlierOutput(name)) };
		await add('wide', { languages: ['en', 'de'] }, ({ output }) => {
			expect(output).toMatchObject({ tracks: [{ language: 'en' }], notes: [expect.stringContaining('after the end'), expect.stringContaining('no subtitles in de')] });
		}, earlier);
	});

	it('adds nothing where nothing is said', async () => {
		await add('wide', { subtitles: '1\n00:10:00,000 --> 00:10:01,000\nlate\n' }, ({ path, output }) => {
			expect(output).toMatchObject({ tracks: [], reason: expect.stringContaining('no subtitles') as unknown });
			expect(tracks(path)).toEqual([]);
		});
	});

	it('refuses several languages of a single text', () => {
		expect(addSubtitles.params.safeParse({ subtitles: SRT, languages: ['en'] }).success).toBe(false);
	});

	it('says which translation is missing', async () => {
		await expect(add('wide', { languages: ['en', 'fr'] }, () => null, asset('tea'))).rejects.toMatchObject({ code: 'input_not_found', message: expect.stringContaining('translate into fr') as unknown });
	});
});
