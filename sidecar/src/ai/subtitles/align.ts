import type { Word } from '../transcriber.ts';
import type { CueWord } from './cue.ts';
import { PAUSE_MS } from './rules.ts';
import type { Piece } from './text.ts';

/** A piece with its time, milliseconds. */
export interface Timed extends Piece {
	start: number;
	end: number;
	/** The time is that of its words, not an estimate. */
	known: boolean;
}

/** How many letters of the timed words may be passed over to find the next one of the text: Whisper leaves words out of either. */
const LOOK_AHEAD = 40;

export const toMs = (seconds: number): number => (Number.isFinite(seconds) ? Math.max(0, Math.round(seconds * 1000)) : 0);
const letters = (word: string): string => word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
const longest = (pieces: readonly Piece[]): number => pieces.reduce((most, { text }) => Math.max(most, text.length), 0);

/** Letters of the timed words in order, each with its share of the time of its word. */
interface Stream {
	text: string;
	start: number[];
	end: number[];
	/** A word begins here. */
	begins: boolean[];
}

/** Hands out the words in order: each of them is said once. */
export function createAligner(words: readonly Word[]): (pieces: readonly Piece[], start: number, end: number) => Timed[] {
	let next = 0;
	const known: string[] = [];
	const spelt = (index: number): string => (known[index] ??= letters((words[index] as Word).word));
	return (pieces, start, end) => {
		while (next < words.length && toMs((words[next] as Word).end) < start - PAUSE_MS) next++;
		const from = next;
		// Of words that lie on each other by the thousand, no more than can be looked at: as many letters as the text has, and those passed over.
		let room = 2 * pieces.reduce((sum, { text }) => sum + text.length + LOOK_AHEAD, LOOK_AHEAD + longest(pieces));
		let until = from;
		// A word of another segment is another word, however it is spelt.
		while (until < words.length && room > 0 && toMs((words[until] as Word).start) <= end + PAUSE_MS) room -= spelt(until++).length + 1;
		const { stream, wordAt } = streamOf(words, spelt, from, until);
		const times = match(pieces, stream, (letter) => void (next = Math.max(next, wordAt[letter] ?? next)));
		return estimate(pieces, times, start, end);
	};
}

function streamOf(words: readonly Word[], spelt: (index: number) => string, from: number, until: number): { stream: Stream; wordAt: number[] } {
	const stream: Stream = { text: '', start: [], end: [], begins: [] };
	const wordAt: number[] = [];
	const parts: string[] = [];
	for (let index = from; index < until; index++) {
		const word = words[index] as Word;
		const text = spelt(index);
		const [begin, end] = [toMs(word.start), Math.max(toMs(word.start), toMs(word.end))];
		for (let at = 0; at < text.length; at++) {
			stream.start.push(begin + ((end - begin) * at) / text.length);
			stream.end.push(begin + ((end - begin) * (at + 1)) / text.length);
			stream.begins.push(at === 0);
			wordAt.push(index);
		}
		parts.push(text);
	}
	stream.text = parts.join('');
	return { stream, wordAt };
}

type Time = { start: number; end: number } | null;

function match(pieces: readonly Piece[], stream: Stream, used: (letter: number) => void): Time[] {
	const wanted = pieces.map(({ text }) => letters(text));
	let cursor = 0;
	return wanted.map((own, index) => {
		if (own === '') return null;
		const window = stream.text.slice(cursor, cursor + LOOK_AHEAD + own.length);
		// "a" is not the beginning of "again": a word begins where one begins, or where the last one was left, and ends where one ends,
		// or where the next one goes on.
		const fits = (at: number): boolean => {
			const end = cursor + at + own.length;
			const ends = end === stream.text.length || stream.begins[end] === true || (wanted[index + 1] !== undefined && wanted[index + 1] !== '' && stream.text.startsWith(wanted[index + 1] ?? '', end));
			return ends && (at === 0 || stream.begins[cursor + at] === true);
		};
		let at = window.indexOf(own);
		while (at >= 0 && !fits(at)) at = window.indexOf(own, at + 1);
		if (at < 0) return null;
		const first = cursor + at;
		cursor = first + own.length;
		used(cursor - 1);
		return { start: Math.round(stream.start[first] as number), end: Math.round(stream.end[cursor - 1] as number) };
	});
}

/** Pieces without a time of their own share that between their neighbours by their length. Times never go back. */
function estimate(pieces: readonly Piece[], times: readonly Time[], start: number, end: number): Timed[] {
	const timed: Timed[] = [];
	for (let at = 0; at < pieces.length; ) {
		const own = times[at];
		if (own) {
			const begin = Math.max(own.start, timed.at(-1)?.start ?? 0);
			timed.push({ ...(pieces[at] as Piece), start: begin, end: Math.max(begin, own.end), known: true });
			at++;
			continue;
		}
		let stop = at;
		while (stop < pieces.length && !times[stop]) stop++;
		const from = timed.at(-1)?.end ?? start;
		const to = Math.max(from, times[stop]?.start ?? Math.max(end, from));
		const run = pieces.slice(at, stop);
		const total = run.reduce((sum, { text }) => sum + text.length, 0);
		let done = 0;
		for (const one of run) {
			const begin = from + ((to - from) * done) / total;
			done += one.text.length;
			timed.push({ ...one, start: Math.round(begin), end: Math.round(from + ((to - from) * done) / total), known: false });
		}
		at = stop;
	}
	return timed;
}

/** Words within the time of their subtitle, each beginning no earlier than the one before it. */
export function wordsWithin(words: readonly CueWord[], { start, end }: { start: number; end: number }): CueWord[] {
	const within = (ms: number): number => Math.min(end, Math.max(start, ms));
	let before = start;
	return words.map((word) => {
		before = Math.max(before, within(word.start));
		return { text: word.text, start: before, end: Math.max(before, within(word.end)) };
	});
}
