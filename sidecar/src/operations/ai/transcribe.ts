import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { cutSubtitles, toSrt, toVtt } from '../../ai/subtitles.ts';
import type { Transcriber, Transcript } from '../../ai/transcriber.ts';
import { PipelineError } from '../../errors.ts';
import type { MediaFacts } from '../../media/facts.ts';
import type { MediaPlan, ProducedFile } from '../../media/plan.ts';
import type { TaskOperation } from '../operation.ts';
import type { Engine } from './engine.ts';

const params = z.strictObject({
	language: z
		.string()
		.regex(/^[a-z]{2}$/, 'must be an ISO 639-1 code of two letters, e.g. en')
		.optional()
		.describe('Language that is spoken, ISO 639-1 (`en`). Absent: found out.'),
	prompt: z.string().max(800).optional().describe('Names and terms that occur, so that they are spelt right.'),
	max_line_chars: z.number().int().min(16).max(80).default(42).describe('Longest line of the subtitles, characters.'),
});
type Params = z.infer<typeof params>;

/** Speech is understood from 16 kHz mono at 32 kbit/s as well as from the original; Whisper itself works at 16 kHz mono. */
const KBPS = 32;
/** Times of words beyond this many stay in transcript.json: about 12 minutes of speech, 100 kB of JSON in every callback. */
const MAX_WORDS_IN_OUTPUT = 2000;

/** Speech of the asset as text, with subtitles. */
export function createTranscribe({
	transcriber,
	engine,
}: {
	transcriber: Transcriber;
	engine: Engine;
}): TaskOperation<Params> {
	return {
		kind: 'task',
		name: 'transcribe',
		version: 1,
		summary: 'Writes down what is said: text, times, and subtitles as SRT and VTT.',
		accepts: ['video', 'audio'],
		params,
		produces:
			'`transcription`, `language`, `duration`, `word_count`, `segments`, `words`. Files: `transcript.json`, `transcript.srt`, `transcript.vtt`, `transcript.txt`.',
		example: { language: 'en' },
		// Decoding runs at some 100 × real time, a hosted Whisper at some 20 ×.
		estimateSeconds: (facts) => 3 + (facts?.durationSeconds ?? 60) * 0.06,
		async run(context, given) {
			const obstacle = transcriber.obstacle(given.language);
			if (obstacle) throw new PipelineError('provider_not_configured', obstacle);
			const { path, facts } = await context.source();
			const plan = planSpeech(facts, transcriber.takes.maxBytes);
			const { files: extracted, cpuSeconds } = await context.step('audio', () =>
				engine.runPlan({
					inputPath: path,
					facts,
					plan,
					workDir: context.workDir,
					signal: context.signal,
					onProgress: (percent) => context.progress(percent * 0.3),
					log: context.log,
				}),
			);
			const audio = extracted[0];
			if (!audio) throw new PipelineError('processing_failed', 'The sound of this file could not be extracted.');
			if ((await stat(audio.path)).size > transcriber.takes.maxBytes)
				throw tooLong(facts.durationSeconds, transcriber.takes.maxBytes);
			const transcript = await context.step('transcribe', () =>
				transcriber.transcribe(audio.path, { language: given.language, prompt: given.prompt, signal: context.signal }),
			);
			context.progress(95);
			return {
				output: describe(transcript),
				files: await context.step('subtitles', () => writeFiles(transcript, context.workDir, given.max_line_chars)),
				cost: { ...transcript.usage, cpu_seconds: cpuSeconds },
			};
		},
	};
}

/** The sound as a small file. Throws `input_no_audio`, and `input_too_large` when it would not fit through the provider. */
export function planSpeech(facts: MediaFacts, maxBytes: number): MediaPlan {
	if (!facts.audio)
		throw new PipelineError(
			'input_no_audio',
			'This file has no sound, so there is nothing to transcribe. Choose a video with an audio track, or an audio file.',
		);
	if ((facts.durationSeconds * KBPS * 1000) / 8 > maxBytes) throw tooLong(facts.durationSeconds, maxBytes);
	return {
		estimatedCpuSeconds: 0.5 + facts.durationSeconds * 0.01,
		outputs: [
			{
				name: 'speech.mp3',
				kind: 'audio',
				mime: 'audio/mpeg',
				// The tags of the source are nobody's business but the owner's.
				options: ['-ac', '1', '-ar', '16000', '-c:a', 'libmp3lame', '-b:a', `${KBPS}k`, '-map_metadata', '-1'],
				// Not the length of the file: sound may end long before the picture, and that is no damage.
				expectedSeconds: 0,
			},
		],
	};
}

function tooLong(durationSeconds: number, maxBytes: number): PipelineError {
	const minutes = (seconds: number) => Math.floor(seconds / 60);
	const most = minutes((maxBytes * 8) / (KBPS * 1000));
	return new PipelineError(
		'input_too_large',
		`This file is ${minutes(durationSeconds)} minutes long; at most ${most} minutes can be transcribed at once. Trim it, or transcribe its parts.`,
		{ details: { duration_seconds: durationSeconds, max_minutes: most } },
	);
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
	};
}

async function writeFiles(transcript: Transcript, workDir: string, maxLineChars: number): Promise<ProducedFile[]> {
	// A provider without times still gives a text: it is shown over the whole length.
	const whole = { start: 0, end: transcript.durationSeconds, text: transcript.text };
	const segments = transcript.segments.length > 0 ? transcript.segments : [whole];
	const cues = cutSubtitles(segments, transcript.words, { maxLineChars });
	const { usage: _usage, durationSeconds, ...rest } = transcript;
	const contents: Array<[string, string, string]> = [
		['transcript.json', 'application/json', `${JSON.stringify({ ...rest, duration: durationSeconds }, null, '\t')}\n`],
		['transcript.srt', 'application/x-subrip', toSrt(cues)],
		['transcript.vtt', 'text/vtt', toVtt(cues)],
		['transcript.txt', 'text/plain', `${transcript.text}\n`],
	];
	return Promise.all(
		contents.map(async ([name, mime, content]) => {
			const path = join(workDir, name);
			await writeFile(path, content);
			return { name, path, mime };
		}),
	);
}
