import { toClock } from './clock.ts';
import type { Cue } from './cue.ts';

/** SubRip. Empty when there are no cues. Its players know `<i>`, `<b>`, `<u>`; it has no way to write them as text. */
export const toSrt = (cues: readonly Cue[], _options: { markup?: boolean | undefined } = {}): string =>
	// An arrow in the text would look like a time.
	cues.map(({ start, end, lines }, index) => `${index + 1}\n${toClock(start, ',')} --> ${toClock(end, ',')}\n${lines.join('\n').replaceAll('-->', '→')}\n`).join('\n');
