import { toClock } from './clock.ts';
import type { Cue } from './cue.ts';

/** SubRip. Empty when there are no cues. Lines hold `<i>`, `<b>` and `<u>` where `markup` says so; otherwise players get them as text. */
export const toSrt = (cues: readonly Cue[], { markup = false }: { markup?: boolean | undefined } = {}): string =>
	cues.map(({ start, end, lines }, index) => `${index + 1}\n${toClock(start, ',')} --> ${toClock(end, ',')}\n${lines.map((line) => escape(line, markup)).join('\n')}\n`).join('\n');

/**
 * An arrow in the text would look like a time. What players would take for a tag (`<i>`, `List<String>`, `{\an8}`) gets a joiner that
 * nobody sees (U+2060) behind its first sign: the format has no other way to write it.
 */
const escape = (line: string, markup: boolean): string => {
	const text = line.replaceAll('-->', '→').replace(/\{(?=\\)/g, '{\u2060');
	return markup ? text : text.replace(/<(?=\/?[a-zA-Z]|\d[\d:.]{3,20}>)/g, '<\u2060');
};
