import { inspect } from 'node:util';
import { createOpenAi } from '../../../sidecar/src/ai/openai.ts';
import type { WriteRequest } from '../../../sidecar/src/ai/writer.ts';
import { fixture } from '../../fixtures/media.ts';
import { startOpenAi, type OpenAiEmulator } from '../../platforms/openai.ts';

describe('an OpenAI-compatible server', () => {
	let server: OpenAiEmulator;
	beforeEach(async () => {
		server = await startOpenAi();
	});
	afterEach(() => server.close());

	const signal = new AbortController().signal;
	const connect = (more: Partial<Parameters<typeof createOpenAi>[0]> = {}) =>
		createOpenAi({
			apiKey: 'test-key',
			baseUrl: server.url,
			transcribeModel: 'whisper-1',
			captionModel: 'gpt-4o-mini',
			...more,
		});
	const schema = {
		type: 'object',
		properties: { greeting: { type: 'string' } },
		required: ['greeting'],
		additionalProperties: false,
	};
	const request: WriteRequest = { system: 'rules', user: 'write', images: [], schemaName: 'greeting', schema, signal };

	describe('as a transcriber', () => {
		it('gives text, language, segments, words and usage', async () => {
			server.transcript = {
				text: ' Hello world. ',
				language: 'english',
				segments: [{ start: 0, end: 1.5, text: ' Hello world.' }],
				words: [
					{ start: 0, end: 0.5, word: 'Hello' },
					{ start: 0.6, end: 1, word: 'world' },
				],
			};
			const transcript = await connect().transcriber.transcribe(fixture('wav'), {
				language: 'en',
				prompt: 'n8n',
				signal,
			});
			expect(transcript).toEqual({
				text: 'Hello world.',
				language: 'en',
				durationSeconds: 3,
				segments: [{ start: 0, end: 1.5, text: 'Hello world.' }],
				words: server.transcript.words,
				usage: { audio_seconds: 3 },
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
			const transcript = await connect({ transcribeModel: 'gpt-4o-mini-transcribe' }).transcriber.transcribe(
				fixture('wav'),
				{ signal },
			);
			expect(transcript).toMatchObject({ text: 'Hello world.', language: '', segments: [], words: null });
		});

		it('says that a file which is no audio was refused', async () => {
			await expect(connect().transcriber.transcribe(fixture('textAsMp4'), { signal })).rejects.toMatchObject({
				code: 'provider_rejected',
				message: expect.stringContaining('could not be decoded'),
			});
		});
	});

	describe('as a writer', () => {
		it('gives the JSON and what it cost', async () => {
			server.answers.push({ greeting: 'hi' });
			expect(await connect().writer.write(request)).toEqual({
				json: { greeting: 'hi' },
				text: '{"greeting":"hi"}',
				usage: { ai_input_tokens: 100, ai_output_tokens: 50, ai_tokens: 150 },
			});
			expect(server.chats[0]).toMatchObject({
				model: 'gpt-4o-mini',
				response_format: { json_schema: { name: 'greeting', strict: true, schema } },
			});
		});

		it('takes JSON out of a code fence, and says when there is none', async () => {
			server.answers.push('```json\n{"greeting":"hi"}\n```', 'Sure! Here you go.');
			expect((await connect().writer.write(request)).json).toEqual({ greeting: 'hi' });
			expect((await connect().writer.write(request)).json).toBeUndefined();
		});

		it('shows the earlier answer when it asks for a better one', async () => {
			await connect().writer.write({ ...request, repair: { answer: 'bad', complaint: 'too long' } });
			expect(server.chats[0]?.messages.slice(-2)).toEqual([
				{ role: 'assistant', content: 'bad' },
				{ role: 'user', content: 'too long' },
			]);
		});

		it.each([
			['a refusal', () => (server.refusal = 'I cannot help with that.'), /refused to write: I cannot/],
			['the content filter', () => (server.finishReason = 'content_filter'), /content filter/],
			['an answer cut off', () => (server.finishReason = 'length'), /cut off/],
		])('tells of %s', async (_what, prepare, words) => {
			prepare();
			await expect(connect().writer.write(request)).rejects.toMatchObject({
				code: 'provider_rejected',
				message: expect.stringMatching(words),
			});
		});
	});

	describe('when something is wrong', () => {
		it('names the variables when there is no key, without any call', async () => {
			const { transcriber, writer } = connect({ apiKey: undefined });
			const unset = {
				code: 'provider_not_configured',
				message: expect.stringMatching(/OPENAI_API_KEY.*OPENAI_BASE_URL/),
			};
			expect(transcriber.obstacle()).toMatch(/OPENAI_API_KEY/);
			await expect(writer.write(request)).rejects.toMatchObject(unset);
			await expect(transcriber.transcribe(fixture('wav'), { signal })).rejects.toMatchObject(unset);
			expect(server.counts).toEqual({ transcriptions: 0, chats: 0 });
		});

		it('never shows the key', async () => {
			const error: unknown = await connect({ apiKey: 'wrong-key-123' })
				.writer.write(request)
				.catch((caught: unknown) => caught);
			expect(error).toMatchObject({
				code: 'provider_rejected',
				retryable: false,
				message: expect.stringContaining('OPENAI_API_KEY'),
			});
			expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('wrong-key-123');
		});

		it.each([
			[{ status: 403 }, { code: 'provider_rejected', retryable: false }],
			[
				{ status: 400, message: 'bad prompt' },
				{ code: 'provider_rejected', retryable: false, message: expect.stringContaining('bad prompt') },
			],
			[{ status: 413 }, { code: 'provider_rejected', retryable: false }],
			[
				{ status: 429, headers: { 'retry-after': '20' } },
				{ code: 'provider_rate_limited', retryable: true, retryAfterSeconds: 20 },
			],
			[
				{ status: 429, headers: { 'retry-after-ms': '1500' } },
				{ code: 'provider_rate_limited', retryAfterSeconds: 2 },
			],
			[
				{ status: 429, code: 'insufficient_quota', type: 'insufficient_quota' },
				{ code: 'provider_rejected', retryable: false, message: expect.stringContaining('credit') },
			],
			[{ status: 500 }, { code: 'provider_unavailable', retryable: true }],
			[{ status: 503 }, { code: 'provider_unavailable', retryable: true }],
		])('turns %j into an error of ours, after one call', async (failure, expected) => {
			server.failures.push({ ...failure, when: 'chat' }, { ...failure, when: 'transcription' });
			await expect(connect().writer.write(request)).rejects.toMatchObject(expected);
			await expect(connect().transcriber.transcribe(fixture('wav'), { signal })).rejects.toMatchObject(expected);
			expect(server.counts).toEqual({ transcriptions: 1, chats: 1 });
		});

		it('names a model that the server does not know', async () => {
			await expect(connect({ captionModel: 'gpt-9' }).writer.write(request)).rejects.toMatchObject({
				code: 'provider_rejected',
				message: expect.stringContaining('gpt-9'),
			});
		});

		it('says provider_unavailable when nobody listens, or no answer comes', async () => {
			server.silent = 'chat';
			await expect(connect({ timeoutMs: 100 }).writer.write(request)).rejects.toMatchObject({
				code: 'provider_unavailable',
				message: expect.stringContaining('in time'),
			});
			await server.close();
			await expect(connect().writer.write(request)).rejects.toMatchObject({
				code: 'provider_unavailable',
				message: expect.stringContaining('OPENAI_BASE_URL'),
			});
		});

		it('stops when it is told to, with the reason it was given', async () => {
			server.silent = 'transcription';
			const stop = new AbortController();
			const reason = new Error('cancelled');
			const running = connect().transcriber.transcribe(fixture('wav'), { signal: stop.signal });
			const started = setInterval(() => server.counts.transcriptions > 0 && stop.abort(reason), 5);
			await expect(running).rejects.toBe(reason);
			clearInterval(started);
			await expect(connect().writer.write({ ...request, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
			expect(server.counts.chats).toBe(0);
		});
	});
});
