import { openAsBlob } from 'node:fs';
import { z } from 'zod';
import { languageCode } from '../languages.ts';
import type { Segment, Transcriber, Transcript, Word } from '../transcriber.ts';
import type { ElevenLabsClient } from './client.ts';
import { theirCode } from './languages.ts';

/** https://elevenlabs.io/docs/api-reference/speech-to-text/convert: less than 3 GB, at most ten hours. */
const MAX_BYTES = 2_900_000_000;
const MAX_SECONDS = 10 * 3600 - 60;
/** A pause in which a new thought begins; the provider answers words only. */
const PAUSE_SECONDS = 0.8;
/** A segment without a full stop is ended here, at a word: subtitles are cut within segments. */
const MAX_SEGMENT_SECONDS = 30;

const answerSchema = z.object({
	language_code: z.string(),
	text: z.string(),
	words: z.array(
		z.object({
			text: z.string(),
			start: z.number().nullish(),
			end: z.number().nullish(),
			type: z.enum(['word', 'spacing', 'audio_event']),
			speaker_id: z.string().nullish(),
			logprob: z.number().nullish(),
		}),
	),
	audio_duration_secs: z.number().nullish(),
});
type Answer = z.infer<typeof answerSchema>;
type Piece = Answer['words'][number];

/** Scribe: words with times, and speakers told apart. It takes no prompt. */
export function createElevenLabsTranscriber({ client, model }: { client: ElevenLabsClient; model: string }): Transcriber {
	return {
		name: 'elevenlabs',
		model,
		// The smallest plan allows for eight at once, by their page on concurrency; others may be using the account.
		takes: { format: 'mp3', maxBytes: MAX_BYTES, maxSeconds: MAX_SECONDS, parallel: 3 },
		obstacle: () => client.obstacle(),
		async transcribe(audioPath, { language, speakers, signal }) {
			const form = new FormData();
			form.set('model_id', model);
			form.set('timestamps_granularity', 'word');
			form.set('tag_audio_events', 'false');
			form.set('diarize', String(speakers ?? false));
			if (language) form.set('language_code', theirCode(language));
			form.set('file', await openAsBlob(audioPath, { type: 'audio/mpeg' }), 'speech.mp3');
			const answer = await client.json({ action: 'transcribe', method: 'POST', path: '/v1/speech-to-text', body: form, signal }, answerSchema);
			return { ...readTranscript(answer), provider: 'elevenlabs', model };
		},
	};
}

/** Pure. Without times nothing can be placed: such words are left out of the list, and stay in the text. */
export function readTranscript(answer: Answer): Omit<Transcript, 'provider' | 'model'> {
	const letters = new Map<string, string>();
	const speakerOf = ({ speaker_id: id }: Piece): { speaker?: string } => {
		if (!id) return {};
		if (!letters.has(id)) letters.set(id, letterOf(letters.size));
		return { speaker: letters.get(id) ?? 'A' };
	};
	const said = answer.words.filter(({ type }) => type !== 'audio_event');
	const segments: Segment[] = [];
	const words: Word[] = [];
	let open: Segment | null = null;
	for (const piece of said) {
		if (piece.type === 'spacing') {
			if (open) open.text += piece.text;
			continue;
		}
		if (piece.start == null || piece.end == null) {
			if (open) open.text += piece.text;
			continue;
		}
		const { start, end } = piece;
		const speaker = speakerOf(piece);
		words.push({ start, end, word: piece.text, ...(piece.logprob == null ? {} : { confidence: Math.round(Math.min(1, Math.exp(piece.logprob)) * 1000) / 1000 }), ...speaker });
		const goesOn: boolean = open !== null && open.speaker === speaker.speaker && start - open.end <= PAUSE_SECONDS && end - open.start <= MAX_SEGMENT_SECONDS && !/[.!?…。！？]["'”’»)]*\s*$/u.test(open.text);
		if (open && goesOn) {
			open.text += piece.text;
			open.end = end;
		} else {
			open = { start, end, text: piece.text, ...speaker };
			segments.push(open);
		}
	}
	const durationSeconds = answer.audio_duration_secs ?? words.at(-1)?.end ?? 0;
	return {
		text: answer.text.trim(),
		// ISO 639-3 (`deu`).
		language: languageCode(answer.language_code),
		durationSeconds,
		segments: segments.map((segment) => ({ ...segment, text: segment.text.trim() })),
		words,
		usage: { audio_seconds: durationSeconds },
	};
}

/** `A` … `Z`, then `AA`. */
const letterOf = (index: number): string => (index < 26 ? String.fromCharCode(65 + index) : letterOf(Math.floor(index / 26) - 1) + letterOf(index % 26));
