import type { Config } from '../../config.ts';
import type { Capabilities } from '../ai.ts';
import { createElevenLabsClient, type ElevenLabsClient } from '../elevenlabs/client.ts';
import { createElevenLabsDubber } from '../elevenlabs/dubber.ts';
import { createElevenLabsSpeaker } from '../elevenlabs/speaker.ts';
import { createElevenLabsTranscriber } from '../elevenlabs/transcriber.ts';
import { createOpenAiClient, type OpenAiClient } from '../openai/client.ts';
import { createOpenAiDescriber } from '../openai/describer.ts';
import { createOpenAiEmbedder } from '../openai/embedder.ts';
import { createOpenAiModerator } from '../openai/moderator.ts';
import { createOpenAiSpeaker } from '../openai/speaker.ts';
import { createOpenAiTranscriber } from '../openai/transcriber.ts';
import { createOpenAiTranslator } from '../openai/translator.ts';
import { createOpenAiWriter } from '../openai/writer.ts';
import type { ProviderName } from '../provider.ts';
import { createReplicateClient, type ReplicateClient } from '../replicate/client.ts';
import { createReplicateDescriber } from '../replicate/describer.ts';
import { createReplicateImageEmbedder } from '../replicate/image-embedder.ts';
import type { Limiter } from './limiter.ts';
import type { Entry } from './schema.ts';
import type { Routable } from './shapes.ts';

export type AiConfig = Pick<
	Config,
	| 'OPENAI_API_KEY'
	| 'OPENAI_BASE_URL'
	| 'OPENAI_TRANSCRIBE_MODEL'
	| 'OPENAI_CAPTION_MODEL'
	| 'ELEVENLABS_API_KEY'
	| 'ELEVENLABS_BASE_URL'
	| 'REPLICATE_API_TOKEN'
	| 'REPLICATE_BASE_URL'
	| 'REPLICATE_BACKGROUND_MODEL'
	| 'REPLICATE_UPSCALE_MODEL'
	| 'REPLICATE_STYLE_MODEL'
>;

export type HostedName = Exclude<ProviderName, 'local'>;

export interface ProviderTools {
	config: AiConfig;
	/** Where the keys are that `api_key_env` names. */
	environment: Readonly<Record<string, string | undefined>>;
	/** Every request to the provider passes here. */
	gate: Limiter;
}

type Factory<C extends Routable> = (entry: Entry, tools: ProviderTools) => Capabilities[C];

/** Who does what, and with which model when the routing names none. One file per provider and task does the work. */
export const HOSTED: Record<HostedName, { [C in Routable]?: Factory<C> }> = {
	openai: {
		transcribe: (entry, tools) => createOpenAiTranscriber({ client: openai(entry, tools), model: entry.model ?? tools.config.OPENAI_TRANSCRIBE_MODEL }),
		describe: (entry, tools) => createOpenAiDescriber({ client: openai(entry, tools), model: entry.model ?? tools.config.OPENAI_CAPTION_MODEL }),
		write: (entry, tools) => createOpenAiWriter({ client: openai(entry, tools), model: entry.model ?? tools.config.OPENAI_CAPTION_MODEL }),
		translate: (entry, tools) => createOpenAiTranslator({ client: openai(entry, tools), model: entry.model ?? tools.config.OPENAI_CAPTION_MODEL }),
		embed: (entry, tools) => createOpenAiEmbedder({ client: openai(entry, tools), model: entry.model ?? 'text-embedding-3-small', dimensions: entry.dimensions ?? 512 }),
		moderate: (entry, tools) => createOpenAiModerator({ client: openai(entry, tools), model: entry.model ?? 'omni-moderation-latest' }),
		speak: (entry, tools) => createOpenAiSpeaker({ client: openai(entry, tools), model: entry.model ?? 'gpt-4o-mini-tts', voice: entry.voice }),
	},
	elevenlabs: {
		transcribe: (entry, tools) => createElevenLabsTranscriber({ client: elevenLabs(entry, tools), model: entry.model ?? 'scribe_v1' }),
		speak: (entry, tools) => createElevenLabsSpeaker({ client: elevenLabs(entry, tools), model: entry.model ?? 'eleven_multilingual_v2', voice: entry.voice }),
		dub: (entry, tools) => createElevenLabsDubber({ client: elevenLabs(entry, tools) }),
	},
	replicate: {
		describe: (entry, tools) => createReplicateDescriber({ client: replicate(entry, tools), model: entry.model ?? 'salesforce/blip' }),
		// CLIP ViT-L/14.
		embed_image: (entry, tools) => createReplicateImageEmbedder({ client: replicate(entry, tools), model: entry.model ?? 'openai/clip', dimensions: entry.dimensions ?? 768 }),
	},
};

const openai = (entry: Entry, { config, environment, gate }: ProviderTools): OpenAiClient =>
	createOpenAiClient({ ...connection(entry, environment, { apiKey: config.OPENAI_API_KEY, baseUrl: config.OPENAI_BASE_URL }), gate });

const elevenLabs = (entry: Entry, { config, environment, gate }: ProviderTools): ElevenLabsClient =>
	createElevenLabsClient({ ...connection(entry, environment, { apiKey: config.ELEVENLABS_API_KEY, baseUrl: config.ELEVENLABS_BASE_URL }), gate });

function replicate(entry: Entry, { config, environment, gate }: ProviderTools): ReplicateClient {
	const { apiKey, baseUrl, keyName } = connection(entry, environment, { apiKey: config.REPLICATE_API_TOKEN, baseUrl: config.REPLICATE_BASE_URL });
	return createReplicateClient({ token: apiKey, baseUrl, keyName, gate });
}

export interface Connection {
	apiKey: string | undefined;
	baseUrl: string | undefined;
	/** What to set when the key is missing or wrong; undefined: the provider's usual variable. */
	keyName?: string;
	urlName?: string;
}

/** A server that the routing file names never gets the key of another one: only the key that the same entry names. */
export function connection({ base_url: baseUrl, api_key_env: keyName }: Entry, environment: ProviderTools['environment'], usual: { apiKey: string | undefined; baseUrl: string | undefined }): Connection {
	const url = baseUrl === undefined ? { baseUrl: usual.baseUrl } : { baseUrl, urlName: 'base_url in the routing file' };
	if (keyName !== undefined) return { apiKey: environment[keyName] || undefined, keyName, ...url };
	// Servers without keys accept any text; the libraries insist on one.
	return baseUrl === undefined ? { apiKey: usual.apiKey, ...url } : { apiKey: 'none', keyName: 'api_key_env in the routing file', ...url };
}
