/** One cue of a WebVTT file of thumbnails; times in seconds. */
export interface Cue {
	start: number;
	end: number;
	sheet: string;
	area: number[];
}
export function cuesOf(vtt: string): Cue[] {
	const seconds = (text = ''): number => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
	return [...vtt.matchAll(/^(\S+) --> (\S+)\n(\S+)#xywh=(\S+)$/gm)].map(([, start, end, sheet = '', area = '']) => ({
		start: seconds(start),
		end: seconds(end),
		sheet,
		area: area.split(',').map(Number),
	}));
}
