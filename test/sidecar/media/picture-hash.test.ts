import { hashDistance, HASH_SIDE, likeness, mostDistance, ones, pictureHash, wornBits } from '../../../sidecar/src/media/picture-hash.ts';

/** The same numbers in every run. */
function random(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state / 2 ** 32;
	};
}
const bits = (next: () => number): bigint => BigInt.asIntN(64, (BigInt(Math.floor(next() * 2 ** 32)) << 32n) | BigInt(Math.floor(next() * 2 ** 32)));
/** Blobs of light, as coarse as what the hash looks at. */
const picture = (seed: number): Uint8Array => {
	const next = random(seed);
	const blobs = Array.from({ length: 8 }, () => ({ x: next() * HASH_SIDE, y: next() * HASH_SIDE, r: 3 + next() * 8, light: (next() - 0.5) * 300 }));
	return Uint8Array.from({ length: HASH_SIDE ** 2 }, (_, at) => {
		const [x, y] = [at % HASH_SIDE, Math.floor(at / HASH_SIDE)];
		return Math.min(255, Math.max(0, 128 + blobs.reduce((sum, blob) => sum + blob.light * Math.exp(-((x - blob.x) ** 2 + (y - blob.y) ** 2) / blob.r ** 2), 0)));
	});
};
const flipped = (grey: Uint8Array): Uint8Array => grey.map((_, at) => grey[Math.floor(at / HASH_SIDE) * HASH_SIDE + (HASH_SIDE - 1 - (at % HASH_SIDE))] ?? 0);
const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);

describe('the distance of two hashes', () => {
	it('is a metric: zero only for equals, the same both ways, never longer by a detour', () => {
		const next = random(5);
		for (let round = 0; round < 300; round++) {
			const [a, b, c] = [bits(next), bits(next), bits(next)];
			expect(hashDistance(a, a)).toBe(0);
			expect(hashDistance(a, b)).toBe(hashDistance(b, a));
			expect(hashDistance(a, b)).toBeLessThanOrEqual(hashDistance(a, c) + hashDistance(c, b));
			expect(hashDistance(a, b)).toBe([...BigInt.asUintN(64, a ^ b).toString(2)].filter((digit) => digit === '1').length);
		}
		expect(hashDistance(0n, -1n)).toBe(64);
	});

	it('counts ones in all 32 bits', () => {
		const next = random(9);
		for (let round = 0; round < 300; round++) {
			const value = Math.floor(next() * 2 ** 32) | 0;
			expect(ones(value)).toBe([...(value >>> 0).toString(2)].filter((digit) => digit === '1').length);
		}
	});

	it('and the similarity say the same', () => {
		expect([likeness(0, 64), likeness(32, 64), likeness(50, 64)]).toEqual([1, 0, 0]);
		for (const similarity of [0.4, 0.65, 0.7, 0.9, 1]) {
			const most = mostDistance(similarity);
			expect(likeness(most, 64)).toBeGreaterThanOrEqual(similarity - 1e-9);
			expect(likeness(most + 1, 64)).toBeLessThan(similarity);
		}
	});
});

describe('the hash of a picture', () => {
	it('of its mirror image is the mirrored hash', () => {
		for (const seed of SEEDS) {
			const [one, other] = [pictureHash(picture(seed)), pictureHash(flipped(picture(seed)))];
			expect(one && other && [hashDistance(one.plain, other.mirrored), hashDistance(one.mirrored, other.plain)].every((distance) => distance <= 1)).toBe(true);
		}
	});

	it('hardly changes with noise, brightness and contrast', () => {
		for (const seed of SEEDS) {
			const next = random(seed + 1000);
			const changed = picture(seed).map((value) => Math.min(255, Math.max(0, value * 0.9 + 10 + (next() - 0.5) * 12)));
			const [one, other] = [pictureHash(picture(seed)), pictureHash(changed)];
			expect(one && other ? hashDistance(one.plain, other.plain) : 64).toBeLessThanOrEqual(8);
		}
	});

	it('of others is far away', () => {
		const hashes = SEEDS.flatMap((seed) => pictureHash(picture(seed))?.plain ?? []);
		expect(hashes).toHaveLength(SEEDS.length);
		const distances = hashes.flatMap((a, index) => hashes.slice(index + 1).map((b) => hashDistance(a, b)));
		expect(Math.min(...distances)).toBeGreaterThan(mostDistance(0.65));
	});

	/** Two wide lights, as a lamp before a wall: few waves, but enough for a hash. */
	const plain = (seed: number): Uint8Array => {
		const next = random(seed * 7919);
		const lights = Array.from({ length: 2 }, () => ({ x: next() * HASH_SIDE, y: next() * HASH_SIDE, r: 6 + next() * 5, light: (next() - 0.5) * 200 }));
		return Uint8Array.from({ length: HASH_SIDE ** 2 }, (_, at) => {
			const [x, y] = [at % HASH_SIDE, Math.floor(at / HASH_SIDE)];
			return Math.min(255, Math.max(0, 128 + lights.reduce((sum, { x: left, y: top, r, light }) => sum + light * Math.exp(-((x - left) ** 2 + (y - top) ** 2) / r ** 2), 0)));
		});
	};

	it('of simple pictures is compared by what there is in them', () => {
		const hashes = Array.from({ length: 300 }, (_, seed) => pictureHash(plain(seed + 1))).filter((hash) => hash !== null);
		// Many are told apart at all, and the share of their bits that says nothing is large.
		expect(hashes.length).toBeGreaterThan(100);
		expect(hashes.filter(({ mask }) => hashDistance(mask, 0n) < 44).length).toBeGreaterThan(50);
		const most = mostDistance(0.65);
		const pairs = hashes.flatMap((a, index) => hashes.slice(index + 1).map((b) => wornBits(a.plain, b.plain, a.mask)));
		// Two lights stand at like places now and then: 1 pair in 150. By all 64 bits it would be 1 in 60.
		expect(pairs.filter((bits) => bits <= most).length).toBeLessThan(pairs.length / 100);
		for (const seed of SEEDS) {
			const next = random(seed + 77);
			const changed = plain(seed).map((value) => Math.min(255, Math.max(0, value * 0.95 + 5 + (next() - 0.5) * 6)));
			const [one, other] = [pictureHash(plain(seed)), pictureHash(changed)];
			if (one && other) expect(wornBits(other.plain, one.plain, other.mask)).toBeLessThanOrEqual(most);
		}
	});

	it('is none where there is nothing to see', () => {
		expect(pictureHash(new Uint8Array(HASH_SIDE ** 2))).toBeNull();
		expect(pictureHash(new Uint8Array(HASH_SIDE ** 2).fill(250))).toBeNull();
		// A gradient: all that it has is one wave.
		expect(pictureHash(Uint8Array.from({ length: HASH_SIDE ** 2 }, (_, at) => (at % HASH_SIDE) * 8))).toBeNull();
	});
});
