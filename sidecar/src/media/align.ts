import { likeness, ones, wornBits } from './picture-hash.ts';

/**
 * Finds the part that two films or two sounds have in common, wherever it lies in each: equal pieces vote for the shift between
 * the two, and along the shift with the most votes the best run of pieces is taken. Pure.
 */

export interface Aligned {
	/** Seconds of the own medium. */
	from: number;
	to: number;
	/** What has to be added to a time of the own medium to get that of the other one. */
	offsetSeconds: number;
	/** Of the common part, 0 (nothing in common) to 1. */
	similarity: number;
	/** Pieces that were found alike. */
	matched: number;
}

export interface TimedHash {
	at: number;
	hash: bigint;
	/** Bits that mean something (picture-hash.ts). Default: all. */
	mask?: bigint;
}
const ALL = -1n;

/** Frames vote when they differ in no more bits. Chance does that once in 100,000 times, but hardly for frame after frame. */
export const FRAME_BITS = 15;
/** Shifts are told apart by so much: the finer of the two grids of frames. */
export const FINE_STEP_SECONDS = 0.125;
/** A piece that does not fit takes back more than one that does gives: a run must fit by two thirds. */
const MISFIT = -2;

/**
 * @param own every FINE_STEP_SECONDS or more
 * @param other a coarser grid, in steps of `step` seconds; frames without a hash are missing in both
 */
export function alignFrames(own: readonly TimedHash[], other: readonly TimedHash[], step: number): Aligned | null {
	const shift = mostVoted(own, other);
	if (shift === null) return null;
	const offsetSeconds = shift * FINE_STEP_SECONDS;
	const mine = new Map(own.map((frame) => [Math.round(frame.at / FINE_STEP_SECONDS), frame]));
	const pieces = other.flatMap(({ at, hash }) => {
		const own_ = mine.get(Math.round(at / FINE_STEP_SECONDS) - shift);
		// Where one of them shows nothing that could be compared, that says nothing for or against.
		return own_ === undefined ? [] : [{ at: at - offsetSeconds, bits: wornBits(own_.hash, hash, own_.mask ?? ALL) }];
	});
	const run = bestRun(pieces.map(({ bits }) => (bits <= FRAME_BITS ? 1 : MISFIT)));
	const kept = pieces.slice(run.from, run.to);
	const fitting = kept.filter(({ bits }) => bits <= FRAME_BITS);
	const [first, last] = [kept[0], kept.at(-1)];
	if (!first || !last || fitting.length === 0) return null;
	return {
		from: Math.max(0, first.at),
		to: last.at + step,
		offsetSeconds,
		similarity: likeness(fitting.reduce((sum, { bits }) => sum + bits, 0) / fitting.length, 64),
		matched: fitting.length,
	};
}

/** In fine steps. Of equal votes the one with fewer differences, then the smaller shift. */
function mostVoted(own: readonly TimedHash[], other: readonly TimedHash[]): number | null {
	const steps = ({ at }: TimedHash): number => Math.round(at / FINE_STEP_SECONDS);
	const [mine, theirs, masks] = [halves(own.map(({ hash }) => hash)), halves(other.map(({ hash }) => hash)), halves(own.map(({ mask = ALL }) => mask))];
	// In arrays of numbers: of two long films there are 13 million pairs, and of two still ones all of them are alike.
	const lowest = -Math.max(0, ...own.slice(-1).map(steps));
	const counts = new Int32Array(Math.max(0, ...other.slice(-1).map(steps)) - lowest + 1);
	const bits = new Int32Array(counts.length);
	for (let at = 0; at < own.length; at++) {
		const [low, high, step] = [mine.low[at] ?? 0, mine.high[at] ?? 0, steps(own[at] as TimedHash)];
		const [maskLow, maskHigh] = [masks.low[at] ?? 0, masks.high[at] ?? 0];
		const most = (FRAME_BITS * (ones(maskLow) + ones(maskHigh))) / 64;
		for (let there = 0; there < other.length; there++) {
			const a = low ^ (theirs.low[there] ?? 0);
			const b = high ^ (theirs.high[there] ?? 0);
			const distance = ones(a) + ones(b);
			if (distance > FRAME_BITS || ones(a & maskLow) + ones(b & maskHigh) > most) continue;
			const place = steps(other[there] as TimedHash) - step - lowest;
			counts[place] = (counts[place] ?? 0) + 1;
			bits[place] = (bits[place] ?? 0) + distance;
		}
	}
	let best: number | null = null;
	for (let place = 0; place < counts.length; place++) {
		const count = counts[place] ?? 0;
		if (count === 0) continue;
		const before = best === null ? 0 : (counts[best] ?? 0);
		const fewer = best === null ? -1 : (bits[place] ?? 0) - (bits[best] ?? 0);
		const smaller = best === null ? -1 : Math.abs(place + lowest) - Math.abs(best + lowest);
		if (count > before || (count === before && (fewer < 0 || (fewer === 0 && smaller < 0)))) best = place;
	}
	return best === null ? null : best + lowest;
}

function halves(hashes: readonly bigint[]): { low: Int32Array; high: Int32Array } {
	const of = (part: (hash: bigint) => bigint): Int32Array => Int32Array.from(hashes, (hash) => Number(BigInt.asIntN(32, part(hash))));
	return { low: of((hash) => hash), high: of((hash) => hash >> 32n) };
}

/** Chromaprint's numbers: one each 4096 / 3 samples at 11025 Hz. */
export const SOUND_STEP_SECONDS = 4096 / 3 / 11025;
/** Of 32: copies differ in 1 to 8, others in 16. */
const SOUND_BITS = 10;
/** Shifts that are looked into. Noise votes for many, each with a vote or two. */
const SHIFTS = 8;
/** The same number more often than this stands for a tone: it would vote for every shift. */
const MOST_REPEATS = 32;
/** What chromaprint makes of silence (ffmpeg 5.1, `-algorithm 1`, its default). Most recordings have some: it tells nothing. */
export const SILENCE = 627_964_279;

/** Those that do not stand for silence or a tone. */
export function telling(numbers: readonly number[]): number[] {
	const counts = new Map<number, number>();
	for (const value of numbers) counts.set(value, (counts.get(value) ?? 0) + 1);
	return numbers.filter((value) => value !== SILENCE && (counts.get(value) ?? 0) <= MOST_REPEATS);
}

export function alignSounds(own: ArrayLike<number>, other: ArrayLike<number>): Aligned | null {
	const places = new Map<number, number[]>();
	for (let at = 0; at < other.length; at++) {
		const value = other[at] ?? 0;
		const known = places.get(value);
		if (known) known.push(at);
		else places.set(value, [at]);
	}
	const votes = new Map<number, number>();
	for (let at = 0; at < own.length; at++) {
		const equal = places.get(own[at] ?? 0) ?? [];
		if (own[at] === SILENCE || equal.length > MOST_REPEATS) continue;
		for (const there of equal) votes.set(there - at, (votes.get(there - at) ?? 0) + 1);
	}
	const shifts = [...votes].toSorted(([a, x], [b, y]) => y - x || Math.abs(a) - Math.abs(b)).slice(0, SHIFTS);
	const found = shifts.flatMap(([shift]) => alongShift(own, other, shift) ?? []);
	return found.toSorted((a, b) => b.matched * b.similarity - a.matched * a.similarity)[0] ?? null;
}

function alongShift(own: ArrayLike<number>, other: ArrayLike<number>, shift: number): Aligned | null {
	const begin = Math.max(0, -shift);
	const end = Math.min(own.length, other.length - shift);
	/** Null: both are silent, which says nothing for or against. */
	const bits: Array<number | null> = [];
	for (let at = begin; at < end; at++) {
		const [mine, theirs] = [own[at] ?? 0, other[at + shift] ?? 0];
		bits.push(mine === SILENCE && theirs === SILENCE ? null : ones(mine ^ theirs));
	}
	const run = bestRun(bits.map((value) => (value === null ? 0 : value <= SOUND_BITS ? 1 : MISFIT)));
	const kept = bits.slice(run.from, run.to).filter((value) => value !== null);
	if (kept.length === 0) return null;
	return {
		from: (begin + run.from) * SOUND_STEP_SECONDS,
		to: (begin + run.to) * SOUND_STEP_SECONDS,
		offsetSeconds: shift * SOUND_STEP_SECONDS,
		similarity: likeness(kept.reduce((sum, value) => sum + value, 0) / kept.length, 32),
		matched: kept.filter((value) => value <= SOUND_BITS).length,
	};
}

/** The stretch whose sum is the largest (Kadane), `to` not included; empty where nothing is above 0. */
export function bestRun(values: readonly number[]): { from: number; to: number } {
	let best = { from: 0, to: 0, sum: 0 };
	let from = 0;
	let sum = 0;
	for (const [at, value] of values.entries()) {
		if (sum <= 0) {
			from = at;
			sum = 0;
		}
		sum += value;
		if (sum > best.sum) best = { from, to: at + 1, sum };
	}
	return { from: best.from, to: best.to };
}
