import { z } from 'zod';
import { languageName, languageSchema } from '../../ai/languages.ts';
import { joinLines } from '../../ai/subtitles/text.ts';
import type { Transcriber, Transcript } from '../../ai/transcriber.ts';
import { PipelineError } from '../../errors.ts';
import { MAX_TRACKS_LISTED, type MediaFacts } from '../../media/facts.ts';
import type { MediaPlan } from '../../media/plan.ts';
import type { TaskContext, TaskOperation } from '../operation.ts';
import { correctTranscript, type WordCorrection } from './correct-words.ts';
import type { Engine } from './engine.ts';
import { ruleFields, toRules } from './subtitle-rules.ts';
import { cuesOf, writeTranscript } from './transcript-files.ts';

const params = z.strictObject({
	language: languageSchema.optional().describe('Language that is spoken, ISO 639-1 (`en`). Absent: found out.'),
	prompt: z.string().max(800).optional().describe('Names and terms that occur, so that they are spelt right.'),
	speakers: z.boolean().default(false).describe('Tell speakers apart, where the provider can: segments then have a `speaker`, and each begins a subtitle of their own.'),
	audio_track: z.number().int().min(1).max(1000).optional().describe('Which sound track, from 1. Default: the one that players choose.'),
	...ruleFields,
});
type Params = z.infer<typeof params>;

/** Times of words beyond this many stay in transcript.json: about 12 minutes of speech, 100 kB of JSON in every answer about the job. */
const MAX_WORDS_IN_OUTPUT = 2000;
/** Whisper reads the last 224 tokens of a prompt; a token is some four characters. */
const MAX_PROMPT = 800;
/** Below this many letters the language of a text is a guess. */
const MIN_TELLING_LETTERS = 60;
const NOTHING_SAID = 'No speech was found.';

export interface TranscribeDeps {
	/** Routed: takes sound of any length. */
	transcriber: Transcriber;
	engine: Engine;
	/** What people of the workspace corrected in earlier transcripts, newest first. */
	corrections?: (workspaceId: string, language: string | undefined) => Promise<WordCorrection[]>;
	/** ISO 639-1 of a text; null where that is not clear. */
	tellLanguage?: TellLanguage;
}

type TellLanguage = (text: string, signal: AbortSignal) => Promise<string | null>;

/** Speech of the asset as text, with subtitles. */
export function createTranscribe({ transcriber, engine, corrections = async () => [], tellLanguage = async () => null }: TranscribeDeps): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'transcribe',
		version: 2,
		summary: 'Writes down what is said: text, times, and subtitles as SRT and VTT.',
		accepts: ['video', 'audio'],
		params,
		produces:
			'`transcription`, `language`, `duration`, `word_count`, `segments` (each with `start`, `end`, `text`, perhaps `speaker`), `words` (null where there are more than ' +
			`${MAX_WORDS_IN_OUTPUT}, or none), \`speakers\` (each with \`speaker\`, \`seconds\`), \`subtitle_count\`, \`corrected_words\`, \`provider\`, \`model\`, \`notes\`. ` +
			'Files: `transcript.json`, `transcript.srt`, `transcript.vtt`, `transcript.txt`.',
		example: { language: 'en' },
		// Decoding runs at some 100 × real time, a hosted Whisper at some 20 ×.
		estimateSeconds: (facts) => 3 + (facts?.durationSeconds ?? 60) * 0.06,
		async run(context, given) {
			const obstacle = transcriber.obstacle(given.language);
			if (obstacle) throw new PipelineError('provider_not_configured', obstacle);
			const { path, facts } = await context.source();
			const plan = planSpeech(facts, given.audio_track);
			const known = await corrections(context.workspaceId, given.language);
			const { files: extracted, cpuSeconds } = await context.step('audio', () =>
				engine.runPlan({
					inputPath: path,
					facts,
					plan,
					workDir: context.workDir,
					signal: context.signal,
					onProgress: (percent) => context.progress(percent * 0.15),
					log: context.log,
				}),
			);
			const audio = extracted[0];
			if (!audio) throw new PipelineError('processing_failed', 'The sound of this file could not be extracted.');
			const heard = await context.step('transcribe', () =>
				transcriber.transcribe(audio.path, {
					language: given.language,
					prompt: promptOf(given.prompt, known),
					speakers: given.speakers,
					signal: context.signal,
					onProgress: (percent) => context.progress(15 + percent * 0.8),
				}),
			);
			context.progress(95);
			// Which corrections hold is only known with the language.
			const holding = given.language || !heard.language ? known : await corrections(context.workspaceId, heard.language);
			const { transcript, count } = correctTranscript(said(heard), holding);
			const finished = await finish(transcript, given, (text) => languageOf(tellLanguage, text, context));
			const cues = await cuesOf(finished, toRules(given), context.signal);
			return {
				output: { ...describe(finished), subtitle_count: cues.length, corrected_words: count },
				files: await context.step('subtitles', () => writeTranscript(finished, cues, context.workDir)),
				cost: { ...finished.usage, cpu_seconds: cpuSeconds },
			};
		},
	};
}

/** The sound of one track as speech engines want it, its times those of the file. Throws `input_no_audio`, and `invalid_request` for a track that is not there. */
export function planSpeech(facts: MediaFacts, track?: number): MediaPlan {
	if (!facts.audio)
		throw new PipelineError('input_no_audio', 'This file has no sound, so there is nothing to transcribe. Choose a video with an audio track, or an audio file.');
	const { tracks } = facts.audio;
	// Earlier facts list no tracks, and no facts list all of very many: ffmpeg then says whether there is one.
	if (track !== undefined && tracks.length > 0 && tracks.length < MAX_TRACKS_LISTED && track > tracks.length)
		throw new PipelineError('invalid_request', `There is no sound track ${track}: this file has ${tracks.length}.`, {
			details: { field: 'params.audio_track', given: track, allowed: `1 to ${tracks.length}` },
		});
	return {
		estimatedCpuSeconds: 0.5 + facts.durationSeconds * 0.01,
		outputs: [
			{
				name: 'speech.wav',
				kind: 'audio',
				mime: 'audio/wav',
				...(track === undefined ? {} : { audioTrack: track - 1 }),
				// A WAV knows no times: sound that begins late, or has holes, gets silence there, or subtitles would come too early.
				audioFilters: ['aresample=16000:async=1:first_pts=0'],
				// The tags of the source are nobody's business but the owner's.
				options: ['-ac', '1', '-ar', '16000', '-c:a', 'pcm_s16le', '-map_metadata', '-1'],
				// Not the length of the file: sound may end long before the picture, and that is no damage.
				expectedSeconds: 0,
			},
		],
	};
}

/** The words of the request, and before them as many as find room of those that people corrected: of what is too long, Whisper reads the end. */
function promptOf(given: string | undefined, corrections: readonly WordCorrection[]): string | undefined {
	let room = MAX_PROMPT - (given?.length ?? 0) - 2;
	const names: string[] = [];
	for (const right of new Set(corrections.map((one) => one.right.replace(/\s+/gu, ' ')))) {
		if (right.length + 2 > room) continue;
		room -= right.length + 2;
		names.push(right);
	}
	const prompt = [names.length > 0 ? `${names.join(', ')}.` : '', given ?? ''].filter(Boolean).join(' ');
	return prompt === '' ? undefined : prompt;
}

/** Sounds that engines write down: `[Music]`, `(applause)`, `*laughter*`. */
const SOUND = /\[[^[\]]{0,60}\]|\([^()]{0,60}\)|（[^（）]{0,60}）|【[^【】]{0,60}】|\*[^*]{0,60}\*/gu;

/** Where nothing but sounds, notes and dots stands, nothing was said. */
function said(heard: Transcript): Transcript {
	const all = [heard.text, ...heard.segments.map(({ text }) => text)].join(' ');
	if (!/[\p{L}\p{N}]/u.test(all.replace(SOUND, ' '))) return { ...heard, text: '', segments: [], words: heard.words && [] };
	return heard.text.trim() === '' ? { ...heard, text: joinLines(heard.segments.map(({ text }) => text.trim())) } : heard;
}

/** Null also where that fails: what has been paid for must not be lost for a note. Throws the signal's reason. */
async function languageOf(tell: TellLanguage, text: string, { signal, log }: TaskContext): Promise<string | null> {
	try {
		return await tell(text, signal);
	} catch (error) {
		signal.throwIfAborted();
		log.warn({ err: error }, 'the language of a transcript could not be told');
		return null;
	}
}

/** Language and notes, as far as only the whole text can tell. */
async function finish(transcript: Transcript, given: Params, tell: (text: string) => Promise<string | null>): Promise<Transcript> {
	const notes = [...(transcript.notes ?? [])];
	const letters = transcript.text.match(/\p{L}/gu)?.length ?? 0;
	if (transcript.text === '' && !notes.includes(NOTHING_SAID)) notes.unshift(NOTHING_SAID);
	const seen = letters >= MIN_TELLING_LETTERS ? await tell(transcript.text) : null;
	if (given.language && seen && seen !== given.language)
		notes.push(`The language given is ${languageName(given.language)} (${given.language}), but the text looks like ${languageName(seen)} (${seen}). If that is what is spoken, transcribe again with it.`);
	if (given.speakers && letters > 0 && !transcript.segments.some(({ speaker }) => speaker))
		notes.push(`Speakers are not told apart: ${transcript.model} of ${transcript.provider} cannot do that.`);
	return { ...transcript, language: transcript.language || given.language || seen || '', notes };
}

const words = new Intl.Segmenter('en', { granularity: 'word' });

function describe(transcript: Transcript): Record<string, unknown> {
	const few = transcript.words !== null && transcript.words.length <= MAX_WORDS_IN_OUTPUT;
	return {
		transcription: transcript.text,
		language: transcript.language,
		duration: transcript.durationSeconds,
		word_count: Array.from(words.segment(transcript.text)).filter(({ isWordLike }) => isWordLike).length,
		segments: transcript.segments,
		words: few ? transcript.words : null,
		speakers: speakersOf(transcript),
		provider: transcript.provider,
		model: transcript.model,
		notes: transcript.notes ?? [],
	};
}

/** In the order in which they begin to speak. */
function speakersOf({ segments }: Transcript): Array<{ speaker: string; seconds: number }> {
	const seconds = new Map<string, number>();
	for (const { speaker, start, end } of segments) if (speaker) seconds.set(speaker, (seconds.get(speaker) ?? 0) + Math.max(0, end - start));
	return [...seconds].map(([speaker, spoken]) => ({ speaker, seconds: Math.round(spoken * 10) / 10 }));
}
