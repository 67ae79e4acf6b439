import { randomUUID } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../errors.ts';
import { asFileUrl, inputArguments, MAX_ALLOCATION } from './ffmpeg-input.ts';
import type { PictureWork } from './images.ts';
import { runTool } from './process.ts';

/**
 * The frames of an animated PNG. Sharp and every old reader show its default image and nothing else: mostly its first frame, but it may
 * be a picture of its own, which is no frame and which nobody sees who plays it. Browsers and platforms play the frames. What looks
 * for something in it must see both.
 */

/** Head of a chunk: its length and its name (PNG specification, 5.3). */
const HEAD_BYTES = 8;
const SIGNATURE_BYTES = 8;
const CHECKSUM_BYTES = 4;
/** Place of the delay in `fcTL`, seconds as a fraction (PNG specification, third edition, 11.3.6.2). */
const DELAY_AT = 20;
const CONTROL_BYTES = 26;
/** A fraction without a lower part counts hundredths. */
const HUNDREDTHS = 100;
/** Cut into pieces as small as this, a file has more chunks than any encoder writes; reading them would take minutes. */
const MOST_CHUNKS = 200_000;
/** Of the largest that is accepted (`refuseTooMuch`), with a wide margin. */
const TIMEOUT_MS = 120_000;

export interface ApngTimes {
	/** Seconds at which each frame begins. Empty: it is a still picture. */
	starts: number[];
	/** Its default image is none of the frames: it stands before the control of the first one (PNG specification, third edition, 4.6). */
	defaultApart: boolean;
}

/** Throws `input_corrupt`. */
export async function apngTimes(path: string): Promise<ApngTimes> {
	const file = await open(path);
	try {
		return await readTimes(file);
	} finally {
		await file.close();
	}
}

async function readTimes(file: FileHandle): Promise<ApngTimes> {
	const starts: number[] = [];
	let defaultApart = false;
	const buffer = Buffer.alloc(HEAD_BYTES + CONTROL_BYTES);
	let end = 0;
	let at = SIGNATURE_BYTES;
	for (let chunk = 0; chunk < MOST_CHUNKS; chunk++) {
		const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
		if (bytesRead < HEAD_BYTES) return { starts, defaultApart };
		const name = buffer.toString('latin1', 4, HEAD_BYTES);
		if (name === 'IEND') return { starts, defaultApart };
		if (name === 'IDAT' && starts.length === 0) defaultApart = true;
		if (name === 'fcTL' && bytesRead === buffer.length) {
			starts.push(end);
			const [over, under] = [buffer.readUInt16BE(HEAD_BYTES + DELAY_AT), buffer.readUInt16BE(HEAD_BYTES + DELAY_AT + 2)];
			end += over / (under || HUNDREDTHS);
		}
		at += HEAD_BYTES + buffer.readUInt32BE(0) + CHECKSUM_BYTES;
	}
	throw new PipelineError('input_corrupt', 'The animated PNG is cut into more pieces than any program writes. Export it again.');
}

/** These frames, from 0 (a default image apart from them does not count) and in order, as PNG files in the work folder. Throws `input_corrupt` where one of them cannot be read. */
export async function apngFrames(path: string, wanted: readonly number[], { workDir, signal }: PictureWork): Promise<string[]> {
	const base = join(workDir, `apng-${randomUUID()}`);
	const select = `select='${wanted.map((frame) => `eq(n,${frame})`).join('+')}'`;
	const result = await runTool(
		'ffmpeg',
		[
			...['-hide_banner', '-nostdin', '-y', '-v', 'error', ...MAX_ALLOCATION, ...inputArguments('apng'), '-i', asFileUrl(path)],
			...['-vf', select, '-fps_mode', 'passthrough', '-frames:v', String(wanted.length), '-c:v', 'png', '-f', 'image2', asFileUrl(`${base}-%d.png`)],
		],
		{ timeoutMs: TIMEOUT_MS, signal },
	);
	if (result.code !== 0) throw unreadable(result.stderr);
	const files = wanted.map((_, index) => `${base}-${index + 1}.png`);
	for (const file of files) await open(file).then((handle) => handle.close(), (error: unknown) => Promise.reject(unreadable(error)));
	return files;
}

const unreadable = (why: unknown): PipelineError =>
	new PipelineError('input_corrupt', 'The animated PNG is damaged, or takes too long to read: not all of its frames can be seen. Export it again.', { cause: why });
