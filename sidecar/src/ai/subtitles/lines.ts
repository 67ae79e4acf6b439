import { breakCost } from './breaks.ts';
import type { SubtitleRules } from './rules.ts';
import { exceeds, sum, widthOf, type Piece } from './text.ts';

/** What a line more than needed costs: less than an article at the end of one. */
const ONE_MORE = 24;
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
 * Breaks a subtitle into as few lines as it takes, or one more where all breaks would be bad, at the best places; lines of about the
 * same length read faster than a full one and a word.
 */
export function breakLines<P extends Piece>(pieces: readonly P[], rules: SubtitleRules): P[][] {
	const count = linesNeeded(pieces, rules);
	if (count <= 1) return pieces.length > 0 ? [[...pieces]] : [];
	const few = divide(pieces, count, rules);
	const more = count < rules.maxLines && few.cost > ONE_MORE ? divide(pieces, count + 1, rules) : null;
	const { breaks } = more && more.cost + ONE_MORE < few.cost ? more : few;
	return breaks.map((to, index) => pieces.slice(breaks[index - 1] ?? 0, to));
}

interface Division {
	cost: number;
	/** Where each line ends. */
	breaks: number[];
}

/** The cheapest way to so many lines (dynamic programming over the places to break). */
function divide(pieces: readonly Piece[], count: number, rules: SubtitleRules): Division {
	const ideal = widthOf(sum(pieces), rules) / count;
	const widths = pieces.map((one) => widthOf(one, rules));
	const broken = pieces.map((one, index) => (pieces[index + 1] ? breakCost(one, pieces[index + 1] as Piece) : 0));
	// By the number of pieces in the lines so far.
	let best = new Map<number, Division>([[0, { cost: 0, breaks: [] }]]);
	for (let line = 1; line <= count; line++) {
		const next = new Map<number, Division>();
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
	return best.get(pieces.length) ?? { cost: Infinity, breaks: [pieces.length] };
}
