import { readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { wordErrors } from '../../../../bench/lib/wer.ts';
import { createPocketsphinx } from '../../../../sidecar/src/ai/local/pocketsphinx.ts';
import type { Transcriber, Transcript } from '../../../../sidecar/src/ai/transcriber.ts';
import type { VoiceActivity } from '../../../../sidecar/src/ai/voice-activity.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import { REPORT, speech } from '../../../fixtures/speech.ts';
import { inFolder } from '../../../support/engine.ts';
import { calmly, silero } from '../../../support/speech.ts';

/** In a folder of its own: the recogniser puts its lists beside the sound. */
const transcribe = (transcriber: Transcriber, name: 'report' | 'twice' | 'music' | 'silent' | 'empty', options = {}) =>
	inFolder(async (folder) => {
		const path = join(folder, 'with a blank.wav');
		await symlink(speech(name), path);
		const transcript = await transcriber.transcribe(path, { ...calmly(), ...options });
		expect(await readdir(folder)).toEqual(['with a blank.wav']);
		return transcript;
	});

describe('PocketSphinx', () => {
	let voiceActivity: VoiceActivity;
	let local: Transcriber;
	let report: Transcript;
	beforeAll(async () => {
		voiceActivity = await silero();
		local = createPocketsphinx({ voiceActivity });
		report = await transcribe(local, 'report');
	});

	it('understands at least two of three words of a clear voice', () => {
		expect(wordErrors(REPORT, report.text).rate).toBeLessThanOrEqual(0.35);
		expect(report).toMatchObject({ provider: 'local', model: 'PocketSphinx en-us', language: 'en' });
		expect(report.notes).toEqual([expect.stringContaining('Draft quality'), expect.stringContaining('takes it for English')]);
		expect(report.usage['audio_seconds']).toBeCloseTo(report.durationSeconds, 1);
	});

	it('gives each word its time and how sure it is, in order', () => {
		const { words, segments, durationSeconds } = report;
		let before = 0;
		for (const { start, end, confidence } of words!) {
			expect(start).toBeGreaterThanOrEqual(before);
			expect(end).toBeGreaterThan(start);
			expect(confidence).toBeGreaterThanOrEqual(0);
			expect(confidence).toBeLessThanOrEqual(1);
			before = start;
		}
		expect(words!.at(-1)!.end).toBeLessThanOrEqual(durationSeconds + 0.05);
		expect(segments.map(({ text }) => text).join(' ').split(' ')).toHaveLength(words!.length);
	});

	it('places words that come after silence', async () => {
		const { words, segments } = await transcribe(local, 'twice', { language: 'en', prompt: 'Nova' });
		const month = words!.filter(({ word }) => word.toLowerCase() === 'month').map(({ start }) => start);
		expect(month).toHaveLength(2);
		expect(month[1]! - month[0]!).toBeGreaterThan(12);
		expect(segments.length).toBeGreaterThan(1);
		expect(segments.every(({ text }) => /^[A-Z]/.test(text))).toBe(true);
	});

	it('writes nothing where nobody speaks', async () => {
		for (const name of ['music', 'silent', 'empty'] as const) {
			expect(await transcribe(local, name)).toMatchObject({ text: '', segments: [], words: [] });
		}
	});

	it('ends with the reason of its signal, and at its deadline', async () => {
		const abort = new AbortController();
		const running = transcribe(local, 'report', { signal: abort.signal, onProgress: () => abort.abort(new PipelineError('deadline_exceeded', 'Too late.')) });
		await expect(running).rejects.toMatchObject({ code: 'deadline_exceeded' });
		const hasty = createPocketsphinx({ voiceActivity, deadlineSeconds: 0.05 });
		await expect(transcribe(hasty, 'report')).rejects.toMatchObject({ code: 'processing_timeout' });
	});

	it('says for which languages, and which packages, something must be done', async () => {
		expect([local.obstacle(), local.obstacle('en')]).toEqual([null, null]);
		expect(local.obstacle('de')).toContain('English only');
		const missing = createPocketsphinx({ voiceActivity, path: '' });
		expect(missing.obstacle('en')).toContain('apt-get install pocketsphinx pocketsphinx-en-us');
		expect(createPocketsphinx({ voiceActivity, modelDir: '/nowhere' }).obstacle()).toContain('pocketsphinx-en-us');
		await expect(transcribe(missing, 'report')).rejects.toMatchObject({ code: 'provider_not_configured' });
	});

	it('says so when its model is damaged', async () => {
		await inFolder(async (modelDir) => {
			for (const file of ['en-us', 'en-us.lm.bin', 'cmudict-en-us.dict']) await symlink(join('/usr/share/pocketsphinx/model/en-us', file), join(modelDir, file));
			await rm(join(modelDir, 'en-us.lm.bin'));
			await symlink(join(modelDir, 'cmudict-en-us.dict'), join(modelDir, 'en-us.lm.bin'));
			const broken = createPocketsphinx({ voiceActivity, modelDir });
			await expect(transcribe(broken, 'report')).rejects.toMatchObject({ code: 'processing_failed', message: expect.stringContaining('Install pocketsphinx') as string });
		});
	});
});
