import type { Logger } from 'pino';
import { PipelineError } from '../../errors.ts';
import { createEngines } from '../local/engines.ts';
import { createPocketsphinx } from '../local/pocketsphinx.ts';
import { createSilero } from '../local/silero.ts';
import { createLocalSpeaker } from '../local/speaker.ts';
import { createLocalTransformer } from '../local/transformer.ts';
import { createLocalTranslator } from '../local/translator.ts';
import { createLocalVision } from '../local/vision.ts';
import { createWhisper } from '../local/whisper.ts';
import type { LongAudioDeps } from '../long-audio.ts';
import { createFfmpegVoiceActivity } from '../sound-activity.ts';
import type { VoiceActivity } from '../voice-activity.ts';
import type { LocalEngines } from './legs.ts';

export interface LocalEnginesDeps {
	/** ENGINES_DIR */
	enginesDir: string | undefined;
	/** MODELS_DIR */
	modelsDir: string;
	/** Of the media engine. */
	runPlan: LongAudioDeps['runPlan'];
	log: Logger;
}

/** What this machine can do without network and key. Engines that are not installed say so; each starts when it is first asked. */
export function createLocalEngines({ enginesDir, modelsDir, runPlan, log }: LocalEnginesDeps): LocalEngines {
	const engines = createEngines(enginesDir);
	const voiceActivity = firstVoiceActivity([createSilero(engines), createFfmpegVoiceActivity({ runPlan, log })], log);
	const vision = createLocalVision(engines);
	return {
		byTask: {
			transcribe: { whisper: createWhisper({ engines, modelsDir }), pocketsphinx: createPocketsphinx({ voiceActivity }) },
			translate: { apertium: createLocalTranslator() },
			speak: { voices: createLocalSpeaker() },
			describe: { recognised: vision.describe },
			embed: { 'use-lite': vision.embed },
			embed_image: { centernet: vision.embed_image },
			label: { centernet: vision.label },
			detect: { centernet: vision.detect },
			faces: { 'face-api': vision.faces },
			read_text: { paddle: vision.read_text },
			moderate: { nsfwjs: vision.moderate },
		},
		transform: createLocalTransformer(engines),
		voiceActivity,
	};
}

/** The first that is there; where its program fails, the next. The last one is part of ffmpeg and always there. */
export function firstVoiceActivity(finders: readonly [VoiceActivity, ...VoiceActivity[]], log: Pick<Logger, 'warn'>): VoiceActivity {
	const ready = (): VoiceActivity[] => finders.filter((finder) => finder.obstacle() === null);
	return {
		get name() {
			return (ready()[0] ?? finders[0]).name;
		},
		obstacle: () => (ready().length > 0 ? null : finders[0].obstacle()),
		async speech(path, options) {
			const [first = finders[0], ...others] = ready();
			return others.reduce(
				(spans, next) =>
					spans.catch((error: unknown) => {
						if (options.signal.aborted || !(error instanceof PipelineError) || !error.code.startsWith('processing_')) throw error;
						log.warn({ err: error, next: next.name }, 'finding speech failed, the next one tries');
						return next.speech(path, options);
					}),
				first.speech(path, options),
			);
		},
	};
}
