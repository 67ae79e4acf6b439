import { createOpenAiClient } from '../../../../sidecar/src/ai/openai/client.ts';
import { createOpenAiTranscriber } from '../../../../sidecar/src/ai/openai/transcriber.ts';
import { fixture } from '../../../fixtures/media.ts';
import { startOpenAi, type OpenAiEmulator } from '../../../platforms/openai.ts';

describe('OpenAI as a transcriber', () => {
	let server: OpenAiEmulator;
	beforeEach(async () => {
		server = await startOpenAi();
	});
	afterEach(() => server.close());

	const signal = new AbortController().signal;
	const transcriber = (model = 'whisper-1') => createOpenAiTranscriber({ client: createOpenAiClient({ apiKey: 'test-key', baseUrl: server.url }), model });

	it('gives text, language, segments, words and usage', async () => {
		const words = [
			{ start: 0, end: 0.5, word: 'Hello' },
			{ start: 0.6, end: 1, word: 'world' },
		];
		server.transcript = { text: ' Hello world. ', language: 'english', segments: [{ start: 0, end: 1.5, text: ' Hello world.' }], words };
		const transcript = await transcriber().transcribe(fixture('wav'), { language: 'en', prompt: 'n8n', signal });
		expect(transcript).toEqual({
			text: 'Hello world.',
			language: 'en',
			durationSeconds: 3,
			segments: [{ start: 0, end: 1.5, text: 'Hello world.' }],
			words,
			usage: { audio_seconds: 3 },
			provider: 'openai',
			model: 'whisper-1',
		});
		expect(server.transcriptions[0]?.fields).toEqual({
			model: ['whisper-1'],
			response_format: ['verbose_json'],
			'timestamp_granularities[]': ['segment', 'word'],
			language: ['en'],
			prompt: ['n8n'],
		});
	});

	it('asks models that know no times for the plain text', async () => {
		const transcript = await transcriber('gpt-4o-mini-transcribe').transcribe(fixture('wav'), { signal });
		expect(transcript).toMatchObject({ text: 'Hello world.', language: '', segments: [], words: null, durationSeconds: 3, usage: { audio_seconds: 3, ai_input_tokens: 30, ai_output_tokens: 3, ai_tokens: 33 } });
	});

	it.each([
		['no length', '{"text":"Hi."}'],
		['a length and usage that are none', '{"text":"Hi.","language":"","duration":"long","usage":{"seconds":-4}}'],
	])('measures the sound itself where a server tells %s, and believes the language that was given', async (_what, body) => {
		server.failures.push({ status: 200, raw: { type: 'json', body } });
		expect(await transcriber().transcribe(fixture('wav'), { language: 'de', signal })).toMatchObject({ text: 'Hi.', language: 'de', durationSeconds: 3, usage: { audio_seconds: 3 } });
	});

	it('tells speakers apart with the model for it, which takes no prompt', async () => {
		server.transcript = {
			text: 'Hi. Hello. Bye.',
			segments: [
				{ start: 0, end: 1, text: ' Hi.', speaker: 'speaker_7' },
				{ start: 1, end: 2, text: ' Hello.', speaker: 'speaker_2' },
				{ start: 2, end: 3, text: ' Bye.', speaker: 'speaker_7' },
			],
		};
		const transcript = await transcriber('gpt-4o-transcribe-diarize').transcribe(fixture('wav'), { prompt: 'n8n', signal });
		expect(transcript.segments.map(({ text, speaker }) => [text, speaker])).toEqual([
			['Hi.', 'A'],
			['Hello.', 'B'],
			['Bye.', 'A'],
		]);
		expect(transcript.words).toBeNull();
		expect(server.transcriptions[0]?.fields).toEqual({ model: ['gpt-4o-transcribe-diarize'], response_format: ['diarized_json'], chunking_strategy: ['auto'] });
	});

	describe('when Whisper invents text for music', () => {
		const real = { start: 0, end: 1.5, text: ' Hello world.', no_speech_prob: 0.9, avg_logprob: -0.3 };
		const invented = { start: 1.5, end: 3, text: ' Thanks for watching!', no_speech_prob: 0.61, avg_logprob: -1.01 };
		const words = [
			{ start: 0, end: 0.5, word: 'Hello' },
			{ start: 0.6, end: 1.5, word: 'world' },
			{ start: 1.6, end: 2, word: 'Thanks' },
		];

		it('leaves it out of text, segments and words', async () => {
			server.transcript = { text: 'Hello world. Thanks for watching!', segments: [real, invented], words };
			expect(await transcriber().transcribe(fixture('wav'), { signal })).toMatchObject({
				text: 'Hello world.',
				segments: [{ text: 'Hello world.' }],
				words: [{ word: 'Hello' }, { word: 'world' }],
			});
		});

		it('gives an empty transcript where nothing else is there', async () => {
			server.transcript = { text: 'Thanks for watching!', segments: [invented], words: words.slice(2) };
			expect(await transcriber().transcribe(fixture('wav'), { signal })).toMatchObject({ text: '', segments: [], words: [], durationSeconds: 3 });
		});

		it('keeps what is only quiet, or only hard to understand', async () => {
			server.transcript = { text: 'Hello world. Thanks for watching!', segments: [real, { ...invented, no_speech_prob: 0.6 }] };
			expect((await transcriber().transcribe(fixture('wav'), { signal })).segments).toHaveLength(2);
			server.transcript = { text: 'Hello world. Thanks for watching!', segments: [real, { ...invented, avg_logprob: -1 }] };
			expect((await transcriber().transcribe(fixture('wav'), { signal })).segments).toHaveLength(2);
		});

		it('puts a language without spaces together as the server does', async () => {
			const said = [
				{ start: 0, end: 1, text: 'こんにちは。' },
				{ start: 1, end: 2, text: 'ありがとう。' },
				{ ...invented, start: 2, text: 'ご視聴ありがとうございました' },
			];
			server.transcript = { text: said.map(({ text }) => text).join(''), segments: said };
			expect((await transcriber().transcribe(fixture('wav'), { signal })).text).toBe('こんにちは。ありがとう。');
		});
	});

	it('says that a file which is no audio was refused', async () => {
		await expect(transcriber().transcribe(fixture('textAsMp4'), { signal })).rejects.toMatchObject({
			code: 'provider_rejected',
			message: expect.stringContaining('could not be decoded'),
		});
	});
});
