import { breakCost } from './breaks.ts';
import type { SubtitleRules } from './rules.ts';
import { exceeds, sum, widthOf, type Piece } from './text.ts';

/** What a letter of difference between two lines costs, against the cost of breaking at a bad place. */
const UNEVEN = 0.5;

/** How many lines it takes at least. */
export function linesNeeded(pieces: readonly Piece[], rules: SubtitleRules): number {
	let lines = 0;
	let width = Infinity;
	for (const [index, one] of pieces.entries()) {
		const own = widthOf(one, rules);
		const blank = pieces[index - 1]?.spaced ? 1 : 0;
		if (exceeds(width + blank + own, rules)) {
			lines++;
			width = own;
		} else width += blank + own;
	}
	return lines;
}

/**
 * Breaks a subtitle into as few lines as it takes, at the best places; lines of about the same length read faster than a full one
 * and a word.
 */
export function breakLines<P extends Piece>(pieces: readonly P[], rules: SubtitleRules): P[][] {
	const count = linesNeeded(pieces, rules);
	if (count <= 1) return pieces.length > 0 ? [[...pieces]] : [];
	const ideal = widthOf(sum(pieces), rules) / count;
	const widths = pieces.map((one) => widthOf(one, rules));
	const broken = pieces.map((one, index) => (pieces[index + 1] ? breakCost(one, pieces[index + 1] as P) : 0));
	// best[n][at]: cost of the first `at` pieces in n lines.
	let best = new Map<number, { cost: number; breaks: number[] }>([[0, { cost: 0, breaks: [] }]]);
	for (let line = 1; line <= count; line++) {
		const next: typeof best = new Map();
		for (const [from, { cost, breaks }] of best) {
			let width = 0;
			for (let to = from + 1; to <= pieces.length; to++) {
				width += (widths[to - 1] as number) + (to - 1 > from && pieces[to - 2]?.spaced ? 1 : 0);
				if (exceeds(width, rules)) break;
				const total = cost + Math.abs(width - ideal) * UNEVEN + (broken[to - 1] as number);
				if (total < (next.get(to)?.cost ?? Infinity)) next.set(to, { cost: total, breaks: [...breaks, to] });
			}
		}
		best = next;
	}
	const breaks = best.get(pieces.length)?.breaks ?? [pieces.length];
	return breaks.map((to, index) => pieces.slice(breaks[index - 1] ?? 0, to));
}
