import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import type { AiReport } from '../../../../sidecar/src/ai/routing/report.ts';
import { composeAi } from '../../../../sidecar/src/ai/routing/compose-ai.ts';
import { readConfig } from '../../../../sidecar/src/config.ts';
import { runPlan } from '../../../../sidecar/src/media/engine.ts';
import { createGuard } from '../../../../sidecar/src/net/guard.ts';
import { fixture } from '../../../fixtures/media.ts';
import { startOpenAi, type OpenAiEmulator } from '../../../platforms/openai.ts';
import { startTestSidecar } from '../../../support/sidecar.ts';

describe('AI, from the settings', () => {
	let server: OpenAiEmulator;
	let folder: string;
	beforeEach(async () => {
		server = await startOpenAi();
		folder = await mkdtemp(join(tmpdir(), 'compose-ai-'));
	});
	afterEach(async () => {
		await server.close();
		await rm(folder, { recursive: true });
	});

	async function routingFile(text: string): Promise<string> {
		const path = join(folder, 'routing.yaml');
		await writeFile(path, text);
		return path;
	}
	const compose = async (routing: string, environment: Record<string, string> = {}) => {
		const given = { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: server.url, DATA_DIR: folder, AI_ROUTING_FILE: await routingFile(routing), ...environment };
		return composeAi({ config: readConfig(given), environment: given, guard: createGuard({ allowedPrivateHosts: [], allowHttp: false }), runPlan, log: pino({ enabled: false }) });
	};

	it('cuts sound that is longer than a provider takes, and puts the transcripts and their prices together', async () => {
		const { ai } = await compose('transcribe:\n  - { provider: openai, max_seconds: 4, parallel: 2, price: { audio_minute: 0.6 } }\n');
		const wav = join(folder, 'speech.wav');
		execFileSync('ffmpeg', ['-v', 'error', '-i', fixture('speech'), '-ac', '1', '-ar', '16000', '-c:a', 'pcm_s16le', wav]);
		server.hear = ({ durationSeconds }) => ({ text: 'Part.', language: 'english', segments: [{ start: 0, end: durationSeconds, text: ' Part.' }] });
		const transcript = await ai.transcribe.transcribe(wav, { signal: new AbortController().signal });
		expect(server.transcriptions.length).toBeGreaterThan(1);
		for (const { durationSeconds } of server.transcriptions) expect(durationSeconds).toBeLessThanOrEqual(4.1);
		expect(transcript.segments).toHaveLength(server.transcriptions.length);
		expect(transcript.segments.at(-1)?.start).toBeGreaterThan(4);
		expect(transcript.usage['ai_usd']).toBeCloseTo((transcript.usage['audio_seconds'] ?? 0) / 100, 6);
	});

	it('does not start with a routing file that is wrong, and says where', async () => {
		await expect(compose('write:\n  - provider: elevenlabs\n')).rejects.toThrow(/AI_ROUTING_FILE: write\[0\]\.provider: elevenlabs does not do this. These do: openai/);
		await expect(startTestSidecar({ AI_ROUTING_FILE: await routingFile('write: [{ provider: opnai }]') })).rejects.toThrow(/write\[0\]\.provider/);
	});

	it('tells over HTTP who does what, to whoever has a key', async () => {
		const sidecar = await startTestSidecar({ OPENAI_API_KEY: 'test-key', AI_ROUTING_FILE: await routingFile('dub: []\ntranscribe: [{ provider: openai, model: gpt-4o-transcribe, languages: [en, de] }]') });
		try {
			const { status, body } = await sidecar.call('GET', '/api/media/ai');
			expect(status).toBe(200);
			const { capabilities, voice_activity: speech } = body as object as AiReport;
			const of = (name: string) => capabilities.find(({ capability }) => capability === name);
			expect(of('transcribe')).toEqual({ capability: 'transcribe', summary: 'Speech to text', serves: 'openai gpt-4o-transcribe', providers: [{ provider: 'openai', model: 'gpt-4o-transcribe', languages: ['en', 'de'], obstacle: null }] });
			expect(of('dub')).toMatchObject({ serves: null, providers: [] });
			expect(of('speak')?.providers[0]).toMatchObject({ provider: 'elevenlabs', obstacle: expect.stringContaining('ELEVENLABS_API_KEY') });
			expect(speech.obstacle).toBeNull();
			expect((await fetch(`${sidecar.url}/api/media/ai`)).status).toBe(401);
		} finally {
			await sidecar.close();
		}
	});
});
