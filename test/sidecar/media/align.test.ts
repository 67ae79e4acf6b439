import { alignFrames, alignSounds, bestRun, FINE_STEP_SECONDS, SILENCE, SOUND_STEP_SECONDS, telling, type TimedHash } from '../../../sidecar/src/media/align.ts';

function random(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state / 2 ** 32;
	};
}
const bits = (next: () => number): bigint => BigInt.asIntN(64, (BigInt(Math.floor(next() * 2 ** 32)) << 32n) | BigInt(Math.floor(next() * 2 ** 32)));
/** Some bits turned, as compression does. */
const worn = (hash: bigint, next: () => number, count: number): bigint =>
	BigInt.asIntN(64, Array.from({ length: count }).reduce<bigint>((value) => value ^ (1n << BigInt(Math.floor(next() * 64))), hash));

/** Another picture each quarter of a second. */
const film = (seed: number, seconds: number): TimedHash[] => {
	const next = random(seed);
	const pictures = Array.from({ length: seconds * 4 }, () => bits(next));
	return Array.from({ length: seconds / FINE_STEP_SECONDS }, (_, index) => ({ at: index * FINE_STEP_SECONDS, hash: pictures[Math.floor((index * FINE_STEP_SECONDS) / 0.25)] as bigint }));
};
const grid = (frames: readonly TimedHash[]): TimedHash[] => frames.filter(({ at }) => Number.isInteger(at));
const shifted = (frames: readonly TimedHash[], from: number, to: number): TimedHash[] => frames.filter(({ at }) => at >= from && at < to).map(({ at, hash }) => ({ at: at - from, hash }));

describe('the common part of two films', () => {
	it('is found wherever it was cut out, however worn it is', () => {
		for (let seed = 1; seed <= 40; seed++) {
			const next = random(seed * 77);
			const whole = film(seed, 40);
			const from = Math.floor(next() * 20 * 8) / 8;
			const part = shifted(whole, from, from + 6 + Math.floor(next() * 12)).map(({ at, hash }) => ({ at, hash: worn(hash, next, 8) }));
			const found = alignFrames(part, grid(whole), 1);
			expect(found).not.toBeNull();
			expect(Math.abs((found?.offsetSeconds ?? 0) - from)).toBeLessThanOrEqual(0.25);
			expect(found?.matched).toBeGreaterThanOrEqual(5);
			expect(found?.similarity).toBeGreaterThan(0.65);
			// The other way round: the long one is new, the short one is known.
			const back = alignFrames(whole, grid(part), 1);
			expect(Math.abs((back?.offsetSeconds ?? 0) + from)).toBeLessThanOrEqual(0.25);
		}
	});

	it('is only that part where the rest differs', () => {
		const [one, other] = [film(1, 30), film(2, 30)];
		const spliced = [...other.slice(0, 80), ...one.slice(80, 160), ...other.slice(160)];
		expect(alignFrames(spliced, grid(one), 1)).toMatchObject({ from: 10, to: 20, offsetSeconds: 0, matched: 10, similarity: 1 });
	});

	it('is none of films that have nothing in common', () => {
		for (let seed = 1; seed <= 30; seed++) {
			const found = alignFrames(film(seed, 30), grid(film(seed + 500, 30)), 1);
			expect(found?.matched ?? 0).toBeLessThan(3);
		}
	});

	it('of two that stand still is all of the shorter one, in place', () => {
		const still = (seconds: number): TimedHash[] => film(3, seconds).map(({ at }) => ({ at, hash: 0x0f0f_1234_5678_9abcn }));
		expect(alignFrames(still(20), grid(still(8)), 1)).toMatchObject({ from: 0, to: 8, offsetSeconds: 0, matched: 8 });
	});

	it('is none of two films with little in their pictures, whose other bits are 0 in both', () => {
		const dim = (seed: number): Array<Required<TimedHash>> => film(seed, 30).map(({ at, hash }) => ({ at, hash: BigInt.asIntN(64, hash & 0xffffffn), mask: 0xffffffn }));
		for (let seed = 1; seed <= 30; seed++) {
			// By all 64 bits it would be 25 and more.
			expect(alignFrames(dim(seed), grid(dim(seed + 500)), 1)?.matched ?? 0).toBeLessThan(10);
			// The same one is found all the same, worn by two of its bits.
			const next = random(seed);
			const copy = dim(seed).map((frame) => ({ ...frame, hash: BigInt.asIntN(64, frame.hash ^ (1n << BigInt(Math.floor(next() * 24))) ^ (1n << BigInt(Math.floor(next() * 24)))) }));
			const found = alignFrames(copy, grid(dim(seed)), 1);
			expect(found?.matched).toBe(30);
			expect(Math.abs(found?.offsetSeconds ?? 9)).toBeLessThanOrEqual(FINE_STEP_SECONDS);
		}
	});

	it('bears frames that show nothing, and is none without frames', () => {
		const whole = film(9, 20);
		const gaps = whole.filter((_, index) => Math.floor(index / 16) % 2 === 0);
		expect(alignFrames(gaps, grid(whole), 1)).toMatchObject({ offsetSeconds: 0, matched: 10 });
		expect(alignFrames([], grid(whole), 1)).toBeNull();
		expect(alignFrames(whole, [], 1)).toBeNull();
	});
});

describe('the common part of two sounds', () => {
	const song = (seed: number, length: number): number[] => {
		const next = random(seed);
		return Array.from({ length }, () => Math.floor(next() * 2 ** 32) | 0);
	};
	const wornOut = (numbers: readonly number[], next: () => number): number[] =>
		// A third comes through unchanged, the rest loses up to 5 of its bits.
		numbers.map((value) => (next() < 0.3 ? value : Array.from({ length: 5 }).reduce<number>((changed) => changed ^ (1 << Math.floor(next() * 32)), value)));

	it('is found wherever it was cut out', () => {
		for (let seed = 1; seed <= 40; seed++) {
			const next = random(seed * 31);
			const whole = song(seed, 1000);
			const from = Math.floor(next() * 800);
			const part = wornOut(whole.slice(from, from + 100), next);
			const found = alignSounds(part, whole);
			expect(found?.offsetSeconds).toBeCloseTo(from * SOUND_STEP_SECONDS, 6);
			expect(found?.matched).toBe(100);
			expect(found?.similarity).toBeGreaterThan(0.65);
			expect(alignSounds(whole, part)?.offsetSeconds).toBeCloseTo(-from * SOUND_STEP_SECONDS, 6);
		}
	});

	it('is none of different ones, and not the silence that both have, however short', () => {
		expect(alignSounds(song(1, 500), song(2, 500))).toBeNull();
		for (const length of [3, 20, 31, 200]) {
			const silence = Array.from({ length }, () => SILENCE);
			expect(alignSounds([...silence, ...song(1, 100)], [...song(2, 100), ...silence])).toBeNull();
			expect(alignSounds([...silence, ...song(1, 30)], [...silence, ...song(2, 30)])).toBeNull();
			expect(telling([...silence, 5, 6, 5])).toEqual([5, 6, 5]);
		}
		expect(telling([...Array.from({ length: 40 }, () => 7), 5])).toEqual([5]);
	});

	it('goes on through silence that both have, which counts for nothing', () => {
		const silence = Array.from({ length: 50 }, () => SILENCE);
		const whole = [...silence, ...song(1, 40), ...silence, ...song(2, 40), ...silence];
		expect(alignSounds(whole, whole)).toMatchObject({ from: 50 * SOUND_STEP_SECONDS, to: 180 * SOUND_STEP_SECONDS, matched: 80, similarity: 1 });
	});
});

describe('the best run', () => {
	it('is the stretch with the largest sum, whatever surrounds it', () => {
		for (let seed = 1; seed <= 200; seed++) {
			const next = random(seed);
			const values = Array.from({ length: 12 }, () => (next() < 0.5 ? 1 : -2));
			const sum = (from: number, to: number): number => values.slice(from, to).reduce((total, value) => total + value, 0);
			const all = values.flatMap((_, from) => values.map((__, to) => sum(from, to + 1)));
			const { from, to } = bestRun(values);
			expect(sum(from, to)).toBe(Math.max(0, ...all));
		}
		expect(bestRun([])).toEqual({ from: 0, to: 0 });
	});
});
