import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { PipelineError } from '../../errors.ts';
import type { Transcriber } from '../transcriber.ts';
import { wavSeconds } from '../wav.ts';
import type { Engines } from './engines.ts';
import { childModule, createInference, type Inference } from './infer.ts';
import type { WhisperAnswer, WhisperRequest } from './whisper-child.ts';
import { chooseModel, findModels, type WhisperModel } from './whisper-models.ts';
import { readTokens } from './whisper-words.ts';

export interface WhisperDeps {
	engines: Engines;
	/** MODELS_DIR. Looked into for each call: a model that is put there is used at once. */
	modelsDir: string;
	/** Replaces the deadline derived from the length. */
	deadlineSeconds?: number;
	/** See `createInference`. */
	idleMs?: number;
}

/** docs/dependencies.md: whisper.cpp. */
const PACKAGE = '@fugood/whisper.node/package.json';
/** Loading a model of some gigabytes from a slow disk. */
const DEADLINE_BASE_SECONDS = 180;
/** The largest model takes three times as long as the sound plays on two cores; a busy machine takes longer. */
const DEADLINE_PER_SECOND = 20;
/** Four of its windows of 30 s: a piece that hangs is noticed within the hour, and progress is told. */
const MAX_SECONDS = 120;

/** Whisper on this machine, with a model that the user brings. One piece at a time, which keeps all cores busy. */
export function createWhisper({ engines, modelsDir, deadlineSeconds, idleMs }: WhisperDeps): Transcriber {
	let current: { path: string; inference: Inference } | null = null;

	function inferenceFor(packagePath: string, model: WhisperModel): Inference {
		if (current?.path === model.path) return current.inference;
		// What still works with the other model ends by itself.
		const child = childModule('./whisper-child', import.meta.url);
		const inference = createInference({ what: 'speech', child, args: [packagePath, model.path], ...(idleMs === undefined ? {} : { idleMs }) });
		current = { path: model.path, inference };
		return inference;
	}

	const modelName = (model: WhisperModel | null): string => (model ? `whisper.cpp ${model.name}` : 'whisper.cpp');
	const choose = (language: string | undefined): WhisperModel | null => chooseModel(findModels(modelsDir).models, language);

	function obstacle(language?: string): string | null {
		const { models, unusable } = findModels(modelsDir);
		if (models.length === 0 && unusable.length > 0) return `${unusable.join(', ')} in ${modelsDir} is no model of whisper.cpp. Get the file again.`;
		if (models.length === 0) return `There is no whisper.cpp model: put one (ggml-*.bin) into ${modelsDir}, or set MODELS_DIR.`;
		if (!chooseModel(models, language)) return `The whisper.cpp model ${models[0]!.name} knows English only: put a multilingual one (without .en in its name) into ${modelsDir}.`;
		return engines.find(PACKAGE) ? null : engines.advice;
	}

	return {
		name: 'local',
		get model() {
			return modelName(choose(undefined));
		},
		takes: { format: 'wav', maxBytes: Infinity, maxSeconds: MAX_SECONDS, parallel: 1 },
		obstacle,
		async transcribe(audioPath, { language, prompt, signal, onProgress }) {
			const packagePath = engines.find(PACKAGE);
			const model = choose(language);
			if (!packagePath || !model) throw new PipelineError('provider_not_configured', obstacle(language) ?? engines.advice);
			const durationSeconds = await wavSeconds(audioPath);
			const limit = deadlineSeconds ?? DEADLINE_BASE_SECONDS + DEADLINE_PER_SECOND * durationSeconds;
			const request: WhisperRequest = {
				wavPath: audioPath,
				language: language ?? (model.multilingual ? 'auto' : 'en'),
				prompt: prompt ?? '',
				threads: availableParallelism(),
			};
			const options = { signal, timeoutMs: limit * 1000, ...(onProgress ? { onProgress } : {}) };
			const { answer, cpuSeconds } = await inferenceFor(packagePath, model).ask<WhisperRequest, WhisperAnswer>(request, options);
			if (answer.problem !== null) {
				throw new PipelineError('processing_failed', `The model ${basename(model.path)} in MODELS_DIR cannot be loaded: it is damaged, or of another kind. Get the file again.`, {
					cause: new Error(answer.problem),
				});
			}
			const usage = { audio_seconds: Math.round(durationSeconds * 10) / 10, ai_seconds: cpuSeconds };
			return { provider: 'local', model: modelName(model), usage, language: answer.language, durationSeconds, ...readTokens(answer.text, answer.tokens, answer.language) };
		},
	};
}
