import type { SubtitlesFound } from '../ai/subtitle-source.ts';

/** Subtitles while a video plays: what begins after its end is left out, and what lasts longer ends with it. Pure. */
export function whilePlaying(found: SubtitlesFound, durationSeconds: number): SubtitlesFound {
	// Down, so that no track makes the video longer. Of some streams nobody knows the length.
	const end = durationSeconds > 0 ? Math.floor(durationSeconds * 1000) : Infinity;
	const cues = found.cues.filter(({ start }) => start < end).map((cue) => ({ ...cue, end: Math.min(cue.end, end) }));
	const late = found.cues.length - cues.length;
	return { ...found, cues, notes: [...found.notes, ...(late > 0 ? [`${late} of ${found.cues.length} subtitles begin after the end of the video: left out.`] : [])] };
}
