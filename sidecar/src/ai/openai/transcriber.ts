import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { languageCode } from '../languages.ts';
import { probe } from '../../media/probe.ts';
import type { Segment, TakesAudio, Transcriber, TranscribeOptions, Transcript } from '../transcriber.ts';
import type { OpenAiClient } from './client.ts';
import { countSchema } from './usage.ts';

/** https://platform.openai.com/docs/guides/speech-to-text: "File uploads are currently limited to 25 MB". */
const MAX_AUDIO_BYTES = 25 * 1024 * 1024;
/** The models called gpt-… refuse more ("longer than 1400 seconds which is the maximum for this model"). Whisper takes more, but parts are done side by side. */
const MAX_AUDIO_SECONDS = 1400;

export interface OpenAiTranscriberSettings {
	client: OpenAiClient;
	model: string;
	/** What other servers take. */
	limits?: Partial<TakesAudio>;
}

export function createOpenAiTranscriber({ client, model, limits = {} }: OpenAiTranscriberSettings): Transcriber {
	return {
		name: 'openai',
		model,
		takes: { format: 'mp3', maxBytes: MAX_AUDIO_BYTES, maxSeconds: MAX_AUDIO_SECONDS, parallel: 3, ...limits },
		obstacle: () => client.obstacle(),
		async transcribe(audioPath, options) {
			const request = { model, ...shapeFor(model, options), ...(options.language ? { language: options.language } : {}) };
			const answer: unknown = await client.call(model, options.signal, (openai, call) => openai.audio.transcriptions.create({ ...request, file: createReadStream(audioPath) }, call));
			const parsed = transcriptSchema.safeParse(answer);
			if (!parsed.success) throw client.strange('a transcript');
			const { duration, usage } = parsed.data;
			// Some models do not tell how long it was, which is what they are paid by.
			const seconds = duration ?? usage?.seconds ?? (await secondsOf(audioPath, parsed.data));
			return { ...readTranscript(parsed.data, seconds, options.language), provider: 'openai', model };
		},
	};
}

/** The answer is paid: it must not be lost for want of a number. */
const secondsOf = (path: string, { segments, words }: Answer): Promise<number> =>
	probe(path).then(
		({ durationSeconds }) => durationSeconds,
		() => segments?.at(-1)?.end ?? words?.at(-1)?.end ?? 0,
	);

/** The newer models know no verbose_json, and with it no times; the one that tells speakers apart has a format of its own, and takes no prompt. */
function shapeFor(model: string, { prompt }: TranscribeOptions) {
	if (/^gpt-.*diarize/.test(model)) return { response_format: 'diarized_json' as const, chunking_strategy: 'auto' as const };
	const said = prompt ? { prompt } : {};
	if (model.startsWith('gpt-')) return { response_format: 'json' as const, ...said };
	return { response_format: 'verbose_json' as const, timestamp_granularities: ['segment' as const, 'word' as const], ...said };
}

const transcriptSchema = z.object({
	text: z.string(),
	language: z.string().nullish(),
	duration: z.coerce.number().positive().nullish().catch(null),
	segments: z
		.array(
			z.object({
				start: z.number(),
				end: z.number(),
				text: z.string(),
				speaker: z.string().nullish(),
				no_speech_prob: z.number().nullish(),
				avg_logprob: z.number().nullish(),
			}),
		)
		.nullish(),
	words: z.array(z.object({ start: z.number(), end: z.number(), word: z.string() })).nullish(),
	usage: z.object({ seconds: countSchema, input_tokens: countSchema, output_tokens: countSchema, total_tokens: countSchema }).nullish().catch(null),
});
type Answer = z.infer<typeof transcriptSchema>;
type AnswerSegment = NonNullable<Answer['segments']>[number];

/** `no_speech_threshold` and `logprob_threshold` of Whisper itself (github.com/openai/whisper, transcribe.py). */
const NO_SPEECH = 0.6;
const LOGPROB = -1;

/** Over music and silence Whisper writes what it has often read ("Thanks for watching!"); it knows that it is unsure. */
const isInvented = ({ no_speech_prob: silence, avg_logprob: sure }: AnswerSegment): boolean => (silence ?? 0) > NO_SPEECH && (sure ?? 0) < LOGPROB;

function readTranscript({ text, language, segments: all, words, usage }: Answer, durationSeconds: number, asked: string | undefined): Omit<Transcript, 'provider' | 'model'> {
	const invented = all?.filter(isInvented) ?? [];
	const kept = all?.filter((segment) => !isInvented(segment)) ?? [];
	const names = new Map<string, string>();
	const segments = kept.flatMap(({ start, end, text: said, speaker }): Segment[] => {
		if (said.trim() === '') return [];
		return [{ start, end, text: said.trim(), ...(speaker ? { speaker: speakerLetter(names, speaker) } : {}) }];
	});
	const within = (time: number, list: readonly AnswerSegment[]): boolean => list.some(({ start, end }) => time >= start && time <= end);
	return {
		text: invented.length === 0 ? text.trim() : joined(text, all ?? [], kept),
		language: languageCode(language || asked || ''),
		durationSeconds,
		segments,
		words: words?.filter(({ start, end }) => !within((start + end) / 2, invented) || within((start + end) / 2, kept)) ?? null,
		usage: {
			audio_seconds: usage?.seconds ?? durationSeconds,
			...(usage?.total_tokens ? { ai_input_tokens: usage.input_tokens ?? 0, ai_output_tokens: usage.output_tokens ?? 0, ai_tokens: usage.total_tokens } : {}),
		},
	};
}

/** `A`, `B` … in the order in which they speak. */
function speakerLetter(names: Map<string, string>, speaker: string): string {
	const known = names.get(speaker) ?? (names.size < 26 ? String.fromCharCode(65 + names.size) : String(names.size + 1));
	names.set(speaker, known);
	return known;
}

/** The text without what was left out, put together as the server does it: Whisper's segments hold their spaces, those of other servers may not. */
function joined(text: string, all: readonly AnswerSegment[], kept: readonly AnswerSegment[]): string {
	const put = (segments: readonly AnswerSegment[], space: string): string => segments.map(({ text: said }) => (space ? said.trim() : said)).join(space);
	return put(kept, put(all, '').trim() === text.trim() ? '' : ' ').trim();
}
