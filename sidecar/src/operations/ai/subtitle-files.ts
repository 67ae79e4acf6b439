import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isRightToLeft } from '../../ai/languages.ts';
import type { Cue } from '../../ai/subtitles/cue.ts';
import { SUBTITLE_FILE_NAMES, SUBTITLE_FILES, type SubtitleFile, type WriteOptions } from '../../ai/subtitles/write.ts';
import type { ProducedFile } from '../../media/plan.ts';
import { markDirection } from './lay-text.ts';
import type { SubtitlesFound } from './subtitle-source.ts';

/** Longer texts are in the files only: the output goes along with every callback. */
const MAX_TEXT_IN_OUTPUT = 200_000;

export const formatsField = (preset: SubtitleFile[]) =>
	z
		.array(z.enum(SUBTITLE_FILE_NAMES))
		.min(1)
		.max(SUBTITLE_FILE_NAMES.length)
		.default(preset)
		.describe('Formats of the result: srt, vtt, ass, txt (the text alone), json (cues with all that is known of them). The first one is `subtitles` of the output, too.');

/** For the reference. */
export const SUBTITLE_OUTPUT =
	`\`subtitles\` (text in the first format; null beyond ${MAX_TEXT_IN_OUTPUT} characters), \`format\`, \`cue_count\`, \`duration\` (seconds up to the end of the last one), \`language\`, \`origin\` (request, transcribe, translate), \`notes\``;

/** Formats that players show, which take the direction of a line from its first letter. */
const SHOWN: ReadonlySet<SubtitleFile> = new Set(['srt', 'vtt', 'ass']);

/** As players want them: a line of Hebrew that begins with a Latin name would run the wrong way. */
export const directed = (cues: readonly Cue[], language: string): readonly Cue[] =>
	isRightToLeft(language) ? cues.map((cue) => ({ ...cue, lines: cue.lines.map(markDirection) })) : cues;

/** What an operation that makes subtitles answers: a file for each format, the first one in the output. */
export async function subtitleResult(
	found: SubtitlesFound,
	given: { formats: readonly SubtitleFile[]; workDir: string } & Omit<WriteOptions, 'language'>,
): Promise<{ output: Record<string, unknown>; files: ProducedFile[] }> {
	const { cues, language, origin, notes } = found;
	const formats = [...new Set(given.formats)];
	// What somebody wrote stays as it is.
	const shown = origin === 'request' ? cues : directed(cues, language);
	const texts = formats.map((format) => SUBTITLE_FILES[format].write(SHOWN.has(format) ? shown : cues, { ...given, language }));
	const files = formats.map((format): ProducedFile => ({ name: `subtitles.${format}`, path: join(given.workDir, `subtitles.${format}`), mime: SUBTITLE_FILES[format].mime }));
	await Promise.all(files.map(({ path }, index) => writeFile(path, texts[index] ?? '')));
	const [text = ''] = texts;
	return {
		output: { subtitles: text.length <= MAX_TEXT_IN_OUTPUT ? text : null, format: formats[0], cue_count: cues.length, duration: endOf(cues) / 1000, language, origin, notes },
		files,
	};
}

const endOf = (cues: readonly Cue[]): number => cues.reduce((last, { end }) => Math.max(last, end), 0);
