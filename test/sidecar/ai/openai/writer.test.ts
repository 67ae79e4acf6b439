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

	it('shows the earlier answer when it asks for a better one', async () => {
		await writer().write({ ...request, repair: { answer: 'bad', complaint: 'too long' } });
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
		await expect(writer().write(request)).rejects.toMatchObject({ code: 'provider_rejected', message: expect.stringMatching(words) });
	});
});
