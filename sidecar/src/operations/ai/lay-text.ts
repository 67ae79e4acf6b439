import { isUnspaced, isWide } from '../../ai/languages.ts';

/** Where text may be broken, and how it is laid onto lines and subtitles. Pure; words are never split. */

/** What is between two places at which a line may end, blanks behind it included. Together they are the text. */
export type Token = string;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** Letters that are never part of a longer character: most text, and counted a hundred times faster. */
const PLAIN = /^[ -~À-ʯ]*$/u;
/** Characters as people count them. */
export const lengthOf = (text: string): number => (PLAIN.test(text) ? text.length : Array.from(graphemes.segment(text)).length);

const FULL_WIDTH = /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|^\p{Extended_Pictographic}/u;
/** How much of a line a text takes, without the blanks at its end: in a wide script two Latin characters take the place of one. */
export function widthOf(text: string, language: string): number {
	const plain = text.replace(/[\u200e\u200f\u061c]/g, '').trimEnd();
	if (!isWide(language)) return lengthOf(plain);
	return Array.from(graphemes.segment(plain)).reduce((sum, { segment }) => sum + (FULL_WIDTH.test(segment) ? 1 : 0.5), 0);
}

/** Nothing begins with one of these: closing marks, and in Japanese small kana, the long vowel and repetition marks. */
const CLINGS = /^[!?;:%.,…»”’)\]}>、。，．！？；：」』）】〉》・〜～ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ々ゝゞ؟،؛۔।॥]/u;
/** Nothing ends with one of these. */
const OPENS = /[«“‘([{<¿¡「『（【〈《#@]\s*$/u;
/** Endings and particles of Japanese: no line begins with them. The dictionary cuts 詳しく into 詳 and しく. */
const isEnding = (piece: string, before: string): boolean =>
	(/^\p{Script=Hiragana}+$/u.test(piece.trim()) && /[\p{Script=Han}\p{Script=Katakana}ー]$/u.test(before)) || (/^[はがをにへともので]$/u.test(piece.trim()) && /\p{L}$/u.test(before));
/** Characters at the end of a token that tell whether another one may follow; it may have grown long. */
const NEAR = 8;
const BLANK_RUN = /[^ \t\n\r\u3000]+[ \t\n\r\u3000]*/gu;

/** A no-break space holds, an ordinary blank breaks; where no blanks are written, a dictionary tells the words. */
export function tokensOf(text: string, language: string): Token[] {
	const chunks = text.match(BLANK_RUN) ?? [];
	const pieces = isUnspaced(language) ? chunks.flatMap((chunk) => words(chunk, language)) : chunks;
	const tokens: Token[] = [];
	for (const piece of pieces) {
		const last = tokens.at(-1);
		// French writes a blank before ! and behind «, and no line may end there.
		if (last !== undefined && ((CLINGS.test(piece) && /^[^\p{L}\p{N}]+$/u.test(piece)) || OPENS.test(last.slice(-NEAR)))) tokens[tokens.length - 1] = last + piece;
		else if (last !== undefined && isUnspaced(language) && !/\s$/.test(last.slice(-1)) && (CLINGS.test(piece) || isEnding(piece, last.slice(-NEAR)))) tokens[tokens.length - 1] = last + piece;
		else tokens.push(piece);
	}
	return tokens;
}

const segmenters = new Map<string, Intl.Segmenter>();
/** Making one takes longer than most of what it is asked. */
function segmenterOf(language: string): Intl.Segmenter {
	const known = segmenters.get(language);
	if (known) return known;
	const made = new Intl.Segmenter(language, { granularity: 'word' });
	segmenters.set(language, made);
	return made;
}

/** Links and Latin names are one word each, whatever stands in them. */
function words(chunk: string, language: string): string[] {
	const segmenter = segmenterOf(language);
	return chunk.split(/([!-~]+\s*)/u).flatMap((part) => (part === '' ? [] : /^[!-~]/.test(part) ? [part] : joinBlanks(Array.from(segmenter.segment(part), ({ segment }) => segment))));
}

const joinBlanks = (parts: string[]): string[] =>
	parts.reduce<string[]>((all, part) => {
		if (/^\s+$/.test(part) && all.length > 0) all[all.length - 1] += part;
		else all.push(part);
		return all;
	}, []);

const SENTENCE_END = /[.!?…。！？؟۔।॥][\s"'”’»」』)\]）]*$/u;
const CLAUSE_END = /[,;:–—，、；：،؛][\s"'”’»」』)\]）]*$/u;
/** How much worse it is to break behind a token than at the end of a sentence, in squared characters. */
const breakCost = (token: Token): number => (SENTENCE_END.test(token) ? 0 : CLAUSE_END.test(token) ? 4 : 16);

/** Behind each but the last: there, nothing is broken. */
const breakCosts = (tokens: readonly Token[]): number[] => tokens.slice(0, -1).map(breakCost);

export const endsSentence = (text: string): boolean => SENTENCE_END.test(text);

/**
 * Cuts a list into `parts` runs, some of them empty where that is cheapest, so that the sum of the costs is least.
 * @param cost of the run `[from, to)` as the `part`-th one
 * @returns where each run ends
 */
function partition(length: number, parts: number, cost: (from: number, to: number, part: number) => number): number[] {
	let best: Array<{ cost: number; ends: number[] }> = Array.from({ length: length + 1 }, (_, to) => ({ cost: cost(0, to, 0), ends: [to] }));
	for (let part = 1; part < parts; part++) {
		const before = best;
		best = before.map((_, to) => {
			let least = { cost: Infinity, from: 0 };
			for (let from = 0; from <= to; from++) {
				const sum = (before[from]?.cost ?? Infinity) + cost(from, to, part);
				if (sum < least.cost) least = { cost: sum, from };
			}
			return { cost: least.cost, ends: [...(before[least.from]?.ends ?? []), to] };
		});
	}
	return best[length]?.ends ?? [];
}

const runs = (tokens: readonly Token[], ends: readonly number[]): Token[][] => ends.map((to, index) => tokens.slice(ends[index - 1] ?? 0, to));
const joined = (tokens: readonly Token[]): string => tokens.join('').trim();

export interface Room {
	language: string;
	maxLineChars: number;
	maxLines: number;
}

/** Weighing every cut takes time with the square of the length: beyond this many tokens (some ten subtitles) cuts are made as they come. */
const MOST_WEIGHED = 250;

/** As few lines as it takes, of about the same length, ended at clauses where there are any. More than `maxLines` when it is too long. */
export function wrap(tokens: readonly Token[], { language, maxLineChars }: Pick<Room, 'language' | 'maxLineChars'>): string[] {
	const width = widths(tokens, language);
	const ends = lineEnds(tokens.length, width, maxLineChars);
	if (ends.length <= 1) return tokens.length === 0 ? [] : [joined(tokens)];
	if (tokens.length > MOST_WEIGHED) return runs(tokens, ends).map(joined);
	const even = width(0, tokens.length) / ends.length;
	const breaks = breakCosts(tokens);
	const cost = (from: number, to: number): number => {
		const taken = width(from, to);
		const over = Math.max(0, taken - maxLineChars);
		// A single word that is longer than a line costs nothing more: it cannot be helped.
		return (taken - even) ** 2 + (breaks[to - 1] ?? 0) + (to - from > 1 ? over * 10_000 : 0) + (to === from ? 1e6 : 0);
	};
	return runs(tokens, partition(tokens.length, ends.length, cost)).map(joined);
}

/** Where each line ends when as much as fits is put on each. */
function lineEnds(length: number, width: (from: number, to: number) => number, most: number): number[] {
	const ends: number[] = [];
	for (let at = 0; at < length; at++) {
		const from = ends.at(-1) ?? 0;
		if (at > from && width(from, at + 1) > most) ends.push(at);
	}
	return length > 0 ? [...ends, length] : ends;
}

/** Width of the tokens `[from, to)`, without the blank at their end. */
function widths(tokens: readonly Token[], language: string): (from: number, to: number) => number {
	const wholes = [0];
	const bare: number[] = [];
	for (const token of tokens) {
		bare.push(widthOf(token, language));
		const blank = token.length - token.trimEnd().length > 0 ? (isWide(language) && !token.endsWith('\u3000') ? 0.5 : 1) : 0;
		wholes.push((wholes.at(-1) ?? 0) + (bare.at(-1) ?? 0) + blank);
	}
	return (from, to) => (to <= from ? 0 : (wholes[to - 1] ?? 0) - (wholes[from] ?? 0) + (bare[to - 1] ?? 0));
}

export function fits(tokens: readonly Token[], { language, maxLineChars, maxLines }: Room): boolean {
	const width = widths(tokens, language);
	const ends = lineEnds(tokens.length, width, maxLineChars);
	return ends.length <= maxLines && ends.every((to, index) => width(ends[index - 1] ?? 0, to) <= maxLineChars);
}

/**
 * Shares a text out to consecutive places, in proportion to their weights, and rather at the end of a clause than in its middle.
 * A place stays empty only when there are fewer words than places; beyond MOST_WEIGHED words also where a word is wider than its share.
 */
export function shareOut(tokens: readonly Token[], weights: readonly number[], room: Room): Token[][] {
	if (weights.length <= 1) return [[...tokens]];
	const width = widths(tokens, room.language);
	const total = weights.reduce((sum, weight) => sum + weight, 0);
	// Places that had no text share alike.
	const parts = weights.map((weight) => (total > 0 ? weight / total : 1 / weights.length));
	const all = width(0, tokens.length);
	if (tokens.length > MOST_WEIGHED) return runs(tokens, endsInProportion(tokens.length, width, parts));
	const capacity = room.maxLineChars * room.maxLines;
	const breaks = breakCosts(tokens);
	const ends = partition(tokens.length, weights.length, (from, to, part) => {
		const wanted = all * (parts[part] ?? 0);
		const taken = width(from, to);
		const over = Math.max(0, taken - capacity);
		return (taken - wanted) ** 2 / Math.max(8, wanted) + (breaks[to - 1] ?? 0) / 4 + over * 100 + (to === from ? 1e6 : 0);
	});
	return runs(tokens, ends);
}

function endsInProportion(length: number, width: (from: number, to: number) => number, parts: readonly number[]): number[] {
	let at = 0;
	let wanted = 0;
	return parts.map((part, index) => {
		wanted += part * width(0, length);
		while (at < length && width(0, at + 1) <= wanted) at++;
		return index === parts.length - 1 ? length : at;
	});
}

/** Cuts a text that is too long for one place into as few as it takes, each within the room. */
export function cutToRoom(tokens: readonly Token[], room: Room): Token[][] {
	const width = widths(tokens, room.language);
	const lines = lineEnds(tokens.length, width, room.maxLineChars);
	if (lines.length <= room.maxLines) return tokens.length > 0 ? [[...tokens]] : [];
	const filled = runs(tokens, lines.filter((_, index) => index % room.maxLines === room.maxLines - 1 || index === lines.length - 1));
	if (tokens.length > MOST_WEIGHED) return filled;
	// In as many parts, but even ones that end at clauses, where that is possible.
	const even = shareOut(tokens, filled.map(() => 1), room);
	// A single word longer than a line fits nowhere.
	return even.every((part) => part.length === 1 || (part.length > 0 && fits(part, room))) ? even : filled;
}

const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;
/** Players take the direction of a line from its first letter: one that begins with a Latin name would run the wrong way. */
export function markDirection(line: string): string {
	const first = /[\u200e\u200f\u061c]|\p{L}/u.exec(line)?.[0];
	return first !== undefined && !/[\u200f\u061c]/.test(first) && !RIGHT_TO_LEFT.test(first) ? `\u200f${line}` : line;
}

/** Zero-width spaces, byte order marks, overrides and isolates of the direction, and "tags" (letters that nobody sees) other than those of a flag. */
const HIDING = /[\u00ad\u180e\u200b\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]|(?<!\u{1f3f4}[\u{e0020}-\u{e007f}]{0,6})[\u{e0000}-\u{e007f}]/gu;

/**
 * What may not come back from a model: control characters, and invisible ones that only hide something (zero-width spaces, byte
 * order marks, overrides of the direction). Joiners of emoji and of Persian or Hindi words stay, and so do marks of direction.
 */
export function cleanText(text: string): string {
	return text
		.normalize('NFC')
		.replace(HIDING, '')
		.replace(/([\u200c\u200d])[\u200c\u200d]+/g, '$1')
		// eslint-disable-next-line no-control-regex
		.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
		.replace(/ {2,}/g, ' ')
		.trim();
}
