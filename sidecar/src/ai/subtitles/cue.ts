import { z } from 'zod';
import { joinLines } from './text.ts';

/** One subtitle: shown from `start` to `end` (whole milliseconds). Lines are plain text, without markup. */
export interface Cue {
	start: number;
	end: number;
	lines: string[];
	/** When each word is said, in order, where that is known. Together they are the lines. */
	words?: CueWord[];
	/** `A`, `B` …, or a name, where that is known. */
	speaker?: string;
}

/** Times in milliseconds. */
export interface CueWord {
	text: string;
	start: number;
	end: number;
}

/** Some sixteen hours of talk, at three seconds each. */
export const MAX_CUES = 20_000;
/** Characters of a subtitle file: ten times that of a long film. */
export const MAX_SUBTITLE_CHARACTERS = 2_000_000;
/** Characters of one subtitle: a hundred times what can be read. Beyond it, a line without an end was taken for one. */
export const MAX_CUE_CHARACTERS = 10_000;

const time = z.number().int().min(0);

/** Cues as JSON holds them (transcript.json, subtitles.json). */
export const cueSchema = z.object({
	start: time,
	end: time,
	lines: z.array(z.string()).min(1),
	words: z.array(z.object({ text: z.string(), start: time, end: time })).optional(),
	speaker: z.string().optional(),
});

/** Of any number, as our own transcripts have them. */
export const cueListSchema = z.array(cueSchema);
export const cuesSchema = cueListSchema.max(MAX_CUES);

/** The text of a cue in one line. */
export const textOf = ({ lines }: Pick<Cue, 'lines'>): string => joinLines(lines);
