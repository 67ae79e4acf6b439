/** Bytes, both ends included. */
export interface ByteRange {
	start: number;
	end: number;
}

/** What a request wants of a file. */
export type Wanted =
	| { kind: 'whole' }
	| { kind: 'one'; range: ByteRange }
	/** At least two, apart from each other, in the order in which they lie in the file. */
	| { kind: 'several'; ranges: ByteRange[] }
	| { kind: 'none' };

/**
 * More ranges than this, once those that touch have been joined, are answered with the whole file (RFC 9110, 14.2: a server may
 * ignore the field): each costs a header, and readers of documents ask for two or three.
 */
export const MOST_RANGES = 16;

const ONE = /^\s*(?:(\d{1,16})\s*-\s*(\d{0,16})|-\s*(\d{1,16}))\s*$/;

/**
 * What `Range: <header>` means for a file of so many bytes (RFC 9110, 14.1.2). No header, another unit, or one that is malformed: the
 * whole file. `none`: not one of the ranges lies in the file.
 */
export function wantedRanges(header: string | undefined, bytes: number): Wanted {
	const list = /^\s*bytes\s*=(.*)$/i.exec(header ?? '')?.[1];
	if (list === undefined) return { kind: 'whole' };
	const given = list.split(',').filter((entry) => entry.trim() !== '');
	const ranges: ByteRange[] = [];
	for (const entry of given) {
		const found = ONE.exec(entry);
		if (!found) return { kind: 'whole' };
		const [, first, last, suffix] = found;
		if (first !== undefined && last && Number(last) < Number(first)) return { kind: 'whole' };
		const start = first === undefined ? Math.max(0, bytes - Number(suffix)) : Number(first);
		const end = first === undefined || !last ? bytes - 1 : Math.min(bytes - 1, Number(last));
		if (start <= end && suffix !== '0') ranges.push({ start, end });
	}
	if (given.length === 0) return { kind: 'whole' };
	const joined = join(ranges);
	const [only] = joined;
	if (!only) return { kind: 'none' };
	if (joined.length === 1) return { kind: 'one', range: only };
	return joined.length > MOST_RANGES ? { kind: 'whole' } : { kind: 'several', ranges: joined };
}

/** Those that overlap or touch become one: nobody gets a byte twice, however often it is asked for. */
function join(ranges: ByteRange[]): ByteRange[] {
	const joined: ByteRange[] = [];
	for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
		const last = joined.at(-1);
		if (last && range.start <= last.end + 1) last.end = Math.max(last.end, range.end);
		else joined.push({ ...range });
	}
	return joined;
}
