import { setImmediate } from 'node:timers/promises';
import type { Segment, Word } from '../transcriber.ts';
import { createAligner, toMs, wordsWithin, type Timed } from './align.ts';
import { breakCost, SENTENCE_END } from './breaks.ts';
import type { Cue } from './cue.ts';
import { breakLines } from './lines.ts';
import { DEFAULT_RULES, PAUSE_MS, type SubtitleRules } from './rules.ts';
import { exceeds, glue, join, piece, piecesOf, readingMs, sum, widthOf } from './text.ts';
import { place } from './timing.ts';

/** Rules that differ from the usual ones. */
export type CutOptions = Partial<SubtitleRules>;

/** A piece of the text with all that cutting must know of it. */
interface Token extends Timed {
	/** A segment of the transcript ends with it. */
	segmentEnd: boolean;
	speaker: string | undefined;
}

/**
 * Cuts what was said into subtitles by the rules: broken at sentences, clauses and pauses, begun anew with each speaker, in
 * order and never overlapping, whatever times the provider gave. Nothing of the text is lost. Long texts take their time: others have
 * their turn in between. Throws the signal's reason.
 */
export async function cutSubtitles(segments: readonly Segment[], words: readonly Word[] | null, options: CutOptions = {}, signal?: AbortSignal): Promise<Cue[]> {
	const work = cutting(segments, words, options);
	for (;;) {
		const step = work.next();
		if (step.done) return step.value;
		await setImmediate();
		signal?.throwIfAborted();
	}
}

/** Pieces that are worked on in one go: some ten milliseconds. */
const STRIDE = 500;

function* cutting(segments: readonly Segment[], words: readonly Word[] | null, options: CutOptions): Generator<void, Cue[]> {
	const rules = { ...DEFAULT_RULES, ...options };
	const align = createAligner(words ?? []);
	const tokens: Token[] = [];
	for (const { text, start, end, speaker } of segments) {
		const before = tokens.length;
		const timed = align(piecesOf(text, rules), toMs(start), toMs(end));
		for (const [index, token] of timed.entries()) tokens.push({ ...token, segmentEnd: index === timed.length - 1, speaker });
		if (Math.floor(before / STRIDE) !== Math.floor(tokens.length / STRIDE)) yield;
	}
	// Between two segments the text has no blank either, where its script has none.
	for (const [index, token] of tokens.entries()) {
		const next = tokens[index + 1];
		if (token.segmentEnd && next) token.spaced = glue(token.text, next.text) !== '';
	}
	const groups: Token[][] = [];
	let before: readonly Token[] | undefined;
	let worked = 0;
	for (const turn of turns(tokens)) {
		for (const one of yield* group(dashed(turn, before, rules), rules)) groups.push(one);
		before = turn;
		worked += turn.length;
		if (worked < STRIDE) continue;
		worked = 0;
		yield;
	}
	const times = place(groups.map((tokensOfCue) => ({ ...span(tokensOfCue), readingMs: readingMs(sum(tokensOfCue), rules) })), rules);
	const cues: Cue[] = [];
	for (const [index, tokensOfCue] of groups.entries()) {
		cues.push(toCue(tokensOfCue, times[index] as Span, rules));
		if (index % (STRIDE / 10) === 0) yield;
	}
	return cues;
}

interface Span {
	start: number;
	end: number;
}

function span(tokens: readonly Token[]): Span {
	let [start, end] = [Infinity, 0];
	for (const token of tokens) {
		start = Math.min(start, token.start);
		end = Math.max(end, token.end);
	}
	return { start, end };
}

/** Parts between which a subtitle always ends: a pause, or somebody else speaks. */
function turns(tokens: readonly Token[]): Token[][] {
	const parts: Token[][] = [];
	for (const token of tokens) {
		const last = parts.at(-1)?.at(-1);
		if (last && last.speaker === token.speaker && token.start - last.end <= PAUSE_MS) parts.at(-1)?.push(token);
		else parts.push([token]);
	}
	return parts;
}

/** Another speaker begins with a dash, where that is wanted. */
function dashed(turn: Token[], before: readonly Token[] | undefined, rules: SubtitleRules): Token[] {
	const first = turn[0];
	if (!rules.speakerDash || !first?.speaker || before?.[0]?.speaker === first.speaker) return turn;
	return [{ ...first, ...piece('–', true), end: first.start, segmentEnd: false }, ...turn];
}

const PER_CUE = 6;
/** What is lost by a subtitle that goes on after a sentence, or after a segment of the transcript. */
const RUN_ON = 8;
/** Per second of pause at the end of a subtitle, gained. */
const PAUSE_GAIN = 8;
const TOO_SHORT = 24;
const TOO_FAST = 30;

/** The cheapest way to divide a turn into subtitles that fit (dynamic programming over the places to break). */
function* group(tokens: readonly Token[], rules: SubtitleRules): Generator<void, Token[][]> {
	const ends: boolean[] = [];
	const broken: number[] = [];
	for (const [index, token] of tokens.entries()) {
		if (index % STRIDE === STRIDE - 1) yield;
		const next = tokens[index + 1];
		ends.push(token.segmentEnd || SENTENCE_END.test(token.text));
		broken.push(next && !token.segmentEnd ? breakCost(token, next) : 0);
	}
	const best: Array<{ cost: number; from: number }> = [{ cost: 0, from: 0 }];
	for (let from = 0; from < tokens.length; from++) {
		if (from % STRIDE === STRIDE - 1) yield;
		const base = (best[from] as { cost: number }).cost;
		const room = new Room(rules);
		let inside = 0;
		for (let to = from + 1; to <= tokens.length; to++) {
			const first = tokens[from] as Token;
			const last = tokens[to - 1] as Token;
			const fits = room.add(last) && last.end - first.start <= rules.maxMs;
			if (!fits && to > from + 1) break;
			const cost = base + inside + (broken[to - 1] as number) + costOf(first, last, tokens[to], room, rules);
			if (cost < (best[to]?.cost ?? Infinity)) best[to] = { cost, from };
			// A sentence of one short word ("No.") is not worth a subtitle of its own.
			if (ends[to - 1]) inside += room.width > rules.maxLineChars / 2 ? RUN_ON : RUN_ON / 2;
		}
	}
	const groups: Token[][] = [];
	for (let to = tokens.length; to > 0; to = (best[to] as { from: number }).from) groups.push(tokens.slice((best[to] as { from: number }).from, to));
	return groups.reverse();
}

function costOf(first: Token, last: Token, next: Token | undefined, room: Room, rules: SubtitleRules): number {
	const shown = (next ? Math.max(last.end, next.start - rules.gapMs) : Infinity) - first.start;
	const short = Math.max(0, 1 - shown / rules.minMs) * TOO_SHORT;
	const fast = Math.min(2, Math.max(0, readingMs(room, rules) / Math.max(1, shown) - 1)) * TOO_FAST;
	const pause = next ? Math.min(1, Math.max(0, (next.start - last.end) / 1000)) * PAUSE_GAIN : 0;
	return PER_CUE - pause + short + fast;
}

/** Lines that are filled one after the other; tells whether the next token still finds room. */
class Room {
	narrow = 0;
	wide = 0;
	/** Letters so far, in all lines. */
	width = 0;
	private readonly rules: SubtitleRules;
	private lines = 1;
	private line = 0;
	private blank = 0;

	constructor(rules: SubtitleRules) {
		this.rules = rules;
	}

	add(token: Token): boolean {
		const own = widthOf(token, this.rules);
		if (exceeds(this.line + this.blank + own, this.rules)) {
			this.lines++;
			this.line = own;
		} else this.line += this.blank + own;
		this.width += this.blank + own;
		this.narrow += this.blank + token.narrow;
		this.wide += token.wide;
		this.blank = token.spaced ? 1 : 0;
		return this.lines <= this.rules.maxLines;
	}
}

function toCue(tokens: readonly Token[], { start, end }: Span, rules: SubtitleRules): Cue {
	const speaker = tokens[0]?.speaker;
	return {
		start,
		end,
		lines: breakLines(tokens, rules).map(join),
		...(tokens.some(({ known }) => known) ? { words: wordsWithin(tokens, { start, end }) } : {}),
		...(speaker === undefined ? {} : { speaker }),
	};
}
