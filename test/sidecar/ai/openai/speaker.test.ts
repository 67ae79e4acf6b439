import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOpenAiClient } from '../../../../sidecar/src/ai/openai/client.ts';
import { createOpenAiSpeaker } from '../../../../sidecar/src/ai/openai/speaker.ts';
import { samplesOf } from '../../../support/sound.ts';
import { startOpenAi, type OpenAiEmulator } from '../../../platforms/openai.ts';

describe('OpenAI as a speaker', () => {
	let server: OpenAiEmulator;
	let folder: string;
	beforeEach(async () => {
		server = await startOpenAi();
		folder = await mkdtemp(join(tmpdir(), 'openai-speaker-'));
	});
	afterEach(async () => {
		await server.close();
		await rm(folder, { recursive: true });
	});

	const signal = new AbortController().signal;
	const speaker = () => createOpenAiSpeaker({ client: createOpenAiClient({ apiKey: 'test-key', baseUrl: server.url }), model: 'gpt-4o-mini-tts' });

	it('writes a WAV file, and counts characters as people see code points', async () => {
		const spoken = await speaker().speak({ text: ' Hola, ¿qué tal? 👋 ', language: 'es', path: join(folder, 'one'), signal });
		expect(spoken).toEqual({ path: join(folder, 'one.wav'), usage: { ai_characters: 17 }, provider: 'openai', model: 'gpt-4o-mini-tts' });
		expect(samplesOf(spoken.path, { rate: 1000 }).length / 1000).toBeCloseTo(18 / 15, 1);
		expect(server.speeches).toEqual([{ model: 'gpt-4o-mini-tts', voice: 'alloy', input: 'Hola, ¿qué tal? 👋', response_format: 'wav' }]);
	});

	it.each([
		['a voice that is not there', { voice: 'darth' }, 'provider_rejected'],
		['no text', { text: ' ' }, 'invalid_request'],
		['more text than one call takes', { text: 'a'.repeat(4097) }, 'provider_rejected'],
	])('refuses %s', async (_what, change, code) => {
		await expect(speaker().speak({ text: 'Hi', language: 'en', path: join(folder, 'x'), signal, ...change })).rejects.toMatchObject({ code });
	});

	it('does not take a page of a proxy for sound', async () => {
		server.failures.push({ status: 200, raw: { type: 'html', body: '<h1>Hello</h1>' } });
		await expect(speaker().speak({ text: 'Hi', language: 'en', path: join(folder, 'x'), signal })).rejects.toMatchObject({ code: 'provider_answer_invalid' });
	});
});
