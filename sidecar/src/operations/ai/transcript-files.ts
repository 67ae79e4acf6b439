import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cue } from '../../ai/subtitles/cue.ts';
import { cutSubtitles } from '../../ai/subtitles/cut.ts';
import type { SubtitleRules } from '../../ai/subtitles/rules.ts';
import { toSrt } from '../../ai/subtitles/srt.ts';
import { toVtt } from '../../ai/subtitles/vtt.ts';
import type { Transcript } from '../../ai/transcriber.ts';
import type { ProducedFile } from '../../media/plan.ts';
import { directed } from './subtitle-files.ts';

/** Subtitles of a transcript. A provider without times still gives a text: it is shown over the whole length. */
export function cuesOf({ text, segments, words, durationSeconds }: Transcript, rules: SubtitleRules, signal: AbortSignal): Promise<Cue[]> {
	const whole = { start: 0, end: durationSeconds, text };
	return cutSubtitles(segments.length > 0 ? segments : [whole], words, rules, signal);
}

/** transcript.json (with all words and the subtitles' cues), .srt, .vtt and .txt in `workDir`. */
export async function writeTranscript(transcript: Transcript, cues: readonly Cue[], workDir: string): Promise<ProducedFile[]> {
	const { usage: _usage, durationSeconds, ...rest } = transcript;
	const shown = directed(cues, transcript.language);
	const contents: Array<[string, string, string]> = [
		['transcript.json', 'application/json', `${JSON.stringify({ ...rest, duration: durationSeconds, cues }, null, '\t')}\n`],
		['transcript.srt', 'application/x-subrip', toSrt(shown)],
		['transcript.vtt', 'text/vtt', toVtt(shown)],
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
