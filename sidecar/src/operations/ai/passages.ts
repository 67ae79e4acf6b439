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
	const said = cues.map(({ start, end, ...cue }) => ({ start, end, text: searchText(textOf(cue)) })).filter(({ text }) => text !== '');
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

/** Where the next one begins: in the last seconds of this one, but never again where this one began, and not across a pause. */
function overlapping(said: ReadonlyArray<{ start: number; end: number }>, from: number, until: number): number {
	const end = said[until - 1]?.end ?? 0;
	if ((said[until]?.start ?? 0) - end >= PAUSE_MS) return until;
	let begin = until;
	while (begin - 1 > from && end - (said[begin - 1]?.start ?? 0) <= OVERLAP_MS) begin -= 1;
	return begin;
}
