import { readFile } from 'node:fs/promises';
import { createOpenAiClient } from '../../../../sidecar/src/ai/openai/client.ts';
import { createOpenAiTranscriber } from '../../../../sidecar/src/ai/openai/transcriber.ts';
import { runPlan } from '../../../../sidecar/src/media/engine.ts';
import { createTranscribe } from '../../../../sidecar/src/operations/ai/transcribe.ts';
import { fixture, SPEECH_TEXT } from '../../../fixtures/media.ts';
import { startOpenAi, type OpenAiEmulator } from '../../../platforms/openai.ts';
import { testTask, type TestTask } from '../../../support/task-context.ts';

describe('transcribe', () => {
	let server: OpenAiEmulator;
	let task: TestTask | undefined;
	beforeEach(async () => {
		server = await startOpenAi();
		server.transcript = {
			text: SPEECH_TEXT,
			language: 'english',
			segments: [
				{ start: 0, end: 3, text: ' Welcome to the media pipeline.' },
				{ start: 3, end: 9.5, text: ' This is a short test video about green tea. Thank you for watching.' },
			],
			words: [{ start: 0.1, end: 0.5, word: 'Welcome' }],
		};
	});
	afterEach(async () => {
		await server.close();
		await task?.end();
		task = undefined;
	});
	const operation = (apiKey: string | undefined = 'test-key') =>
		createTranscribe({
			transcriber: createOpenAiTranscriber({ client: createOpenAiClient({ apiKey, baseUrl: server.url }), model: 'whisper-1' }),
			engine: { runPlan },
		});
	const run = async (path: string, given: Record<string, unknown> = {}, transcribe = operation()) => {
		task = await testTask(path);
		return transcribe.run(task.context, transcribe.params.parse(given));
	};

	it('writes down the speech of a video, with subtitles', async () => {
		const { output, files = [], cost } = await run(fixture('speech'), { language: 'en', prompt: 'media pipeline' });
		expect(output).toMatchObject({
			transcription: SPEECH_TEXT,
			language: 'en',
			word_count: 18,
			segments: [{ start: 0 }, { start: 3 }],
			words: [{ word: 'Welcome' }],
		});
		expect(output.duration).toBeCloseTo(10, 0);
		expect(files.map(({ name, mime }) => [name, mime])).toEqual([
			['transcript.json', 'application/json'],
			['transcript.srt', 'application/x-subrip'],
			['transcript.vtt', 'text/vtt'],
			['transcript.txt', 'text/plain'],
		]);
		const [json, srt, vtt, txt] = await Promise.all(files.map(({ path }) => readFile(path, 'utf8')));
		expect(JSON.parse(json ?? '')).toMatchObject({ text: SPEECH_TEXT, language: 'en', segments: [{}, {}] });
		expect(srt).toMatch(/^1\n00:00:00,100 --> 00:00:\d\d,\d{3}\nWelcome to the media pipeline\.\n\n2\n/);
		expect(vtt).toMatch(/^WEBVTT\n\n00:00:00\.100 --> /);
		expect(txt).toBe(`${SPEECH_TEXT}\n`);
		expect(cost).toMatchObject({ audio_seconds: expect.any(Number), cpu_seconds: expect.any(Number) });
		expect(task?.steps).toEqual(['audio', 'transcribe', 'subtitles']);
	});

	it('makes one WAV of 16 kHz, mono, without the tags of the source', async () => {
		await run(fixture('speech'));
		expect(server.transcriptions[0]).toMatchObject({ channels: 1, sampleRate: 16_000, fileName: 'speech.wav' });
		expect(server.transcriptions[0]?.durationSeconds).toBeCloseTo(10, 0);
	});

	it('takes audio files with a cover picture, too', async () => {
		await run(fixture('audio'));
		expect(server.counts.transcriptions).toBe(1);
	});

	it('keeps the asked line length', async () => {
		const { files = [] } = await run(fixture('speech'), { max_line_chars: 20 });
		const srt = await readFile(files[1]?.path ?? '', 'utf8');
		for (const line of srt.split('\n').filter((text) => !/-->|^\d*$/.test(text)))
			expect(line.length).toBeLessThanOrEqual(20);
	});

	it('is content with silence', async () => {
		server.transcript = { text: '', language: 'english', segments: [], words: [] };
		const { output, files = [] } = await run(fixture('wav'));
		expect(output).toMatchObject({ transcription: '', word_count: 0, segments: [] });
		expect(await readFile(files[2]?.path ?? '', 'utf8')).toBe('WEBVTT\n');
	});

	it('shows a text without times over the whole length', async () => {
		server.transcript = { text: 'Just text.', language: 'english' };
		const { files = [] } = await run(fixture('wav'));
		expect(await readFile(files[1]?.path ?? '', 'utf8')).toMatch(/^1\n00:00:00,000 --> 00:00:03,\d{3}\nJust text\.\n$/);
	});

	it('says input_no_audio for a video without sound, and asks nobody', async () => {
		await expect(run(fixture('silent'))).rejects.toMatchObject({ code: 'input_no_audio', retryable: false });
		expect(server.counts.transcriptions).toBe(0);
	});

	it('says provider_not_configured before it extracts anything', async () => {
		await expect(run(fixture('speech'), {}, operation(''))).rejects.toMatchObject({ code: 'provider_not_configured' });
		expect(task?.steps).toEqual([]);
	});

	it.each([
		{ language: 'english' },
		{ language: 'EN' },
		{ prompt: 'x'.repeat(801) },
		{ language: 'xx' },
		{ max_line_chars: 3 },
		{ max_lines: 0 },
		{ audio_track: 0 },
		{ reading_speed: 100 },
		{ unknown: 1 },
	])('refuses the parameters %j', (given) => {
		expect(operation().params.safeParse(given).success).toBe(false);
	});
});
