import { UNSPACED } from '../unspaced.ts';

/** Words of a subtitle with the time at which each is said. Pure. */

/** A subtitle: plain lines, shown from `start` to `end` (milliseconds). */
export interface TimedText {
	start: number;
	end: number;
	lines: string[];
	/** When each word is said, in order, where that is known. Together they are the lines. */
	words?: Array<{ text: string; start: number; end: number }>;
}

export interface TimedWord {
	text: string;
	/** Milliseconds. */
	start: number;
	end: number;
	/** A blank stands between it and the word before it. */
	spaced: boolean;
}

/** Stands at the beginning of what follows. */
const OPENING = /^[\p{Ps}\p{Pi}¿¡]+$/u;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** Latin, kana and Han without marks of their own: each is a letter by itself. Asking Unicode takes ten times as long. */
const SINGLE = /^[ -~\u00c0-\u024f\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff]*$/;
/** Letters as people count them, marks and joiners included. */
export const lettersOf = (text: string): string[] => (SINGLE.test(text) ? text.split('') : Array.from(graphemes.segment(text), ({ segment }) => segment));

/**
 * The text as it is drawn, which is what fonts are chosen for. Line breaks would break the file apart. Of what cannot be seen only
 * joiners and marks of direction stay: others turn all that follows. Composed: one letter with its marks is one where there is one.
 */
// eslint-disable-next-line no-control-regex
export const drawnText = (text: string): string => text.replace(/\p{Cs}/gu, '').replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').replace(/(?![\u200c-\u200f])\p{DI}/gu, '').normalize('NFC');

/** By line of the cue. Words whose time is not known share that of the cue by their length. */
export function wordsOf(cue: TimedText, language: string): TimedWord[][] {
	const lines = cue.lines.map((line) => piecesOf(drawnText(line), language)).filter((line) => line.length > 0);
	const times = timesOf(cue, lines.flat().map(({ text }) => text.replace(/\s+/gu, '')));
	let at = 0;
	return lines.map((line) => line.map((piece) => ({ ...piece, ...(times[at++] ?? { start: cue.start, end: cue.end }) })));
}

/** Blanks at which a line may end: not the fixed ones, which French puts before its question marks. */
const BREAKS = /[^\S\u00a0\u202f]+/u;

function piecesOf(line: string, language: string): Array<Pick<TimedWord, 'text' | 'spaced'>> {
	const tokens = line.split(BREAKS).filter((token) => token.trim() !== '');
	const words = UNSPACED.test(line) ? new Intl.Segmenter(language || 'en', { granularity: 'word' }) : null;
	return tokens.flatMap((token) => (words && UNSPACED.test(token) ? withMarks(words, token) : [token]).map((text, index) => ({ text, spaced: index === 0 })));
}

/** Words of a text without blanks; punctuation goes with the word that it belongs to. */
function withMarks(words: Intl.Segmenter, text: string): string[] {
	const pieces: string[] = [];
	for (const { segment, isWordLike } of words.segment(text)) {
		const last = pieces.at(-1);
		if (last !== undefined && (!isWordLike ? !OPENING.test(segment) : OPENING.test(last))) pieces[pieces.length - 1] = last + segment;
		else pieces.push(segment);
	}
	return pieces;
}

type Time = Pick<TimedWord, 'start' | 'end'>;

function timesOf(cue: TimedText, texts: readonly string[]): Time[] {
	return timesOfWords(cue, texts) ?? timesByLength(cue, texts);
}

/** Counted in letters without blanks: it does not matter then where either of them begins a new word. Null: not the same text. */
function timesOfWords({ words = [], start: first, end: last }: TimedText, texts: readonly string[]): Time[] | null {
	const spoken = words.map((word) => ({ ...word, text: drawnText(word.text).replace(/\s+/gu, '') })).filter(({ text }) => text !== '');
	if (spoken.length === 0 || spoken.map(({ text }) => text).join('') !== texts.join('')) return null;
	const within = (time: number): number => Math.round(Math.min(last, Math.max(first, time)));
	let word = 0;
	let before = 0;
	let at = 0;
	const timeAt = (offset: number): number => {
		const { start = first, end = last, text = ' ' } = spoken[word] ?? {};
		return within(start + ((end - start) * (offset - before)) / text.length);
	};
	const goTo = (offset: number): void => {
		for (let length = spoken[word]?.text.length ?? 0; word < spoken.length - 1 && before + length <= offset; length = spoken[word]?.text.length ?? 0) {
			before += length;
			word += 1;
		}
	};
	let free = first;
	return texts.map((text) => {
		goTo(at);
		const start = Math.max(free, timeAt(at));
		at += text.length;
		goTo(at - 1);
		const end = Math.max(start, timeAt(at));
		free = end;
		return { start, end };
	});
}

/** One letter more for each: also a short word takes its time. */
function timesByLength({ start, end }: TimedText, texts: readonly string[]): Time[] {
	const weights = texts.map((text) => lettersOf(text).length + 1);
	const total = weights.reduce((sum, one) => sum + one, 0);
	let done = 0;
	return weights.map((weight) => {
		const from = Math.round(start + ((end - start) * done) / total);
		done += weight;
		return { start: from, end: Math.round(start + ((end - start) * done) / total) };
	});
}
