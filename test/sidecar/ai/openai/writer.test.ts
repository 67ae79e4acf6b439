import { createOpenAiClient } from '../../../../sidecar/src/ai/openai/client.ts';
import { createOpenAiWriter } from '../../../../sidecar/src/ai/openai/writer.ts';
import type { WriteRequest } from '../../../../sidecar/src/ai/writer.ts';
import { startOpenAi, type OpenAiEmulator } from '../../../platforms/openai.ts';

describe('OpenAI as a writer', () => {
	let server: OpenAiEmulator;
	beforeEach(async () => {
		server = await startOpenAi();
	});
	afterEach(() => server.close());

	const signal = new AbortController().signal;
	const writer = () => createOpenAiWriter({ client: createOpenAiClient({ apiKey: 'test-key', baseUrl: server.url }), model: 'gpt-4o-mini' });
	const schema = { type: 'object', properties: { greeting: { type: 'string' } }, required: ['greeting'], additionalProperties: false };
	const request: WriteRequest = { system: 'rules', user: 'write', images: [], schemaName: 'greeting', schema, signal };

	it('gives the JSON and what it cost', async () => {
		server.answers.push({ greeting: 'hi' });
		expect(await writer().write(request)).toEqual({
			json: { greeting: 'hi' },
			text: '{"greeting":"hi"}',
			usage: { ai_input_tokens: 100, ai_output_tokens: 50, ai_tokens: 150 },
			provider: 'openai',
			model: 'gpt-4o-mini',
		});
		expect(server.chats[0]).toMatchObject({ model: 'gpt-4o-mini', response_format: { json_schema: { name: 'greeting', strict: true, schema } } });
	});

	it('takes JSON out of a code fence, and says when there is none', async () => {
		server.answers.push('```json\n{"greeting":"hi"}\n```', 'Sure! Here you go.');
		expect((await writer().write(request)).json).toEqual({ greeting: 'hi' });
		expect((await writer().write(request)).json).toBeUndefined();
	});

	it('takes JSON out of the sentence that a model puts around it: asking again would cost as much', async () => {
		server.answers.push('Here it is: {"greeting":"hi"} Enjoy!');
		expect((await writer().write(request)).json).toEqual({ greeting: 'hi' });
	});

	it('sends no halves of an emoji, which are refused', async () => {
		await writer().write({ ...request, user: 'cut \ud83d', system: '\ude00 rules', repair: { answer: 'a\ud83d', complaint: 'b\ude00' } });
		expect(JSON.stringify(server.chats[0]?.messages)).not.toMatch(/ud83d|ude00/);
	});

	it.each([
		['no usage', undefined, {}],
		['a part of it', { prompt_tokens: 7, total_tokens: 7 }, { ai_input_tokens: 7, ai_tokens: 7 }],
		['no sum', { prompt_tokens: 7, completion_tokens: 2 }, { ai_input_tokens: 7, ai_output_tokens: 2, ai_tokens: 9 }],
		['one number that is none', { prompt_tokens: 7, completion_tokens: 'two' }, { ai_input_tokens: 7, ai_tokens: 7 }],
		['nonsense', { prompt_tokens: -1, completion_tokens: 'two', total_tokens: null }, {}],
	])('keeps the answer of a server that tells %s', async (_what, usage, expected) => {
		server.failures.push({ status: 200, raw: { type: 'json', body: JSON.stringify({ choices: [{ message: { content: '{"greeting":"hi"}' } }], usage }) } });
		const { json, usage: told } = await writer().write(request);
		expect([json, told]).toEqual([{ greeting: 'hi' }, expected]);
	});

	it('shows the earlier answer when it asks for a better one', async () => {
		await writer().write({ ...request, repair: { answer: 'bad', complaint: 'too long' } });
		expect(server.chats[0]?.messages.slice(-2)).toEqual([
			{ role: 'assistant', content: 'bad' },
			{ role: 'user', content: 'too long' },
		]);
	});

	it.each([
		['a refusal', () => (server.refusal = 'I cannot help with that.'), 'provider_content_refused', /refused to write: I cannot/],
		['the content filter', () => (server.finishReason = 'content_filter'), 'provider_content_refused', /content filter/],
		['an answer cut off', () => (server.finishReason = 'length'), 'provider_answer_invalid', /cut off/],
	])('tells of %s, by a code of its own', async (_what, prepare, code, words) => {
		prepare();
		await expect(writer().write(request)).rejects.toMatchObject({ code, message: expect.stringMatching(words) });
	});
});
