import { open, type FileHandle } from 'node:fs/promises';

/**
 * Turns all subtitle tracks of an MP4 off, in place: players then show them only when asked to. ffmpeg itself turns the first one
 * on where none is the default (libavformat/movenc.c, enable_tracks). ISO/IEC 14496-12, 8.3.2: the lowest flag of `tkhd`.
 */
export async function hideSubtitles(path: string): Promise<void> {
	const file = await open(path, 'r+');
	try {
		const { size } = await file.stat();
		for (const moov of await boxes(file, 'moov', { start: 0, end: size })) {
			for (const track of await boxes(file, 'trak', moov)) {
				if (await isSubtitles(file, track)) for (const { start } of await boxes(file, 'tkhd', track)) await turnOff(file, start + FLAGS);
			}
		}
	} finally {
		await file.close();
	}
}

/** Behind the byte of the version come three of flags, the lowest last. */
const FLAGS = 3;
/** Behind version, flags and four bytes that are 0. */
const HANDLER = 8;

interface Part {
	start: number;
	end: number;
}

/** Contents of all boxes of that type which lie directly in a part of the file. */
async function boxes(file: FileHandle, type: string, { start, end }: Part): Promise<Part[]> {
	const found: Part[] = [];
	const header = Buffer.alloc(16);
	for (let at = start; at + 8 <= end; ) {
		const { bytesRead } = await file.read(header, 0, 16, at);
		const short = header.readUInt32BE(0);
		const long = short === 1 && bytesRead === 16;
		const size = long ? Number(header.readBigUInt64BE(8)) : short === 0 ? end - at : short;
		if (bytesRead < 8 || size < 8) break;
		if (header.toString('latin1', 4, 8) === type) found.push({ start: at + (long ? 16 : 8), end: Math.min(end, at + size) });
		at += size;
	}
	return found;
}

async function isSubtitles(file: FileHandle, track: Part): Promise<boolean> {
	for (const media of await boxes(file, 'mdia', track)) {
		for (const { start } of await boxes(file, 'hdlr', media)) {
			const { buffer } = await file.read(Buffer.alloc(4), 0, 4, start + HANDLER);
			if (/^(sbtl|subt|text)$/.test(buffer.toString('latin1'))) return true;
		}
	}
	return false;
}

async function turnOff(file: FileHandle, at: number): Promise<void> {
	const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
	await file.write(Buffer.from([(buffer[0] ?? 0) & ~1]), 0, 1, at);
}
