import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { createElevenLabsClient } from '../../../../sidecar/src/ai/elevenlabs/client.ts';
import { createElevenLabsDubber } from '../../../../sidecar/src/ai/elevenlabs/dubber.ts';
import { createElevenLabsSpeaker } from '../../../../sidecar/src/ai/elevenlabs/speaker.ts';
import { createLocalSpeaker } from '../../../../sidecar/src/ai/local/speaker.ts';
import { createLocalTranslator } from '../../../../sidecar/src/ai/local/translator.ts';
import type { Speaker, SpeakRequest } from '../../../../sidecar/src/ai/speaker.ts';
import type { Translator } from '../../../../sidecar/src/ai/translator.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import { runPlan } from '../../../../sidecar/src/media/engine.ts';
import { probe } from '../../../../sidecar/src/media/probe.ts';
import { createDub } from '../../../../sidecar/src/operations/ai/dub.ts';
import { dubFixture, TONE_HZ } from '../../../fixtures/dub.ts';
import { startElevenLabs, type ElevenLabsEmulator } from '../../../platforms/elevenlabs.ts';
import { channelOf, measured, onsets, rmsDb, samplesOf, streamHash, toneDb } from '../../../support/sound.ts';
import { testTask, type TestTask } from '../../../support/task-context.ts';

const RATE = 48_000;
/** Spoken in 1.0 to 2.5 and 5.0 to 6.5 s. */
const SRT = '1\n00:00:01,000 --> 00:00:02,500\nDas Wasser kocht. 🍵\n\n2\n00:00:05,000 --> 00:00:06,500\n[lacht] Guten Tag zusammen.\n';

describe('dub', () => {
	let server: ElevenLabsEmulator;
	let task: TestTask | undefined;
	beforeEach(async () => {
		server = await startElevenLabs();
	});
	afterEach(async () => {
		await server.close();
		await task?.end();
		task = undefined;
	});
	const client = (apiKey: string | undefined) => createElevenLabsClient({ apiKey, baseUrl: server.url });

	async function dub(name: Parameters<typeof dubFixture>[0], given: Record<string, unknown>, { earlier = {}, speaker = createLocalSpeaker(), translator = createLocalTranslator(), key, attempt = 1, pauses = [] }: { earlier?: Record<string, Record<string, unknown>>; speaker?: Speaker; translator?: Translator; key?: string; attempt?: number; pauses?: number[] } = {}) {
		const source = dubFixture(name);
		task = await testTask(source, { earlier });
		const operation = createDub({ speaker, dubber: createElevenLabsDubber({ client: client(key), pollMs: 1 }), translator, engine: { runPlan }, glossary: () => Promise.resolve([]), sleep: (ms) => Promise.resolve(pauses.push(ms)) });
		const result = await operation.run({ ...task.context, attempt }, operation.params.parse(given));
		const [file] = result.files ?? [];
		if (!file) throw new Error('no file');
		return { ...result, source, path: file.path, name: file.name, facts: await probe(file.path) };
	}
	/** The voice alone, without the tone of the original. */
	const voiceOf = (path: string) => samplesOf(path, { filters: 'lowpass=f=6000,lowpass=f=6000' });
	const toneBetween = (path: string, from: number, to: number) => toneDb(samplesOf(path).subarray(from * RATE, to * RATE), TONE_HZ);
	const between = (samples: Float32Array, from: number, to: number) => rmsDb(samples, from * RATE, to * RATE);

	it('speaks over the original, which steps back by 15 dB just then; the picture is copied', async () => {
		const { path, source, name, facts, output, cost } = await dub('tone', { to: 'de', subtitles: SRT });
		expect(name).toBe('dubbed.mp4');
		expect(streamHash(path, 'v')).toBe(streamHash(source, 'v'));
		expect(facts.durationSeconds).toBeCloseTo(8, 1);
		expect(facts.audio).toMatchObject({ channels: 2, sampleRate: 48_000, tracks: [{ language: 'deu' }] });
		const voice = voiceOf(path);
		const starts = onsets(voice, { level: 0.03, gap: 1 });
		expect(starts).toHaveLength(2);
		expect(starts[0]).toBeCloseTo(1.03, 1);
		expect(starts[1]).toBeCloseTo(5.03, 1);
		const [before, during, after] = [toneBetween(path, 0.2, 0.8), toneBetween(path, 1.2, 1.9), toneBetween(path, 3.4, 4.6)];
		expect(before - during).toBeGreaterThan(13.5);
		expect(before - during).toBeLessThan(16.5);
		expect(Math.abs(before - after)).toBeLessThan(1);
		expect(output).toMatchObject({ language: 'de', engine: 'voices', mode: 'over', utterances: 2, text: 'Das Wasser kocht.\nGuten Tag zusammen.', warnings: [], provider: 'local', notes: [expect.stringContaining('robotic')] });
		expect(cost).toMatchObject({ ai_characters: 36, cpu_seconds: expect.any(Number) as number });
		expect(await readdir(task?.context.workDir ?? '')).toEqual(expect.not.arrayContaining([expect.stringMatching(/pcm|line-/)]));
	});

	it('or instead of it, at the loudness that is wanted', async () => {
		const { path, output } = await dub('tone', { to: 'de', subtitles: SRT, mode: 'replace', target_lufs: -18 });
		expect(toneBetween(path, 0.2, 0.8)).toBeLessThan(-80);
		expect(toneBetween(path, 1.2, 1.9)).toBeLessThan(-70);
		const voice = voiceOf(path);
		expect(between(voice, 1.1, 1.9)).toBeGreaterThan(-35);
		expect(between(voice, 3.5, 4.8)).toBeLessThan(-70);
		expect(Math.abs(measured(path).lufs + 18)).toBeLessThan(1.5);
		expect((output['loudness'] as { integrated_lufs: number }).integrated_lufs).toBeCloseTo(measured(path).lufs, 0);
	});

	it('keeps the original as a second track where that is wanted', async () => {
		const { path, source, facts } = await dub('tone', { to: 'es', subtitles: SRT, keep_original: true });
		expect(facts.audio?.tracks.map(({ language, default: first }) => [language, first])).toEqual([['spa', true], ['eng', false]]);
		const hash = (file: string, track: number): string => execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', file, '-map', `0:a:${track}`, '-c', 'copy', '-f', 'md5', '-'], { encoding: 'utf8' });
		expect(hash(path, 1)).toBe(hash(source, 0));
	});

	it('never lets two sentences overlap: they are hurried, then pushed', async () => {
		const many = 'Dies ist ein ziemlich langer Satz, der in so kurzer Zeit nicht gesagt werden kann.';
		const { path, output } = await dub('tone', { to: 'de', mode: 'replace', subtitles: `1\n00:00:00,500 --> 00:00:01,500\n${many}\n\n2\n00:00:01,600 --> 00:00:02,600\nJa.\n` });
		const warnings = output['warnings'] as Array<{ line: number; kind: string }>;
		expect(warnings.map(({ line, kind }) => [line, kind])).toEqual([[1, 'fast'], [2, 'late']]);
		const starts = onsets(voiceOf(path), { level: 0.02, gap: 0.05 });
		expect(starts[0]).toBeGreaterThan(0.45);
		expect(output['utterances']).toBe(2);
	});

	it('ends with the recording', async () => {
		const { facts, output } = await dub('tone', { to: 'de', subtitles: '1\n00:00:07,000 --> 00:00:07,800\nDieser Satz kommt zu spät, um noch ganz gesagt zu werden, fürchte ich.\n\n2\n00:00:20,000 --> 00:00:21,000\nNie.\n' });
		expect(facts.durationSeconds).toBeCloseTo(8, 1);
		expect(output).toMatchObject({ utterances: 1, warnings: [{ line: 1, kind: 'cut' }] });
	});

	it('translates what was transcribed', async () => {
		const earlier = { transcribe: { language: 'en', segments: [{ start: 1, end: 3, text: 'The house is big.' }], words: null } };
		const { output } = await dub('tone', { to: 'es', engine: 'voices' }, { earlier });
		expect(output['text']).toMatch(/^La casa es grande/);
		expect(output['notes']).toEqual(expect.arrayContaining([expect.stringContaining('Draft quality')]));
	});

	it('does not go back in its progress, however often a translation begins anew', async () => {
		const earlier = { transcribe: { language: 'en', segments: [{ start: 1, end: 3, text: 'The house is big.' }], words: null } };
		const local = createLocalTranslator();
		const translator: Translator = {
			...local,
			translate: (request) => {
				for (const percent of [100, 10]) request.onProgress?.(percent);
				return local.translate(request);
			},
		};
		await dub('tone', { to: 'es', engine: 'voices' }, { earlier, translator });
		expect(task?.percents.filter((percent) => percent < 20)).toEqual([]);
	});

	it('gives a video without sound its voice, keeps WebM what it is, and takes sound alone', async () => {
		const silent = await dub('silent', { to: 'de', subtitles: SRT });
		expect(silent.facts.audio?.channels).toBe(2);
		expect(streamHash(silent.path, 'v')).toBe(streamHash(silent.source, 'v'));
		await task?.end();
		const webm = await dub('webm', { to: 'de', subtitles: SRT, keep_original: true });
		expect(webm.name).toBe('dubbed.webm');
		expect(streamHash(webm.path, 'v')).toBe(streamHash(webm.source, 'v'));
		expect(webm.facts.audio?.tracks.map(({ codec }) => codec)).toEqual(['opus', 'opus']);
		await task?.end();
		const sound = await dub('sound', { to: 'de', subtitles: SRT, keep_original: true });
		expect([sound.name, sound.facts.fileType]).toEqual(['dubbed.flac', 'audio']);
	});

	it('by ElevenLabs voices', async () => {
		const speaker = createElevenLabsSpeaker({ client: client(server.key), model: 'eleven_multilingual_v2' });
		const { path, output, cost } = await dub('tone', { to: 'de', subtitles: SRT, voice: 'Rachel', engine: 'voices', mode: 'replace' }, { speaker });
		expect(server.spoken.map(({ text }) => text).sort()).toEqual(['Das Wasser kocht.', 'Guten Tag zusammen.']);
		expect(output).toMatchObject({ provider: 'elevenlabs', model: 'eleven_multilingual_v2' });
		expect(cost).toMatchObject({ ai_characters: 36 });
		expect(onsets(voiceOf(path), { level: 0.03, gap: 1 })).toHaveLength(2);
	});

	it('by the dubbing service, which needs no subtitles', async () => {
		const { path, source, output } = await dub('tone', { to: 'es' }, { key: server.key });
		expect(output).toMatchObject({ engine: 'dubbing', provider: 'elevenlabs', model: 'dubbing', notes: [expect.stringContaining('keeps music')] });
		expect(server.forms[0]).toMatchObject({ step: 'dub', fields: { target_lang: 'es', source_lang: 'auto' } });
		expect(streamHash(path, 'v')).toBe(streamHash(source, 'v'));
		// The emulator answers the same sound, a fifth higher.
		expect(toneBetween(path, 1, 7)).toBeLessThan(-60);
		expect(toneDb(samplesOf(path).subarray(RATE, 7 * RATE), TONE_HZ * 1.2)).toBeGreaterThan(-40);
		expect(channelOf(samplesOf(path, { channels: 2 }), 0, 2).length / RATE).toBeCloseTo(8, 1);
	});

	it('says what is missing, before it costs anything', async () => {
		await expect(dub('tone', { to: 'de' })).rejects.toMatchObject({ code: 'input_not_found', details: { run_first: 'transcribe' } });
		await expect(dub('tone', { to: 'ja', subtitles: SRT })).rejects.toMatchObject({ code: 'provider_not_configured', message: expect.stringContaining('Japanese') as string });
		await expect(dub('tone', { to: 'de', engine: 'dubbing' })).rejects.toMatchObject({ code: 'provider_not_configured', message: expect.stringContaining('ELEVENLABS_API_KEY') as string });
		await expect(dub('tone', { to: 'fr', from: 'de', subtitles: SRT })).rejects.toMatchObject({ code: 'provider_not_configured' });
		await expect(dub('tone', { to: 'de', subtitles: '1\n00:00:01,000 --> 00:00:02,500\n♪ 🍵\n' })).rejects.toMatchObject({ code: 'input_not_found' });
		await expect(dub('silent', { to: 'de', engine: 'dubbing' }, { key: server.key })).rejects.toMatchObject({ code: 'input_no_audio' });
		expect([server.counts.dub, server.counts.speak]).toEqual([0, 0]);
	});

	it('does not throw away what was spoken, and paid, because one sentence is refused', async () => {
		server.failures.push({ when: 'speak', status: 429, headers: { 'retry-after': '9' } }, { when: 'speak', status: 503 });
		const pauses: number[] = [];
		const speaker = createElevenLabsSpeaker({ client: client(server.key), model: 'eleven_multilingual_v2' });
		const { output } = await dub('tone', { to: 'de', subtitles: SRT, engine: 'voices' }, { speaker, pauses });
		expect(output).toMatchObject({ utterances: 2 });
		expect([server.counts.speak, server.spoken.length, pauses]).toEqual([4, 2, [9000, 4000]]);
		server.failures.push({ when: 'speak', status: 401 });
		await expect(dub('tone', { to: 'de', subtitles: SRT, engine: 'voices' }, { speaker, pauses })).rejects.toMatchObject({ code: 'provider_key_refused' });
		expect([server.counts.speak, pauses.length]).toEqual([5, 2]);
	});

	it('does not wait for ever, though each sentence is spoken in the end', async () => {
		const local = createLocalSpeaker();
		const refused = new Set<string>();
		const speaker: Speaker = {
			...local,
			speak(request) {
				if (refused.has(request.text)) return local.speak(request);
				refused.add(request.text);
				return Promise.reject(new PipelineError('provider_rate_limited', 'slow down', { retryAfterSeconds: 110 }));
			},
		};
		const srt = (count: number) => Array.from({ length: count }, (_, index) => `${index + 1}\n00:00:0${Math.floor(index / 2)},${index % 2 ? '600' : '100'} --> 00:00:0${Math.floor(index / 2)},${index % 2 ? '900' : '400'}\nNummer ${index + 1}.\n`).join('\n');
		const pauses: number[] = [];
		await expect(dub('tone', { to: 'de', subtitles: srt(12), engine: 'voices' }, { speaker, pauses })).rejects.toMatchObject({ code: 'provider_rate_limited' });
		expect(pauses.length).toBeLessThan(12);
	});

	it('is spoken by one voice from the beginning to the end', async () => {
		const local = createLocalSpeaker();
		const seen: Array<SpeakRequest['like']> = [];
		const many = Array.from({ length: 5 }, (_, index) => `${index + 1}\n00:00:0${index},000 --> 00:00:0${index},900\nSatz ${index + 1}.\n`).join('\n');
		await dub('tone', { to: 'de', subtitles: many }, { speaker: { ...local, speak: (request) => (seen.push(request.like), local.speak(request)) } });
		expect(seen).toEqual([undefined, ...Array.from({ length: 4 }, () => ({ provider: 'local', model: 'espeak-ng de' }))]);
	});

	it('is no film without words: a voice that says nothing is noticed', async () => {
		const local = createLocalSpeaker();
		const mute = (text: RegExp): Speaker => ({
			...local,
			speak: async (request) => {
				const said = await local.speak(request);
				if (text.test(request.text)) execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', 'anullsrc=d=1', said.path]);
				return said;
			},
		});
		await expect(dub('tone', { to: 'de', subtitles: SRT }, { speaker: mute(/./) })).rejects.toMatchObject({ code: 'provider_answer_invalid', message: expect.stringContaining('said nothing') as string });
		await task?.end();
		expect((await dub('tone', { to: 'de', subtitles: SRT }, { speaker: mute(/Wasser/) })).output).toMatchObject({ utterances: 1, warnings: [{ line: 1, kind: 'silent' }] });
	});

	it('gives each line of a dialogue its time, and says no stage directions', async () => {
		const { path, output } = await dub('tone', { to: 'de', mode: 'replace', subtitles: '1\n00:00:01,000 --> 00:00:07,000\n- Ja.\n- Nein. （笑）\n- Doch. 【音乐】\n' });
		expect(output['text']).toBe('Ja.\nNein.\nDoch.');
		const starts = onsets(voiceOf(path), { level: 0.03, gap: 0.5 });
		expect(starts).toHaveLength(3);
		for (const [index, start] of starts.entries()) expect(start).toBeCloseTo(1.03 + 2 * index, 0);
	});

	it('keeps sound of six channels audible under the voice', async () => {
		const { path, facts } = await dub('surround', { to: 'de', subtitles: SRT, keep_original: true });
		expect(facts.audio?.tracks.map(({ channels }) => channels)).toEqual([2, 6]);
		expect(toneBetween(path, 0.2, 0.8) - toneBetween(path, 1.2, 1.9)).toBeGreaterThan(13.5);
	});

	describe('by the dubbing service', () => {
		const SPOKEN = { transcribe: { language: 'en', segments: [{ start: 1, end: 3, text: 'The house is big.' }], words: null } };

		it('stays in step with the picture where the sound begins later', async () => {
			const { path } = await dub('late', { to: 'es' }, { key: server.key });
			const tone = (from: number, to: number) => toneDb(samplesOf(path).subarray(from * RATE, to * RATE), TONE_HZ * 1.2);
			expect(tone(2.2, 6.5) - tone(0.2, 1.7)).toBeGreaterThan(30);
			expect(tone(2.2, 6.5) - tone(7.3, 7.9)).toBeGreaterThan(30);
		});

		it('is told what is spoken, and finds what an earlier try began', async () => {
			await dub('tone', { to: 'es', engine: 'dubbing' }, { key: server.key, earlier: SPOKEN, attempt: 2 });
			expect(server.forms[0]?.fields).toMatchObject({ source_lang: 'en', name: expect.stringMatching(/^media-pipeline [0-9a-f]{32}$/) as string });
			expect(JSON.stringify(server.forms)).not.toContain(task?.context.jobId);
			expect(server.counts.list).toBe(1);
		});

		it('is not asked where somebody says what is to be spoken, or by whom', async () => {
			const own = await dub('tone', { to: 'es', from: 'en', subtitles: '1\n00:00:01,000 --> 00:00:03,000\nThe house is big.\n' }, { key: server.key });
			expect(own.output).toMatchObject({ engine: 'voices', text: expect.stringMatching(/^La casa es grande/) as string });
			await task?.end();
			expect((await dub('tone', { to: 'es', voice: 'es+f3' }, { key: server.key, earlier: SPOKEN })).output).toMatchObject({ engine: 'voices', model: 'espeak-ng es+f3' });
			expect(server.counts.dub).toBe(0);
			await task?.end();
			const { output } = await dub('tone', { to: 'es', engine: 'dubbing', voice: 'Rachel', mode: 'replace' }, { key: server.key });
			expect(output['notes']).toEqual([expect.stringContaining('`voice` was not used')]);
		});

		it('is not paid for silence, nor for the language that is spoken already', async () => {
			await expect(dub('tone', { to: 'es' }, { key: server.key, earlier: { transcribe: { language: '', segments: [], words: null } } })).rejects.toMatchObject({ code: 'input_not_found', message: expect.stringContaining('Nobody speaks') as string });
			await expect(dub('tone', { to: 'en', engine: 'dubbing' }, { key: server.key, earlier: SPOKEN })).rejects.toMatchObject({ code: 'invalid_request', details: { field: 'params.to' } });
			expect(server.counts.dub).toBe(0);
		});
	});

	it('never reads a text aloud in another language than it is written in', async () => {
		const earlier = { transcribe: { language: '', segments: [{ start: 1, end: 3, text: 'The house is big.' }], words: null } };
		await expect(dub('tone', { to: 'es', engine: 'voices' }, { earlier })).rejects.toMatchObject({ code: 'provider_not_configured', message: expect.stringContaining('must be told the language') as string });
		expect((await dub('tone', { to: 'es', from: 'en', engine: 'voices' }, { earlier })).output['text']).toMatch(/^La casa es grande/);
	});

	it('leaves it for later when the provider wants to be left alone for an hour', async () => {
		server.failures.push({ when: 'speak', status: 429, headers: { 'retry-after': '3600' } });
		const speaker = createElevenLabsSpeaker({ client: client(server.key), model: 'eleven_multilingual_v2' });
		await expect(dub('tone', { to: 'de', subtitles: SRT, engine: 'voices' }, { speaker })).rejects.toMatchObject({ code: 'provider_rate_limited', retryAfterSeconds: 3600 });
		expect(server.counts.speak).toBe(1);
	});
});
