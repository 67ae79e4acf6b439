import { isUnspaced } from '../languages.ts';
import { UNSPACED_OR_WIDE } from '../subtitles/text.ts';
import type { Segment, Word } from '../transcriber.ts';

/** A token of Whisper: a word, a part of one, or even a part of a character. Milliseconds. */
export interface Token {
	text: string;
	start: number;
	end: number;
}

/** What half a character looks like. */
const BROKEN = '\ufffd';
const LETTER = /[\p{L}\p{N}]/u;
const OPENING = /^\s*[\p{Ps}\p{Pi}]+$/u;
const SENTENCE_END = /[.!?…。！？؟।]["'”’»)\]]*$/u;
const SENTENCE_PAUSE_SECONDS = 1.5;
/** About two subtitles. */
const MAX_SEGMENT_SECONDS = 15;
/** `[BLANK_AUDIO]`, `[ Silence ]`, `[MUSIC PLAYING]`: nobody said that. */
const MAX_ANNOTATION_WORDS = 4;
/** Nor this. */
const NOTES_ONLY = /^[♩♪♫♬🎵🎶]+$/u;

/** A word, and whether a space stands before it. */
interface Placed extends Word {
	spaced: boolean;
}

/**
 * Words and sentences from tokens. Pure.
 * @param text the whole; tokens lack the characters that are divided between two of them
 */
export function readTokens(text: string, tokens: readonly Token[], language: string): { words: Word[]; segments: Segment[]; text: string } {
	const placed = withoutAnnotations(inOrder(group(mend(text, tokens), !isUnspaced(language))));
	const groups = sentences(placed);
	const segments = groups.map((sentence) => ({ start: sentence[0]!.start, end: sentence.at(-1)!.end, text: written(sentence) }));
	return { words: placed.map(({ spaced: _, ...word }) => word), segments, text: written(placed) };
}

/** As Whisper wrote it: with a space where it put one. */
const written = (words: readonly Placed[]): string => words.map(({ word, spaced }, index) => (spaced && index > 0 ? ` ${word}` : word)).join('');

/** Tokens with halves of characters become one with whole ones, which are taken from the text. */
function mend(text: string, tokens: readonly Token[]): Token[] {
	const whole: Token[] = [];
	let at = 0;
	for (let index = 0; index < tokens.length; ) {
		const token = tokens[index]!;
		if (!token.text.includes(BROKEN)) {
			whole.push(token);
			at += token.text.length;
			index += 1;
			continue;
		}
		let next = index;
		while (tokens[next] && (tokens[next]!.text === '' || tokens[next]!.text.includes(BROKEN))) next += 1;
		const found = next < tokens.length ? text.indexOf(tokens[next]!.text, at) : text.length;
		const until = Math.max(at, found);
		whole.push({ text: text.slice(at, until), start: token.start, end: tokens[next - 1]!.end });
		at = until;
		index = next;
	}
	return whole;
}

/** A space begins a word, and where there are none between words, a letter; what is neither letter nor digit belongs to the word before it. */
function group(tokens: readonly Token[], spaced: boolean): Token[] {
	const words: Token[] = [];
	for (const token of tokens) {
		const last = words.at(-1);
		const begins = /^\s/u.test(token.text) || (!spaced && last?.text.trim() !== '' && beginsUnspaced(token.text, last?.text ?? ''));
		if (last && !begins) Object.assign(last, { text: last.text + token.text, end: Math.max(last.end, token.end) });
		else words.push({ ...token });
	}
	return words;
}

/** Names in Latin letters are words as elsewhere, in several tokens. */
function beginsUnspaced(text: string, before: string): boolean {
	if (OPENING.test(text)) return true;
	if (OPENING.test(before) || !LETTER.test(text)) return false;
	const last = [...before].at(-1) ?? '';
	return UNSPACED_OR_WIDE.test(text) || UNSPACED_OR_WIDE.test(last);
}

/** Seconds; no word begins before the one before it. */
function inOrder(tokens: readonly Token[]): Placed[] {
	let before = 0;
	return tokens.flatMap(({ text, start, end }) => {
		const word = text.trim();
		if (word === '') return [];
		before = Math.max(before, start / 1000);
		return [{ start: before, end: Math.max(before, end / 1000), word, spaced: /^\s/u.test(text) }];
	});
}

function withoutAnnotations(words: readonly Placed[]): Placed[] {
	const kept: Placed[] = [];
	for (let at = 0; at < words.length; at += 1) {
		const { word } = words[at]!;
		const end = word.startsWith('[') ? words.slice(at, at + MAX_ANNOTATION_WORDS).findIndex((one) => /\][.,]?$/.test(one.word)) : -1;
		if (end >= 0) at += end;
		else if (!NOTES_ONLY.test(word)) kept.push(words[at]!);
	}
	return kept;
}

function sentences(words: readonly Placed[]): Placed[][] {
	const groups: Placed[][] = [];
	for (const word of words) {
		const current = groups.at(-1);
		const [first, last] = [current?.[0], current?.at(-1)];
		const goesOn =
			first && last && !SENTENCE_END.test(last.word) && word.start - last.end < SENTENCE_PAUSE_SECONDS && word.end - first.start <= MAX_SEGMENT_SECONDS;
		if (current && goesOn) current.push(word);
		else groups.push([word]);
	}
	return groups;
}
