import { PipelineError } from '../../errors.ts';
import { toClock } from './clock.ts';
import { MAX_CUE_CHARACTERS, MAX_CUES, MAX_SUBTITLE_CHARACTERS, cuesSchema, type Cue } from './cue.ts';
import { toLines } from './markup.ts';
import { readAss } from './read-ass.ts';
import { readTimed } from './read-timed.ts';

export type SubtitleFormat = 'srt' | 'vtt' | 'ass' | 'json';

export interface ParseOptions {
	/** `keep`: `<i>`, `<b>` and `<u>` stay in the lines, well nested per cue; everything else that is markup goes. Default `strip`. */
	markup?: 'strip' | 'keep';
}

export interface ParsedSubtitles {
	/** In order of their beginning. They may overlap, as the file says. */
	cues: Cue[];
	format: SubtitleFormat;
	/** ISO 639-1 where the file says it; `''`: it does not. */
	language: string;
	/** Sentences on what had to be put right. */
	notes: string[];
}

/** What the readers of the formats answer: cues as they stand in the file, times unchecked. */
export interface RawSubtitles {
	cues: Cue[];
	language?: string;
	/** Entries that could not be read. */
	skipped: number;
}

/** Shown this long where a file gives no end after the beginning: time to read a short line. */
const SHORTEST_MS = 1000;
/** Two days. Beyond it a time is a slip of the pen, and 32-bit players fail. */
const LATEST_MS = 48 * 3_600_000;
/** Characters of the name of who speaks. */
const MAX_SPEAKER = 100;

/**
 * Reads SRT, WebVTT, ASS/SSA, and JSON with `cues`, whatever wrote them: byte order marks, any line ends, missing numbers,
 * wrong order, hours left out. A blank text has no cues. Throws `invalid_request` when it is none of these, or beyond
 * 20,000 cues, 10,000 characters in one, or 2,000,000 in all. Takes time in proportion to the length, whatever the text.
 */
export function parseSubtitles(given: string, { markup = 'strip' }: ParseOptions = {}): ParsedSubtitles {
	if (given.length > MAX_SUBTITLE_CHARACTERS) throw refused(`they have ${given.length} characters; at most ${MAX_SUBTITLE_CHARACTERS} can be read`);
	const text = asText(given);
	const format = formatOf(text);
	const raw = format === 'json' ? readJson(text) : format === 'ass' ? readAss(text, markup) : readTimed(text, format, markup);
	if (raw.cues.length > MAX_CUES) throw refused(`they have more than ${MAX_CUES} entries`);
	const long = raw.cues.find(({ lines }) => lines.reduce((sum, line) => sum + line.length, 0) > MAX_CUE_CHARACTERS);
	if (long) throw refused(`the entry at ${toClock(long.start, '.')} has more than ${MAX_CUE_CHARACTERS} characters; perhaps the file is damaged there`);
	if (raw.cues.length + raw.skipped === 0 && (format === 'srt' ? text.trim() !== '' : format === 'vtt' && hasMore(text)))
		throw refused('no times were found in them. Expected SRT, WebVTT or ASS, e.g. "1\\n00:00:01,000 --> 00:00:03,000\\nHello"');
	return { format, language: raw.language ?? '', ...inOrder(raw) };
}

/** Whether a WebVTT file without entries holds anything but its head, notes and styles. */
const hasMore = (text: string): boolean =>
	text
		.trim()
		.split(/\n[ \t]*\n/)
		.slice(1)
		.some((block) => !/^\s*(?:(?:NOTE|STYLE|REGION)\b|$)/.test(block));

function formatOf(text: string): SubtitleFormat {
	const start = text.slice(0, 2000).trimStart();
	if (/^WEBVTT(?:[ \t\n]|$)/.test(start)) return 'vtt';
	if (/^\[Script Info\]/i.test(start) || /^\[(?:V4\+? Styles|Events)\]/i.test(start)) return 'ass';
	if (start.startsWith('{') && /^\{\s*"/.test(start)) return 'json';
	return 'srt';
}

/** Line ends as \n, without the byte order mark. UTF-16 that was read as if it had one byte per character is put right. */
function asText(given: string): string {
	let text = given;
	const nuls = given.split('\0').length - 1;
	// In UTF-16 at least digits and line ends have one each; a stray one is damage.
	if (nuls > 0 && nuls < given.length / 10) text = given.replaceAll('\0', '');
	else if (nuls > 0) {
		const bytes = /^[\0-ÿ]*$/.test(text) ? Buffer.from(text, 'latin1') : null;
		const found = bytes && (bytes[0] === 0xfe || bytes[0] === 0 ? swapped(bytes) : bytes);
		text = found ? found.toString('utf16le') : '';
		if (text === '' || text.includes('\0')) throw refused('they hold NUL characters, so they were read in the wrong encoding (UTF-16?). Save them as UTF-8');
	}
	return text.replace(/^(?:\uFEFF|ï»¿)/, '').replace(/\r\n?/g, '\n');
}

const swapped = (bytes: Buffer): Buffer => Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % 2))).swap16();

function readJson(text: string): RawSubtitles {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (error) {
		throw refused(`they are not valid JSON (${error instanceof Error ? error.message.slice(0, 120) : 'unreadable'})`);
	}
	const { cues, language } = value as { cues?: unknown; language?: unknown };
	const checked = cuesSchema.safeParse(cues);
	if (!checked.success) {
		const { path = [], message = '' } = checked.error.issues[0] ?? {};
		throw refused(`"cues${path.map((part) => `[${String(part)}]`).join('')}" is wrong: ${message}`);
	}
	return { cues: checked.data.map(plainCue), ...(typeof language === 'string' && /^[a-z]{2}$/.test(language) ? { language } : {}), skipped: 0 };
}

/** zod says `undefined` for what is absent; a cue says nothing. */
export const withoutUndefined = ({ words, speaker, ...cue }: { start: number; end: number; lines: string[]; words?: Cue['words'] | undefined; speaker?: string | undefined }): Cue => ({
	...cue,
	...(words ? { words } : {}),
	...(speaker === undefined ? {} : { speaker }),
});

/** What other programs wrote may hold line breaks and control characters anywhere, which would break the files apart that are made of it. */
function plainCue(given: Parameters<typeof withoutUndefined>[0]): Cue {
	const speaker = given.speaker === undefined ? '' : toLines(given.speaker).join(' ').slice(0, MAX_SPEAKER);
	const words = given.words?.map((word) => ({ ...word, text: toLines(word.text).join(' ') })).filter(({ text }) => text !== '');
	return withoutUndefined({ ...given, lines: toLines(given.lines.join('\n')), words, speaker: speaker === '' ? undefined : speaker });
}

function inOrder({ cues, skipped }: RawSubtitles): { cues: Cue[]; notes: string[] } {
	const notes: string[] = [];
	const usable = cues.filter(({ start, lines }) => start <= LATEST_MS && lines.length > 0);
	const empty = cues.length - usable.length + skipped;
	if (empty > 0) notes.push(`${empty} ${empty === 1 ? 'entry was' : 'entries were'} left out: empty, or without a usable time.`);
	let mended = 0;
	const timed = usable.map((cue) => {
		if (cue.end > cue.start && cue.end <= LATEST_MS) return cue;
		mended++;
		return { ...cue, end: cue.start + SHORTEST_MS };
	});
	if (mended > 0) notes.push(`${mended} ${mended === 1 ? 'entry' : 'entries'} ended before beginning; shown for a second now.`);
	const sorted = timed.toSorted((a, b) => a.start - b.start);
	if (sorted.some((cue, index) => cue !== timed[index])) notes.push('The entries were not in order of time; they are now.');
	return { cues: sorted, notes };
}

export const refused = (why: string): PipelineError =>
	new PipelineError('invalid_request', `The subtitles cannot be read: ${why}.`, { details: { field: 'params.subtitles' } });
