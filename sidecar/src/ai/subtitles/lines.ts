import { breakCost } from './breaks.ts';
import type { SubtitleRules } from './rules.ts';
import { exceeds, sum, widthOf, type Piece } from './text.ts';

/** What a line more than needed costs: less than an article at the end of one. */
const ONE_MORE = 24;
/** What a letter of difference between two lines costs, against the cost of breaking at a bad place. */
const UNEVEN = 0.5;

/** From here on lines are only filled: with so many nobody minds where they end, and weighing all places takes long. */
const MANY_LINES = 12;

/** Where each line ends, when one is filled after the other: as few lines as it takes. */
function fill(pieces: readonly Piece[], rules: SubtitleRules): number[] {
	const breaks: number[] = [];
	let width = 0;
	for (const [index, one] of pieces.entries()) {
		const own = widthOf(one, rules);
		const blank = pieces[index - 1]?.spaced ? 1 : 0;
		if (index > 0 && exceeds(width + blank + own, rules)) {
			breaks.push(index);
			width = own;
		} else width += (index === 0 ? 0 : blank) + own;
	}
	return pieces.length > 0 ? [...breaks, pieces.length] : breaks;
}

/**
 * Breaks a subtitle into as few lines as it takes, or one more where all breaks would be bad, at the best places; lines of about the
 * same length read faster than a full one and a word.
 */
export function breakLines<P extends Piece>(pieces: readonly P[], rules: SubtitleRules): P[][] {
	const filled = fill(pieces, rules);
	const count = filled.length;
	const cut = (breaks: readonly number[]): P[][] => breaks.map((to, index) => pieces.slice(breaks[index - 1] ?? 0, to));
	if (count <= 1 || count > MANY_LINES) return cut(filled);
	const few = divide(pieces, count, rules);
	const more = count < rules.maxLines && few.cost > ONE_MORE ? divide(pieces, count + 1, rules) : null;
	return cut(more && more.cost + ONE_MORE < few.cost ? more.breaks : few.breaks);
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
	// For each line, by the number of pieces in the lines so far: what they cost, and where the line begins.
	const lines: Array<Map<number, { cost: number; from: number }>> = [new Map([[0, { cost: 0, from: 0 }]])];
	for (let line = 1; line <= count; line++) {
		const next = new Map<number, { cost: number; from: number }>();
		for (const [from, { cost }] of lines[line - 1] ?? []) {
			let width = 0;
			for (let to = from + 1; to <= pieces.length; to++) {
				width += (widths[to - 1] as number) + (to - 1 > from && pieces[to - 2]?.spaced ? 1 : 0);
				if (exceeds(width, rules)) break;
				const total = cost + Math.abs(width - ideal) * UNEVEN + (broken[to - 1] as number);
				if (total < (next.get(to)?.cost ?? Infinity)) next.set(to, { cost: total, from });
			}
		}
		lines.push(next);
	}
	const last = lines[count]?.get(pieces.length);
	if (!last) return { cost: Infinity, breaks: [pieces.length] };
	const breaks: number[] = [];
	for (let line = count, to = pieces.length; line > 0; to = lines[line--]?.get(to)?.from ?? 0) breaks.push(to);
	return { cost: last.cost, breaks: breaks.reverse() };
}
