import type { Ai } from '../ai.ts';
import { createOpenAiClient } from '../openai/client.ts';
import { createOpenAiTranscriber } from '../openai/transcriber.ts';
import { createOpenAiWriter } from '../openai/writer.ts';
import { absent } from './absent.ts';

export interface AiSettings {
	openai: { apiKey: string | undefined; baseUrl: string | undefined; transcribeModel: string; captionModel: string };
}

/** Every capability, routed to those who can serve it. */
export function createAi({ openai }: AiSettings): Ai {
	const client = createOpenAiClient(openai);
	const why = 'No provider is configured for this.';
	return {
		...absent(why),
		transcribe: createOpenAiTranscriber({ client, model: openai.transcribeModel }),
		write: createOpenAiWriter({ client, model: openai.captionModel }),
		voiceActivity: { name: 'ffmpeg', obstacle: () => why, speech: () => Promise.resolve([]) },
	};
}
