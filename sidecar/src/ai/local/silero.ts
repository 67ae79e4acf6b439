import { PipelineError } from '../../errors.ts';
import type { Span, VoiceActivity } from '../voice-activity.ts';
import { wavSeconds } from '../wav.ts';
import type { Engines } from './engines.ts';
import { childModule, createInference } from './infer.ts';

/** docs/dependencies.md: Silero v6, a small neural network that tells speech from music and noise. */
const MODEL = '@ricky0123/vad-web/dist/silero_vad_v6.onnx';
const RUNTIME = 'onnxruntime-node/package.json';
/** Starting Node and the network. */
const DEADLINE_BASE_SECONDS = 60;
/** It takes a hundredth of the time that the sound plays (measured on one core of 2020); a busy machine takes longer. */
const DEADLINE_PER_SECOND = 0.5;

/** Silero on this machine. `deadlineSeconds` replaces the deadline derived from the length. */
export function createSilero(engines: Engines, limits: { deadlineSeconds?: number } = {}): VoiceActivity {
	return {
		name: 'local',
		obstacle: () => (engines.find(MODEL) && engines.find(RUNTIME) ? null : engines.advice),
		async speech(wavPath, { signal, onProgress }) {
			const model = engines.find(MODEL);
			const runtime = engines.find(RUNTIME);
			if (!model || !runtime) throw new PipelineError('provider_not_configured', engines.advice);
			const seconds = limits.deadlineSeconds ?? DEADLINE_BASE_SECONDS + DEADLINE_PER_SECOND * (await wavSeconds(wavPath));
			// A process for each file: three hours of sound must not keep short ones waiting, and loading takes a fraction of a second.
			const inference = createInference({
				what: 'finding speech',
				child: childModule('./silero-child', import.meta.url),
				args: [model, runtime],
				idleMs: 0,
			});
			const options = { signal, timeoutMs: seconds * 1000, ...(onProgress ? { onProgress } : {}) };
			return (await inference.ask<string, Span[]>(wavPath, options)).answer;
		},
	};
}
