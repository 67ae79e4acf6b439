/**
 * Takes metadata out of picture files without touching a pixel: the file is cut into its parts, and those that only talk
 * about the picture are left out, as is all that stands behind its end. Pure: bytes in, bytes out; null where the file is
 * not built as its standard says, which then needs a decoder to judge.
 */
export function stripMetadata(mime: string, bytes: Buffer): Buffer | null {
	const strip = STRIPPERS[mime];
	try {
		return strip ? strip(bytes) : null;
	} catch (error) {
		// Reading beyond the end: the file is cut off.
		if (typeof error === 'object' && error !== null && 'code' in error && OUT_OF_BYTES.has(error.code)) return null;
		throw error;
	}
}

const OUT_OF_BYTES: ReadonlySet<unknown> = new Set(['ERR_OUT_OF_RANGE', 'ERR_BUFFER_OUT_OF_BOUNDS']);

const STRIPPERS: Readonly<Record<string, (bytes: Buffer) => Buffer | null>> = {
	'image/jpeg': stripJpeg,
	'image/png': stripPng,
	'image/apng': stripPng,
	'image/webp': stripWebp,
	'image/gif': stripGif,
};

/**
 * Of the application segments these belong to the picture: 0 (JFIF), 2 (colour profile), 14 (Adobe: how colours are
 * stored). EXIF and XMP are 1, IPTC is 13, makers use the others (ITU T.81 B.2.4.6). A gain map or a second picture (MPF)
 * stands behind the end, and goes.
 */
function stripJpeg(bytes: Buffer): Buffer | null {
	if (bytes.readUInt16BE(0) !== 0xffd8) return null;
	const kept: Buffer[] = [bytes.subarray(0, 2)];
	let at = 2;
	for (;;) {
		if (bytes.readUInt8(at) !== 0xff) return null;
		const marker = bytes.readUInt8(at + 1);
		// Fill bytes may precede a marker.
		if (marker === 0xff) {
			at += 1;
			continue;
		}
		if (marker === 0xd9) return Buffer.concat([...kept, bytes.subarray(at, at + 2)]);
		const end = at + 2 + bytes.readUInt16BE(at + 2);
		if (end > bytes.length) return null;
		const next = marker === 0xda ? endOfScan(bytes, end) : end;
		if (next === null) return null;
		const body = bytes.subarray(at + 4, end);
		if (hasJfifThumbnail(marker, body)) kept.push(JFIF_HEAD, body.subarray(0, 12), Buffer.alloc(2));
		else if (belongsToJpeg(marker, body)) kept.push(bytes.subarray(at, next));
		at = next;
	}
}

function belongsToJpeg(marker: number, body: Buffer): boolean {
	const starts = (name: string): boolean => body.toString('latin1', 0, name.length) === name;
	if (marker === 0xfe) return false;
	if (marker < 0xe0 || marker > 0xef) return true;
	return (marker === 0xe0 && starts('JFIF\0')) || (marker === 0xe2 && starts('ICC_PROFILE\0')) || (marker === 0xee && starts('Adobe'));
}

/** JFIF (version 1.02) ends with the width and height of a thumbnail, whose pixels follow: of what the picture was before a crop, say. */
const hasJfifThumbnail = (marker: number, body: Buffer): boolean => marker === 0xe0 && body.length > 14 && body.toString('latin1', 0, 5) === 'JFIF\0';
/** Marker and length of a JFIF segment without thumbnail. */
const JFIF_HEAD = Buffer.from('ffe00010', 'hex');

/** Where the next marker stands: FF followed by anything but 00 (a stuffed byte) and D0 to D7 (restarts). */
function endOfScan(bytes: Buffer, from: number): number | null {
	for (let at = bytes.indexOf(0xff, from); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
		const next = bytes[at + 1];
		if (next !== undefined && next !== 0x00 && next !== 0xff && (next < 0xd0 || next > 0xd7)) return at;
	}
	return null;
}

const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
/** Beside the critical ones: transparency, colours, density, and the frames of an animation (PNG 3rd edition, table 8). */
const PNG_KEPT = new Set(['tRNS', 'gAMA', 'cHRM', 'sRGB', 'iCCP', 'cICP', 'mDCV', 'cLLI', 'sBIT', 'bKGD', 'pHYs', 'acTL', 'fcTL', 'fdAT']);

function stripPng(bytes: Buffer): Buffer | null {
	if (!bytes.subarray(0, 8).equals(PNG_SIGNATURE)) return null;
	const kept: Buffer[] = [PNG_SIGNATURE];
	for (let at = 8; ; ) {
		const end = at + 12 + bytes.readUInt32BE(at);
		const type = bytes.toString('latin1', at + 4, at + 8);
		if (end > bytes.length) return null;
		// Critical chunks begin with a capital letter.
		if (PNG_KEPT.has(type) || /^[A-Z]/.test(type)) kept.push(bytes.subarray(at, end));
		if (type === 'IEND') return Buffer.concat(kept);
		at = end;
	}
}

const WEBP_KEPT = new Set(['VP8 ', 'VP8L', 'VP8X', 'ALPH', 'ANIM', 'ANMF', 'ICCP']);
/** Flags of VP8X: EXIF and XMP. */
const WEBP_METADATA_FLAGS = 0x08 | 0x04;

function stripWebp(bytes: Buffer): Buffer | null {
	if (bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WEBP') return null;
	const fileEnd = 8 + bytes.readUInt32LE(4);
	if (fileEnd > bytes.length) return null;
	const kept: Buffer[] = [];
	for (let at = 12; at + 8 <= fileEnd; ) {
		const size = bytes.readUInt32LE(at + 4);
		const type = bytes.toString('latin1', at, at + 4);
		const end = at + 8 + size + (size % 2);
		if (at + 8 + size > fileEnd) return null;
		if (WEBP_KEPT.has(type)) {
			const chunk = Buffer.from(bytes.subarray(at, Math.min(end, bytes.length)));
			if (type === 'VP8X') chunk.writeUInt8(chunk.readUInt8(8) & ~WEBP_METADATA_FLAGS, 8);
			kept.push(chunk);
		}
		at = end;
	}
	const body = Buffer.concat([Buffer.from('WEBP', 'latin1'), ...kept]);
	const head = Buffer.from('RIFF\0\0\0\0', 'latin1');
	head.writeUInt32LE(body.length, 4);
	return Buffer.concat([head, body]);
}

/** Extensions that belong to the picture: times and transparency (F9), and how often it plays. */
const GIF_LOOPS = ['NETSCAPE2.0', 'ANIMEXTS1.0'];

function stripGif(bytes: Buffer): Buffer | null {
	if (!/^GIF8[79]a/.test(bytes.toString('latin1', 0, 6))) return null;
	const tableAfter = (at: number): number => ((bytes.readUInt8(at) & 0x80) !== 0 ? 3 * 2 ** ((bytes.readUInt8(at) & 0x07) + 1) : 0);
	let at = 13 + tableAfter(10);
	const kept: Buffer[] = [bytes.subarray(0, at)];
	for (;;) {
		const label = bytes.readUInt8(at);
		if (label === 0x3b) return Buffer.concat([...kept, bytes.subarray(at, at + 1)]);
		if (label !== 0x21 && label !== 0x2c) return null;
		const dataAt = label === 0x21 ? at + 2 : at + 10 + tableAfter(at + 9) + 1;
		const end = endOfBlocks(bytes, dataAt);
		const extension = label === 0x21 ? bytes.readUInt8(at + 1) : null;
		const loops = extension === 0xff && GIF_LOOPS.includes(bytes.toString('latin1', at + 3, at + 14));
		if (extension === null || extension === 0xf9 || loops) kept.push(bytes.subarray(at, end));
		at = end;
	}
}

function endOfBlocks(bytes: Buffer, from: number): number {
	let at = from;
	while (bytes.readUInt8(at) !== 0) at += bytes.readUInt8(at) + 1;
	return at + 1;
}
