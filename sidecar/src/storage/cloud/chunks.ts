import type { Readable } from 'node:stream';
import { PipelineError } from '../../errors.ts';

export interface Chunk {
	data: Buffer;
	/** Bytes before it. */
	offset: number;
	last: boolean;
}

/**
 * Cuts a stream into pieces of exactly `size` bytes, the last one of what is left. An empty stream has one empty piece. No more
 * than one piece is in memory, besides what the stream itself hands over at once; `data` is only valid until the next piece. Throws
 * before the last piece when it is not of the length that was `expected`.
 */
export async function* inChunks(stream: Readable, size: number, expected?: number): AsyncGenerator<Chunk> {
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
	const total = offset + filled;
	if (expected !== undefined && total !== expected) throw new PipelineError('storage_failed', `The file was to have ${expected} bytes, but ${total} came. Nothing was stored.`);
	yield { data: piece.subarray(0, filled), offset, last: true };
}
