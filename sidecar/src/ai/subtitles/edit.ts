import { UNSPACED } from '../../unspaced.ts';
import type { Segment, Word } from '../transcriber.ts';
import { createAligner, wordsWithin, type Timed } from './align.ts';
import { MAX_CUE_CHARACTERS, MAX_SUBTITLE_CHARACTERS, textOf, type Cue } from './cue.ts';
import { cutSubtitles } from './cut.ts';
import { toLines } from './markup.ts';
import { breakLines } from './lines.ts';
import { DEFAULT_RULES, type SubtitleRules } from './rules.ts';
import { graphemesOf, join, joinLines, piecesOf } from './text.ts';

/** Changes to subtitles. Pure; indexes count from 0. */

/** Later than any film lasts, and what players still count. */
const LATEST_MS = 48 * 3_600_000;

/** Runs times of a cue and of its words through a function. */
export function retime(cue: Cue, change: (ms: number) => number): Cue {
	const time = (ms: number): number => Math.min(LATEST_MS, Math.max(0, Math.round(change(ms))));
	const start = time(cue.start);
	return {
		...cue,
		start,
		end: Math.max(start + 1, time(cue.end)),
		...(cue.words ? { words: cue.words.map((word) => ({ ...word, start: time(word.start), end: time(word.end) })) } : {}),
	};
}

/** Another text; words that stay keep their times, others get a share of the time between. */
export function withText(cue: Cue, lines: string[]): Cue {
	const { words, ...rest } = cue;
	if (!words) return { ...rest, lines };
	const known: Word[] = words.map((word) => ({ word: word.text, start: word.start / 1000, end: word.end / 1000 }));
	const timed = createAligner(known)(piecesOf(joinLines(lines), UNBROKEN), cue.start, cue.end);
	return { ...rest, lines, words: wordsWithin(timed, cue) };
}

/** Words as they are, however long. */
const UNBROKEN: Pick<SubtitleRules, 'maxLineChars' | 'maxWideLineChars'> = { maxLineChars: 10_000, maxWideLineChars: 10_000 };

/** Lines of about the same length, in as few as it takes. */
const rebroken = (text: string): string[] => breakLines(piecesOf(text, DEFAULT_RULES), DEFAULT_RULES).map(join);

/** One cue of several that follow each other. */
export function merged(cues: readonly Cue[]): Cue {
	const [first] = cues as [Cue, ...Cue[]];
	const lines = cues.flatMap((cue) => cue.lines);
	const speakers = new Set(cues.map(({ speaker }) => speaker));
	const { words: _words, speaker: _speaker, ...rest } = first;
	const end = cues.reduce((latest, cue) => Math.max(latest, cue.end), first.end);
	return {
		...rest,
		end,
		// What fits into two lines was put on them by somebody.
		lines: lines.length <= DEFAULT_RULES.maxLines ? lines : rebroken(joinLines(lines)),
		...(cues.every(({ words }) => words) ? { words: wordsWithin(cues.flatMap(({ words = [] }) => words), { start: first.start, end }) } : {}),
		...(speakers.size === 1 && first.speaker !== undefined ? { speaker: first.speaker } : {}),
	};
}

export type SplitAt = { ms: number } | { text: string };

/** Two cues of one. A sentence says why it cannot be done. */
export function split(cue: Cue, at: SplitAt): [Cue, Cue] | string {
	if ('ms' in at && (at.ms <= cue.start || at.ms >= cue.end)) return `is shown from ${cue.start / 1000} s to ${cue.end / 1000} s, and ${at.ms / 1000} s is not within`;
	if (cue.end - cue.start < 2) return 'is shown for a millisecond only, which cannot be divided';
	const pieces = timedPieces(cue);
	if (pieces.length < 2) return 'has a single word';
	const index = 'ms' in at ? nearest(pieces, at.ms) : beginning(pieces, at.text);
	if (index === null) return `does not hold the text "${'text' in at ? at.text.slice(0, 80) : ''}" behind its first word`;
	const ms = 'ms' in at ? at.ms : Math.min(cue.end - 1, Math.max(cue.start + 1, (pieces[index] as Timed).start));
	const part = (own: readonly Timed[], start: number, end: number): Cue => {
		const { words, ...rest } = cue;
		return { ...rest, start, end, lines: rebroken(join(own)), ...(words ? { words: wordsWithin(own, { start, end }) } : {}) };
	};
	return [part(pieces.slice(0, index), cue.start, ms), part(pieces.slice(index), ms, cue.end)];
}

function timedPieces(cue: Cue): Timed[] {
	const known: Word[] = (cue.words ?? []).map((word) => ({ word: word.text, start: word.start / 1000, end: word.end / 1000 }));
	return createAligner(known)(piecesOf(textOf(cue), UNBROKEN), cue.start, cue.end);
}

/** Both sides keep a word. */
function nearest(pieces: readonly Timed[], ms: number): number {
	const index = pieces.findIndex(({ start, end }) => (start + end) / 2 >= ms);
	return index < 0 ? pieces.length - 1 : Math.max(1, index);
}

/** The piece with which the text begins, in any case and with any blanks. */
function beginning(pieces: readonly Timed[], text: string): number | null {
	const bare = (value: string): string => value.toLowerCase().replace(/\s+/gu, '');
	const wanted = bare(text);
	if (wanted === '') return null;
	const parts = pieces.map((one) => bare(one.text));
	const all = parts.join('');
	let at = parts[0]?.length ?? 0;
	for (let index = 1; index < parts.length; index++) {
		if (all.startsWith(wanted, at)) return index;
		at += parts[index]?.length ?? 0;
	}
	return null;
}

export interface Replacement {
	find: string;
	with: string;
	wholeWords: boolean;
	matchCase: boolean;
}

/**
 * Replaces in the text of cues, over the ends of their lines as well. `count`: in how many places. A cue of which nothing is left
 * goes. Throws RangeError when all that is put in is longer than `room` characters, or a cue longer than any.
 */
export function replaceAll(cues: readonly Cue[], { find, with: right, wholeWords, matchCase }: Replacement, room: number): { cues: Cue[]; count: number } {
	const graphemes = graphemesOf(find.trim());
	const isWord = (one: string | undefined): boolean => /^[\p{L}\p{N}]/u.test(one ?? '') && !UNSPACED.test(one ?? '');
	const before = wholeWords && isWord(graphemes[0]) ? '(?<![\\p{L}\\p{N}\\p{M}_])' : '';
	const behind = wholeWords && isWord(graphemes.at(-1)) ? '(?![\\p{L}\\p{N}\\p{M}_])' : '';
	const pattern = new RegExp(`${before}${patternOf(graphemes)}${behind}`, matchCase ? 'gu' : 'giu');
	let count = 0;
	const put = (): string => {
		if (++count * right.length > room) throw new RangeError(`there would be more than ${MAX_SUBTITLE_CHARACTERS} characters`);
		return right;
	};
	const replaced = cues.flatMap((cue) => {
		const text = cue.lines.join('\n');
		const changed = text.replace(pattern, put);
		if (changed === text) return [cue];
		if (changed.length > MAX_CUE_CHARACTERS) throw new RangeError(`a subtitle would grow beyond ${MAX_CUE_CHARACTERS} characters`);
		const lines = toLines(changed).map((line) => line.replace(/ {2,}/g, ' '));
		return lines.length === 0 ? [] : [withText(cue, lines)];
	});
	return { cues: replaced, count };
}

/** Blanks are any blanks; a line may end at one, and in scripts without blanks anywhere. */
function patternOf(graphemes: readonly string[]): string {
	let pattern = '';
	for (const [index, one] of graphemes.entries()) {
		const before = graphemes[index - 1] ?? '';
		if (one.trim() === '') pattern += before.trim() === '' ? '' : '\\s+';
		else pattern += (UNSPACED.test(before) && UNSPACED.test(one) ? '\\n?' : '') + escape(one);
	}
	return pattern;
}

/** With the flag u, no other sign may stand behind a backslash. */
const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** Cuts the whole text anew by the rules; times are those of the words where they are known. Throws the signal's reason. */
export function rewrap(cues: readonly Cue[], rules: SubtitleRules, signal?: AbortSignal): Promise<Cue[]> {
	const segments = cues.map((cue): Segment => ({ start: cue.start / 1000, end: cue.end / 1000, text: textOf(cue), ...(cue.speaker === undefined ? {} : { speaker: cue.speaker }) }));
	const words = cues.flatMap(({ words: own = [] }) => own.map((word): Word => ({ word: word.text, start: word.start / 1000, end: word.end / 1000 })));
	return cutSubtitles(segments, words.length > 0 ? words : null, rules, signal);
}
