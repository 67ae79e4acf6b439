import type { Segment, Word } from '../transcriber.ts';
import type { Cue } from './cue.ts';

export interface CutOptions {
	/** Longest line, in characters as people count them. Default 42 (Netflix timed text guide, Latin scripts). */
	maxLineChars?: number;
}

const MAX_LINE_CHARS = 42;
const MAX_LINES = 2;
/** Longest time one subtitle stays: Netflix timed text guide. */
const MAX_CUE_MS = 7000;
/** A pause in which a viewer expects the subtitle to go: half a second longer than a breath. */
const PAUSE_MS = 1200;
/** How far ahead a word of the text is looked for among the timed words: Whisper splits "10,000" and joins "can not". */
const LOOK_AHEAD = 4;
const SENTENCE_END = /[.!?…。！？]["'”’)\]]*$/u;

/** A piece of text between two spaces, with its time in milliseconds. */
interface Token {
	text: string;
	start: number;
	end: number;
	/** Followed by a space. A long word that was cut is not. */
	spaced: boolean;
}

/**
 * Cuts what was said into subtitles: two lines of at most `maxLineChars`, ended at sentences and pauses, in order and never
 * overlapping, whatever times the provider gave. Nothing of the text is lost.
 */
export function cutSubtitles(
	segments: readonly Segment[],
	words: readonly Word[] | null,
	options: CutOptions = {},
): Cue[] {
	const maxLineChars = options.maxLineChars ?? MAX_LINE_CHARS;
	const next = { word: 0 };
	const cues = segments.flatMap((segment) => {
		const tokens = timeTokens(
			tokensOf(segment.text, maxLineChars),
			toMs(segment.start),
			toMs(segment.end),
			words ?? [],
			next,
		);
		return group(tokens, maxLineChars).map((tokensOfCue) => toCue(tokensOfCue, maxLineChars));
	});
	return inOrder(cues);
}

const toMs = (seconds: number) => (Number.isFinite(seconds) ? Math.max(0, Math.round(seconds * 1000)) : 0);
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const split = (text: string) => Array.from(graphemes.segment(text), ({ segment }) => segment);
const lengthOf = (text: string) => split(text).length;

/** Words as they are written; one that is longer than a line (a URL, a sentence of Japanese) is cut. */
function tokensOf(text: string, maxLineChars: number): Array<Pick<Token, 'text' | 'spaced'>> {
	// eslint-disable-next-line no-control-regex
	const plain = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
	return plain
		.split(/\s+/u)
		.filter(Boolean)
		.flatMap((word) => {
			const characters = split(word);
			const pieces: string[] = [];
			for (let at = 0; at < characters.length; at += maxLineChars)
				pieces.push(characters.slice(at, at + maxLineChars).join(''));
			return pieces.map((piece, index) => ({ text: piece, spaced: index === pieces.length - 1 }));
		});
}

const normal = (word: string) => word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

/** Gives each token the time of its word; tokens without one share the time between their neighbours by their length. */
function timeTokens(
	tokens: Array<Pick<Token, 'text' | 'spaced'>>,
	start: number,
	end: number,
	words: readonly Word[],
	next: { word: number },
): Token[] {
	const known = tokens.map(({ text }) => {
		const wanted = normal(text);
		for (let at = next.word; wanted !== '' && at < Math.min(words.length, next.word + LOOK_AHEAD); at++) {
			const word = words[at];
			// A word of another segment is another word, however it is spelt.
			if (
				word &&
				normal(word.word) === wanted &&
				toMs(word.start) >= start - PAUSE_MS &&
				toMs(word.start) <= end + PAUSE_MS
			) {
				next.word = at + 1;
				return { start: toMs(word.start), end: toMs(word.end) };
			}
		}
		return null;
	});
	const timed: Token[] = [];
	for (let at = 0; at < tokens.length; ) {
		const own = known[at];
		if (own) {
			timed.push({ ...(tokens[at] as Token), ...own });
			at++;
			continue;
		}
		const until = known.findIndex((entry, index) => index > at && entry !== null);
		const stop = until < 0 ? tokens.length : until;
		const from = timed.at(-1)?.end ?? start;
		const to = Math.max(from, known[stop]?.start ?? Math.max(end, from));
		const run = tokens.slice(at, stop);
		const total = run.reduce((sum, { text }) => sum + text.length, 0);
		let done = 0;
		for (const token of run) {
			const begin = from + ((to - from) * done) / total;
			done += token.text.length;
			timed.push({ ...token, start: Math.round(begin), end: Math.round(from + ((to - from) * done) / total) });
		}
		at = stop;
	}
	return timed;
}

const join = (tokens: readonly Token[]) =>
	tokens.map(({ text, spaced }, index) => text + (spaced && index < tokens.length - 1 ? ' ' : '')).join('');

/** Lines filled one after the other. */
function wrap(tokens: readonly Token[], maxLineChars: number): Token[][] {
	const lines: Token[][] = [];
	for (const token of tokens) {
		const line = lines.at(-1);
		if (line && lengthOf(join([...line, token])) <= maxLineChars) line.push(token);
		else lines.push([token]);
	}
	return lines;
}

function group(tokens: readonly Token[], maxLineChars: number): Token[][] {
	const groups: Token[][] = [];
	for (const token of tokens) {
		const current = groups.at(-1);
		const last = current?.at(-1);
		const first = current?.[0];
		const fits =
			current &&
			last &&
			first &&
			wrap([...current, token], maxLineChars).length <= MAX_LINES &&
			token.end - first.start <= MAX_CUE_MS &&
			token.start - last.end <= PAUSE_MS;
		// A sentence of one short word ("No.") is not worth a subtitle of its own.
		const ended = last && SENTENCE_END.test(last.text) && lengthOf(join(current ?? [])) > maxLineChars / 2;
		if (fits && !ended) current.push(token);
		else groups.push([token]);
	}
	return groups;
}

/** Two lines of about the same length read faster than a full one and a word. */
function toCue(tokens: readonly Token[], maxLineChars: number): Cue {
	let lines = wrap(tokens, maxLineChars).map(join);
	if (lines.length === 2) {
		let best = Infinity;
		for (let at = 1; at < tokens.length; at++) {
			const [upper, lower] = [join(tokens.slice(0, at)), join(tokens.slice(at))];
			const [a, b] = [lengthOf(upper), lengthOf(lower)];
			if (a <= maxLineChars && b <= maxLineChars && Math.abs(a - b) < best) {
				best = Math.abs(a - b);
				lines = [upper, lower];
			}
		}
	}
	const starts = tokens.map(({ start }) => start);
	return {
		start: Math.min(...starts),
		end: Math.max(...tokens.map(({ end }) => end)),
		lines: lines.map((line) => line.trim()),
	};
}

/** Each subtitle lasts, and ends before the next one begins. */
function inOrder(cues: readonly Cue[]): Cue[] {
	let free = 0;
	return cues.map((cue, index) => {
		const start = Math.max(cue.start, free);
		const following = cues[index + 1]?.start ?? Infinity;
		const wanted = following > start ? Math.min(cue.end, following) : cue.end;
		free = Math.max(wanted, start + 1);
		return { ...cue, start, end: free };
	});
}
