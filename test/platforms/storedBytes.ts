import type { Answer } from './emulator.ts';

/** Stored bytes as every store serves them: whole, or one range of them (RFC 9110, section 14). */
export function serveBytes(bytes: Buffer, range: string | undefined, headers: Record<string, string>, cutAfter?: number): Answer {
	if (!range) return { status: 200, headers: { 'accept-ranges': 'bytes', ...headers }, body: bytes, cutAfter };
	const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
	const start = Number(first);
	const end = Math.min(last ? Number(last) : Infinity, bytes.length - 1);
	if (first === undefined || start > end) return { status: 416, headers: { 'content-range': `bytes */${bytes.length}` } };
	return { status: 206, headers: { 'accept-ranges': 'bytes', ...headers, 'content-range': `bytes ${start}-${end}/${bytes.length}` }, body: bytes.subarray(start, end + 1), cutAfter };
}
