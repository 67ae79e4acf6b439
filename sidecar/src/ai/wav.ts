import { createReadStream, createWriteStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/** What all speech engines work on. */
export const SAMPLE_RATE = 16_000;
const BYTES_PER_SAMPLE = 2;
/** RIFF, fmt and data without anything else. */
const HEADER_BYTES = 44;

/** Where the samples of a WAV lie, bytes. */
export interface WavData {
	start: number;
	/** Always whole samples. */
	bytes: number;
}

/**
 * Finds the samples of a WAV of 16 kHz, mono, 16 bits. Throws Error where it is anything else: callers make these files
 * themselves.
 */
export async function findSamples(file: FileHandle): Promise<WavData> {
	const head = Buffer.alloc(24);
	const { size } = await file.stat();
	let format = '';
	// RIFF or RF64, a length, WAVE; then chunks. Tags may stand before the samples.
	for (let at = 12; (await file.read(head, 0, head.length, at)).bytesRead >= 8; ) {
		const type = head.toString('latin1', 0, 4);
		const length = head.readUInt32LE(4);
		if (type === 'fmt ') format = `${head.readUInt32LE(12)} Hz, ${head.readUInt16LE(10)} channels, ${head.readUInt16LE(22)} bits`;
		if (type === 'data') {
			const expected = `${SAMPLE_RATE} Hz, 1 channels, 16 bits`;
			if (format !== expected) throw new Error(`the WAV has ${format || 'no format'}, expected ${expected}`);
			// Whoever streams a WAV cannot know its length and writes the largest number.
			const bytes = Math.max(0, Math.min(length, size - at - 8));
			return { start: at + 8, bytes: bytes - (bytes % BYTES_PER_SAMPLE) };
		}
		at += 8 + length + (length % 2);
	}
	throw new Error('the file is no WAV');
}

/** A stretch of a WAV as a file of its own. Copies bytes: neither memory nor time for encoding. */
export async function cutWav(from: string, to: string, { start, end }: { start: number; end: number }): Promise<void> {
	const data = await withFile(from, findSamples);
	const place = (seconds: number): number =>
		Math.min(data.bytes, Math.max(0, Math.round(seconds * SAMPLE_RATE)) * BYTES_PER_SAMPLE);
	const [first, last] = [place(start), place(end)];
	const target = createWriteStream(to);
	target.write(wavHeader(last - first));
	if (last <= first) {
		await new Promise((resolve, reject) => target.on('error', reject).end(resolve));
		return;
	}
	await pipeline(createReadStream(from, { start: data.start + first, end: data.start + last - 1 }), target);
}

/** Length of a WAV of 16 kHz, mono, 16 bits; seconds. */
export const wavSeconds = (path: string): Promise<number> =>
	withFile(path, async (file) => (await findSamples(file)).bytes / (SAMPLE_RATE * BYTES_PER_SAMPLE));

/** Where its samples begin, bytes. */
export const wavDataStart = (path: string): Promise<number> => withFile(path, async (file) => (await findSamples(file)).start);

async function withFile<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
	const file = await open(path, 'r');
	try {
		return await work(file);
	} finally {
		await file.close();
	}
}

/** 16 kHz, mono, 16 bits. */
export function wavHeader(dataBytes: number): Buffer {
	const head = Buffer.alloc(HEADER_BYTES);
	head.write('RIFF', 0);
	head.writeUInt32LE(dataBytes + HEADER_BYTES - 8, 4);
	head.write('WAVEfmt ', 8);
	head.writeUInt32LE(16, 16);
	head.writeUInt16LE(1, 20);
	head.writeUInt16LE(1, 22);
	head.writeUInt32LE(SAMPLE_RATE, 24);
	head.writeUInt32LE(SAMPLE_RATE * BYTES_PER_SAMPLE, 28);
	head.writeUInt16LE(BYTES_PER_SAMPLE, 32);
	head.writeUInt16LE(16, 34);
	head.write('data', 36);
	head.writeUInt32LE(dataBytes, 40);
	return head;
}
