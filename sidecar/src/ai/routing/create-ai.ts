import type { Ai } from '../ai.ts';
import { createOpenAi, type OpenAiSettings } from '../openai.ts';
import { absent } from './absent.ts';

export interface AiSettings {
	openai: OpenAiSettings;
}

/** Every capability, routed to those who can serve it. */
export function createAi({ openai }: AiSettings): Ai {
	const { transcriber, writer } = createOpenAi(openai);
	const why = 'No provider is configured for this.';
	return { ...absent(why), transcribe: transcriber, write: writer, voiceActivity: { name: 'ffmpeg', obstacle: () => why, speech: () => Promise.resolve([]) } };
}
