import { glue } from '../../ai/subtitles/text.ts';
import type { Segment, Transcript, Word } from '../../ai/transcriber.ts';
import { UNSPACED } from '../../unspaced.ts';

/** Corrections by people, applied to what was heard: whole words, in the case that fits. Pure. */

export interface WordCorrection {
	wrong: string;
	right: string;
}

interface Found {
	start: number;
	end: number;
	text: string;
}

/** Corrects a text; `count` says in how many places. */
export interface Corrector {
	(text: string): { text: string; count: number };
	find(text: string): Found[];
}

const WORD = /[\p{L}\p{N}\p{M}]+(?:['’][\p{L}\p{N}\p{M}]+)*/gu;
const TIBETAN = /\p{Script=Tibetan}/u;
/** What WORD sees the whole of. Anything else ("C++", "node.js") is looked for letter by letter: its words alone mean something else. */
const WORDS_ONLY = /^[\p{L}\p{N}\p{M}'’\s-]+$/u;
/** Behind a word that was copied out of a sentence. */
const SENTENCE_SIGNS = /[\s.,!?;:…]+$/u;

const folded = (text: string): string => text.normalize('NFC').toLowerCase();
const wordsIn = (text: string): RegExpExecArray[] => Array.from(text.matchAll(WORD));

/** @param corrections the first one on a word holds */
export function createCorrector(corrections: readonly WordCorrection[]): Corrector {
	const byFirst = new Map<string, Array<{ words: string[]; right: string }>>();
	const anywhere: WordCorrection[] = [];
	const literal: Array<{ pattern: RegExp; right: string }> = [];
	for (const { wrong: given, right } of corrections) {
		const wrong = given.normalize('NFC').replace(SENTENCE_SIGNS, '');
		if (wrong === '') continue;
		// Without spaces between words a correction may stand anywhere. In Tibetan dots part the syllables, and each is a word here.
		if (UNSPACED.test(wrong) && !TIBETAN.test(wrong)) {
			anywhere.push({ wrong, right });
			continue;
		}
		if (!WORDS_ONLY.test(wrong)) {
			literal.push({ pattern: literally(wrong), right });
			continue;
		}
		const words = wordsIn(wrong).map(([word]) => folded(word));
		const [first] = words;
		if (first === undefined) continue;
		const others = byFirst.get(first) ?? [];
		if (!others.some((other) => other.words.join(' ') === words.join(' '))) byFirst.set(first, [...others, { words, right }]);
	}
	// "New York Times" before "New York".
	for (const entries of byFirst.values()) entries.sort((a, b) => b.words.length - a.words.length);

	const find = (text: string): Found[] => {
		const found: Found[] = [];
		const words = byFirst.size > 0 ? wordsIn(text) : [];
		for (let at = 0; at < words.length; at++) {
			const entry = byFirst.get(folded(words[at]?.[0] ?? ''))?.find((candidate) => fits(candidate.words, words, at, text));
			if (!entry) continue;
			const last = words[at + entry.words.length - 1] as RegExpExecArray;
			const [start, end] = [(words[at] as RegExpExecArray).index, last.index + last[0].length];
			const right = inCase(entry.right, text.slice(start, end));
			// Heard right already: nothing to count.
			if (right !== text.slice(start, end) && !isPartOf(entry.right, text, start, end)) found.push({ start, end, text: right });
			at += entry.words.length - 1;
		}
		if (literal.length + anywhere.length === 0) return found;
		// A byte for each unit of the text: comparing each place with all others takes minutes on a long one.
		const taken = new Uint8Array(text.length);
		for (const { start, end } of found) taken.fill(1, start, end);
		const add = (start: number, end: number, right: string): void => {
			if (taken.subarray(start, end).includes(1) || right === text.slice(start, end) || isPartOf(right, text, start, end)) return;
			found.push({ start, end, text: right });
			taken.fill(1, start, end);
		};
		for (const { pattern, right } of literal)
			for (const { index, 0: hit } of text.matchAll(pattern)) if (standsAlone(text, index, index + hit.length)) add(index, index + hit.length, right);
		for (const { wrong, right } of anywhere)
			for (let at = text.indexOf(wrong); at >= 0; at = text.indexOf(wrong, at + wrong.length)) add(at, at + wrong.length, right);
		return found.sort((a, b) => a.start - b.start);
	};
	const correct = (text: string): { text: string; count: number } => {
		const found = find(text);
		let done = 0;
		let corrected = '';
		for (const { start, end, text: right } of found) {
			corrected += text.slice(done, start) + right;
			done = end;
		}
		return { text: corrected + text.slice(done), count: found.length };
	};
	return Object.assign(correct, { find });
}

/** In any case. (What may stand beside it is looked at by `standsAlone`: classes of letters in a pattern for any case take V8 milliseconds to compile.) */
const literally = (wrong: string): RegExp => new RegExp(wrong.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'giu');

const BEGINS_IN_WORD = /^[\p{L}\p{N}\p{M}]/u;
const ENDS_IN_WORD = /[\p{L}\p{N}\p{M}]$/u;

/** Whether no letter or digit goes on where it begins or ends with one. */
function standsAlone(text: string, start: number, end: number): boolean {
	const hit = text.slice(start, end);
	const goesOnBefore = BEGINS_IN_WORD.test(hit) && ENDS_IN_WORD.test(text.slice(Math.max(0, start - 2), start));
	return !goesOnBefore && !(ENDS_IN_WORD.test(hit) && BEGINS_IN_WORD.test(text.slice(end, end + 2)));
}

/** Whether it is right already, as the "tea" of "green tea" is where "tea" is to be "green tea": correcting twice changes nothing. */
function isPartOf(right: string, text: string, start: number, end: number): boolean {
	const [wanted, there] = [right.toLowerCase(), text.slice(start, end).toLowerCase()];
	if (wanted.length <= there.length) return false;
	for (let at = wanted.indexOf(there); at >= 0; at = wanted.indexOf(there, at + 1))
		if (start >= at && text.slice(start - at, start - at + wanted.length).toLowerCase() === wanted) return true;
	return false;
}

/** All words, one after the other, with nothing but blanks or hyphens between: a comma is a pause that somebody heard. */
const fits = (wanted: readonly string[], words: readonly RegExpExecArray[], at: number, text: string): boolean =>
	wanted.every((word, offset) => {
		const here = words[at + offset];
		const before = words[at + offset - 1];
		if (!here || folded(here[0]) !== word) return false;
		return offset === 0 || (before !== undefined && /^[\s-]{1,3}$/u.test(text.slice(before.index + before[0].length, here.index)));
	});

/** A name keeps its own case; an ordinary word takes that of what it replaces. */
function inCase(right: string, heard: string): string {
	if (right !== right.toLowerCase() || /\p{N}/u.test(right)) return right;
	if (heard.length > 1 && heard === heard.toUpperCase() && heard !== heard.toLowerCase()) return right.toUpperCase();
	const [first = ''] = heard;
	return first !== first.toLowerCase() ? right.charAt(0).toUpperCase() + right.slice(1) : right;
}

/** The same in text, segments and words. `count`: places in the text. */
export function correctTranscript(transcript: Transcript, corrections: readonly WordCorrection[]): { transcript: Transcript; count: number } {
	if (corrections.length === 0) return { transcript, count: 0 };
	const correct = createCorrector(corrections);
	const { text, count } = correct(transcript.text);
	const segments = correctSegments(transcript.segments, correct);
	return { transcript: { ...transcript, text, segments, words: transcript.words && correctWords(transcript.words, correct) }, count };
}

/** Texts as they are read one after the other, and where each begins. */
function joined(texts: readonly string[]): { text: string; starts: number[] } {
	const starts: number[] = [];
	let text = '';
	for (const [index, one] of texts.entries()) {
		if (index > 0) text += glue(texts[index - 1] ?? '', one);
		starts.push(text.length);
		text += one;
	}
	return { text, starts };
}

/** Engines end segments anywhere: what runs over the end of one goes where it begins. */
function correctSegments(segments: readonly Segment[], correct: Corrector): Segment[] {
	const { text, starts } = joined(segments.map((segment) => segment.text));
	const found = correct.find(text);
	const corrected: Segment[] = [];
	let next = 0;
	let done = 0;
	for (const [index, segment] of segments.entries()) {
		const start = starts[index] ?? 0;
		const end = start + segment.text.length;
		const shortened = done > start;
		done = Math.max(done, start);
		let own = '';
		for (let one = found[next]; one && one.start < end; one = found[++next]) {
			own += text.slice(done, one.start) + one.text;
			done = one.end;
		}
		own += text.slice(done, Math.max(done, end));
		if (shortened) own = own.trimStart();
		const before = corrected.at(-1);
		if (shortened && own === '' && before) corrected[corrected.length - 1] = { ...before, end: Math.max(before.end, segment.end) };
		else corrected.push({ ...segment, text: own });
	}
	return corrected;
}

/** Words that are replaced together share their time out to those that replace them, by their length. */
function correctWords(words: readonly Word[], correct: Corrector): Word[] {
	// Engines give one word for each character of Chinese and Japanese, and no blanks are between them.
	const { text, starts } = joined(words.map(({ word }) => word));
	const endOf = (index: number): number => (starts[index] ?? 0) + (words[index]?.word.length ?? 0);
	const found = correct.find(text);
	const corrected: Word[] = [];
	let next = 0;
	for (let at = 0; at < words.length; at++) {
		const word = words[at] as Word;
		const start = starts[at] ?? 0;
		while (next < found.length && (found[next] as Found).end <= start) next++;
		const hit = found[next];
		if (!hit || hit.start >= endOf(at)) {
			corrected.push(word);
			continue;
		}
		let last = at;
		while (endOf(last) < hit.end && last + 1 < words.length) last++;
		// Several corrections may lie in one "word" of a provider that gives whole phrases.
		let whole = '';
		let done = start;
		for (let one = found[next]; one && one.end <= endOf(last); one = found[++next]) {
			if (one.start < done) continue;
			whole += text.slice(done, one.start) + one.text;
			done = one.end;
		}
		corrected.push(...shared(whole + text.slice(done, endOf(last)), word, words[last] as Word));
		at = last;
	}
	return corrected;
}

function shared(text: string, first: Word, last: Word): Word[] {
	const parts = text.split(/\s+/u).filter(Boolean);
	const total = parts.reduce((sum, part) => sum + part.length, 0);
	const length = Math.max(0, last.end - first.start);
	let done = 0;
	return parts.map((part) => {
		const start = first.start + (length * done) / total;
		done += part.length;
		return { ...first, word: part, start: round(start), end: round(first.start + (length * done) / total) };
	});
}

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;
