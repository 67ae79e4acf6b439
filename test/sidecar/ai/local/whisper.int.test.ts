import { execFileSync } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
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
		expect((await run(['multilingual'], { language: 'fr' })).language).toBe('fr');
		expect((await run(['english'])).language).toBe('en');
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
			expect(whisper.obstacle()).toContain(`put one (ggml-*.bin) into ${modelsDir}`);
			await writeFile(join(modelsDir, 'ggml-page.bin'), '<html>not found</html>');
			expect(whisper.obstacle()).toContain('ggml-page.bin');
			await symlink(whisperModel('english'), join(modelsDir, 'ggml-tiny.en.bin'));
			expect([whisper.obstacle(), whisper.obstacle('en'), whisper.model]).toEqual([null, null, 'whisper.cpp tiny.en']);
			expect(whisper.obstacle('de')).toContain('knows English only');
			await symlink(whisperModel('multilingual'), join(modelsDir, 'ggml-tiny.bin'));
			expect(whisper.obstacle('de')).toBeNull();
		});
		expect(createWhisper({ engines, modelsDir: '/nowhere' }).obstacle()).toContain('/nowhere');
		await withModels(['english'], (modelsDir) => {
			expect(createWhisper({ engines: createEngines(undefined), modelsDir }).obstacle()).toContain('npm run engines');
			return Promise.resolve();
		});
	});

	it('takes the largest model that knows the language', () => {
		const model = (name: string, bytes: number, multilingual: boolean) => ({ path: name, name, bytes, multilingual });
		const models = [model('medium.en', 9, false), model('small', 5, true), model('tiny', 1, true)];
		expect(['en', 'de', undefined].map((language) => chooseModel(models, language)?.name)).toEqual(['medium.en', 'small', 'small']);
		expect(chooseModel(models.slice(0, 1), undefined)?.name).toBe('medium.en');
		expect(chooseModel(models.slice(0, 1), 'de')).toBeNull();
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
