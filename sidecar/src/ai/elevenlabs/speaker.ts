import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { languageName } from '../languages.ts';
import { spend } from '../meter.ts';
import type { Speaker } from '../speaker.ts';
import type { ElevenLabsClient } from './client.ts';
import { theirCode } from './languages.ts';

/** "George", the voice of their quick start: every account has it. */
const DEFAULT_VOICE = 'JBFqnCBsd6RMkjVDRZzb';
const VOICE_ID = /^[A-Za-z0-9]{20}$/;
/** https://elevenlabs.io/docs/models: eleven_multilingual_v2 speaks 29 languages, the 2.5 models three more. By ISO 639-1. */
const MULTILINGUAL = ['ar', 'bg', 'cs', 'da', 'de', 'el', 'en', 'es', 'fi', 'fr', 'hi', 'hr', 'id', 'it', 'ja', 'ko', 'ms', 'nl', 'pl', 'pt', 'ro', 'ru', 'sk', 'sv', 'ta', 'tl', 'tr', 'uk', 'zh'];
const LANGUAGES: Readonly<Record<string, readonly string[]>> = {
	eleven_multilingual_v2: MULTILINGUAL,
	eleven_turbo_v2_5: [...MULTILINGUAL, 'hu', 'no', 'vi'],
	eleven_flash_v2_5: [...MULTILINGUAL, 'hu', 'no', 'vi'],
};
/** The same page: 10,000 characters of the multilingual model, more of the others. */
const MAX_CHARACTERS = 10_000;
/** Every plan may have it; PCM costs a larger one. */
const OUTPUT = 'mp3_44100_128';

const voicesSchema = z.object({ voices: z.array(z.object({ voice_id: z.string(), name: z.string() })) });

export function createElevenLabsSpeaker({ client, model, voice: preset = DEFAULT_VOICE }: { client: ElevenLabsClient; model: string; voice?: string | undefined }): Speaker {
	const known = new Map<string, string>();

	async function idOf(voice: string, signal: AbortSignal): Promise<string> {
		const found = VOICE_ID.test(voice) ? voice : known.get(voice.toLowerCase());
		if (found) return found;
		const { voices } = await client.json({ action: 'look a voice up', method: 'GET', path: '/v2/voices', query: { search: voice, page_size: '100' }, signal }, voicesSchema);
		// "George" is called "George - Warm Storyteller" by now.
		const match = voices.find(({ name }) => name.toLowerCase() === voice.toLowerCase()) ?? voices.find(({ name }) => name.toLowerCase().split(/\s+[-–]\s+/)[0] === voice.toLowerCase());
		if (!match) {
			const names = voices.slice(0, 5).map(({ name }) => name);
			throw new PipelineError('provider_rejected', `There is no voice called "${voice}" in this account of ElevenLabs.${names.length > 0 ? ` Similar ones: ${names.join(', ')}.` : ' Add it to "My Voices" there, or give its ID.'}`);
		}
		known.set(voice.toLowerCase(), match.voice_id);
		return match.voice_id;
	}

	return {
		name: 'elevenlabs',
		model,
		obstacle(language) {
			const spoken = LANGUAGES[model];
			if (language && spoken && !spoken.includes(language)) return `${model} of ElevenLabs does not speak ${languageName(language)}.`;
			return client.obstacle();
		},
		async speak({ text, language, voice = preset, path, signal }) {
			const input = text.trim();
			if (input === '') throw new PipelineError('invalid_request', 'There is no text to speak.');
			if (input.length > MAX_CHARACTERS) throw new PipelineError('provider_rejected', `The text is ${input.length} characters long; ElevenLabs speaks at most ${MAX_CHARACTERS} at once. Cut it into parts.`);
			const id = await idOf(voice, signal);
			const file = `${path}.mp3`;
			let usage: Record<string, number> = {};
			await client.file(
				{
					action: 'speak',
					method: 'POST',
					path: `/v1/text-to-speech/${id}`,
					query: { output_format: OUTPUT },
					// The multilingual model hears the language from the text, and refuses to be told.
					body: { text: input, model_id: model, ...(/_v2_5$|_v3$/.test(model) ? { language_code: theirCode(language) } : {}) },
					signal,
				},
				file,
				(headers) => {
					const charged = Number(headers['character-cost'] ?? headers['x-character-count'] ?? Number.NaN);
					usage = { ai_characters: Number.isFinite(charged) ? charged : input.length };
					spend(usage);
				},
			);
			if ((await stat(file)).size === 0) throw new PipelineError('provider_answer_invalid', 'ElevenLabs answered an empty sound.');
			return { path: file, usage, provider: 'elevenlabs', model };
		},
	};
}
