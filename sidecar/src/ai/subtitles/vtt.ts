import { toClock } from './clock.ts';
import type { Cue } from './cue.ts';

export interface VttOptions {
	/** Lines hold `<i>`, `<b>` and `<u>`. Default: they are plain text. */
	markup?: boolean | undefined;
	/** With the time of each word, where it is known. */
	wordTimes?: boolean | undefined;
}

/** WebVTT. `&`, `<` and `>` would begin markup. */
export const toVtt = (cues: readonly Cue[], options: VttOptions = {}): string =>
	['WEBVTT\n', ...cues.map((cue) => `${toClock(cue.start, '.')} --> ${toClock(cue.end, '.')}\n${textOf(cue, options)}\n`)].join('\n');

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function textOf(cue: Cue, { markup, wordTimes }: VttOptions): string {
	if (markup) return escape(cue.lines.join('\n')).replace(/&lt;(\/?[ibu])&gt;/g, '<$1>');
	return wordTimes && cue.words ? timed(cue, cue.words) : escape(cue.lines.join('\n'));
}

/** Each word behind its time, as far as times grow: WebVTT wants them in order, and after the beginning. */
function timed({ start, end, lines }: Cue, words: NonNullable<Cue['words']>): string {
	const text = lines.join('\n');
	let [written, at, last] = ['', 0, start];
	for (const word of words) {
		const found = text.indexOf(word.text, at);
		if (found < 0) continue;
		const time = word.start > last && word.start < end ? `<${toClock(word.start, '.')}>` : '';
		if (time) last = word.start;
		written += escape(text.slice(at, found)) + time + escape(word.text);
		at = found + word.text.length;
	}
	return written + escape(text.slice(at));
}
