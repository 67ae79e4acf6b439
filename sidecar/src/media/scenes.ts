/** Reads what ffmpeg's filter `scdet` says of each picture. Pure. */
export interface Scene {
	/** Seconds. */
	start: number;
	end: number;
	/** How hard the cut before it is, 0 to 100; 0 for the first one. */
	score: number;
}

/**
 * @param text output of `metadata=print`: a line with the time of each picture, followed by its values
 * @param least scenes that are shorter belong to the one before, seconds
 */
export function readScenes(text: string, durationSeconds: number, least: number): Scene[] {
	const cuts: Array<{ at: number; score: number }> = [];
	let score = 0;
	for (const line of text.split('\n')) {
		const found = /^lavfi\.scd\.(score|time)=(-?[\d.]+)/.exec(line);
		if (!found) continue;
		// The score of each picture stands before the time, which only pictures behind a cut have.
		if (found[1] === 'score') score = Number(found[2]);
		else cuts.push({ at: Number(found[2]), score });
	}
	const end = round(durationSeconds);
	const begins = [{ at: 0, score: 0 }];
	for (const cut of cuts) {
		const last = begins.at(-1)?.at ?? 0;
		if (cut.at - last >= least && cut.at > 0 && end - cut.at >= least && cut.at < end) begins.push(cut);
	}
	return begins.map(({ at, score: hardness }, index) => ({ start: round(at), end: round(begins[index + 1]?.at ?? end), score: Math.round(hardness * 10) / 10 }));
}

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;
