export interface Cue {
	/** Seconds. */
	start: number;
	end: number;
	text: string;
}

/** Reads SubRip strictly: throws where a player could stumble. */
export function parseSrt(text: string): Cue[] {
	return text
		.trim()
		.split(/\n\n+/)
		.map((block, index) => {
			const [number, times, ...lines] = block.split('\n');
			const match = /^(\d{2}):(\d{2}):(\d{2}),(\d{3}) --> (\d{2}):(\d{2}):(\d{2}),(\d{3})$/.exec(times ?? '');
			if (Number(number) !== index + 1 || !match || lines.length === 0) throw new Error(`no SubRip cue: ${block}`);
			const [h1, m1, s1, ms1, h2, m2, s2, ms2] = match.slice(1).map(Number) as [number, number, number, number, number, number, number, number];
			return { start: h1 * 3600 + m1 * 60 + s1 + ms1 / 1000, end: h2 * 3600 + m2 * 60 + s2 + ms2 / 1000, text: lines.join(' ') };
		});
}
