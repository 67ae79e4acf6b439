import { textOf, type Cue } from '../../ai/subtitles/cue.ts';
import { searchText } from '../../db/search-query.ts';

/** A piece of what is said that makes sense by itself. Times in seconds. */
export interface Passage {
	start: number;
	end: number;
	text: string;
}

/** Half a minute is some 75 words: enough for a thought, few enough to jump to. */
const LONGEST_MS = 30_000;
/** From here on the end of a sentence ends the passage. */
const LEAST_MS = 15_000;
/** A pause in which the topic may change: ends a passage that is not all too short. */
const PAUSE_MS = 4000;
/** What is asked for may lie across two passages: so much of the end is said again at the beginning of the next one. */
const OVERLAP_MS = 5000;
/** Where nothing has times, or somebody talks very fast: models read some 100 to 200 words well. */
const MOST_CHARACTERS = 900;
const SENTENCE_END = /[.!?…。！？؟।]["'”’»)\]]*$/u;

/** Passages of about half a minute that end with sentences where they can, each beginning with the end of the one before. */
export function toPassages(cues: readonly Cue[]): Passage[] {
	const said = cues.flatMap(({ start, end, ...cue }) => shortEnough({ start, end, text: searchText(textOf(cue)) })).filter(({ text }) => text !== '');
	const passages: Passage[] = [];
	for (let from = 0; from < said.length; ) {
		const first = said[from];
		if (!first) break;
		let until = from + 1;
		let characters = first.text.length;
		for (; until < said.length; until++) {
			const [before, next] = [said[until - 1], said[until]];
			if (!before || !next) break;
			const long = before.end - first.start;
			if (next.end - first.start > LONGEST_MS || characters + next.text.length > MOST_CHARACTERS) break;
			if (long >= LEAST_MS && (SENTENCE_END.test(before.text) || next.start - before.end >= PAUSE_MS)) break;
			characters += next.text.length;
		}
		const some = said.slice(from, until);
		passages.push({ start: first.start / 1000, end: Math.max(...some.map(({ end }) => end)) / 1000, text: some.map(({ text }) => text).join(' ') });
		if (until >= said.length) break;
		from = overlapping(said, from, until);
	}
	return passages;
}

/** Times as those of cues, in milliseconds. */
type Said = Pick<Cue, 'start' | 'end'> & { text: string };

/** One that is longer than a passage may be (a transcript without times is a single one), in parts that share its time by their length. */
function shortEnough({ start, end, text }: Said): Said[] {
	const parts: Said[] = [];
	for (let from = 0; from < text.length; ) {
		const until = from + cutOf(text.slice(from, from + MOST_CHARACTERS + 1));
		const at = (place: number): number => start + ((end - start) * place) / text.length;
		parts.push({ start: at(from), end: at(until), text: text.slice(from, until).trim() });
		from = until;
	}
	return parts;
}

/** Behind a sentence of its second half, else behind a word, else where it is full; never within a character. */
function cutOf(text: string): number {
	if (text.length <= MOST_CHARACTERS) return text.length;
	const full = text.slice(0, MOST_CHARACTERS).replace(/[\ud800-\udbff]$/, '');
	for (const ends of [/[.!?…。！？؟।]["'”’»)\]]*\s*/gu, /\s+/gu]) {
		const last = [...full.matchAll(ends)].at(-1);
		if (last && last.index > MOST_CHARACTERS / 2) return last.index + last[0].length;
	}
	return full.length;
}

/** Where the next one begins: in the last seconds of this one, but never again where this one began, and not across a pause. */
function overlapping(said: ReadonlyArray<{ start: number; end: number }>, from: number, until: number): number {
	const end = said[until - 1]?.end ?? 0;
	if ((said[until]?.start ?? 0) - end >= PAUSE_MS) return until;
	let begin = until;
	while (begin - 1 > from && end - (said[begin - 1]?.start ?? 0) <= OVERLAP_MS) begin -= 1;
	return begin;
}
