import { UNSPACED, UNSPACED_SCRIPTS } from '../../unspaced.ts';
import { WIDE_READING, type SubtitleRules } from './rules.ts';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const words = new Intl.Segmenter('en', { granularity: 'word' });
/** Each takes the place of two letters: ideographs, kana, hangul, and their punctuation. */
const WIDE = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3001-\u303F\uFF01-\uFF60]/u;
/** What must not begin a line, and what must not end one (JIS X 4051, shortened; the dots and strokes of Tibetan). */
const CLOSING = /^[\u0F0B-\u0F14\p{Pe}\p{Pf}\u3001\u3002\uFF0C\uFF0E\uFF01\uFF1F\uFF1A\uFF1B.,!?:;…‥・ー々ゝゞ％%ぁぃぅぇぉっゃゅょァィゥェォッャュョ]/u;
const OPENING = /[\p{Ps}\p{Pi}]$/u;
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;
/**
 * Nothing is seen of them, but they hide words from searches, make lines look longer than they are, or turn the rest of the text
 * around. Joiners (emoji, Persian, Hindi) and marks of direction stay.
 */
const HOSTILE = /[\u00AD\u2060\u202D\u202E\uFEFF]/g;
/** A place where a word may end without a blank (Thai, Khmer). */
const ZERO_WIDTH_SPACE = '\u200B';

/** A piece of text that stays together: a word, as a rule. */
export interface Piece {
	text: string;
	/** A blank follows in the text. */
	spaced: boolean;
	narrow: number;
	/** Wide characters. */
	wide: number;
}

/** Latin, Greek, Cyrillic, kana and ideographs without anything that joins: each unit is a character. Spares the segmenter, which is slow. */
const PLAIN = /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u3001-\u3029\u3031-\u303c\u3041-\u3096\u309b-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff01-\uff60]*$/;

/** Characters as people count them. */
export function graphemesOf(text: string): string[] {
	return PLAIN.test(text) ? [...text] : Array.from(graphemes.segment(text), ({ segment }) => segment);
}

function measured(text: string, spaced: boolean): Piece {
	let wide = 0;
	const all = graphemesOf(text);
	for (const one of all) if (WIDE.test(one)) wide++;
	return { text, spaced, narrow: all.length - wide, wide };
}

export const piece = (text: string, spaced: boolean): Piece => measured(text, spaced);

/** Share of a line that the characters take, in letters. */
export const widthOf = ({ narrow, wide }: Pick<Piece, 'narrow' | 'wide'>, { maxLineChars, maxWideLineChars }: Pick<SubtitleRules, 'maxLineChars' | 'maxWideLineChars'>): number =>
	narrow + wide * Math.max(1, maxLineChars / maxWideLineChars);

/** Milliseconds that reading takes. */
export const readingMs = ({ narrow, wide }: Pick<Piece, 'narrow' | 'wide'>, { charsPerSecond }: Pick<SubtitleRules, 'charsPerSecond'>): number =>
	Math.ceil(((narrow + wide * WIDE_READING) * 1000) / charsPerSecond);

/** The text in pieces no longer than a line: words, in scripts without blanks by the dictionary; a longer one (a URL) is cut. */
export function piecesOf(text: string, rules: Pick<SubtitleRules, 'maxLineChars' | 'maxWideLineChars'>): Piece[] {
	return text
		.replace(HOSTILE, '')
		.replace(CONTROLS, ' ')
		.split(/\s+/u)
		.filter((word) => word.replaceAll(ZERO_WIDTH_SPACE, '') !== '')
		.flatMap((word) => {
			const parts = word
				.split(ZERO_WIDTH_SPACE)
				.filter(Boolean)
				.flatMap((part) => (UNSPACED.test(part) ? unspaced(part) : [part]))
				.flatMap((part) => short(part, rules));
			return parts.map((part, index) => measured(part, index === parts.length - 1));
		});
}

/** Words of a script without blanks, punctuation kept with what it belongs to. */
function unspaced(text: string): string[] {
	const parts: string[][] = [];
	let before = '';
	for (const { segment } of words.segment(text)) {
		// Only the neighbours are looked at: a long run of marks must not be read anew for each of them.
		if (parts.length > 0 && (CLOSING.test(segment) || OPENING.test(before))) parts.at(-1)?.push(segment);
		else parts.push([segment]);
		before = segment;
	}
	return parts.map((part) => part.join(''));
}

/** In lines, where it is longer than one. */
function short(text: string, rules: Pick<SubtitleRules, 'maxLineChars' | 'maxWideLineChars'>): string[] {
	if (text.length <= Math.min(rules.maxLineChars, rules.maxWideLineChars)) return [text];
	const parts: string[] = [];
	let part = '';
	let width = 0;
	for (const one of graphemesOf(text)) {
		const own = widthOf(WIDE.test(one) ? { narrow: 0, wide: 1 } : { narrow: 1, wide: 0 }, rules);
		if (part !== '' && exceeds(width + own, rules)) {
			parts.push(part);
			part = '';
			width = 0;
		}
		part += one;
		width += own;
	}
	return part === '' ? parts : [...parts, part];
}

/** Sixteen wide characters fill a line exactly, whatever their fractions add up to. */
export const exceeds = (width: number, { maxLineChars }: Pick<SubtitleRules, 'maxLineChars'>): boolean => width > maxLineChars + 1e-6;

/** Of a script without blanks, or punctuation of one: at the end, and at the beginning. */
const UNSPACED_SIGN = String.raw`[${UNSPACED_SCRIPTS}\u3001-\u303F\uFF01-\uFF65]`;
/** A sign of a script without spaces between words, or full-width punctuation, beside which there are none either. */
export const UNSPACED_OR_WIDE = new RegExp(UNSPACED_SIGN, 'u');
const ENDS_UNSPACED = new RegExp(String.raw`${UNSPACED_SIGN}\p{M}*$`, 'u');
const BEGINS_UNSPACED = new RegExp(`^${UNSPACED_SIGN}`, 'u');
/** No sign of these scripts has more marks. */
const SIGN_LENGTH = 8;

/** What stands between two lines or subtitles that are read as one text: nothing within scripts that write no blanks. */
export const glue = (before: string, after: string): '' | ' ' => (ENDS_UNSPACED.test(before.slice(-SIGN_LENGTH)) && BEGINS_UNSPACED.test(after.slice(0, SIGN_LENGTH)) ? '' : ' ');

/** Lines as one text. */
export const joinLines = (lines: readonly string[]): string => lines.map((line, index) => (index === 0 ? line : glue(lines[index - 1] ?? '', line) + line)).join('');

/** The pieces as text again. */
export const join = (pieces: ReadonlyArray<Pick<Piece, 'text' | 'spaced'>>): string => pieces.map(({ text, spaced }, index) => text + (spaced && index < pieces.length - 1 ? ' ' : '')).join('');

/** As one piece: a blank takes a place, too. */
export function sum(pieces: readonly Piece[]): Pick<Piece, 'narrow' | 'wide'> {
	let [narrow, wide] = [0, 0];
	for (const [index, one] of pieces.entries()) {
		narrow += one.narrow + (one.spaced && index < pieces.length - 1 ? 1 : 0);
		wide += one.wide;
	}
	return { narrow, wide };
}
