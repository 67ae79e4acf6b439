import { deflateSync } from 'node:zlib';
import { pngChunk } from '../fixtures/pictures.ts';

type Rgb = readonly [red: number, green: number, blue: number];

const SIDE = 16;

const numbers = (...values: number[]): Buffer => {
	const bytes = Buffer.alloc(values.length * 4);
	values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
	return bytes;
};

/** A picture of one colour, as PNG packs it: a filter of 0 before each line. */
const packed = (colour: Rgb): Buffer => deflateSync(Buffer.from(Array.from({ length: SIDE }, () => [0, ...Array.from({ length: SIDE }, () => [...colour]).flat()]).flat()));

/**
 * An animated PNG of 16 x 16 pixels, its frames half a second each. `apart`: its default image, which is then no frame.
 * (PNG specification, third edition, 11.3.6.)
 */
export function apngOf(frames: readonly Rgb[], apart?: Rgb): Buffer {
	let sequence = 0;
	// Of a 2nd of a second 1; nothing disposed of, nothing blended.
	const control = (): Buffer => pngChunk('fcTL', Buffer.concat([numbers(sequence++, SIDE, SIDE, 0, 0), Buffer.from([0, 1, 0, 2, 0, 0])]));
	return Buffer.concat([
		Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
		// 8 bits of red, green and blue.
		pngChunk('IHDR', Buffer.concat([numbers(SIDE, SIDE), Buffer.from([8, 2, 0, 0, 0])])),
		pngChunk('acTL', numbers(frames.length, 0)),
		...(apart ? [pngChunk('IDAT', packed(apart))] : []),
		...frames.flatMap((colour, index) => [control(), !apart && index === 0 ? pngChunk('IDAT', packed(colour)) : pngChunk('fdAT', Buffer.concat([numbers(sequence++), packed(colour)]))]),
		pngChunk('IEND', Buffer.alloc(0)),
	]);
}

export const RED: Rgb = [255, 0, 0];
export const GREEN: Rgb = [0, 160, 0];
