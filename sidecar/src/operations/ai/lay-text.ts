import { isUnspaced, isWide } from '../../ai/languages.ts';

/** Where text may be broken, and how it is laid onto lines and subtitles. Pure; words are never split. */

/** What is between two places at which a line may end, blanks behind it included. Together they are the text. */
export type Token = string;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** Characters as people count them. */
export const lengthOf = (text: string): number => Array.from(graphemes.segment(text)).length;

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
const BLANK_RUN = /[^ \t\n\r\u3000]+[ \t\n\r\u3000]*/gu;

/** A no-break space holds, an ordinary blank breaks; where no blanks are written, a dictionary tells the words. */
export function tokensOf(text: string, language: string): Token[] {
	const chunks = text.match(BLANK_RUN) ?? [];
	const pieces = isUnspaced(language) ? chunks.flatMap((chunk) => words(chunk, language)) : chunks;
	const tokens: Token[] = [];
	for (const piece of pieces) {
		const last = tokens.at(-1);
		// French writes a blank before ! and behind «, and no line may end there.
		if (last !== undefined && ((CLINGS.test(piece) && /^[^\p{L}\p{N}]+$/u.test(piece)) || OPENS.test(last))) tokens[tokens.length - 1] = last + piece;
		else if (last !== undefined && isUnspaced(language) && !/\s$/.test(last) && (CLINGS.test(piece) || isEnding(piece, last))) tokens[tokens.length - 1] = last + piece;
		else tokens.push(piece);
	}
	return tokens;
}

/** Links and Latin names are one word each, whatever stands in them. */
function words(chunk: string, language: string): string[] {
	const segmenter = new Intl.Segmenter(language, { granularity: 'word' });
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
const breakCost = (token: Token | undefined): number => (token === undefined || SENTENCE_END.test(token) ? 0 : CLAUSE_END.test(token) ? 4 : 16);

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

/** As few lines as it takes, of about the same length, ended at clauses where there are any. More than `maxLines` when it is too long. */
export function wrap(tokens: readonly Token[], { language, maxLineChars }: Pick<Room, 'language' | 'maxLineChars'>): string[] {
	const width = widths(tokens, language);
	const fewest = greedy(tokens, width, maxLineChars);
	if (fewest <= 1) return tokens.length === 0 ? [] : [joined(tokens)];
	const even = width(0, tokens.length) / fewest;
	const cost = (from: number, to: number): number => {
		const taken = width(from, to);
		const over = Math.max(0, taken - maxLineChars);
		// A single word that is longer than a line costs nothing more: it cannot be helped.
		return (taken - even) ** 2 + (to < tokens.length ? breakCost(tokens[to - 1]) : 0) + (to - from > 1 ? over * 10_000 : 0) + (to === from ? 1e6 : 0);
	};
	return runs(tokens, partition(tokens.length, fewest, cost)).map(joined);
}

function greedy(tokens: readonly Token[], width: (from: number, to: number) => number, most: number): number {
	let lines = tokens.length > 0 ? 1 : 0;
	let from = 0;
	for (let at = 0; at < tokens.length; at++) {
		if (at > from && width(from, at + 1) > most) {
			lines++;
			from = at;
		}
	}
	return lines;
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

export const fits = (tokens: readonly Token[], room: Room): boolean => {
	const lines = wrap(tokens, room);
	return lines.length <= room.maxLines && lines.every((line) => widthOf(line, room.language) <= room.maxLineChars);
};

/**
 * Shares a text out to consecutive places, in proportion to their weights, and rather at the end of a clause than in its middle.
 * A place stays empty only when there are fewer words than places.
 */
export function shareOut(tokens: readonly Token[], weights: readonly number[], room: Room): Token[][] {
	if (weights.length <= 1) return [[...tokens]];
	const width = widths(tokens, room.language);
	const total = weights.reduce((sum, weight) => sum + weight, 0) || weights.length;
	const all = width(0, tokens.length);
	const capacity = room.maxLineChars * room.maxLines;
	const ends = partition(tokens.length, weights.length, (from, to, part) => {
		const wanted = (all * (weights[part] ?? 0)) / total;
		const taken = width(from, to);
		const over = Math.max(0, taken - capacity);
		return (taken - wanted) ** 2 / Math.max(8, wanted) + (to < tokens.length ? breakCost(tokens[to - 1]) / 4 : 0) + over * 100 + (to === from ? 1e6 : 0);
	});
	return runs(tokens, ends);
}

/** Cuts a text that is too long for one place into as few as it takes, each within the room. */
export function cutToRoom(tokens: readonly Token[], room: Room): Token[][] {
	const fewest = Math.max(1, Math.ceil(widths(tokens, room.language)(0, tokens.length) / (room.maxLineChars * room.maxLines)));
	for (let parts = fewest; parts < tokens.length; parts++) {
		const shared = shareOut(tokens, Array.from({ length: parts }, () => 1), room).filter(({ length }) => length > 0);
		// A single word longer than a line fits nowhere.
		if (shared.every((part) => part.length === 1 || fits(part, room))) return shared;
	}
	return tokens.map((token) => [token]);
}

const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;
/** Players take the direction of a line from its first letter: one that begins with a Latin name would run the wrong way. */
export function markDirection(line: string): string {
	const first = /[\u200e\u200f\u061c]|\p{L}/u.exec(line)?.[0];
	return first !== undefined && !/[\u200f\u061c]/.test(first) && !RIGHT_TO_LEFT.test(first) ? `\u200f${line}` : line;
}

/**
 * What may not come back from a model: control characters, and invisible ones that only hide something (zero-width spaces, byte
 * order marks, overrides of the direction). Joiners of emoji and of Persian or Hindi words stay, and so do marks of direction.
 */
export function cleanText(text: string): string {
	return text
		.normalize('NFC')
		.replace(/[\u200b\u2060\ufeff\u00ad\u202a-\u202e]/g, '')
		.replace(/([\u200c\u200d])[\u200c\u200d]+/g, '$1')
		// eslint-disable-next-line no-control-regex
		.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
		.replace(/ {2,}/g, ' ')
		.trim();
}
