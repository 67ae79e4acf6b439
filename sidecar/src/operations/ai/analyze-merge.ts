import type { Box } from '../../ai/provider.ts';
import type { Detection, Face, Label, TextBlock } from '../../ai/vision.ts';
import type { Size } from '../../media/geometry.ts';

/** What was found in single frames, as one finding over the whole of a video. Pure. */

/** Of one frame. `atSeconds`: null for a still picture. */
export interface Seen<T> {
	atSeconds: number | null;
	/** Of the picture that was looked at: boxes are in its pixels. */
	size: Size;
	found: readonly T[];
}

export interface FoundLabel {
	label: string;
	/** The best of all frames, 0 to 1. */
	score: number;
	/** Seconds at which it was seen; empty for a still picture. */
	times: number[];
}

export interface FoundBox {
	/** Shares of the sides, 0 to 1, from the upper left corner. */
	x: number;
	y: number;
	width: number;
	height: number;
	/** The same in pixels of the asset. */
	pixels: Box;
	score: number;
}

interface Moment {
	at_seconds: number | null;
	boxes: FoundBox[];
}

export interface FoundObject {
	label: string;
	score: number;
	/** The most that were seen at once. */
	count: number;
	moments: Moment[];
}

export interface FoundText {
	text: string;
	score: number;
	times: number[];
}

const round = (value: number): number => Math.round(value * 1e4) / 1e4;

/** Takes in what people have said of labels in this workspace (db/feedback.ts): a number per label, above or below 0. */
export type Boosts = ReadonlyMap<string, number>;
/** More opinions than this make no further difference. */
const MOST_OPINIONS = 5;

/** Each correction takes a fifth of the doubt away, or two fifths of the certainty. Stays between 0 and 1. */
export function boosted(score: number, boost: number): number {
	const opinions = Math.min(MOST_OPINIONS, Math.abs(boost));
	return round(boost >= 0 ? 1 - (1 - score) * 0.8 ** opinions : score * 0.6 ** opinions);
}

/** Best first. */
export function mergeLabels(frames: ReadonlyArray<Seen<Label>>, minScore: number, boosts: Boosts = new Map()): FoundLabel[] {
	const merged = new Map<string, FoundLabel>();
	for (const { atSeconds, found } of frames) {
		for (const { label: name, score: plain } of found) {
			const label = name.trim().toLowerCase();
			const score = boosted(plain, boosts.get(label) ?? 0);
			if (label === '' || score < minScore) continue;
			const known = merged.get(label) ?? { label, score: 0, times: [] };
			known.score = Math.max(known.score, score);
			if (atSeconds !== null && !known.times.includes(atSeconds)) known.times.push(atSeconds);
			merged.set(label, known);
		}
	}
	return [...merged.values()].toSorted((a, b) => b.score - a.score || b.times.length - a.times.length);
}

/** @param shown the asset's own size, as shown */
export function boxOf({ box, score }: { box: Box; score: number }, looked: Size, shown: Size): FoundBox {
	const share = (value: number, side: number): number => Math.min(1, Math.max(0, value / side));
	const [left, top] = [share(box.x, looked.width), share(box.y, looked.height)];
	const [right, bottom] = [share(box.x + box.width, looked.width), share(box.y + box.height, looked.height)];
	const pixels = (from: number, to: number, side: number): [number, number] => [Math.round(from * side), Math.round((to - from) * side)];
	const [x, width] = pixels(left, right, shown.width);
	const [y, height] = pixels(top, bottom, shown.height);
	return {
		...{ x: round(left), y: round(top), width: round(right - left), height: round(bottom - top) },
		pixels: { x, y, width, height },
		score: round(score),
	};
}

/** Best first; each with the frames that show it, in order. */
export function mergeObjects(frames: ReadonlyArray<Seen<Detection>>, shown: Size, minScore: number): FoundObject[] {
	const merged = new Map<string, FoundObject>();
	for (const { atSeconds, size, found } of frames) {
		const kinds = new Map<string, Detection[]>();
		for (const thing of found) {
			const label = thing.label.trim().toLowerCase();
			if (thing.score >= minScore) kinds.set(label, [...(kinds.get(label) ?? []), thing]);
		}
		for (const [label, things] of kinds) {
			const boxes = things.map((thing) => boxOf(thing, size, shown)).toSorted((a, b) => b.score - a.score);
			const known = merged.get(label) ?? { label, score: 0, count: 0, moments: [] };
			known.score = Math.max(known.score, boxes[0]?.score ?? 0);
			known.count = Math.max(known.count, boxes.length);
			known.moments.push({ at_seconds: atSeconds, boxes });
			merged.set(label, known);
		}
	}
	return [...merged.values()].toSorted((a, b) => b.score - a.score || b.count - a.count);
}

/** Where faces are; who they are is never asked. */
export function mergeFaces(frames: ReadonlyArray<Seen<Face>>, shown: Size, minScore: number): { count: number; moments: Moment[] } {
	const moments = frames
		.map(({ atSeconds, size, found }) => ({
			at_seconds: atSeconds,
			boxes: found.filter(({ score }) => score >= minScore).map((face) => boxOf(face, size, shown)),
		}))
		.filter(({ boxes }) => boxes.length > 0);
	return { count: Math.max(0, ...moments.map(({ boxes }) => boxes.length)), moments };
}

/** Readings of the same line differ by a letter here and there: up to so large a share of it. */
const SAME_LINE = 0.2;
/** Shorter lines must be equal: "1." is not "2.". */
const LEAST_LENGTH = 5;

/** Ten pages of a book. Each line is compared with all others: the scrolling text of an hour would take minutes. */
export const MOST_LINES = 400;
/** Of a line, letters: more than fit beside one another into a picture that can be read. */
const LONGEST_LINE = 500;

/** Each line once, as it was read best, in the order in which they appear; the first `most` of them. */
export function mergeTexts(frames: ReadonlyArray<Seen<TextBlock>>, minScore: number, most = MOST_LINES): FoundText[] {
	const merged: Array<FoundText & { folded: Folded }> = [];
	for (const { atSeconds, found } of frames) {
		for (const { text: raw, score } of found) {
			const text = tidyLine(raw);
			const folded = foldLine(text);
			if (folded.key === '' || score < minScore) continue;
			const known = merged.find((line) => isSameLine(line.folded, folded));
			const times = atSeconds === null ? [] : [atSeconds];
			if (!known) {
				if (merged.length < most) merged.push({ text, score: round(score), times, folded });
				continue;
			}
			if (score > known.score) Object.assign(known, { text, folded, score: round(score) });
			known.times.push(...times.filter((time) => !known.times.includes(time)));
		}
	}
	return merged.map(({ folded: _, ...line }) => line);
}

/** One line without control characters; marks of right-to-left scripts stay. */
const tidyLine = (text: string): string => Array.from(text.normalize('NFC').replace(/\p{Cc}+/gu, ' ').replace(/\s+/gu, ' ').trim()).slice(0, LONGEST_LINE).join('');

interface Folded {
	key: string;
	numbers: string;
	/** How often each letter occurs; letters share BAGS places. */
	letters: Uint16Array;
}
const BAGS = 64;
function foldLine(text: string): Folded {
	const key = text.normalize('NFKC').toLowerCase().replace(/[^\p{L}\p{N}\p{S}]+/gu, ' ').trim();
	const letters = new Uint16Array(BAGS);
	for (const letter of key) letters[(letter.codePointAt(0) ?? 0) % BAGS]! += 1;
	return { key, numbers: numbersIn(key), letters };
}

/** No two lines are closer than this, and most are further apart than is asked for: found out a hundred times as fast as `distance`. */
function leastDistance(a: Uint16Array, b: Uint16Array): number {
	let more = 0;
	let less = 0;
	for (let place = 0; place < BAGS; place++) {
		const difference = (a[place] ?? 0) - (b[place] ?? 0);
		if (difference > 0) more += difference;
		else less -= difference;
	}
	return Math.max(more, less);
}

function isSameLine(a: Folded, b: Folded): boolean {
	if (a.key === b.key) return true;
	// Numbers tell lines apart that else are alike ("Step 1", "Step 2"); a digit inside a word was read wrong ("Welc0me").
	if (a.numbers !== b.numbers) return false;
	const [longer, shorter] = [Math.max(a.key.length, b.key.length), Math.min(a.key.length, b.key.length)];
	const most = Math.floor(longer * SAME_LINE);
	return shorter >= LEAST_LENGTH && longer - shorter <= most && leastDistance(a.letters, b.letters) <= most && distance(a.key, b.key, most) <= most;
}

const numbersIn = (line: string): string => line.split(' ').filter((word) => /^\p{N}+$/u.test(word)).join(' ');

/** Levenshtein. Beyond `most`, any number that is larger: most lines differ from the beginning. */
export function distance(a: string, b: string, most = Infinity): number {
	const rows = Array.from(a);
	const columns = Array.from(b);
	let before = Int32Array.from({ length: columns.length + 1 }, (_, index) => index);
	let next = new Int32Array(columns.length + 1);
	for (let row = 0; row < rows.length; row++) {
		next[0] = row + 1;
		let least = row + 1;
		for (let column = 0; column < columns.length; column++) {
			const value = Math.min((before[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1, (before[column] ?? 0) + (rows[row] === columns[column] ? 0 : 1));
			next[column + 1] = value;
			if (value < least) least = value;
		}
		if (least > most) return least;
		[before, next] = [next, before];
	}
	return before[columns.length] ?? 0;
}

/** A sentence for people who cannot see it, where no describer is at hand; empty when nothing was found. */
export function composeAltText(labels: readonly FoundLabel[], objects: readonly FoundObject[], texts: readonly FoundText[]): string {
	const things = objects.length > 0 ? objects.slice(0, 5).map(({ label, count }) => (count > 1 ? `${label} (${count})` : label)) : labels.slice(0, 5).map(({ label }) => label);
	const seen = things.length > 0 ? `Shows: ${new Intl.ListFormat('en').format(things)}.` : '';
	const read = texts.slice(0, 3).map(({ text }) => text);
	return [seen, read.length > 0 ? `Text: "${read.join(' / ')}".` : ''].filter(Boolean).join(' ');
}
