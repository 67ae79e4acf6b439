import { lettersOf, type TimedWord } from './ass-words.ts';
import type { FontChoice } from './font-choice.ts';
import type { Font } from './fonts.ts';

/** Words on lines, and lines on pages: what stands on the screen at once. Pure. */

/** Part of a word in one font. */
export interface Piece {
	font: Font;
	text: string;
}

export interface SetWord extends TimedWord {
	pieces: Piece[];
	/** Parts of the font size. */
	width: number;
}

export interface Page {
	lines: SetWord[][];
	/** Milliseconds. */
	start: number;
	end: number;
	/** Below 1 where a word is too long for the line. */
	scale: number;
}

/** Letters that no font has are left out; a word of nothing else vanishes. @param known what was set before, by text: words come again and again */
export function setWord(word: TimedWord, fonts: FontChoice, known = new Map<string, SetText | null>()): SetWord | null {
	const before = known.get(word.text);
	const set = before === undefined ? setText(word.text, fonts) : before;
	if (before === undefined) known.set(word.text, set);
	return set && { ...word, ...set };
}

type SetText = Pick<SetWord, 'text' | 'pieces' | 'width'>;

function setText(given: string, fonts: FontChoice): SetText | null {
	const letters = lettersOf(given).flatMap((letter) => {
		const font = fonts.of(letter);
		if (!font) return [];
		// Only one of several joined pictures can be drawn, and none in another colour of skin.
		const text = /\p{Extended_Pictographic}/u.test(letter) && letter.length > 1 ? (Array.from(letter)[0] ?? '') : drawable(letter, fonts);
		return [{ font, text }];
	});
	const text = letters.map((letter) => letter.text).join('');
	if (text === '') return null;
	const inOne = [...new Set(letters.map(({ font }) => font))].find((font) => hasAll(font, text));
	const pieces: Piece[] = [];
	for (const letter of letters) {
		const font = inOne ?? letter.font;
		const last = pieces.at(-1);
		if (last?.font === font) last.text += letter.text;
		else pieces.push({ font, text: letter.text });
	}
	return { text, pieces, width: pieces.reduce((sum, piece) => sum + widthOf(piece), 0) };
}

/** Without marks that no font has, which would be drawn as boxes: the frame of a keycap, say. */
const drawable = (letter: string, fonts: FontChoice): string =>
	letter.length === 1 ? letter : Array.from(letter).filter((character) => /\p{Cf}/u.test(character) || fonts.of(character) !== null).join('');
const hasAll = (font: Font, text: string): boolean => Array.from(text).every((character) => font.has(character.codePointAt(0) ?? 0) || /\p{M}|\p{Cf}/u.test(character));
/** Drawn over, under or into other letters. Marks that stand beside them (the vowels of Hindi and Tamil) have a width as letters do. */
const WIDTHLESS = /[\p{Mn}\p{Me}\p{Cf}]/u;
/** Joined letters are narrower than single ones, whose widths are in the font: 0.78 to 0.82 of them, measured on four sentences in Noto Sans Arabic. */
const JOINED = 0.82;
const advanceOf = (font: Font, character: string): number => (WIDTHLESS.test(character) ? 0 : font.advance(character.codePointAt(0) ?? 0) * (/\p{Script=Arabic}/u.test(character) ? JOINED : 1));
const widthOf = ({ font, text }: Piece): number => Array.from(text).reduce((sum, character) => sum + advanceOf(font, character), 0);

export interface PageLimits {
	/** Width of a line in parts of the font size. */
	width: number;
	maxLines: number;
	/** At most so many at once. */
	maxWords: number;
	/** Pages end at pauses and at commas, as with single words. */
	byBreath: boolean;
	/** Width of a blank. */
	space: number;
}

export const lineWidth = (line: readonly SetWord[], space: number): number => line.reduce((sum, { width, spaced }, index) => sum + width + (spaced && index > 0 ? space : 0), 0);

/** A word may become this small before it is cut. */
const LEAST_SCALE = 0.6;
/** Stands until the next page where that comes soon. */
const STAY_MS = 800;
const PAUSE_MS = 350;
const SENTENCE_END = /[.!?…。！？؟]["'”’»)\]]*$/u;
const CLAUSE_END = /[,;:，、；：،.!?…。！？؟]["'”’»)\]]*$/u;

/** @param lines words of a cue as its author put them on lines: they stay so where they fit */
export function pagesOf(lines: readonly SetWord[][], times: { start: number; end: number }, limits: PageLimits): Page[] {
	const words = lines.flat().flatMap((word) => cutLong(word, limits.width / LEAST_SCALE));
	if (words.length === 0) return [];
	const fits = lines.length <= limits.maxLines && words.length <= limits.maxWords && lines.every((line) => lineWidth(line, limits.space) <= limits.width);
	const groups = fits && !limits.byBreath ? [words] : group(words, limits);
	const pages = groups.map((own, index): Page => {
		const next = groups[index + 1]?.[0];
		const start = index === 0 && !limits.byBreath ? times.start : (own[0]?.start ?? times.start);
		const said = own.at(-1)?.end ?? times.end;
		const end = next ? (next.start - said > STAY_MS ? said + STAY_MS / 2 : next.start) : limits.byBreath ? Math.min(times.end, Math.max(said + STAY_MS / 2, start + 1)) : times.end;
		const set = fits && !limits.byBreath ? lines.filter((line) => line.length > 0).map((line) => [...line]) : balanced(own, limits);
		const widest = Math.max(...set.map((line) => lineWidth(line, limits.space)));
		return { lines: set, start, end: Math.max(end, start), scale: Math.min(1, limits.width / widest) };
	});
	return longEnough(pages, times);
}

/** Three pictures of 25 a second. Words without length, as some transcripts have them, would make pages that are never seen. */
const LEAST_PAGE_MS = 120;

/** Pages that are too short take time from those after them, at the end of the subtitle from those before. */
function longEnough(pages: Page[], times: { start: number; end: number }): Page[] {
	const least = Math.min(LEAST_PAGE_MS, (times.end - times.start) / pages.length);
	let free = times.start;
	for (const page of pages) {
		page.start = Math.max(page.start, free);
		page.end = free = Math.max(page.end, page.start + least);
	}
	let limit = times.end;
	for (const page of pages.toReversed()) {
		page.end = Math.min(page.end, limit);
		page.start = limit = Math.min(page.start, page.end - least);
	}
	return pages;
}

/** A web address in a narrow video. */
function cutLong(word: SetWord, width: number): SetWord[] {
	if (word.width <= width) return [word];
	const parts: SetWord[] = [];
	for (const { font, text } of word.pieces) {
		for (const letter of lettersOf(text)) {
			const piece = { font, text: letter };
			const last = parts.at(-1);
			const own = widthOf(piece);
			if (last && last.width + own <= width * LEAST_SCALE) {
				last.text += letter;
				last.width += own;
				const end = last.pieces.at(-1);
				if (end?.font === font) end.text += letter;
				else last.pieces.push(piece);
			} else parts.push({ ...word, text: letter, width: own, pieces: [piece], spaced: parts.length === 0 && word.spaced });
		}
	}
	const length = parts.reduce((sum, { text }) => sum + text.length, 0);
	let done = 0;
	return parts.map((part) => {
		const at = (letters: number): number => Math.round(word.start + ((word.end - word.start) * letters) / length);
		const start = at(done);
		done += part.text.length;
		return { ...part, start, end: at(done) };
	});
}

/** What words come to that are put on lines one after the other, each line filled before the next one begins. */
interface Filled {
	lines: number;
	/** Width of the last line. */
	last: number;
	/** Width of all, on one line. */
	all: number;
}

const NOTHING: Filled = { lines: 0, last: Infinity, all: 0 };

function withWord({ lines, last, all }: Filled, word: SetWord, width: number, space: number): Filled {
	const gap = word.spaced ? space : 0;
	const fits = last + gap + word.width <= width;
	return { lines: fits ? lines : lines + 1, last: fits ? last + gap + word.width : word.width, all: all + (lines > 0 ? gap : 0) + word.width };
}

/** Lines filled one after the other. */
function fill(words: readonly SetWord[], width: number, space: number): SetWord[][] {
	const lines: SetWord[][] = [];
	let filled = NOTHING;
	for (const word of words) {
		filled = withWord(filled, word, width, space);
		if (filled.lines > lines.length) lines.push([word]);
		else lines.at(-1)?.push(word);
	}
	return lines;
}

/** As few lines as possible, of about the same length: they read faster than a full one and a word. */
function balanced(words: readonly SetWord[], { width, space }: PageLimits): SetWord[][] {
	let best = fill(words, width, space);
	const count = best.length;
	for (let narrower = width * 0.96; narrower > width / (count + 1); narrower *= 0.96) {
		const lines = fill(words, narrower, space);
		if (lines.length > count) break;
		best = lines;
	}
	return best;
}

function group(words: readonly SetWord[], limits: PageLimits): SetWord[][] {
	const { width, maxLines, maxWords, byBreath, space } = limits;
	const groups: SetWord[][] = [];
	let filled = NOTHING;
	for (const word of words) {
		const own = groups.at(-1);
		const last = own?.at(-1);
		const ended = last && (byBreath ? CLAUSE_END.test(last.text) || word.start - last.end >= PAUSE_MS : SENTENCE_END.test(last.text) && filled.all > (width * maxLines) / 2);
		const more = withWord(filled, word, width, space);
		if (own && !ended && own.length < maxWords && more.lines <= maxLines) {
			own.push(word);
			filled = more;
		} else {
			groups.push([word]);
			filled = withWord(NOTHING, word, width, space);
		}
	}
	// A single word at the end looks lost: what came before gives it company.
	const [before, lonely] = [groups.at(-2), groups.at(-1)];
	if (!byBreath && before && lonely?.length === 1 && before.length > 3) {
		const half = Math.ceil((before.length + 1) / 2);
		const together = [...before.slice(half), ...lonely];
		if (together.length <= maxWords && fill(together, width, space).length <= maxLines) groups.splice(-2, 2, before.slice(0, half), together);
	}
	return groups;
}
