import { resolve, join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import { download } from '../../net/download.ts';
import type { Guard } from '../../net/guard.ts';
import { createLongAudio, type LongAudioDeps } from '../long-audio.ts';
import { createAi, type AiParts } from './create-ai.ts';
import { DEFAULT_ROUTING } from './defaults.ts';
import { createLocalEngines } from './local-engines.ts';
import { readRouting } from './schema.ts';

export interface ComposeAi {
	config: Config;
	/** Holds the keys that `api_key_env` of the routing file names. */
	environment: Readonly<Record<string, string | undefined>>;
	guard: Guard;
	/** Of the media engine. */
	runPlan: LongAudioDeps['runPlan'];
	log: Logger;
}

/** Everything about AI from the settings. Throws ConfigError with every problem of the routing file. */
export async function composeAi({ config, environment, guard, runPlan, log }: ComposeAi): Promise<AiParts> {
	const routing = await readRouting(config.AI_ROUTING_FILE, DEFAULT_ROUTING);
	const modelsDir = config.MODELS_DIR ?? join(resolve(config.DATA_DIR), 'models');
	const local = createLocalEngines({ enginesDir: config.ENGINES_DIR, modelsDir, runPlan, log });
	// Results of Replicate lie where its own address is, too.
	const named = [...routing.transform, ...routing.embed_image, ...routing.describe].flatMap(({ provider, base_url: url }) => (provider === 'replicate' ? [url] : []));
	const bases = [config.REPLICATE_BASE_URL, ...named];
	const resultGuard = guard.withAllowed(bases.flatMap((url) => (url ? [new URL(url).host] : [])));
	return createAi({
		config,
		routing,
		environment,
		local,
		transcribeLong: createLongAudio({ runPlan, voiceActivity: local.voiceActivity }),
		guard,
		download: async (url, destPath, signal) => void (await download({ url, destPath, signal, guard: resultGuard, maxBytes: config.MAX_FILE_BYTES, onProgress: () => {} })),
		log,
	});
}
