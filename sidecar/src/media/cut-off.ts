import { open } from 'node:fs/promises';
import { endOfBoxes } from './mp4-boxes.ts';

/** Writers are off by a few bytes, and leave padding out. */
const TOLERANCE = 0.01;

/**
 * Where a file says that it ends, for formats of which ffmpeg does not notice that the end is missing. At most what it has
 * where it does not say.
 */
export async function declaredEnd(path: string, bytes: number, demuxer: string): Promise<number> {
	if (demuxer === 'mov') return endOfBoxes(path, bytes);
	const end = demuxer === 'avi' ? endOfRiff(await head(path)) : demuxer === 'asf' ? endOfAsf(await head(path)) : 0;
	return end * (1 - TOLERANCE) > bytes ? end : bytes;
}

/** AVI: the size behind `RIFF`. Files above 1 GB have several; the first one must be there. WAVs lie about it too often. */
const endOfRiff = (bytes: Buffer): number => {
	const size = bytes.readUInt32LE(4);
	// Recorders that cannot go back to the start leave the one or the other.
	return size === 0 || size === 0xffffffff ? 0 : size + 8;
};

/** Windows Media: the file size in the File Properties Object (Advanced Systems Format, 3.2). Live streams say 0. */
const FILE_PROPERTIES = Buffer.from('a1dcab8c47a9cf118ee400c00c205365', 'hex');
function endOfAsf(bytes: Buffer): number {
	const at = bytes.indexOf(FILE_PROPERTIES);
	return at >= 0 && at + 48 <= bytes.length ? Number(bytes.readBigUInt64LE(at + 40)) : 0;
}

async function head(path: string): Promise<Buffer> {
	const file = await open(path);
	try {
		const buffer = Buffer.alloc(64 * 1024);
		const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
		return bytesRead < 8 ? Buffer.alloc(8) : buffer.subarray(0, bytesRead);
	} finally {
		await file.close();
	}
}
