import type { IncomingHttpHeaders } from 'node:http';
import { inspect } from 'node:util';
import { createOpenAiClient, type Gate, type OpenAiConnection } from '../../../../sidecar/src/ai/openai/client.ts';
import { createOpenAiTranscriber } from '../../../../sidecar/src/ai/openai/transcriber.ts';
import { createOpenAiWriter } from '../../../../sidecar/src/ai/openai/writer.ts';
import type { WriteRequest } from '../../../../sidecar/src/ai/writer.ts';
import { fixture } from '../../../fixtures/media.ts';
import { startOpenAi, type OpenAiEmulator } from '../../../platforms/openai.ts';
import { startServer } from '../../../support/http-server.ts';

describe('the client of an OpenAI-compatible server', () => {
	let server: OpenAiEmulator;
	beforeEach(async () => {
		server = await startOpenAi();
	});
	afterEach(() => server.close());

	const signal = new AbortController().signal;
	const client = (more: Partial<OpenAiConnection> = {}) => createOpenAiClient({ apiKey: 'test-key', baseUrl: server.url, ...more });
	const writer = (more?: Partial<OpenAiConnection>, model = 'gpt-4o-mini') => createOpenAiWriter({ client: client(more), model });
	const transcriber = (more?: Partial<OpenAiConnection>) => createOpenAiTranscriber({ client: client(more), model: 'whisper-1' });
	const schema = { type: 'object', properties: { greeting: { type: 'string' } }, required: ['greeting'], additionalProperties: false };
	const request: WriteRequest = { system: 'rules', user: 'write', images: [], schemaName: 'greeting', schema, signal };

	it('names the variables when there is no key, without any call', async () => {
		const none = { apiKey: undefined };
		const unset = { code: 'provider_not_configured', message: expect.stringMatching(/OPENAI_API_KEY.*OPENAI_BASE_URL/) };
		expect(transcriber(none).obstacle()).toMatch(/OPENAI_API_KEY/);
		expect(writer({ ...none, keyName: 'MY_KEY' }).obstacle()).toMatch(/MY_KEY/);
		await expect(writer(none).write(request)).rejects.toMatchObject(unset);
		await expect(transcriber(none).transcribe(fixture('wav'), { signal })).rejects.toMatchObject(unset);
		expect(server.counts).toMatchObject({ transcriptions: 0, chats: 0 });
	});

	it('never shows the key', async () => {
		const error: unknown = await writer({ apiKey: 'wrong-key-123' }).write(request).catch((caught: unknown) => caught);
		expect(error).toMatchObject({ code: 'provider_key_refused', retryable: false, message: expect.stringContaining('OPENAI_API_KEY') });
		expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('wrong-key-123');
	});

	it('tells of a key that is revoked in the middle', async () => {
		const { write } = writer();
		await write(request);
		server.keys.clear();
		await expect(write(request)).rejects.toMatchObject({ code: 'provider_key_refused', message: expect.stringContaining('401') });
	});

	it.each([
		[{ status: 403 }, { code: 'provider_key_refused', retryable: false }],
		[{ status: 400, message: 'bad prompt' }, { code: 'provider_rejected', retryable: false, message: expect.stringContaining('bad prompt') }],
		[{ status: 413 }, { code: 'provider_rejected', retryable: false }],
		[{ status: 429, headers: { 'retry-after': '3600' } }, { code: 'provider_rate_limited', retryable: true, retryAfterSeconds: 3600 }],
		[{ status: 429, headers: { 'retry-after-ms': '1500' } }, { code: 'provider_rate_limited', retryAfterSeconds: 2 }],
		[{ status: 429, headers: { 'retry-after-ms': '', 'retry-after': '7.5' } }, { code: 'provider_rate_limited', retryAfterSeconds: 8, message: expect.stringContaining('for 8 s') }],
		[{ status: 429, headers: { 'retry-after': '999999999999999' } }, { code: 'provider_rate_limited', retryAfterSeconds: 86_400 }],
		[{ status: 307, headers: { location: 'http://127.0.0.1:1/v1' } }, { code: 'provider_rejected', message: expect.stringMatching(/moved \(307\).*OPENAI_BASE_URL/) }],
		[{ status: 200, broken: 'cut' as const }, { code: 'provider_unavailable', message: expect.stringContaining('in the middle') }],
		[{ status: 200, broken: 'endless' as const }, { code: 'provider_answer_invalid', message: expect.stringContaining('more than') }],
		[{ status: 500, broken: 'endless' as const }, { code: 'provider_unavailable' }],
		[{ status: 429, code: 'insufficient_quota', type: 'insufficient_quota' }, { code: 'provider_rejected', retryable: false, message: expect.stringContaining('credit') }],
		[{ status: 400, code: 'content_policy_violation', message: 'rejected by our safety system' }, { code: 'provider_content_refused', retryable: false, message: expect.stringContaining('rejected by our safety system') }],
		[{ status: 400, code: 'content_filter', error: { innererror: { code: 'ResponsibleAIPolicyViolation' } } }, { code: 'provider_content_refused' }],
		[{ status: 400, type: 'image_generation_user_error', code: 'moderation_blocked' }, { code: 'provider_content_refused' }],
		[{ status: 403, error: { code: 403, metadata: { reasons: ['violence'], flagged_input: 'x' } } }, { code: 'provider_content_refused' }],
		[{ status: 400, code: 'invalid_prompt', message: 'Invalid prompt: your prompt was flagged as potentially violating our usage policy.' }, { code: 'provider_content_refused' }],
		[{ status: 400, code: 'invalid_prompt', message: 'Invalid prompt: empty' }, { code: 'provider_rejected' }],
		[{ status: 429, code: 'content_filter' }, { code: 'provider_rate_limited' }],
		[{ status: 500 }, { code: 'provider_unavailable', retryable: true }],
		[{ status: 503, headers: { 'retry-after': '7' } }, { code: 'provider_unavailable', retryable: true, retryAfterSeconds: 7 }],
		[{ status: 502, raw: { type: 'html', body: '<h1>Bad gateway</h1>' } }, { code: 'provider_unavailable' }],
		[{ status: 200, raw: { type: 'json', body: '{"text": "cut o' } }, { code: 'provider_answer_invalid', message: expect.stringContaining('not JSON') }],
		[{ status: 200, raw: { type: 'html', body: '<h1>Log in</h1>' } }, { code: 'provider_answer_invalid', message: expect.stringContaining('OPENAI_BASE_URL') }],
	])('turns %j into an error of ours, after one call', async (failure, expected) => {
		server.failures.push({ ...failure, when: 'chat' }, { ...failure, when: 'transcription' });
		await expect(writer().write(request)).rejects.toMatchObject(expected);
		await expect(transcriber().transcribe(fixture('wav'), { signal })).rejects.toMatchObject(expected);
		expect(server.counts).toMatchObject({ transcriptions: 1, chats: 1 });
	});

	it('sends nothing along that it was not given: no headers of the environment, nothing of this machine', async () => {
		const seen: IncomingHttpHeaders[] = [];
		const other = await startServer((request, response) => {
			seen.push(request.headers);
			response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices":[{"message":{"content":"{}"}}]}');
		});
		process.env['OPENAI_CUSTOM_HEADERS'] = 'Authorization: Bearer key-of-somebody-else\nX-Secret: 1';
		try {
			await writer({ baseUrl: `${other.url}/v1` }).write(request);
		} finally {
			delete process.env['OPENAI_CUSTOM_HEADERS'];
			await other.close();
		}
		const { authorization, ...more } = seen[0] ?? {};
		expect(authorization).toBe('Bearer test-key');
		expect(Object.keys(more).sort()).toEqual(['accept', 'accept-encoding', 'connection', 'content-length', 'content-type', 'host', 'user-agent']);
	});

	it('follows no redirect: sound and texts go to the server that was named', async () => {
		const elsewhere: string[] = [];
		const other = await startServer((request, response) => {
			elsewhere.push(request.url ?? '');
			response.end('{}');
		});
		server.failures.push({ status: 308, headers: { location: other.url }, times: 2 });
		await expect(writer().write(request)).rejects.toMatchObject({ code: 'provider_rejected' });
		await expect(transcriber().transcribe(fixture('wav'), { signal })).rejects.toMatchObject({ code: 'provider_rejected' });
		expect(elsewhere).toEqual([]);
		await other.close();
	});

	it('hides a key, but not the word that a server without keys was given for one', async () => {
		server.keys = new Set(['prompt', 'prompt-12345']);
		server.failures.push({ status: 400, message: 'bad prompt, sk-abcdefgh, prompt-12345', times: 2 });
		await expect(writer({ apiKey: 'prompt' }).write(request)).rejects.toMatchObject({ message: expect.stringContaining('bad prompt, sk-***, prompt-12345') });
		await expect(writer({ apiKey: 'prompt-12345' }).write(request)).rejects.toMatchObject({ message: expect.stringContaining('bad prompt, sk-***, ***') });
	});

	it('names a key that was copied with a line end, before anything is sent', async () => {
		expect(writer({ apiKey: 'test-key\n' }).obstacle()).toMatch(/OPENAI_API_KEY begins or ends with a blank, or holds a line end/);
		for (const apiKey of ['test-key ', ' ', 'schlüssel']) await expect(writer({ apiKey }).write(request)).rejects.toMatchObject({ code: 'provider_not_configured' });
		expect(server.counts.chats).toBe(0);
	});

	it('takes words for a key, as servers without keys do', async () => {
		server.keys = new Set(['not needed']);
		expect((await writer({ apiKey: 'not needed' }).write(request)).model).toBe('gpt-4o-mini');
	});

	it('names a model that the server does not know', async () => {
		await expect(writer({}, 'gpt-9').write(request)).rejects.toMatchObject({ code: 'provider_rejected', message: expect.stringContaining('gpt-9') });
	});

	it('says provider_unavailable when nobody listens, or no answer comes', async () => {
		server.silent = 'chat';
		await expect(writer({ timeoutMs: 100 }).write(request)).rejects.toMatchObject({ code: 'provider_unavailable', message: expect.stringContaining('in time') });
		await server.close();
		await expect(writer().write(request)).rejects.toMatchObject({ code: 'provider_unavailable', message: expect.stringContaining('OPENAI_BASE_URL') });
	});

	it('stops when it is told to, with the reason it was given', async () => {
		server.silent = 'transcription';
		const stop = new AbortController();
		const reason = new Error('cancelled');
		const running = transcriber().transcribe(fixture('wav'), { signal: stop.signal });
		const started = setInterval(() => server.counts.transcriptions > 0 && stop.abort(reason), 5);
		await expect(running).rejects.toBe(reason);
		clearInterval(started);
		await expect(writer().write({ ...request, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
		expect(server.counts.chats).toBe(0);
	});

	it('asks the gate before each call', async () => {
		const asked: string[] = [];
		const gate: Gate = (work) => {
			asked.push('in');
			return work().finally(() => asked.push('out'));
		};
		const { write } = writer({ gate });
		await write(request);
		await write(request);
		expect(asked).toEqual(['in', 'out', 'in', 'out']);
	});
});
