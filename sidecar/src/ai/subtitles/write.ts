import { toAss } from './ass.ts';
import { textOf, type Cue } from './cue.ts';
import { toSrt } from './srt.ts';
import { glue } from './text.ts';
import { toVtt } from './vtt.ts';

export interface WriteOptions {
	/** ISO 639-1; `''`: not known. */
	language: string;
	/** Lines hold `<i>`, `<b>` and `<u>` (parse.ts, `markup: 'keep'`). Default: they are plain. */
	markup?: boolean;
	/** WebVTT: with the time of each word, for players that highlight what is being said. */
	wordTimes?: boolean;
}

/** Formats that subtitles can be written in: how a file of each is called, and what it is. */
export const SUBTITLE_FILES = {
	srt: { mime: 'application/x-subrip', write: (cues: readonly Cue[], { markup }: WriteOptions) => toSrt(cues, { markup }) },
	vtt: { mime: 'text/vtt', write: (cues: readonly Cue[], { markup, wordTimes }: WriteOptions) => toVtt(cues, { markup, wordTimes }) },
	ass: { mime: 'text/x-ssa', write: (cues: readonly Cue[], { markup }: WriteOptions) => toAss(cues, { markup }) },
	txt: { mime: 'text/plain', write: (cues: readonly Cue[], { markup }: WriteOptions) => toTxt(cues, markup ?? false) },
	json: { mime: 'application/json', write: (cues: readonly Cue[], { language, markup }: WriteOptions) => `${JSON.stringify({ language, cues: markup ? cues.map(plain) : cues }, null, '\t')}\n` },
} as const;

export type SubtitleFile = keyof typeof SUBTITLE_FILES;
export const SUBTITLE_FILE_NAMES = ['srt', 'vtt', 'ass', 'txt', 'json'] as const satisfies readonly SubtitleFile[];

const plain = (cue: Cue): Cue => ({ ...cue, lines: cue.lines.map((line) => line.replace(/<\/?[ibu]>/g, '')) });

/** A pause that long ends a paragraph. */
const PARAGRAPH_MS = 2000;

/** The text alone, in paragraphs; a speaker who is known begins one. */
function toTxt(cues: readonly Cue[], markup: boolean): string {
	const paragraphs: string[] = [];
	let before: { cue: Cue; text: string } | undefined;
	for (const cue of cues) {
		const text = textOf(markup ? plain(cue) : cue);
		const another = cue.speaker !== undefined && cue.speaker !== before?.cue.speaker;
		if (!before || cue.speaker !== before.cue.speaker || cue.start - before.cue.end >= PARAGRAPH_MS) paragraphs.push(another ? `${cue.speaker}: ${text}` : text);
		else paragraphs[paragraphs.length - 1] += glue(before.text, text) + text;
		before = { cue, text };
	}
	return paragraphs.length === 0 ? '' : `${paragraphs.join('\n\n')}\n`;
}
