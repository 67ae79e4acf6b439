import { open } from 'node:fs/promises';

/** No real file has as many top-level boxes; fragmented recordings of hours stay below it. */
const MAX_BOXES = 200_000;

/**
 * Where the top-level boxes of an MP4 or MOV file say that it ends. More than the file has: it was cut off. ffprobe does not
 * notice when the index stands at the start. Reads 16 bytes per box (ISO/IEC 14496-12, 4.2). Fragmented files (`moof`) are
 * recorded that way to survive being cut off: for them the answer is never more than they have.
 */
export async function endOfBoxes(path: string, bytes: number): Promise<number> {
	const file = await open(path);
	try {
		const header = Buffer.alloc(16);
		let at = 0;
		for (let count = 0; count < MAX_BOXES && at + 8 <= bytes; count++) {
			const { bytesRead } = await file.read(header, 0, 16, at);
			if (bytesRead < 8) return at;
			const short = header.readUInt32BE(0);
			// 0: the box goes on to the end of the file. Only `mdat`, and always the last.
			if (short === 0) return bytes;
			const size = short === 1 && bytesRead === 16 ? Number(header.readBigUInt64BE(8)) : short;
			// Trailing bytes that are no box: players ignore them, and so do we.
			const type = header.toString('latin1', 4, 8);
			if (size < 8 || !/^[\x20-\x7e\xa9]{4}$/.test(type)) return at;
			if (type === 'moof') return bytes;
			at += size;
		}
		return at;
	} finally {
		await file.close();
	}
}

/** Whether the index (`moov`) stands before the media (`mdat`): a player then begins before it has the whole file. */
export async function hasIndexFirst(path: string): Promise<boolean> {
	const file = await open(path);
	try {
		const header = Buffer.alloc(16);
		let at = 0;
		for (let count = 0; count < MAX_BOXES; count++) {
			const { bytesRead } = await file.read(header, 0, 16, at);
			if (bytesRead < 8) return false;
			const type = header.toString('latin1', 4, 8);
			if (type === 'moov') return true;
			if (type === 'mdat') return false;
			const short = header.readUInt32BE(0);
			const size = short === 1 && bytesRead === 16 ? Number(header.readBigUInt64BE(8)) : short;
			if (size < 8) return false;
			at += size;
		}
		return false;
	} finally {
		await file.close();
	}
}
