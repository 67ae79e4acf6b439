import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from '../../../nodes/shared/wire.js';
import { fixture } from '../../fixtures/media.ts';
import { startOpenAi, type OpenAiEmulator } from '../../platforms/openai.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';
import { until } from '../../support/pipeline.ts';
import { startTestSidecar, type TestSidecar } from '../../support/sidecar.ts';

/** One for each test, with limits of its own: what one provider of a language asks for must not reach the next test. */
const LANGUAGES = ['en', 'de', 'fr', 'es', 'it'] as const;

/** Whole jobs on a whole sidecar with one worker, while the provider has a bad day. Ten seconds of speech are sent in parts of four seconds at most. */
describe('a transcript, while the provider', () => {
	let folder: string;
	let files: TestServer;
	let provider: OpenAiEmulator;
	let sidecar: TestSidecar;

	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), 'outage-'));
		files = await startServer((_request, response) => void createReadStream(fixture('speech')).pipe(response));
		provider = await startOpenAi();
		const routing = join(folder, 'routing.json');
		await writeFile(routing, JSON.stringify({ transcribe: LANGUAGES.map((language) => ({ provider: 'openai', languages: [language], max_seconds: 4, parallel: 1, price: { audio_minute: 0.6 } })) }));
		sidecar = await startTestSidecar({ ALLOWED_PRIVATE_HOSTS: files.host, OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: provider.url, AI_ROUTING_FILE: routing, CONCURRENCY: '1' });
	});
	afterAll(async () => {
		await sidecar.close();
		await provider.close();
		await files.close();
		await rm(folder, { recursive: true, force: true });
	});
	beforeEach(() => {
		Object.assign(provider, { failures: [], transcriptions: [], hear });
		provider.counts.transcriptions = 0;
		provider.keys.add('test-key');
	});

	/** Parts that were written down so far. */
	const heard = (): number => provider.transcriptions.length;
	const hear: OpenAiEmulator['hear'] = ({ durationSeconds }) => ({ text: `Part ${heard()}.`, language: 'english', segments: [{ start: 0, end: durationSeconds, text: ` Part ${heard()}.` }] });
	const submit = async (operation: string, params?: Record<string, unknown>): Promise<string> => (await sidecar.call('POST', `/${operation}`, { file_url: `${files.url}/speech.mp4`, ...(params ? { params } : {}) })).body.job_id;
	const transcribe = (language: (typeof LANGUAGES)[number], more: Record<string, unknown> = {}): Promise<string> => submit('transcribe', { language, ...more });
	const view = async (id: string): Promise<Job> => (await sidecar.call('GET', `/api/media/jobs/${id}`)).body as object as Job;
	const ended = async (id: string): Promise<Job> => {
		await until(async () => ['completed', 'failed'].includes((await view(id)).status), 'the job has ended');
		return view(id);
	};
	/** Happens when so many parts have been written down, before the next one is. */
	const after = (parts: number, happen: () => void): void => {
		provider.hear = (call) => {
			if (heard() === parts) happen();
			return hear(call);
		};
	};
	/** `verbose_json` tells whole seconds; 0.6 USD a minute is a cent a second. */
	const expectPaid = ({ cost }: Job): void => {
		const seconds = provider.transcriptions.reduce((sum, { durationSeconds }) => sum + Math.ceil(durationSeconds), 0);
		expect(cost).toMatchObject({ audio_seconds: seconds, ai_usd: seconds / 100 });
	};
	/** The transcript holds all that was ever written down: no part was sent again. */
	const expectEachOnce = ({ status, output_data: output }: Job): void => {
		expect(status).toBe('completed');
		expect(heard()).toBeGreaterThan(2);
		expect(output).toMatchObject({ transcription: Array.from({ length: heard() }, (_, index) => `Part ${index + 1}.`).join(' ') });
	};

	it('answers 429 for an hour: waits in the queue, not on the worker, tells why and how long, and asks nobody meanwhile', async () => {
		after(1, () => provider.failures.push({ status: 429, headers: { 'retry-after': '3600' }, times: Infinity }));
		const id = await transcribe('en');
		await until(async () => (await view(id)).error !== null, 'the provider has refused');
		const waiting = await view(id);
		expect(waiting).toMatchObject({ status: 'pending', attempts: 1, error: { code: 'provider_rate_limited', message: expect.stringContaining('3600 s') } });
		// What was written down before is paid, and told while the job waits.
		expectPaid(waiting);
		expect(provider.counts.transcriptions).toBe(2);
		// The only worker is free for others; those who need the provider are told at once.
		expect((await ended(await submit('thumbnail'))).status).toBe('completed');
		const other = await transcribe('en', { prompt: 'n8n' });
		await until(async () => (await view(other)).error !== null, 'the second one is told, too');
		expect((await view(other)).error).toMatchObject({ code: 'provider_rate_limited', message: expect.stringContaining('has asked for a pause') });
		expect(provider.counts.transcriptions).toBe(2);
		// And nobody has to wait for the hour to end.
		expect((await sidecar.call('POST', `/api/media/jobs/${id}/cancel`)).body.status).toBe('cancelled');
		expectPaid(await view(id));
	});

	it('names a pause of thousands of years: the job waits for its next try all the same, and is not lost', async () => {
		provider.failures.push({ status: 429, headers: { 'retry-after': '99999999999999' }, times: Infinity });
		const id = await transcribe('de');
		await until(async () => (await view(id)).error !== null, 'the provider has refused');
		expect(await view(id)).toMatchObject({ status: 'pending', attempts: 1, error: { code: 'provider_rate_limited', message: expect.stringContaining('86400 s') } });
	});

	it('asks for a second between two parts: goes on, with nothing sent twice', async () => {
		after(2, () => provider.failures.push({ status: 429, headers: { 'retry-after': '1' } }));
		const done = await ended(await transcribe('fr'));
		expect(done.attempts).toBe(1);
		expectEachOnce(done);
		expect(provider.counts.transcriptions).toBe(heard() + 1);
		expectPaid(done);
	});

	it('revokes the key between two parts: fails at once with its own code, keeps what was paid, and pays the rest only when it is tried again', async () => {
		const spent = async (): Promise<number> => ((await sidecar.call('GET', '/api/media/usage')).body as object as { total: { cost: Record<string, number> } }).total.cost['ai_usd'] ?? 0;
		const before = await spent();
		after(2, () => provider.keys.clear());
		const id = await transcribe('es');
		const failed = await ended(id);
		expect(failed).toMatchObject({ status: 'failed', attempts: 1, error: { code: 'provider_key_refused', message: expect.stringMatching(/OPENAI_API_KEY \(401\)/) } });
		expect([provider.counts.transcriptions, heard()]).toEqual([3, 2]);
		expectPaid(failed);
		expect((await spent()) - before).toBeCloseTo(failed.cost['ai_usd'] ?? 0, 9);

		// The operator has put it right.
		provider.keys.add('test-key');
		provider.hear = hear;
		await sidecar.call('POST', `/api/media/jobs/${id}/retry`);
		const done = await ended(id);
		expectEachOnce(done);
		expectPaid(done);
	});

	it('is down for one part: the next try sends only what is missing, and the cost is that of both', async () => {
		after(2, () => provider.failures.push({ status: 503 }));
		const done = await ended(await transcribe('it'));
		expect(done.attempts).toBe(2);
		expectEachOnce(done);
		expectPaid(done);
	});
});
