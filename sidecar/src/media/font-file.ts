import { open, type FileHandle } from 'node:fs/promises';

/** What a font can draw, and how wide: read from the tables of a TrueType or OpenType file (ISO/IEC 14496-22). */
export interface FontFile {
	/** Height of a line by the measure of Windows, which ASS goes by, in parts of the font size. */
	lineHeight: number;
	/** From the top of the line to the base line, in the same parts. */
	ascent: number;
	/** Height of a capital letter, in the same parts. */
	capHeight: number;
	has(codePoint: number): boolean;
	/** Width in parts of the font size; without kerning and without ligatures. 0: not in the font. */
	advance(codePoint: number): number;
}

/** Whole fonts of CJK have 2 MB in these tables. */
const MAX_TABLE_BYTES = 32_000_000;

/**
 * @param index of the font in a collection (.ttc); 0 elsewhere
 * @returns null when it is none that outlines can be drawn from: pictures of emoji, old bitmap fonts, or damaged
 */
export async function readFontFile(path: string, index: number): Promise<FontFile | null> {
	const file = await open(path, 'r').catch(() => null);
	if (!file) return null;
	try {
		return await read(file, index);
	} catch (error) {
		// Numbers that point out of the file. By its name: of Node's own classes there may be several.
		if (typeof error === 'object' && error !== null && 'name' in error && error.name === 'RangeError') return null;
		throw error;
	} finally {
		await file.close();
	}
}

async function bytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
	if (length > MAX_TABLE_BYTES) throw new RangeError('table too large');
	const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
	return buffer.subarray(0, bytesRead);
}

async function read(file: FileHandle, index: number): Promise<FontFile | null> {
	const first = await bytes(file, 0, 12);
	// Of variable fonts fontconfig counts the instances in the upper half.
	const start = first.toString('latin1', 0, 4) === 'ttcf' ? (await bytes(file, 12 + 4 * (index & 0xffff), 4)).readUInt32BE(0) : 0;
	const head = await bytes(file, start, 12);
	const directory = await bytes(file, start + 12, 16 * head.readUInt16BE(4));
	const tables = new Map<string, { offset: number; length: number }>();
	for (let at = 0; at + 16 <= directory.length; at += 16)
		tables.set(directory.toString('latin1', at, at + 4), { offset: directory.readUInt32BE(at + 8), length: directory.readUInt32BE(at + 12) });
	const table = async (name: string): Promise<Buffer | null> => {
		const found = tables.get(name);
		return found ? bytes(file, found.offset, found.length) : null;
	};
	const outlines = ['glyf', 'CFF ', 'CFF2'].some((name) => tables.has(name));
	const [cmap, hmtx, headTable, hhea, os2] = await Promise.all(['cmap', 'hmtx', 'head', 'hhea', 'OS/2'].map(table));
	if (!outlines || !cmap || !hmtx || !headTable || !hhea) return null;
	const unitsPerEm = headTable.readUInt16BE(18);
	const widths = hhea.readUInt16BE(34);
	const glyphs = glyphsOf(cmap);
	if (!glyphs || unitsPerEm === 0 || widths === 0) return null;
	const windows = os2 && os2.length >= 78 ? { ascent: os2.readUInt16BE(74), descent: os2.readUInt16BE(76) } : { ascent: 0, descent: 0 };
	const ascent = windows.ascent + windows.descent > 0 ? windows.ascent : hhea.readInt16BE(4);
	const descent = windows.ascent + windows.descent > 0 ? windows.descent : -hhea.readInt16BE(6);
	const capHeight = os2 && os2.readUInt16BE(0) >= 2 && os2.length >= 90 ? os2.readInt16BE(88) : 0;
	return {
		lineHeight: (ascent + descent) / unitsPerEm,
		ascent: ascent / unitsPerEm,
		capHeight: capHeight > 0 ? capHeight / unitsPerEm : 0.72,
		has: (codePoint) => glyphs.has(codePoint),
		advance(codePoint) {
			const glyph = glyphs.get(codePoint);
			if (glyph === undefined) return 0;
			// The last width holds for all glyphs after it.
			const at = 4 * Math.min(glyph, widths - 1);
			return at + 2 <= hmtx.length ? hmtx.readUInt16BE(at) / unitsPerEm : 0;
		},
	};
}

/** Glyph by code point, from the best Unicode table there is. */
function glyphsOf(cmap: Buffer): Map<number, number> | null {
	const found = new Map<number, number>();
	for (let at = 4; at < 4 + 8 * cmap.readUInt16BE(2); at += 8) {
		const [platform, encoding, offset] = [cmap.readUInt16BE(at), cmap.readUInt16BE(at + 2), cmap.readUInt32BE(at + 4)];
		const unicode = platform === 0 || (platform === 3 && (encoding === 1 || encoding === 10));
		const format = cmap.readUInt16BE(offset);
		if (unicode && (format === 4 || format === 12)) found.set(format, offset);
	}
	const [all, plane] = [found.get(12), found.get(4)];
	if (all !== undefined) return manyGroups(cmap, all);
	return plane === undefined ? null : segments(cmap, plane);
}

/** Code points end at 0x10FFFF: a table that claims more is damaged. */
const MAX_CODE_POINT = 0x10ffff;

function manyGroups(cmap: Buffer, offset: number): Map<number, number> {
	const glyphs = new Map<number, number>();
	const end = offset + 16 + 12 * cmap.readUInt32BE(offset + 12);
	for (let at = offset + 16; at < end; at += 12) {
		const [first, last, glyph] = [cmap.readUInt32BE(at), cmap.readUInt32BE(at + 4), cmap.readUInt32BE(at + 8)];
		if (last > MAX_CODE_POINT || last < first) throw new RangeError('no code points');
		for (let code = first; code <= last; code++) glyphs.set(code, glyph + code - first);
	}
	return glyphs;
}

function segments(cmap: Buffer, offset: number): Map<number, number> {
	const glyphs = new Map<number, number>();
	const double = cmap.readUInt16BE(offset + 6);
	const [ends, starts] = [offset + 14, offset + 16 + double];
	for (let at = 0; at < double; at += 2) {
		const [last, first] = [cmap.readUInt16BE(ends + at), cmap.readUInt16BE(starts + at)];
		const [delta, range] = [cmap.readUInt16BE(starts + double + at), cmap.readUInt16BE(starts + 2 * double + at)];
		for (let code = first; code <= last && code < 0xffff; code++) {
			const place = starts + 2 * double + at + range + 2 * (code - first);
			const glyph = range === 0 ? code : cmap.readUInt16BE(place);
			if (range === 0 || glyph !== 0) glyphs.set(code, (glyph + delta) & 0xffff);
		}
	}
	return glyphs;
}
