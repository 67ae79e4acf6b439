import type { Readable } from 'node:stream';

export interface Chunk {
	data: Buffer;
	/** Bytes before it. */
	offset: number;
	last: boolean;
}

/**
 * Cuts a stream into pieces of exactly `size` bytes, the last one of what is left. An empty stream has one empty piece. No more
 * than one piece is in memory, besides what the stream itself hands over at once; `data` is only valid until the next piece.
 */
export async function* inChunks(stream: Readable, size: number): AsyncGenerator<Chunk> {
	const piece = Buffer.allocUnsafe(size);
	let filled = 0;
	let offset = 0;
	for await (const given of stream as AsyncIterable<Buffer | string>) {
		const bytes = typeof given === 'string' ? Buffer.from(given) : given;
		for (let at = 0; at < bytes.length; ) {
			// A full piece waits for the next byte: only that tells that it is not the last.
			if (filled === size) {
				yield { data: piece, offset, last: false };
				offset += size;
				filled = 0;
			}
			const copied = bytes.copy(piece, filled, at);
			filled += copied;
			at += copied;
		}
	}
	yield { data: piece.subarray(0, filled), offset, last: true };
}
