/** Where sound is silent, and what is left without it. Pure. */
export interface Span {
	/** Seconds. */
	start: number;
	end: number;
}

/** What `silencedetect,ametadata=print` wrote. Silence that lasts to the end of the file has no end of its own. */
export function readSilences(text: string, durationSeconds: number): Span[] {
	const silences: Span[] = [];
	let start: number | null = null;
	for (const [, what, value] of text.matchAll(/^lavfi\.silence_(start|end)(?:\.\d+)?=(-?[\d.]+)/gm)) {
		if (what === 'start') start = Math.max(0, Number(value));
		else if (start !== null) {
			silences.push({ start, end: Math.min(durationSeconds, Number(value)) });
			start = null;
		}
	}
	if (start !== null && start < durationSeconds) silences.push({ start, end: durationSeconds });
	return silences;
}

export interface Keep {
	/** Silence that stays before and behind what is kept, seconds. */
	padding: number;
	/** Pictures per second, on which cuts are made; 0: sound only, cuts anywhere. */
	frameRate: number;
	/** The shortest silences stay where there would be more parts than this. */
	most: number;
}

/**
 * The parts that are not silent, in order, with the padding, without overlaps. All places lie on whole pictures: picture and
 * sound are then cut by exactly the same length, however many cuts there are.
 */
export function partsToKeep(silences: Span[], durationSeconds: number, { padding, frameRate, most }: Keep): Span[] {
	const onGrid = (seconds: number): number => (frameRate > 0 ? Math.round(seconds * frameRate) / frameRate : seconds);
	const cuts = silences
		.map(({ start, end }) => ({
			// At the very beginning and end there is nothing to pad to.
			start: start <= 0 ? 0 : onGrid(start + padding),
			end: end >= durationSeconds ? durationSeconds : onGrid(end - padding),
		}))
		.filter(({ start, end }) => end > start);
	const longest = [...cuts].sort((a, b) => b.end - b.start - (a.end - a.start)).slice(0, most - 1);
	const kept: Span[] = [];
	let from = 0;
	for (const cut of cuts.filter((one) => longest.includes(one))) {
		if (cut.start > from) kept.push({ start: from, end: cut.start });
		from = Math.max(from, cut.end);
	}
	if (from < durationSeconds) kept.push({ start: from, end: durationSeconds });
	return kept;
}

export const lengthOf = (spans: Span[]): number => spans.reduce((sum, { start, end }) => sum + end - start, 0);
