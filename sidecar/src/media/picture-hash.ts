/**
 * A perceptual hash: which way the coarse structure of a picture goes, in 64 bits. Copies that are resized, compressed, made a
 * little brighter or carry a small logo differ in few bits; unrelated pictures in about half of the bits that say anything. Pure.
 */

/** Pictures are reduced to so many grey pixels a side. */
export const HASH_SIDE = 32;
const BITS = 64;
/** Coefficients that compression and noise make out of nothing are smaller (measured on JPEG of quality 40). */
const NOISE = 4;
/**
 * With fewer that mean something, two pictures are alike because both are empty: a black frame, a gradient. Of 24 bits that fall
 * as they like, 1 pair in 1300 differs in at most 4 of them, which is what counts as a copy (similarity 0.65).
 */
const LEAST_MEANING = 24;

export interface PictureHash {
	/** The bits that mean something, of either way. The others are 0, as in every other picture with as little in it. */
	mask: bigint;
	/** Signed, as the database keeps it. */
	plain: bigint;
	/** Of the same picture, mirrored left to right. */
	mirrored: bigint;
}

/** The lowest frequencies without the mean, coarse ones first: [horizontal, vertical]. */
const PLACES: ReadonlyArray<readonly [number, number]> = Array.from({ length: 2 * HASH_SIDE }, (_, sum) => sum)
	.flatMap((sum) => Array.from({ length: sum + 1 }, (_, across) => [across, sum - across] as const))
	.slice(1, BITS + 1);
const FREQUENCIES = 1 + Math.max(...PLACES.flat());
/** cos(pi (2x + 1) f / 2n), scaled so that the transform keeps lengths (DCT-II, orthonormal). */
const WAVES: readonly Float64Array[] = Array.from({ length: FREQUENCIES }, (_, frequency) =>
	Float64Array.from(
		{ length: HASH_SIDE },
		(_value, at) => Math.sqrt((frequency === 0 ? 1 : 2) / HASH_SIDE) * Math.cos((Math.PI * (2 * at + 1) * frequency) / (2 * HASH_SIDE)),
	),
);

/** @param grey HASH_SIDE x HASH_SIDE, row by row. Null: there is too little in the picture to tell it from others. */
export function pictureHash(grey: Uint8Array): PictureHash | null {
	const rows = WAVES.map((wave) => {
		const line = new Float64Array(HASH_SIDE);
		for (let y = 0; y < HASH_SIDE; y++) {
			let sum = 0;
			for (let x = 0; x < HASH_SIDE; x++) sum += (grey[y * HASH_SIDE + x] ?? 0) * (wave[x] ?? 0);
			line[y] = sum;
		}
		return line;
	});
	let plain = 0n;
	let mirrored = 0n;
	let mask = 0n;
	let meaning = 0;
	for (const [index, [across, down]] of PLACES.entries()) {
		let value = 0;
		for (let y = 0; y < HASH_SIDE; y++) value += (rows[across]?.[y] ?? 0) * (WAVES[down]?.[y] ?? 0);
		const bit = 1n << BigInt(index);
		if (Math.abs(value) > NOISE) {
			meaning++;
			mask |= bit;
		}
		if (value > NOISE) plain |= bit;
		// Mirroring turns the sign of every wave that goes across an odd number of times.
		if ((across % 2 === 0 ? value : -value) > NOISE) mirrored |= bit;
	}
	return meaning < LEAST_MEANING ? null : { mask: BigInt.asIntN(BITS, mask), plain: BigInt.asIntN(BITS, plain), mirrored: BigInt.asIntN(BITS, mirrored) };
}

/**
 * Bits in which two hashes differ, as if all 64 meant something: of simple pictures half of the bits are 0 in both, which
 * makes none of them a copy of the other. @param mask that of one of the two
 */
export function wornBits(a: bigint, b: bigint, mask: bigint): number {
	const meaning = hashDistance(mask, 0n);
	return Math.max(hashDistance(a, b), meaning === 0 ? BITS : (hashDistance(a & mask, b & mask) * BITS) / meaning);
}

/** Bits in which two hashes differ, 0 to 64. */
export function hashDistance(a: bigint, b: bigint): number {
	const difference = BigInt.asUintN(BITS, a ^ b);
	return ones(Number(difference & 0xffff_ffffn)) + ones(Number(difference >> 32n));
}

/** The number of ones among 32 bits. */
export function ones(value: number): number {
	let left = value - ((value >>> 1) & 0x5555_5555);
	left = (left & 0x3333_3333) + ((left >>> 2) & 0x3333_3333);
	return Math.imul((left + (left >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** 1: equal; 0: as unlike as two pictures that have nothing to do with one another. */
export const likeness = (distance: number, bits: number): number => Math.max(0, 1 - (2 * distance) / bits);
/** The distance up to which hashes are at least so alike. */
export const mostDistance = (similarity: number, bits = BITS): number => Math.floor(((1 - similarity) * bits) / 2 + 1e-9);
