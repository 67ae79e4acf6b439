/** What the filter `metadata=print` writes: a line per picture with its time, then a line per value. Pure. */
export interface PrintedFrame {
	seconds: number;
	/** By key without `lavfi.`, e.g. `signalstats.YAVG`. NaN where ffmpeg could not tell. */
	values: ReadonlyMap<string, number>;
}

export function readPrinted(text: string): PrintedFrame[] {
	const frames: Array<{ seconds: number; values: Map<string, number> }> = [];
	for (const line of text.split('\n')) {
		const head = /^frame:\d+\s+pts:\S+\s+pts_time:(\S+)/.exec(line);
		if (head) frames.push({ seconds: Number(head[1]), values: new Map() });
		const value = /^lavfi\.([^=]+)=(.*)$/.exec(line);
		if (value) frames.at(-1)?.values.set(value[1] ?? '', Number(value[2]));
	}
	return frames.filter(({ seconds }) => Number.isFinite(seconds));
}
