import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createElevenLabsClient } from '../../../../sidecar/src/ai/elevenlabs/client.ts';
import { createElevenLabsDubber } from '../../../../sidecar/src/ai/elevenlabs/dubber.ts';
import { createElevenLabsSpeaker } from '../../../../sidecar/src/ai/elevenlabs/speaker.ts';
import { createElevenLabsTranscriber } from '../../../../sidecar/src/ai/elevenlabs/transcriber.ts';
import { metered } from '../../../../sidecar/src/ai/meter.ts';
import type { DubRequest } from '../../../../sidecar/src/ai/speaker.ts';
import { probe } from '../../../../sidecar/src/media/probe.ts';
import { shuttingDown } from '../../../../sidecar/src/pipeline/run.ts';
import { startElevenLabs, type ElevenLabsEmulator } from '../../../platforms/elevenlabs.ts';

const never = new AbortController().signal;

describe('ElevenLabs', () => {
	let server: ElevenLabsEmulator;
	let folder: string;
	beforeEach(async () => {
		server = await startElevenLabs();
		folder = await mkdtemp(join(tmpdir(), 'eleven-'));
	});
	afterEach(async () => {
		await server.close();
		await rm(folder, { recursive: true, force: true });
	});
	const client = (more: Partial<Parameters<typeof createElevenLabsClient>[0]> = {}) => createElevenLabsClient({ apiKey: server.key, baseUrl: server.url, ...more });
	const speaker = (model = 'eleven_multilingual_v2', more = {}) => createElevenLabsSpeaker({ client: client(more), model });
	const speak = (given: { text?: string; voice?: string; model?: string; signal?: AbortSignal } = {}, made = speaker(given.model)) =>
		made.speak({ text: given.text ?? 'Hello there.', language: 'de', voice: given.voice, path: join(folder, 'said'), signal: given.signal ?? never });
	async function recording(): Promise<string> {
		const path = join(folder, 'speech.mp3');
		await promisify(execFile)('ffmpeg', ['-nostdin', '-y', '-v', 'error', '-f', 'lavfi', '-i', 'sine=440:d=2', '-ac', '1', '-ar', '16000', '-b:a', '32k', path]);
		return path;
	}

	describe('speaks', () => {
		it('with the default voice, and counts what it is charged for', async () => {
			const said = await speak();
			expect(said).toEqual({ path: join(folder, 'said.mp3'), provider: 'elevenlabs', model: 'eleven_multilingual_v2', usage: { ai_characters: 12 } });
			expect((await probe(said.path)).audio).toMatchObject({ codec: 'mp3', sampleRate: 44_100 });
			expect(server.spoken).toEqual([{ voice: 'JBFqnCBsd6RMkjVDRZzb', text: 'Hello there.', model: 'eleven_multilingual_v2', language: null, format: 'mp3_44100_128' }]);
		});

		it('names the language to the models that take it', async () => {
			await speak({ model: 'eleven_flash_v2_5' });
			expect(server.spoken[0]?.language).toBe('de');
			await createElevenLabsSpeaker({ client: client(), model: 'eleven_flash_v2_5' }).speak({ text: 'Kumusta.', language: 'tl', path: join(folder, 'said'), signal: never });
			expect(server.spoken[1]?.language).toBe('fil');
		});

		it('finds a voice by its name, once', async () => {
			const one = speaker();
			for (const voice of ['rachel', 'Rachel', 'George']) await speak({ voice }, one);
			expect(server.spoken.map(({ voice }) => voice)).toEqual(['21m00Tcm4TlvDq8ikWAM', '21m00Tcm4TlvDq8ikWAM', 'JBFqnCBsd6RMkjVDRZzb']);
			expect(server.counts.voices).toBe(2);
		});

		it('names similar voices for one that is not there', async () => {
			await expect(speak({ voice: 'Rach' })).rejects.toMatchObject({ code: 'provider_rejected', message: expect.stringContaining('Similar ones: Rachel') as string });
			await expect(speak({ voice: 'A'.repeat(20) })).rejects.toMatchObject({ code: 'provider_rejected', message: expect.stringContaining('does not know this voice') as string });
		});

		it('refuses what the model cannot take, before it asks', async () => {
			await expect(speak({ text: 'x'.repeat(10_001) })).rejects.toMatchObject({ code: 'provider_rejected', message: expect.stringContaining('10000') as string });
			await expect(speak({ text: '  ' })).rejects.toMatchObject({ code: 'invalid_request' });
			expect(server.counts.speak).toBe(0);
			expect(speaker().obstacle('sw')).toMatch(/does not speak Swahili/);
			expect(speaker().obstacle('ja')).toBeNull();
			expect(speaker('a_model_of_tomorrow').obstacle('sw')).toBeNull();
			expect(speaker('x', { apiKey: undefined }).obstacle('en')).toBe('Set ELEVENLABS_API_KEY of the sidecar.');
		});
	});

	describe('transcribes', () => {
		beforeEach(() => {
			const word = (text: string, start: number, end: number, speaker_id = 'speaker_0') => ({ text, start, end, type: 'word', speaker_id, logprob: -0.1 });
			const blank = (at: number) => ({ text: ' ', start: at, end: at, type: 'spacing', speaker_id: 'speaker_0' });
			server.transcript = {
				language_code: 'eng',
				language_probability: 0.9,
				text: 'Hello you. (laughs) Bye then',
				words: [word('Hello', 0, 0.4), blank(0.4), word('you.', 0.4, 0.8), blank(0.8), { text: '(laughs)', start: 0.8, end: 1, type: 'audio_event' }, word('Bye', 1, 1.2, 'speaker_1'), blank(1.2), word('then', 3, 3.2, 'speaker_1')],
			};
		});
		const transcribe = async (options: { language?: string; speakers?: boolean; signal?: AbortSignal } = {}, model = 'scribe_v1') =>
			createElevenLabsTranscriber({ client: client(), model }).transcribe(await recording(), { signal: never, ...options });

		it('with words, speakers and segments', async () => {
			const transcript = await transcribe({ language: 'en', speakers: true });
			expect(transcript).toMatchObject({
				language: 'en',
				text: 'Hello you. (laughs) Bye then',
				segments: [
					{ start: 0, end: 0.8, text: 'Hello you.', speaker: 'A' },
					{ start: 1, end: 1.2, text: 'Bye', speaker: 'B' },
					{ start: 3, end: 3.2, text: 'then', speaker: 'B' },
				],
				provider: 'elevenlabs',
				model: 'scribe_v1',
			});
			expect(transcript.words?.[0]).toEqual({ start: 0, end: 0.4, word: 'Hello', confidence: 0.905, speaker: 'A' });
			expect(transcript.usage['audio_seconds']).toBeCloseTo(2, 0);
			expect(server.forms[0]?.fields).toEqual({ model_id: 'scribe_v1', timestamps_granularity: 'word', tag_audio_events: 'false', diarize: 'true', language_code: 'en' });
		});

		it.each([['deu', 'de'], ['fil', 'tl'], ['nob', 'no'], ['yue', 'zh'], ['heb', 'he'], ['zxx', 'zxx']])('and calls %s %s', async (there, here) => {
			server.transcript.language_code = there;
			expect((await transcribe()).language).toBe(here);
		});

		it('nothing, where nothing is said', async () => {
			server.transcript = { language_code: 'und', language_probability: 0, text: '', words: [] };
			expect(await transcribe()).toMatchObject({ text: '', segments: [], words: [] });
		});

		it('with a model that there is', async () => {
			await expect(transcribe({}, 'scribe_v9')).rejects.toMatchObject({ code: 'provider_rejected', message: expect.stringContaining('scribe_v9') as string });
		});
	});

	describe('dubs', () => {
		const dub = async (more: Partial<DubRequest> = {}) =>
			createElevenLabsDubber({ client: client(), pollMs: 1 }).dub({ audioPath: await recording(), durationSeconds: 2, key: 'job-1', again: false, from: 'en', to: 'es', path: join(folder, 'dubbed'), signal: never, ...more });
		/** Aborted, for this reason, when the dub is under way. */
		async function stopped(reason: Error): Promise<void> {
			server.slow = true;
			const abort = new AbortController();
			const working = dub({ signal: abort.signal });
			const looks = server.counts.look;
			while (server.counts.look < looks + 3) await new Promise((resolve) => setTimeout(resolve, 2));
			abort.abort(reason);
			await expect(working).rejects.toThrow(reason.message);
			server.slow = false;
		}

		it('and leaves nothing behind there', async () => {
			const made = await dub();
			expect(made).toMatchObject({ path: join(folder, 'dubbed.mp3'), usage: { audio_seconds: 6 }, model: 'dubbing' });
			expect((await probe(made.path)).durationSeconds).toBeCloseTo(2, 0);
			expect(server.forms[0]?.fields).toEqual({ name: 'media-pipeline job-1', source_lang: 'en', target_lang: 'es', num_speakers: '0', watermark: 'false' });
			expect([server.counts.look, server.counts.fetch, server.counts.list, server.dubs.size]).toEqual([2, 1, 0, 0]);
		});

		it('by their names of languages', async () => {
			await dub({ from: 'tl', to: 'en' });
			await dub({ from: undefined, to: 'tl', key: 'job-2' });
			expect(server.forms.map(({ fields }) => [fields['source_lang'], fields['target_lang']])).toEqual([['fil', 'en'], ['auto', 'fil']]);
			await expect(dub({ to: 'sw' })).rejects.toMatchObject({ code: 'provider_rejected', message: expect.stringContaining('target_lang') as string });
		});

		it('and tells what was used, though nobody got it, unless a later try will', async () => {
			const told: Array<Record<string, number>> = [];
			const used = (work: () => Promise<unknown>) => metered((usage) => void told.push(usage), work);
			await used(() => stopped(new Error('called off')));
			expect(told).toEqual([{ audio_seconds: 6 }]);
			await used(() => stopped(shuttingDown()));
			server.dubError = 'no speech found';
			await used(() => expect(dub()).rejects.toMatchObject({ code: 'provider_rejected' }));
			expect(told).toHaveLength(1);
		});

		it('or says why not, and tidies up', async () => {
			server.dubError = 'no speech found';
			await expect(dub()).rejects.toMatchObject({ code: 'provider_rejected', message: expect.stringContaining('no speech found') as string });
			expect(server.dubs.size).toBe(0);
		});

		it('until it is called off', async () => {
			await stopped(new Error('called off'));
			expect(server.dubs.size).toBe(0);
		});

		it('does not lose, nor pay twice, what is under way because looks at it or its result fail', async () => {
			server.failures.push({ when: 'look', status: 503 }, { when: 'look', status: 429 }, { when: 'fetch', status: 502 });
			await dub();
			expect([server.counts.dub, server.counts.look, server.counts.fetch]).toEqual([1, 4, 2]);
		});

		it('goes on with what an earlier try began, when the provider was away for long', async () => {
			server.failures.push(...Array.from({ length: 9 }, () => ({ when: 'look' as const, status: 503 })));
			await expect(dub()).rejects.toMatchObject({ code: 'provider_unavailable' });
			expect(server.dubs.size).toBe(1);
			await dub({ again: true });
			expect([server.counts.dub, server.dubs.size]).toEqual([1, 0]);
		});

		it('goes on with it after a restart, wherever it is in the list', async () => {
			await stopped(shuttingDown());
			expect(server.dubs.size).toBe(1);
			server.pageSize = 1;
			for (const id of ['other', 'another']) server.dubs.set(id, { name: 'somebody else', target: 'es', looks: 9 });
			await dub({ again: true });
			expect([server.counts.dub, server.counts.list, [...server.dubs.keys()]]).toEqual([1, 3, ['other', 'another']]);
		});

		it('begins anew where there is nothing to go on with', async () => {
			await dub({ again: true });
			server.failures.push({ when: 'list', status: 401, body: { detail: { status: 'missing_permissions', message: 'dubbing_read' } } });
			await dub({ again: true });
			expect(server.counts.dub).toBe(2);
		});

		it('is tried again when somebody has deleted what was under way', async () => {
			server.failures.push({ when: 'look', status: 404, body: { detail: { status: 'dubbing_not_found', message: 'Dubbing not found.' } } });
			await expect(dub()).rejects.toMatchObject({ code: 'provider_unavailable', message: expect.stringContaining('not at ElevenLabs any more') as string });
		});

		it('refuses what is too long, before it is sent', async () => {
			await expect(dub({ durationSeconds: 9001 })).rejects.toMatchObject({ code: 'input_too_large', message: expect.stringContaining('150 minutes') as string });
			expect(server.counts.dub).toBe(0);
		});
	});

	describe('explains', () => {
		it.each([
			[{ status: 401, body: { detail: { status: 'quota_exceeded', message: 'You have 0 credits' } } }, 'provider_rejected', /no credit left/],
			[{ status: 403, body: { detail: { status: 'content_against_policy', message: 'It may violate our Terms of Service and has been blocked.' } } }, 'provider_content_refused', /refused this content.*blocked/],
			[{ status: 401, body: { detail: { status: 'missing_permissions', message: 'text_to_speech' } } }, 'provider_key_refused', /may not do this.*text_to_speech/],
			[{ status: 422, body: { detail: [{ loc: ['body', 'text'], msg: 'Field required', type: 'missing' }] } }, 'provider_rejected', /body\.text: Field required/],
			[{ status: 429, headers: { 'retry-after': '7' } }, 'provider_rate_limited', /slow down/],
			[{ status: 503 }, 'provider_unavailable', /problem at the moment/],
			[{ status: 404, body: { detail: 'Not Found' } }, 'provider_rejected', /404/],
			[{ status: 200, body: { hello: 1 } }, 'provider_answer_invalid', /no sound/],
			[{ status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'provider_rejected', /302/],
		])('%j', async (failure, code, message) => {
			server.failures.push({ when: 'speak', ...failure });
			const said = speak();
			await expect(said).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
			if (failure.status === 429) await expect(said).rejects.toMatchObject({ retryAfterSeconds: 7 });
			expect(server.counts.speak).toBe(1);
		});

		it('a wrong key, without telling it', async () => {
			const error = await speak({}, speaker('eleven_multilingual_v2', { apiKey: 'sk_revoked123' })).catch((thrown: unknown) => thrown);
			expect(error).toMatchObject({ code: 'provider_key_refused', message: expect.stringContaining('ELEVENLABS_API_KEY') as string });
			expect(JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error as Error).cause)).not.toContain('sk_revoked123');
		});

		it('a server that is not there, does not answer, or answers something else', async () => {
			await expect(speak({}, speaker('m', { baseUrl: 'http://127.0.0.1:1' }))).rejects.toMatchObject({ code: 'provider_unavailable', message: expect.stringContaining('not reached') as string });
			await expect(speak({}, speaker('m', { timeoutMs: 1 }))).rejects.toMatchObject({ code: 'provider_unavailable', message: expect.stringContaining('in time') as string });
			server.failures.push({ when: 'voices', status: 200, body: { voices: 'none' } });
			await expect(speak({ voice: 'George' })).rejects.toMatchObject({ code: 'provider_answer_invalid', message: expect.stringContaining('not documented') as string });
		});

		it('nothing to a job that has ended', async () => {
			await expect(speak({ signal: AbortSignal.abort(new Error('over')) })).rejects.toThrow('over');
			expect(server.counts.speak).toBe(0);
			expect(await readdir(folder)).toEqual([]);
		});
	});

	describe('keeps to its bounds', () => {
		/** Something at the address that is not ElevenLabs. */
		async function serving(answer: RequestListener, work: (url: string) => Promise<void>): Promise<void> {
			const other = createServer(answer).listen(0, '127.0.0.1');
			await once(other, 'listening');
			try {
				await work(`http://127.0.0.1:${(other.address() as AddressInfo).port}`);
			} finally {
				other.closeAllConnections();
				await new Promise((resolve) => other.close(resolve));
			}
		}

		it('where a sound has no end: it is not kept', async () => {
			await expect(speak({}, speaker('eleven_multilingual_v2', { maxFileBytes: 1000 }))).rejects.toMatchObject({ code: 'provider_answer_invalid', message: expect.stringContaining('1000 bytes') as string });
			expect(await readdir(folder)).toEqual([]);
		});

		it('where a sound breaks off: half of it is not kept', async () => {
			await serving(
				(_, response) => {
					response.writeHead(200, { 'content-type': 'audio/mpeg', 'content-length': '9999', 'character-cost': '12' });
					response.write('half', () => response.destroy());
				},
				async (baseUrl) => {
					const told: Array<Record<string, number>> = [];
					await metered((usage) => void told.push(usage), () => expect(speak({}, speaker('m', { baseUrl }))).rejects.toMatchObject({ code: 'provider_unavailable' }));
					expect(told).toEqual([{ ai_characters: 12 }]);
				},
			);
			expect(await readdir(folder)).toEqual([]);
		});

		it('where the disk is full: the provider is not to blame', async () => {
			await symlink('/dev/full', join(folder, 'said.mp3'));
			await expect(speak()).rejects.toMatchObject({ code: 'storage_full' });
		});

		it('where the address has a path, or the version', async () => {
			const paths: string[] = [];
			await serving(
				(request, response) => {
					paths.push(request.url ?? '');
					response.writeHead(503).end();
				},
				async (url) => {
					for (const baseUrl of [`${url}/eleven`, `${url}/eleven/`, `${url}/v1/`, url]) await speak({}, speaker('m', { baseUrl })).catch(() => {});
				},
			);
			expect(paths.map((path) => path.split('/v1/')[0])).toEqual(['/eleven', '/eleven', '', '']);
		});
	});

	it('waits for its turn', async () => {
		const turns: string[] = [];
		await speak({}, speaker('eleven_multilingual_v2', { gate: async <T>(work: () => Promise<T>) => (turns.push('in'), await work().finally(() => turns.push('out'))) }));
		expect(turns).toEqual(['in', 'out']);
		expect((await stat(join(folder, 'said.mp3'))).size).toBeGreaterThan(1000);
	});
});
