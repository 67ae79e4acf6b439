import type { TimedText } from './ass-words.ts';

/** Subtitles one after the other: two that overlap would stand on each other. Pure. */

/** Those that begin within so short a time are said together: they become one. */
const TOGETHER_MS = 200;
/** For less than this nothing is shown again: nobody could read it. */
const WORTH_MS = 1000;
/** What is shown again is a sign or a title, which is short. */
const SHORT_LETTERS = 120;

/**
 * One ends where the next begins. What was to stand longer than those that cut it off, as the name of a place does while people
 * talk, is shown again in the pauses between them.
 */
export function inOrder(cues: readonly TimedText[]): TimedText[] {
	const shown: TimedText[] = [];
	const cutOff: TimedText[] = [];
	const fillUntil = (time: number): void => {
		for (let cue = cutOff.at(-1); cue; cue = cutOff.at(-1)) {
			const start = shown.at(-1)?.end ?? 0;
			const end = Math.min(cue.end, time);
			if (end - start >= WORTH_MS) shown.push(within(cue, start, end));
			if (cue.end > time) return;
			cutOff.pop();
		}
	};
	for (const cue of [...cues].sort((a, b) => a.start - b.start)) {
		fillUntil(cue.start);
		const last = shown.at(-1);
		if (!last || cue.start >= last.end) {
			shown.push(cue);
			continue;
		}
		if (cue.start - last.start < TOGETHER_MS) {
			shown[shown.length - 1] = together(last, cue);
			continue;
		}
		shown[shown.length - 1] = within(last, last.start, cue.start);
		if (last.end - cue.end >= WORTH_MS && isShort(last)) cutOff.push(last);
		shown.push(cue);
	}
	fillUntil(Infinity);
	return shown;
}

const isShort = ({ lines }: TimedText): boolean => lines.reduce((sum, line) => sum + line.length, 0) <= SHORT_LETTERS;

/** Words that are said at another time would not be seen: where most of them are, all share what time there is. */
function within({ words, ...cue }: TimedText, start: number, end: number): TimedText {
	const seen = words?.filter((word) => word.start >= start && word.start < end).length ?? 0;
	return { ...cue, start, end, ...(words && 2 * seen > words.length ? { words } : {}) };
}

const together = (a: TimedText, b: TimedText): TimedText => ({
	start: a.start,
	end: Math.max(a.end, b.end),
	lines: [...a.lines, ...b.lines],
	...(a.words && b.words ? { words: [...a.words, ...b.words] } : {}),
});
