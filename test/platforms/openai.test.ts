import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { fixture } from '../fixtures/media.ts';
import { startOpenAi, type OpenAiEmulator } from './openai.ts';

describe('the stand-in of OpenAI', () => {
	let server: OpenAiEmulator;
	beforeAll(async () => {
		server = await startOpenAi();
	});
	afterAll(() => server.close());

	const form = async (fields: Record<string, string>, file: string | null = fixture('wav'), name = 'a.wav') => {
		const body = new FormData();
		for (const [key, value] of Object.entries(fields)) body.append(key, value);
		if (file) body.append('file', new Blob([new Uint8Array(await readFile(file))]), name);
		return body;
	};
	const post = async (path: string, body: FormData | object, key = 'test-key') => {
		const json = !(body instanceof FormData);
		const headers = { Authorization: `Bearer ${key}`, ...(json ? { 'Content-Type': 'application/json' } : {}) };
		const response = await fetch(server.url + path, {
			method: 'POST',
			headers,
			body: json ? JSON.stringify(body) : body,
		});
		return { status: response.status, body: (await response.json()) as { error?: { message: string } } };
	};
	const chat = (change: Record<string, unknown> = {}) => ({
		model: 'gpt-4o-mini',
		messages: [{ role: 'user', content: 'hi' }],
		response_format: {
			type: 'json_schema',
			json_schema: {
				name: 'a',
				strict: true,
				schema: { type: 'object', properties: {}, required: [], additionalProperties: false },
			},
		},
		...change,
	});
	const withImage = (url: string) =>
		chat({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] });

	it('refuses a wrong key', async () => {
		expect((await post('/chat/completions', chat(), 'wrong')).status).toBe(401);
	});

	it.each<[string, Record<string, string>, number]>([
		['no model', {}, 400],
		['an unknown model', { model: 'whisper-9' }, 404],
		['an unknown field', { model: 'whisper-1', speed: '2' }, 400],
		['an unknown format', { model: 'whisper-1', response_format: 'pdf' }, 400],
		['times without verbose_json', { model: 'whisper-1', 'timestamp_granularities[]': 'word' }, 400],
		[
			'verbose_json of a model without times',
			{ model: 'gpt-4o-mini-transcribe', response_format: 'verbose_json' },
			400,
		],
		['a language that is no code', { model: 'whisper-1', language: 'english' }, 400],
	])('refuses a transcription with %s', async (_what, fields, status) => {
		expect((await post('/audio/transcriptions', await form(fields))).status).toBe(status);
	});

	it('refuses what is no audio, has no telling name, or is missing', async () => {
		const model = { model: 'whisper-1' };
		expect((await post('/audio/transcriptions', await form(model, fixture('textAsMp4'), 'a.mp3'))).status).toBe(400);
		expect((await post('/audio/transcriptions', await form(model, fixture('silent'), 'a.mp4'))).status).toBe(400);
		expect((await post('/audio/transcriptions', await form(model, fixture('wav'), 'audio'))).status).toBe(400);
		expect((await post('/audio/transcriptions', await form(model, null))).status).toBe(400);
		expect((await post('/audio/transcriptions', await form(model))).status).toBe(200);
	});

	it.each<[string, Record<string, unknown>]>([
		['no messages', { messages: [] }],
		['an unknown field', { max_words: 3 }],
		['half an emoji', { messages: [{ role: 'user', content: [{ type: 'text', text: 'cut \ud83d' }] }] }],
		['no schema', { response_format: { type: 'json_object' } }],
		[
			'a schema that is open',
			{
				response_format: {
					type: 'json_schema',
					json_schema: { name: 'a', strict: true, schema: { type: 'object', properties: {} } },
				},
			},
		],
		[
			'a property that is not required',
			{
				response_format: {
					type: 'json_schema',
					json_schema: {
						name: 'a',
						strict: true,
						schema: {
							type: 'object',
							properties: { b: { type: 'string' } },
							required: [],
							additionalProperties: false,
						},
					},
				},
			},
		],
	])('refuses a completion with %s', async (_what, change) => {
		expect((await post('/chat/completions', chat(change))).status).toBe(400);
	});

	it('refuses pictures that cannot be decoded', async () => {
		const jpeg = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
			.jpeg()
			.toBuffer();
		const url = (bytes: Buffer) => `data:image/jpeg;base64,${bytes.toString('base64')}`;
		expect((await post('/chat/completions', withImage(url(jpeg)))).status).toBe(200);
		expect((await post('/chat/completions', withImage(url(jpeg.subarray(0, 40))))).status).toBe(400);
		expect((await post('/chat/completions', withImage('https://example.com/a.jpg'))).status).toBe(400);
		expect((await post('/chat/completions', withImage(url(jpeg).replace('jpeg', 'png')))).status).toBe(400);
	});

	it.each<[string, string, Record<string, unknown>]>([
		['an empty text', '/embeddings', { input: [''] }],
		['half an emoji', '/embeddings', { input: ['\ude00'] }],
		['half an emoji to be spoken', '/audio/speech', { input: '\ude00', voice: 'alloy' }],
		['more texts than it takes', '/embeddings', { input: Array(2049).fill('a') }],
		['more numbers than the model has', '/embeddings', { input: ['a'], dimensions: 2000 }],
		['two pictures at once', '/moderations', { input: [1, 2].map(() => ({ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } })) }],
		['no picture and no text', '/moderations', {}],
		['a voice that is not there', '/audio/speech', { input: 'Hi', voice: 'darth' }],
		['more characters than it speaks', '/audio/speech', { input: 'a'.repeat(4097), voice: 'alloy' }],
	])('refuses %s', async (_what, path, body) => {
		const model = { '/embeddings': 'text-embedding-3-small', '/moderations': 'omni-moderation-latest', '/audio/speech': 'tts-1' }[path];
		expect((await post(path, { model, ...body })).status).toBe(400);
		expect((await post(path, { model, ...body, extra: 1 })).status).toBe(400);
	});

	it.each<[string, Record<string, string>]>([
		['a prompt for the model that tells speakers apart', { model: 'gpt-4o-transcribe-diarize', response_format: 'diarized_json', prompt: 'n8n' }],
		['speakers from a model that does not know them', { model: 'whisper-1', response_format: 'diarized_json' }],
	])('refuses %s', async (_what, fields) => {
		expect((await post('/audio/transcriptions', await form(fields))).status).toBe(400);
	});

	it.each([
		['a list at the top', { type: 'array', items: { type: 'string' } }],
		['a choice that it does not know', { type: 'object', properties: { a: { oneOf: [{ type: 'string' }] } }, required: ['a'], additionalProperties: false }],
		['a list of nothing', { type: 'object', properties: { a: { type: 'array' } }, required: ['a'], additionalProperties: false }],
	])('refuses a schema with %s', async (_what, schema) => {
		expect((await post('/chat/completions', chat({ response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema } } }))).status).toBe(400);
	});
});
