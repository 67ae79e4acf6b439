/** How a video is cut: `count - 1` chunks of `chunkBytes`, then a last one that takes the rest. */
export interface ChunkPlan {
	size: number;
	chunkBytes: number;
	count: number;
}

/** Bytes of the file that one request carries. */
export interface Chunk {
	start: number;
	/** Byte after the last one. */
	end: number;
	/** With it the file is complete, and TikTok publishes it. */
	last: boolean;
}

/**
 * Larger than 5 MB and 5 MiB, whichever the floor is (platforms.md 3.3), and small: the last chunk is the publishing call, which
 * should not take long.
 */
const CHUNK_BYTES = 6_000_000;
/** platforms.md 3.3 */
const MAX_CHUNKS = 1000;

/**
 * The plan that TikTok is told at the beginning: the number of chunks is the size divided by theirs, rounded down, so the last one
 * has up to twice the size. A file that is too small for two is sent whole. Default of `chunkBytes`: 6 MB.
 */
export function planChunks(size: number, chunkBytes = CHUNK_BYTES): ChunkPlan {
	const wanted = Math.max(chunkBytes, Math.ceil(size / MAX_CHUNKS));
	const count = Math.floor(size / wanted);
	return count < 2 ? { size, chunkBytes: size, count: 1 } : { size, chunkBytes: wanted, count };
}

/** What is to be sent when TikTok has `received` bytes; null: it has all of them. */
export function nextChunk({ size, chunkBytes, count }: ChunkPlan, received: number): Chunk | null {
	if (received >= size) return null;
	const last = Math.floor(received / chunkBytes) >= count - 1;
	// From the middle of a chunk on, where TikTok has a part of it.
	const end = last ? size : (Math.floor(received / chunkBytes) + 1) * chunkBytes;
	return { start: received, end, last };
}

/** How many bytes TikTok has, as the Content-Range of its answer says; null: it does not. */
export function receivedBytes(contentRange: string | undefined): number | null {
	const [, whole, until] = /^bytes (\*|0-(\d+))\/\d+$/.exec(contentRange ?? '') ?? [];
	if (whole === undefined) return null;
	return until === undefined ? 0 : Number(until) + 1;
}
