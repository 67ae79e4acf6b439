import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { enginesFolder } from '../../../../scripts/lib/engines-install.mjs';
import { createEngines, type Engines } from '../../../../sidecar/src/ai/local/engines.ts';
import { createWhisper } from '../../../../sidecar/src/ai/local/whisper.ts';
import { chooseModel, findModels } from '../../../../sidecar/src/ai/local/whisper-models.ts';
import type { Transcript, TranscribeOptions } from '../../../../sidecar/src/ai/transcriber.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import { speech } from '../../../fixtures/speech.ts';
import { SENTENCE, whisperModel } from '../../../fixtures/whisper-model.ts';
import { inFolder } from '../../../support/engine.ts';
import { calmly } from '../../../support/speech.ts';

type ModelName = Parameters<typeof whisperModel>[0];

describe('whisper.cpp', () => {
	let engines: Engines;
	beforeAll(async () => {
		engines = createEngines(await enginesFolder());
	});

	/** A folder of models, and 2.5 s of speech; the models say the same whatever they hear. */
	const withModels = <T>(names: ModelName[], work: (modelsDir: string, wav: string) => Promise<T>): Promise<T> =>
		inFolder(async (folder) => {
			for (const name of names) await symlink(whisperModel(name), join(folder, basename(whisperModel(name))));
			const wav = join(folder, 'short.wav');
			execFileSync('ffmpeg', ['-v', 'error', '-i', speech('report'), '-t', '2.5', '-c:a', 'pcm_s16le', wav]);
			return work(folder, wav);
		});
	const run = (names: ModelName[], options: Partial<TranscribeOptions> = {}, deadlineSeconds = 120): Promise<Transcript> =>
		withModels(names, (modelsDir, wav) => createWhisper({ engines, modelsDir, deadlineSeconds, idleMs: 0 }).transcribe(wav, { ...calmly(), ...options }));

	it('writes down what a model hears, and finds out the language', async () => {
		const percents: number[] = [];
		const transcript = await run(['multilingual'], { onProgress: (percent) => void percents.push(percent) });
		expect(transcript).toMatchObject({ provider: 'local', model: 'whisper.cpp tiny', language: 'de', durationSeconds: 2.5, text: SENTENCE });
		expect(transcript.words?.map(({ word }) => word)).toEqual(SENTENCE.split(' '));
		let before = 0;
		for (const { start, end } of transcript.words ?? []) {
			expect(start).toBeGreaterThanOrEqual(before);
			expect(end).toBeGreaterThanOrEqual(start);
			before = start;
		}
		expect(transcript.segments).toEqual([{ start: transcript.words![0]!.start, end: 2, text: SENTENCE }]);
		expect(percents.at(-1)).toBe(100);
	});

	it('takes the language that is given', async () => {
		expect(await run(['multilingual'], { language: 'fr' })).toMatchObject({ language: 'fr', text: SENTENCE });
	});

	it('says that a model for English took it for English, where nobody said so', async () => {
		expect(await run(['english'])).toMatchObject({ language: 'en', notes: [expect.stringContaining('takes it for English')] });
		expect((await run(['english'], { language: 'en' })).notes).toBeUndefined();
	});

	it('ends what takes too long', async () => {
		await expect(run(['multilingual'], {}, 0.01)).rejects.toMatchObject({ code: 'processing_timeout' });
	});

	it('ends with the reason of its signal', async () => {
		const abort = new AbortController();
		const running = run(['hanging'], { signal: abort.signal, onProgress: () => abort.abort(new PipelineError('deadline_exceeded', 'Too late.')) });
		await expect(running).rejects.toMatchObject({ code: 'deadline_exceeded' });
	});

	it('names a model that is damaged', async () => {
		await expect(run(['damaged'])).rejects.toMatchObject({ code: 'processing_failed', message: expect.stringContaining('ggml-damaged.bin in MODELS_DIR cannot be loaded') as string });
	});

	it('says what is missing', async () => {
		await withModels([], async (modelsDir) => {
			const whisper = createWhisper({ engines, modelsDir });
			expect(whisper.obstacle()).toContain('put one (ggml-*.bin) into the folder that MODELS_DIR names');
			await writeFile(join(modelsDir, 'ggml-page.bin'), '<html>not found</html>');
			expect(whisper.obstacle()).toContain('ggml-page.bin');
			await symlink(whisperModel('english'), join(modelsDir, 'ggml-tiny.en.bin'));
			expect([whisper.obstacle(), whisper.obstacle('en'), whisper.model]).toEqual([null, null, 'whisper.cpp tiny.en']);
			expect(whisper.obstacle('de')).toContain('knows English only');
			await symlink(whisperModel('multilingual'), join(modelsDir, 'ggml-tiny.bin'));
			expect(whisper.obstacle('de')).toBeNull();
		});
		expect(createWhisper({ engines, modelsDir: '/nowhere' }).obstacle()).toContain('MODELS_DIR');
		await withModels(['english'], (modelsDir) => {
			expect(createWhisper({ engines: createEngines(undefined), modelsDir }).obstacle()).toContain('npm run engines');
			return Promise.resolve();
		});
	});

	it('takes the largest model that knows the language', () => {
		const model = (name: string, bytes: number, multilingual: boolean) => ({ path: name, name, bytes, version: '', multilingual });
		const models = [model('medium.en', 9, false), model('small', 5, true), model('tiny', 1, true)];
		expect(['en', 'de', undefined].map((language) => chooseModel(models, language)?.name)).toEqual(['medium.en', 'small', 'small']);
		expect(chooseModel(models.slice(0, 1), undefined)?.name).toBe('medium.en');
		expect(chooseModel(models.slice(0, 1), 'de')).toBeNull();
	});

	it('asks one model after the other, never two at a time', async () => {
		await withModels(['english', 'damaged'], async (modelsDir, wav) => {
			const whisper = createWhisper({ engines, modelsDir, idleMs: 0 });
			const ended: string[] = [];
			const ask = (language: string, onProgress = () => {}): Promise<unknown> =>
				whisper.transcribe(wav, { ...calmly(), language, onProgress }).catch(() => {}).finally(() => ended.push(language));
			let first: Promise<unknown> | undefined;
			await new Promise<void>((resolve) => void (first = ask('en', resolve)));
			// That the damaged one, of which alone it is said to know German, cannot be loaded, is found out much faster than speech is written down.
			await Promise.all([first, ask('de')]);
			expect(ended).toEqual(['en', 'de']);
		});
	});

	it('takes a model that was replaced at once', async () => {
		await withModels([], async (modelsDir, wav) => {
			const whisper = createWhisper({ engines, modelsDir });
			const path = join(modelsDir, 'ggml-tiny.bin');
			await copyFile(whisperModel('damaged'), path);
			await expect(whisper.transcribe(wav, calmly())).rejects.toMatchObject({ message: expect.stringContaining('ggml-tiny.bin') as string });
			await copyFile(whisperModel('multilingual'), path);
			expect((await whisper.transcribe(wav, calmly())).text).toBe(SENTENCE);
		});
	});

	it('names a model that ends anywhere, or is none, and lives on', async () => {
		const whole = await readFile(whisperModel('multilingual'));
		await withModels([], async (modelsDir, wav) => {
			const path = join(modelsDir, 'ggml-part.bin');
			const whisper = createWhisper({ engines, modelsDir, deadlineSeconds: 30, idleMs: 0 });
			for (const bytes of [7, 8, 40, 52, 60, 1000, 64_400, 70_000, 500_000]) {
				await writeFile(path, whole.subarray(0, bytes));
				expect(whisper.obstacle()).toMatch(/ggml-part\.bin .* is no model of whisper\.cpp. Get the file again/);
				await expect(whisper.transcribe(wav, calmly())).rejects.toMatchObject({ code: 'provider_not_configured', message: expect.stringContaining('ggml-part.bin') as string });
			}
			for (const bytes of [1_000_000, whole.length / 2]) {
				await writeFile(path, whole.subarray(0, bytes));
				await expect(whisper.transcribe(wav, calmly())).rejects.toMatchObject({ code: 'processing_failed', message: expect.stringContaining('ggml-part.bin') as string });
			}
			await rm(path);
			await mkdir(path);
			expect(whisper.obstacle()).toContain('ggml-part.bin');
		});
	});

	it('knows all languages of Whisper by their codes of ISO, and says so of others', async () => {
		await withModels(['multilingual'], async (modelsDir, wav) => {
			const whisper = createWhisper({ engines, modelsDir });
			for (const language of ['he', 'jv']) {
				expect(whisper.obstacle(language)).toBeNull();
				expect((await whisper.transcribe(wav, { ...calmly(), language })).language).toBe(language);
			}
			expect(whisper.obstacle('ga')).toContain('does not know the language Irish (ga)');
			await expect(whisper.transcribe(wav, { ...calmly(), language: 'ga' })).rejects.toMatchObject({ code: 'provider_not_configured' });
		});
	});

	it('says for which machines it comes', async () => {
		const folder = await enginesFolder();
		await withModels(['multilingual'], (modelsDir) => {
			expect(createWhisper({ engines: createEngines(folder, 'linux-arm64'), modelsDir }).obstacle()).toMatch(/Linux on x64 only; this is linux-arm64.*OPENAI_API_KEY/);
			return Promise.resolve();
		});
	});

	it('lists models by their size', async () => {
		await withModels(['english', 'multilingual', 'damaged'], (modelsDir) => {
			const { models, unusable } = findModels(modelsDir);
			expect(models.map(({ name, multilingual }) => [name, multilingual])).toEqual([['tiny', true], ['tiny.en', false], ['damaged', true]]);
			expect(unusable).toEqual([]);
			return Promise.resolve();
		});
	});
});
