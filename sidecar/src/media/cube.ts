/** Colour tables in the `.cube` format (Adobe Cube LUT Specification 1.0). Pure. */

/** 33 points a side, as cameras and grading programs write them, are about 1 MB. */
export const MAX_CUBE_BYTES = 1024 * 1024;
/** ffmpeg takes 256; more than 65 nobody makes. */
const MAX_SIDE = 65;

export type Cube = { text: string } | { problem: string };

/** Reads a table and writes it anew, with nothing in it but numbers; or says what is wrong. */
export function readCube(text: string): Cube {
	let side = 0;
	const domain: string[] = [];
	const rows: string[] = [];
	for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
		const line = raw.trim();
		if (line === '' || line.startsWith('#') || /^TITLE\b/.test(line)) continue;
		const [word = '', ...rest] = line.split(/\s+/);
		if (word === 'LUT_1D_SIZE') return { problem: 'It is a one-dimensional table (LUT_1D_SIZE); only three-dimensional ones (LUT_3D_SIZE) are read.' };
		if (word === 'LUT_3D_SIZE') {
			side = Number(rest[0]);
			if (!Number.isInteger(side) || side < 2 || side > MAX_SIDE) return { problem: `Line ${index + 1}: LUT_3D_SIZE must be 2 to ${MAX_SIDE}.` };
		} else if (word === 'DOMAIN_MIN' || word === 'DOMAIN_MAX' || word === 'LUT_3D_INPUT_RANGE') {
			const values = word === 'LUT_3D_INPUT_RANGE' ? null : numbers(rest);
			// The range of DaVinci Resolve is the domain in other words.
			const [low, high] = rest.map(Number);
			if (values?.length === 3) domain.push(`${word} ${values.join(' ')}`);
			else if (word === 'LUT_3D_INPUT_RANGE' && Number.isFinite(low) && Number.isFinite(high)) domain.push(`DOMAIN_MIN ${low} ${low} ${low}`, `DOMAIN_MAX ${high} ${high} ${high}`);
			else return { problem: `Line ${index + 1}: ${word} needs numbers.` };
		} else {
			const values = numbers([word, ...rest]);
			if (values?.length !== 3) return { problem: `Line ${index + 1} is neither a keyword of a .cube file nor three numbers.` };
			rows.push(values.join(' '));
		}
	}
	if (side === 0) return { problem: 'It has no LUT_3D_SIZE: is it a .cube file?' };
	if (rows.length !== side ** 3) return { problem: `It has ${rows.length} colours; LUT_3D_SIZE ${side} needs ${side ** 3}.` };
	return { text: [`LUT_3D_SIZE ${side}`, ...domain, ...rows, ''].join('\n') };
}

/** Colours far outside of 0 to 1 are meant to be clipped; beyond this they are mistakes. */
const LARGEST = 100;

function numbers(words: string[]): string[] | null {
	const values = words.map(Number);
	return values.every((value) => Number.isFinite(value) && Math.abs(value) <= LARGEST) ? values.map((value) => value.toFixed(6)) : null;
}
