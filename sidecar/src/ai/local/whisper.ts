import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { PipelineError } from '../../errors.ts';
import { languageCode, languageName } from '../languages.ts';
import type { Transcriber } from '../transcriber.ts';
import { wavSeconds } from '../wav.ts';
import type { Engines } from './engines.ts';
import { childModule, createInference, type AskOptions, type Inference, type Inferred } from './infer.ts';
import { createTurns } from './turns.ts';
import type { WhisperAnswer, WhisperRequest } from './whisper-child.ts';
import { toWhisper } from './whisper-languages.ts';
import { chooseModel, findModels, type WhisperModel } from './whisper-models.ts';
import { readTokens } from './whisper-words.ts';

export interface WhisperDeps {
	engines: Engines;
	/** MODELS_DIR. Looked into for each call: a model that is put there, or replaced, is used at once. */
	modelsDir: string;
	/** Replaces the deadline derived from the length. */
	deadlineSeconds?: number;
	/** See `createInference`. */
	idleMs?: number;
}

/** docs/dependencies.md: whisper.cpp. */
const PACKAGE = '@fugood/whisper.node/package.json';
/** What it calls; a package of its own for each system. */
const library = (machine: string): string => `@fugood/node-whisper-${machine}/index.node`;
/** The only one for which its authors publish this version. */
const MACHINE = 'linux-x64';
/** Loading a model of some gigabytes from a slow disk. */
const DEADLINE_BASE_SECONDS = 180;
/** The largest model takes three times as long as the sound plays on two cores; a busy machine takes longer. */
const DEADLINE_PER_SECOND = 20;
/** Four of its windows of 30 s: a piece that hangs is noticed within the hour, and progress is told. */
const MAX_SECONDS = 120;

/**
 * Whisper on this machine, with a model that the user brings. One piece at a time, which keeps all cores busy, and one model
 * in memory, which may be gigabytes: another one is loaded when it is its turn.
 */
export function createWhisper({ engines, modelsDir, deadlineSeconds, idleMs }: WhisperDeps): Transcriber {
	const inTurn = createTurns();
	let current: { loaded: string; inference: Inference } | null = null;

	const ask = (packagePath: string, model: WhisperModel, request: WhisperRequest, options: AskOptions): Promise<Inferred<WhisperAnswer>> =>
		inTurn(async () => {
			const wanted = `${model.path} ${model.version}`;
			if (current?.loaded !== wanted) {
				await current?.inference.close();
				const child = childModule('./whisper-child', import.meta.url);
				current = { loaded: wanted, inference: createInference({ what: 'speech', child, args: [packagePath, model.path], ...(idleMs === undefined ? {} : { idleMs }) }) };
			}
			return current.inference.ask<WhisperRequest, WhisperAnswer>(request, options);
		}, options.signal);

	const modelName = (model: WhisperModel | null): string => (model ? `whisper.cpp ${model.name}` : 'whisper.cpp');
	const choose = (language: string | undefined): WhisperModel | null => chooseModel(findModels(modelsDir).models, language);
	const findPackage = (): string | null => (engines.find(library(engines.machine)) ? engines.find(PACKAGE) : null);

	function obstacle(language?: string): string | null {
		const { models, unusable } = findModels(modelsDir);
		if (models.length === 0 && unusable.length > 0) return `${unusable.join(', ')} in MODELS_DIR is no model of whisper.cpp. Get the file again.`;
		if (models.length === 0) return `There is no whisper.cpp model: put one (ggml-*.bin) into the folder that MODELS_DIR names (default DATA_DIR/models).`;
		if (language !== undefined && toWhisper(language) === null) return `Whisper does not know the language ${languageName(language)} (${language}).`;
		if (!chooseModel(models, language)) return `The whisper.cpp model ${models[0]!.name} knows English only: put a multilingual one (without .en in its name) into MODELS_DIR (default DATA_DIR/models).`;
		if (findPackage()) return null;
		return engines.machine === MACHINE ? engines.advice : `whisper.cpp comes for Linux on x64 only; this is ${engines.machine}. Set OPENAI_API_KEY, or OPENAI_BASE_URL to a server of your own.`;
	}

	return {
		name: 'local',
		get model() {
			return modelName(choose(undefined));
		},
		takes: { format: 'wav', maxBytes: Infinity, maxSeconds: MAX_SECONDS, parallel: 1 },
		obstacle,
		async transcribe(audioPath, { language, prompt, signal, onProgress }) {
			const packagePath = findPackage();
			const model = choose(language);
			const own = language === undefined ? (model?.multilingual ? 'auto' : 'en') : toWhisper(language);
			if (!packagePath || !model || own === null) throw new PipelineError('provider_not_configured', obstacle(language) ?? engines.advice);
			const durationSeconds = await wavSeconds(audioPath);
			const limit = deadlineSeconds ?? DEADLINE_BASE_SECONDS + DEADLINE_PER_SECOND * durationSeconds;
			const request: WhisperRequest = { wavPath: audioPath, language: own, prompt: prompt ?? '', threads: availableParallelism() };
			const options = { signal, timeoutMs: limit * 1000, ...(onProgress ? { onProgress } : {}) };
			const { answer, cpuSeconds } = await ask(packagePath, model, request, options);
			if (answer.problem !== null) {
				const why = `The model ${basename(model.path)} in MODELS_DIR cannot be loaded: it is damaged, not yet whole, or of another kind. Get the file again.`;
				throw new PipelineError('processing_failed', why, { cause: new Error(answer.problem) });
			}
			const usage = { audio_seconds: Math.round(durationSeconds * 10) / 10, ai_seconds: cpuSeconds };
			const notes = language === undefined && !model.multilingual ? { notes: [`The language was not given; the model ${model.name} knows English only, and takes it for English.`] } : {};
			const heard = language ?? languageCode(answer.language);
			return { provider: 'local', model: modelName(model), usage, ...notes, language: heard, durationSeconds, ...readTokens(answer.text, answer.tokens, heard) };
		},
	};
}
