import { toClock } from './clock.ts';
import type { Cue } from './cue.ts';

/** SubRip. Empty when there are no cues. An arrow in the text would look like a time. */
export const toSrt = (cues: readonly Cue[]): string =>
	cues.map(({ start, end, lines }, index) => `${index + 1}\n${toClock(start, ',')} --> ${toClock(end, ',')}\n${lines.join('\n').replaceAll('-->', '→')}\n`).join('\n');
