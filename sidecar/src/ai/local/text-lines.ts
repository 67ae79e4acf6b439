/** Pure: from the map of a text detector (DBNet of PaddleOCR v4) to the lines of text, and from letters' probabilities to text. */

/** A line of text, which may be tilted. Pixels. */
export interface TextLine {
	/** Middle of the line. */
	x: number;
	y: number;
	/** Along and across the line. */
	length: number;
	thickness: number;
	/** Direction in which it is read: 0 to the right, a quarter of a turn (pi / 2) downwards. */
	angle: number;
}
export interface ProbabilityMap {
	/** How probable it is that there is text, 0 to 1, row by row. */
	values: Float32Array;
	width: number;
	height: number;
}

/** The three numbers of PaddleOCR's own DBPostProcess: what counts as text, how sure a whole line must be, by how much the map is narrower than the letters. */
const TEXT = 0.3;
const SURE = 0.6;
const NARROWER = 1.5;
/** Thinner than this are specks. */
const MIN_THICKNESS = 3;
/** Tilts below this are noise of the map's edges (2 degrees), and so are those of words that are not at least this much longer than high. */
const MIN_TILT = (2 * Math.PI) / 180;
const MIN_ELONGATION = 2;
/** Much higher than wide: the letters lie on their side. */
const UPRIGHT = 1.5;

/** The lines of text in a map, in the order in which they are read. */
export function findLines(map: ProbabilityMap): TextLine[] {
	const lines: TextLine[] = [];
	const seen = new Uint8Array(map.values.length);
	for (let start = 0; start < map.values.length; start++) {
		if (seen[start] || !(map.values[start]! > TEXT)) continue;
		const line = lineOf(blobFrom(start, map, seen), map);
		if (line) lines.push(line);
	}
	return inReadingOrder(lines);
}

/** All pixels of text that hang together with one. */
function blobFrom(start: number, { values, width, height }: ProbabilityMap, seen: Uint8Array): number[] {
	const blob = [start];
	seen[start] = 1;
	for (let next = 0; next < blob.length; next++) {
		const at = blob[next]!;
		const [x, y] = [at % width, Math.floor(at / width)];
		for (let j = Math.max(0, y - 1); j <= Math.min(height - 1, y + 1); j++) {
			for (let i = Math.max(0, x - 1); i <= Math.min(width - 1, x + 1); i++) {
				const other = j * width + i;
				if (seen[other] || !(values[other]! > TEXT)) continue;
				seen[other] = 1;
				blob.push(other);
			}
		}
	}
	return blob;
}

function lineOf(blob: readonly number[], { values, width }: ProbabilityMap): TextLine | null {
	const probability = blob.reduce((sum, at) => sum + values[at]!, 0) / blob.length;
	if (probability < SURE) return null;
	const tilt = tiltOf(blob, width);
	const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
	let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
	for (const at of blob) {
		const [x, y] = [(at % width) + 0.5, Math.floor(at / width) + 0.5];
		const [along, across] = [x * cos + y * sin, y * cos - x * sin];
		[left, right] = [Math.min(left, along), Math.max(right, along)];
		[top, bottom] = [Math.min(top, across), Math.max(bottom, across)];
	}
	const [long, thick] = [right - left + 1, bottom - top + 1];
	if (Math.min(long, thick) < MIN_THICKNESS) return null;
	const margin = (long * thick * NARROWER) / (2 * (long + thick));
	const [along, across] = [(left + right) / 2, (top + bottom) / 2];
	const size = { length: long + 2 * margin, thickness: thick + 2 * margin };
	const middle = { x: along * cos - across * sin, y: along * sin + across * cos };
	// Letters on their side: as PaddleOCR does, they are taken to be read upwards.
	if (tilt === 0 && size.thickness > UPRIGHT * size.length) return { ...middle, length: size.thickness, thickness: size.length, angle: -Math.PI / 2 };
	return { ...middle, ...size, angle: tilt };
}

/** The direction in which a blob is longest, at most an eighth of a turn up or down; else 0. */
function tiltOf(blob: readonly number[], width: number): number {
	let [sx, sy, sxx, syy, sxy] = [0, 0, 0, 0, 0];
	for (const at of blob) {
		const [x, y] = [at % width, Math.floor(at / width)];
		sx += x;
		sy += y;
		sxx += x * x;
		syy += y * y;
		sxy += x * y;
	}
	const count = blob.length;
	const [xx, yy, xy] = [sxx / count - (sx / count) ** 2, syy / count - (sy / count) ** 2, sxy / count - (sx / count) * (sy / count)];
	const angle = Math.atan2(2 * xy, xx - yy) / 2;
	const spread = Math.hypot((xx - yy) / 2, xy);
	const elongation = Math.sqrt(((xx + yy) / 2 + spread) / Math.max(1e-6, (xx + yy) / 2 - spread));
	return Math.abs(angle) < MIN_TILT || Math.abs(angle) > Math.PI / 4 || elongation < MIN_ELONGATION ? 0 : angle;
}

/** From top to bottom; what stands on one line from left to right. */
function inReadingOrder(lines: readonly TextLine[]): TextLine[] {
	const rows: TextLine[][] = [];
	for (const line of [...lines].sort((a, b) => a.y - b.y)) {
		const row = rows.at(-1);
		const before = row?.[0];
		if (before && Math.abs(line.y - before.y) < Math.min(line.thickness, before.thickness) / 2) row.push(line);
		else rows.push([line]);
	}
	return rows.flatMap((row) => row.sort((a, b) => a.x - b.x));
}

/** The upright box round a line. */
export function boundsOf({ x, y, length, thickness, angle }: TextLine): { left: number; top: number; right: number; bottom: number } {
	const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
	const [halfWidth, halfHeight] = [(length * cos + thickness * sin) / 2, (length * sin + thickness * cos) / 2];
	return { left: x - halfWidth, top: y - halfHeight, right: x + halfWidth, bottom: y + halfHeight };
}

/**
 * Connectionist temporal classification: per step the most probable letter, repetitions and blanks left out.
 * @param probabilities steps x letters
 * @param letters the first one stands for "blank"
 */
export function decodeText(probabilities: Float32Array, letters: readonly string[]): { text: string; score: number } {
	let text = '';
	let sum = 0;
	let count = 0;
	let before = 0;
	for (let step = 0; step + letters.length <= probabilities.length; step += letters.length) {
		let best = 0;
		for (let letter = 1; letter < letters.length; letter++) if (probabilities[step + letter]! > probabilities[step + best]!) best = letter;
		if (best !== 0 && best !== before) {
			text += letters[best];
			sum += probabilities[step + best]!;
			count++;
		}
		before = best;
	}
	return { text, score: count ? sum / count : 0 };
}
