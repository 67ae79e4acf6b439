import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PipelineError } from '../../errors.ts';
import type { Speaker } from '../speaker.ts';
import type { OpenAiClient } from './client.ts';
import { whole } from './text.ts';

/** https://platform.openai.com/docs/guides/text-to-speech: voices that every model has. */
const DEFAULT_VOICE = 'alloy';
/** https://platform.openai.com/docs/api-reference/audio/createSpeech */
const MAX_CHARS = 4096;

/** Its voices are made for English, and speak whatever language the text has. */
export function createOpenAiSpeaker({ client, model, voice: preset = DEFAULT_VOICE }: { client: OpenAiClient; model: string; voice?: string | undefined }): Speaker {
	return {
		name: 'openai',
		model,
		obstacle: () => client.obstacle(),
		async speak({ text, voice = preset, path, signal }) {
			const input = whole(text).trim();
			if (input === '') throw new PipelineError('invalid_request', 'There is no text to speak.');
			if (input.length > MAX_CHARS) throw new PipelineError('provider_rejected', `The text is ${input.length} characters long; ${model} speaks at most ${MAX_CHARS} at once. Cut it into parts.`);
			const file = `${path}.wav`;
			await client.call(model, signal, async (openai, options) => {
				const response = await openai.audio.speech.create({ model, voice, input, response_format: 'wav' }, options);
				if (!response.body || /json|html/.test(response.headers.get('content-type') ?? '')) throw client.strange('sound');
				await pipeline(Readable.fromWeb(response.body), createWriteStream(file), options);
			});
			if ((await stat(file)).size === 0) throw client.strange('sound');
			return { path: file, usage: { ai_characters: [...input].length }, provider: 'openai', model };
		},
	};
}
