import { readClock } from './clock.ts';
import type { Cue } from './cue.ts';
import { readEntities, readTags, toLines } from './markup.ts';
import type { RawSubtitles } from './parse.ts';

const NUMBER = /^\s{0,8}\d{1,9}\s{0,8}$/;
const VOICE = /^<v(?:\.[^\s<>]{0,100})?\s+([^<>\n]{1,100})>/;

/** SRT and WebVTT, line by line: whatever holds two times around an arrow begins an entry. */
export function readTimed(text: string, format: 'srt' | 'vtt', markup: 'strip' | 'keep'): RawSubtitles {
	const lines = text.split('\n');
	const cues: Cue[] = [];
	let skipped = 0;
	let at = 0;
	const nextTimes = (from: number): number => {
		let line = from;
		while (line < lines.length && !readTimes(lines[line] ?? '')) line++;
		return line;
	};
	at = nextTimes(0);
	while (at < lines.length) {
		const times = readTimes(lines[at] ?? '');
		const following = nextTimes(at + 1);
		const body = format === 'vtt' ? untilBlank(lines.slice(at + 1, following)) : withoutNumber(lines.slice(at + 1, following), following < lines.length, numberOf(lines[at - 1]));
		const cue = times && toCue(times, body, format, markup);
		if (cue) cues.push(cue);
		else skipped++;
		at = following;
	}
	const language = format === 'vtt' ? /^Language:\s{0,8}([a-z]{2})\b/im.exec(untilBlank(lines.slice(0, 10)).join('\n'))?.[1]?.toLowerCase() : undefined;
	return { cues, skipped, ...(language ? { language } : {}) };
}

/** Editors of Hebrew and Arabic put marks of direction before numbers and times, too. */
const DIRECTION = /[\u200E\u200F\u061C\u202A-\u202E\u2066-\u2069\uFEFF]/g;

/** `00:01.500 --> 00:03.000 align:start`: what follows the second time is about the place on the screen. */
function readTimes(given: string): { start: number; end: number } | null {
	const found = given.indexOf('-->');
	if (found < 0 || found > 64) return null;
	const line = given.slice(0, 128).replace(DIRECTION, '');
	const arrow = line.indexOf('-->');
	const start = readClock(line.slice(0, arrow));
	const end = readClock(line.slice(arrow + 3));
	return start === null || end === null ? null : { start, end };
}

/** In WebVTT a blank line ends an entry; after it come notes, styles, and the name of the next one. */
function untilBlank(lines: string[]): string[] {
	const blank = lines.findIndex((line) => line.trim() === '');
	return blank < 0 ? lines : lines.slice(0, blank);
}

const isNumber = (line: string | undefined): boolean => line !== undefined && line.length < 32 && NUMBER.test(line.replace(DIRECTION, ''));
const numberOf = (line: string | undefined): number => (isNumber(line) ? Number(line?.replace(DIRECTION, '')) : NaN);

/** In SRT blank lines may stand inside of the text; the number of the next entry may not. Where the blank line before it is missing, it is the one that follows. */
function withoutNumber(lines: string[], more: boolean, own: number): string[] {
	let end = lines.length;
	while (end > 0 && lines[end - 1]?.trim() === '') end--;
	const isNext = more && isNumber(lines[end - 1]) && (end === 1 || lines[end - 2]?.trim() === '' || numberOf(lines[end - 1]) === own + 1);
	return lines.slice(0, isNext ? end - 1 : end);
}

function toCue(times: { start: number; end: number }, body: string[], format: 'srt' | 'vtt', markup: 'strip' | 'keep'): Cue | null {
	const text = body.join('\n');
	const speaker = readEntities(VOICE.exec(text)?.[1] ?? '').trim();
	const plain = readTags(text, markup);
	const lines = toLines(format === 'vtt' ? readEntities(plain) : plain);
	return lines.length === 0 ? null : { ...times, lines, ...(speaker ? { speaker } : {}) };
}
