import { readClock } from './clock.ts';
import type { Cue } from './cue.ts';
import { balanced, toLines } from './markup.ts';
import type { RawSubtitles } from './parse.ts';

/** Fields of a line `Dialogue:` where the file does not name them. */
const FIELDS = ['layer', 'start', 'end', 'style', 'name', 'marginl', 'marginr', 'marginv', 'effect', 'text'];

/** ASS and SSA: text of the lines `Dialogue:`, without styles, effects and drawings. */
export function readAss(text: string, markup: 'strip' | 'keep'): RawSubtitles {
	const cues: Cue[] = [];
	let skipped = 0;
	let fields = FIELDS;
	let inEvents = false;
	for (const line of text.split('\n')) {
		if (line.startsWith('[')) inEvents = /^\[Events\]/i.test(line);
		if (!inEvents) continue;
		const [, kind, rest = ''] = /^(Format|Dialogue)\s{0,8}:(.*)$/is.exec(line) ?? [];
		if (kind?.toLowerCase() === 'format') fields = formatOf(rest);
		if (kind?.toLowerCase() !== 'dialogue') continue;
		const cue = toCue(rest, fields, markup);
		if (cue) cues.push(cue);
		else skipped++;
	}
	return { cues, skipped };
}

/** The text comes last, as it may hold commas. */
function formatOf(line: string): string[] {
	const names = line.split(',', 32).map((name) => name.trim().toLowerCase());
	return names.includes('start') && names.includes('end') && names.at(-1) === 'text' ? names : FIELDS;
}

function toCue(line: string, fields: readonly string[], markup: 'strip' | 'keep'): Cue | null {
	const values: string[] = [];
	let from = 0;
	for (let field = 0; field < fields.length - 1; field++) {
		const comma = line.indexOf(',', from);
		if (comma < 0) return null;
		values.push(line.slice(from, comma).trim());
		from = comma + 1;
	}
	const value = (name: string): string => values[fields.indexOf(name)] ?? '';
	const start = readClock(value('start'));
	const end = readClock(value('end'));
	const lines = toLines(readText(line.slice(from), markup));
	const speaker = value('name') || value('actor');
	return start === null || end === null || lines.length === 0 ? null : { start, end, lines, ...(speaker ? { speaker } : {}) };
}

/** Overrides stand in braces; between `\p1` and `\p0` are drawings, not words. */
function readText(text: string, markup: 'strip' | 'keep'): string {
	let shown = '';
	let drawing = false;
	const lastClose = text.lastIndexOf('}');
	for (let at = 0; at < text.length; ) {
		const character = text[at] ?? '';
		const two = text.slice(at, at + 2);
		if (two === '\\{' || two === '\\}') {
			shown += two[1];
			at += 2;
		} else if (character === '{' && at < lastClose) {
			const close = text.indexOf('}', at);
			const inside = text.slice(at + 1, close);
			const draw = /\\p(\d{1,2})/.exec(inside);
			if (draw) drawing = draw[1] !== '0';
			if (markup === 'keep') shown += [...inside.matchAll(/\\([ibu])([01])(?!\d)/g)].map(([, name, on]) => (on === '1' ? `<${name}>` : `</${name}>`)).join('');
			at = close + 1;
		} else if (two === '\\N' || two === '\\n' || two === '\\h') {
			shown += two === '\\h' ? ' ' : '\n';
			at += 2;
		} else {
			// The word joiner that keeps a backslash from being a command is no text.
			if (!drawing && !(character === '\u2060' && text[at - 1] === '\\')) shown += character;
			at++;
		}
	}
	return markup === 'keep' ? balanced(shown) : shown;
}
