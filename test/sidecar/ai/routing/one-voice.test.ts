import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { createEngines } from '../../../../sidecar/src/ai/local/engines.ts';
import { createSilero } from '../../../../sidecar/src/ai/local/silero.ts';
import { createAi } from '../../../../sidecar/src/ai/routing/create-ai.ts';
import { DEFAULT_ROUTING } from '../../../../sidecar/src/ai/routing/defaults.ts';
import { otherVoice, type SpeakRequest } from '../../../../sidecar/src/ai/speaker.ts';
import { readConfig } from '../../../../sidecar/src/config.ts';
import { createGuard } from '../../../../sidecar/src/net/guard.ts';
import { startOpenAi, type OpenAiEmulator } from '../../../platforms/openai.ts';

describe('a recording', () => {
	let servers: OpenAiEmulator[];
	let folder: string;
	beforeEach(async () => {
		servers = [await startOpenAi(), await startOpenAi()];
		folder = await mkdtemp(join(tmpdir(), 'one-voice-'));
	});
	afterEach(async () => {
		await Promise.all(servers.map((server) => server.close()));
		await rm(folder, { recursive: true, force: true });
	});

	function speaker() {
		const [first, second] = servers;
		for (const [index, server] of servers.entries()) server.keys = new Set([`key-${index}`]);
		const { ai } = createAi({
			config: readConfig({ OPENAI_API_KEY: 'key-0', OPENAI_BASE_URL: first?.url }),
			routing: { ...DEFAULT_ROUTING, speak: [{ provider: 'openai', model: 'tts-1' }, { provider: 'openai', model: 'gpt-4o-mini-tts', base_url: second?.url ?? '', api_key_env: 'SECOND' }] },
			environment: { SECOND: 'key-1' },
			local: { byTask: {}, transform: null, voiceActivity: createSilero(createEngines('/nonexistent')) },
			transcribeLong: null,
			guard: createGuard({ allowedPrivateHosts: [], allowHttp: false }),
			download: () => Promise.reject(new Error('not here')),
			log: pino({ enabled: false }),
		});
		return (like?: SpeakRequest['like']) => ai.speak.speak({ text: 'Hello.', language: 'en', like, path: join(folder, 'said'), signal: new AbortController().signal });
	}
	const counts = () => servers.map((server) => server.counts.speeches);

	it('is spoken to its end by whoever began it, and by nobody else', async () => {
		const speak = speaker();
		servers[0]?.failures.push({ status: 401 });
		const { provider, model } = await speak();
		expect(model).toBe('gpt-4o-mini-tts');
		const before = counts();
		expect(await speak({ provider, model })).toMatchObject({ model });
		servers[1]?.failures.push({ status: 400 });
		await expect(speak({ provider, model })).rejects.toMatchObject({ code: 'provider_rejected' });
		expect(counts()[0]).toBe(before[0]);
		expect(await speak()).toMatchObject({ model: 'tts-1' });
	});

	it('is said to have been begun by somebody who is not there any more', async () => {
		await expect(speaker()({ provider: 'elevenlabs', model: 'eleven_flash_v2_5' })).rejects.toMatchObject({ code: 'provider_not_configured', message: expect.stringContaining('begun by elevenlabs eleven_flash_v2_5') as string });
		expect(otherVoice({ name: 'local', model: 'flite, espeak-ng' }, { provider: 'local', model: 'espeak-ng de' })).toBeNull();
		expect(otherVoice({ name: 'openai', model: 'tts-1' }, undefined)).toBeNull();
	});
});
