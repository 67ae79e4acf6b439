import { toClock } from './clock.ts';
import type { Cue } from './cue.ts';

/** WebVTT. `&`, `<` and `>` would begin markup. */
export const toVtt = (cues: readonly Cue[]): string =>
	['WEBVTT\n', ...cues.map(({ start, end, lines }) => `${toClock(start, '.')} --> ${toClock(end, '.')}\n${escapeVtt(lines.join('\n'))}\n`)].join('\n');

const escapeVtt = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
