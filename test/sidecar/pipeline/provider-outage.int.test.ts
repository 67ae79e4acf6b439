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

/** Whole jobs on a whole sidecar with one worker, while the provider has a bad day. Ten seconds of speech are sent in parts of four seconds at most. */
describe('a transcript, while the provider', () => {
	let folder: string;
	let files: TestServer;
	let provider: OpenAiEmulator;
	let sidecar: TestSidecar;

	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'outage-'));
		files = await startServer((_request, response) => void createReadStream(fixture('speech')).pipe(response));
		provider = await startOpenAi();
		provider.hear = ({ durationSeconds }) => ({ text: `Part ${heard()}.`, language: 'english', segments: [{ start: 0, end: durationSeconds, text: ` Part ${heard()}.` }] });
		const routing = join(folder, 'routing.yaml');
		await writeFile(routing, 'transcribe:\n  - { provider: openai, max_seconds: 4, parallel: 1, price: { audio_minute: 0.6 } }\n');
		sidecar = await startTestSidecar({ ALLOWED_PRIVATE_HOSTS: files.host, OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: provider.url, AI_ROUTING_FILE: routing, CONCURRENCY: '1' });
	});
	afterEach(async () => {
		await sidecar.close();
		await provider.close();
		await files.close();
		await rm(folder, { recursive: true, force: true });
	});

	/** Parts that were written down so far. */
	const heard = (): number => provider.transcriptions.length;
	const submit = async (operation: string, more: Record<string, unknown> = {}): Promise<string> => (await sidecar.call('POST', `/${operation}`, { file_url: `${files.url}/speech.mp4`, ...more })).body.job_id;
	const view = async (id: string): Promise<Job> => (await sidecar.call('GET', `/api/media/jobs/${id}`)).body as object as Job;
	const ended = async (id: string): Promise<Job> => {
		await until(async () => ['completed', 'failed'].includes((await view(id)).status), 'the job has ended');
		return view(id);
	};
	/** Happens when so many parts have been written down, before the next one is. */
	const after = (parts: number, happen: () => void): void => {
		const hear = provider.hear;
		provider.hear = (call) => {
			const said = hear(call);
			if (heard() === parts) happen();
			return said;
		};
	};
	const paidSeconds = (): number => provider.transcriptions.reduce((sum, { durationSeconds }) => sum + Math.ceil(durationSeconds), 0);
	/** `verbose_json` tells whole seconds; 0.6 USD a minute is a cent a second. */
	const expectPaid = ({ cost }: Job): void => {
		expect(cost['audio_seconds']).toBe(paidSeconds());
		expect(cost['ai_usd']).toBeCloseTo(paidSeconds() / 100, 9);
	};

	it('answers 429 for an hour: waits in the queue, not on the worker, tells why and how long, and asks nobody meanwhile', async () => {
		after(1, () => provider.failures.push({ status: 429, headers: { 'retry-after': '3600' }, times: Infinity }));
		const id = await submit('transcribe');
		await until(async () => (await view(id)).error !== null, 'the provider has refused');
		const waiting = await view(id);
		expect(waiting).toMatchObject({ status: 'pending', attempts: 1, error: { code: 'provider_rate_limited', message: expect.stringContaining('3600 s') } });
		// What was written down before is paid, and told while the job waits.
		expectPaid(waiting);
		const calls = provider.counts.transcriptions;
		expect(calls).toBe(2);
		// The only worker is free for others; those who need the provider are told at once.
		expect((await ended(await submit('thumbnail'))).status).toBe('completed');
		const other = await submit('transcribe', { params: { language: 'en' } });
		await until(async () => (await view(other)).error !== null, 'the second one is told, too');
		expect((await view(other)).error).toMatchObject({ code: 'provider_rate_limited', message: expect.stringContaining('has asked for a pause') });
		expect(provider.counts.transcriptions).toBe(calls);
		// And nobody has to wait for the hour to end.
		expect((await sidecar.call('POST', `/api/media/jobs/${id}/cancel`)).body.status).toBe('cancelled');
		expectPaid(await view(id));
	});

	it('names a pause of thousands of years: the job waits for its next try all the same, and is not lost', async () => {
		provider.failures.push({ status: 429, headers: { 'retry-after': '99999999999999' }, times: Infinity });
		const id = await submit('transcribe');
		await until(async () => (await view(id)).error !== null, 'the provider has refused');
		expect(await view(id)).toMatchObject({ status: 'pending', attempts: 1, error: { code: 'provider_rate_limited', message: expect.stringContaining('86400 s') } });
	});

	it('asks for a second between two parts: goes on, with nothing sent twice', async () => {
		after(2, () => provider.failures.push({ status: 429, headers: { 'retry-after': '1' } }));
		const done = await ended(await submit('transcribe'));
		expect(done).toMatchObject({ status: 'completed', attempts: 1 });
		expect(provider.counts.transcriptions).toBe(heard() + 1);
		expectPaid(done);
	});

	it('revokes the key between two parts: fails at once with its own code, keeps what was paid, and pays the rest only when it is tried again', async () => {
		after(2, () => provider.keys.clear());
		const id = await submit('transcribe');
		const failed = await ended(id);
		expect(failed).toMatchObject({ status: 'failed', attempts: 1, error: { code: 'provider_key_refused', message: expect.stringMatching(/OPENAI_API_KEY \(401\)/) } });
		expect(provider.counts.transcriptions).toBe(3);
		expect(heard()).toBe(2);
		expectPaid(failed);
		const { body: usage } = await sidecar.call('GET', '/api/media/usage');
		expect(usage as object).toMatchObject({ total: { failed: 1, cost: { ai_usd: failed.cost['ai_usd'] } } });

		// The operator has put it right.
		provider.keys.add('test-key');
		provider.hear = ({ durationSeconds }) => ({ text: `Part ${heard()}.`, language: 'english', segments: [{ start: 0, end: durationSeconds, text: ` Part ${heard()}.` }] });
		await sidecar.call('POST', `/api/media/jobs/${id}/retry`);
		const done = await ended(id);
		expect(done.status).toBe('completed');
		const parts = heard();
		expect(parts).toBeGreaterThan(2);
		expect(done.output_data).toMatchObject({ transcription: Array.from({ length: parts }, (_, index) => `Part ${index + 1}.`).join(' ') });
		expect(provider.counts.transcriptions).toBe(parts + 1);
		expectPaid(done);
	});

	it('is down for one part: the next try sends only what is missing, and the cost is that of both', async () => {
		after(2, () => provider.failures.push({ status: 503 }));
		const done = await ended(await submit('transcribe'));
		expect(done).toMatchObject({ status: 'completed', attempts: 2 });
		expect(provider.counts.transcriptions).toBe(heard() + 1);
		expectPaid(done);
	});
});
