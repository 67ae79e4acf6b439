import type { Segment, Word } from '../transcriber.ts';

/** A pause in which listeners expect a sentence to end. */
const SENTENCE_PAUSE_SECONDS = 0.6;
/** About two subtitles. */
const MAX_SEGMENT_SECONDS = 12;

/**
 * For recognisers that know no sentences: words are put together between pauses, with a capital letter at the beginning.
 * Whoever speaks on without one is cut at the longest pauses, and goes on with a small letter.
 */
export function segmentsOf(words: readonly Word[]): Segment[] {
	const sentences: Word[][] = [];
	for (const word of words) {
		const last = sentences.at(-1)?.at(-1);
		if (last && word.start - last.end < SENTENCE_PAUSE_SECONDS) sentences.at(-1)!.push(word);
		else sentences.push([word]);
	}
	return sentences.flatMap((sentence) =>
		halves(sentence).map((part, index) => {
			const text = part.map(({ word }) => word).join(' ');
			return { start: part[0]!.start, end: part.at(-1)!.end, text: index === 0 ? capital(text) : text };
		}),
	);
}

/** Cut at the longest pause that leaves a quarter on either side, until no part is too long. */
function halves(words: readonly Word[]): Word[][] {
	const [start, end] = [words[0]!.start, words.at(-1)!.end];
	if (end - start <= MAX_SEGMENT_SECONDS || words.length < 2) return [[...words]];
	const margin = (end - start) / 4;
	const places = words.map((_, index) => index).slice(1);
	const pause = (at: number): number => {
		const middle = words[at]!.start >= start + margin && words[at]!.start <= end - margin;
		return words[at]!.start - words[at - 1]!.end + (middle ? 0 : -Infinity);
	};
	const best = places.reduce((one, other) => (pause(other) > pause(one) ? other : one), Math.ceil(words.length / 2));
	return [...halves(words.slice(0, best)), ...halves(words.slice(best))];
}

const capital = (text: string): string => text.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());
