import { resolve } from 'node:path';

/** 8192 x 8192: one decoded picture of 4:4:4 at 16 bits is then 400 MB, which a small server still has. */
export const MAX_PIXELS = 8192 * 8192;

/**
 * The largest piece of memory that ffmpeg may ask for at once: the largest picture at 16 bits and 4 channels needs 512 MB. A
 * header that claims a table of more is refused instead of obeyed.
 */
export const MAX_ALLOCATION = ['-max_alloc', String(1024 ** 3)];

/** ffmpeg's own way to write "this is a path": no name can then be taken for an option or a protocol. */
export const asFileUrl = (path: string): string => `file:${resolve(path)}`;

/** The arguments that every reading of untrusted media begins with. */
export function inputArguments(demuxer: string): string[] {
	return ['-protocol_whitelist', 'file', '-max_pixels', String(MAX_PIXELS), '-f', demuxer];
}
