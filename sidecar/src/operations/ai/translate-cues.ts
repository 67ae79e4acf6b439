import { isRightToLeft, isUnspaced } from '../../ai/languages.ts';
import { PipelineError } from '../../errors.ts';
import { MAX_CUE_CHARACTERS, type Cue } from '../../ai/subtitles/cue.ts';
import { cutToRoom, endsSentence, fits, lengthOf, markDirection, shareOut, tokensOf, widthOf, wrap, type Room } from './lay-text.ts';

/** Sentences out of subtitles, and translated ones back into them. Pure. */

/** What is translated as one: a sentence that runs over several subtitles, or one speaker's line of a dialogue. */
export interface Unit {
	text: string;
	/** Subtitles it comes from, in order, by their index. */
	cues: number[];
	/** Of a dialogue ("- Yes? / - No."): which line it is. */
	line?: number;
}

/** A longer silence is the end of a thought, whatever the punctuation says. */
const PAUSE_MS = 1200;
/** Speech recognition without punctuation would else make one endless sentence. */
const MOST_CUES = 6;
const MOST_CHARACTERS = 400;
const DASH = /^\s*[-–—‐]\s*/u;

/** @param language of the subtitles; empty: unknown */
export function unitsOf(cues: readonly Cue[], language: string): Unit[] {
	const glue = isUnspaced(language) ? '' : ' ';
	const units: Unit[] = [];
	let open: Unit | null = null;
	for (const [index, cue] of cues.entries()) {
		const lines = cue.lines.map((line) => line.trim()).filter(Boolean);
		// Counted as where subtitles are read, so that all that is let in there is worked on; stored transcripts are read without a limit.
		const characters = lines.reduce((sum, line) => sum + line.length, 0);
		if (characters > MAX_CUE_CHARACTERS) {
			throw new PipelineError('invalid_request', `Subtitle ${index + 1} has ${characters} characters; at most ${MAX_CUE_CHARACTERS} can be worked on. Give subtitles (\`subtitles\`) in which it is split.`, { details: { field: 'params.subtitles', cue: index + 1 } });
		}
		const text = lines.join(glue);
		if (text === '') {
			open = null;
			continue;
		}
		if (isDialogue(cue)) {
			for (const [line, said] of cue.lines.entries()) units.push({ text: said.replace(DASH, '').trim(), cues: [index], line });
			open = null;
			continue;
		}
		const before = cues[index - 1];
		const goesOn =
			open !== null &&
			before !== undefined &&
			cue.start - before.end <= PAUSE_MS &&
			cue.speaker === before.speaker &&
			open.cues.length < MOST_CUES &&
			open.text.length + text.length <= MOST_CHARACTERS;
		if (open && goesOn) {
			open.text += glue + text;
			open.cues.push(index);
		} else {
			open = { text, cues: [index] };
			units.push(open);
		}
		if (endsSentence(text)) open = null;
	}
	return units;
}

const isDialogue = ({ lines }: Cue): boolean => lines.length > 1 && lines.every((line) => DASH.test(line) && line.replace(DASH, '').trim() !== '');

export interface Rules extends Room {
	/** Faster text is reported. */
	maxCharsPerSecond: number;
}

/** Characters that a translation of the unit may have: what its subtitles hold, and what can be read in their time. */
export function roomOf(unit: Unit, cues: readonly Cue[], rules: Rules): number {
	if (unit.line !== undefined) return rules.maxLineChars - 2;
	const own = unit.cues.flatMap((index) => cues[index] ?? []);
	const seconds = own.reduce((sum, { start, end }) => sum + Math.max(0, end - start) / 1000, 0);
	const readable = Math.floor(seconds * rules.maxCharsPerSecond);
	// Less than a short line cannot be asked for.
	return Math.max(12, Math.min(own.length * rules.maxLines * rules.maxLineChars, readable));
}

/** Whether a translation has place in the subtitles of its unit. */
export function hasRoom(unit: Unit, text: string, cues: readonly Cue[], rules: Rules): boolean {
	const tokens = tokensOf(text, rules.language);
	if (unit.line !== undefined) return widthOf(`- ${text}`, rules.language) <= rules.maxLineChars;
	return shares(unit, tokens, cues, rules).every((share) => fits(share, rules));
}

const shares = (unit: Unit, tokens: readonly string[], cues: readonly Cue[], rules: Rules): string[][] =>
	shareOut(
		tokens,
		unit.cues.map((index) => lengthOf(cues[index]?.lines.join(' ') ?? '')),
		rules,
	);

export interface LaidBack {
	cues: Cue[];
	warnings: Warning[];
}

export interface Warning {
	/** From 1, as in the SRT file. */
	cue: number;
	kind: 'too_fast' | 'too_long' | 'cut_in_two' | 'untranslated';
	message: string;
}

/**
 * The subtitles with translated texts: at their times and with their speakers. One whose text is too long for its lines becomes two
 * or more within its time; one that gets no word (the translation is shorter) is joined to its neighbour of the same sentence. It is
 * done in steps of a millisecond or so: of the longest files they are a minute, in which others must have their turn.
 * @param texts of the units, in their order; those of which nothing came are in `untranslated`, by their index
 */
export function* layBack(cues: readonly Cue[], units: readonly Unit[], texts: readonly string[], rules: Rules, untranslated: ReadonlySet<number> = new Set()): Generator<void, LaidBack> {
	const lines = new Map<number, string[]>();
	const shareOf = new Map<number, { unit: number; tokens: string[] }>();
	const missed = new Set<number>();
	for (const [at, unit] of units.entries()) {
		yield;
		const text = texts[at] ?? '';
		if (untranslated.has(at)) for (const index of unit.cues) missed.add(index);
		if (unit.line !== undefined) {
			const index = unit.cues[0] ?? 0;
			lines.set(index, [...(lines.get(index) ?? []), `- ${text}`]);
			continue;
		}
		for (const [place, tokens] of shares(unit, tokensOf(text, rules.language), cues, rules).entries()) shareOf.set(unit.cues[place] ?? 0, { unit: at, tokens });
	}
	const laid: Cue[] = [];
	const warnings: Warning[] = [];
	const warn = (kind: Warning['kind'], message: string): unknown => warnings.push({ cue: laid.length + 1, kind, message });
	/** The unit of the last subtitle, and the beginning of one whose first places got no word. */
	let lastUnit: number | null = null;
	let opened = null as { unit: number; start: number } | null;
	for (const [index, cue] of cues.entries()) {
		yield;
		const dialogue = lines.get(index);
		const share = shareOf.get(index);
		// One that was empty from the start is left out.
		if (!dialogue && !share) continue;
		if (missed.has(index)) warn('untranslated', 'Nothing that could be used came of it: it stands here as it was.');
		if (share && share.tokens.length === 0) {
			const last = laid.at(-1);
			if (last && lastUnit === share.unit) laid[laid.length - 1] = { ...last, end: cue.end };
			else if (opened?.unit !== share.unit) opened = { unit: share.unit, start: cue.start };
			continue;
		}
		const bare = { start: opened !== null && opened.unit === share?.unit ? opened.start : cue.start, end: cue.end, ...(cue.speaker === undefined ? {} : { speaker: cue.speaker }) };
		opened = null;
		lastUnit = share?.unit ?? null;
		if (dialogue) {
			laid.push({ ...bare, lines: dialogue });
			continue;
		}
		const parts = partsOf(share?.tokens ?? [], bare.end - bare.start, rules);
		if (parts.length > 1) warn('cut_in_two', `The translation is too long for one subtitle and became ${parts.length} within its time.`);
		laid.push(...timeParts(bare, parts, rules));
	}
	const directed = isRightToLeft(rules.language) ? laid.map((cue) => ({ ...cue, lines: cue.lines.map(markDirection) })) : laid;
	return { cues: directed, warnings: [...warnings, ...lookOver(directed, rules)].sort((a, b) => a.cue - b.cue) };
}

/** Nobody sees anything shorter; it would only flicker. */
const SHORTEST_PART_MS = 200;

/** What does not fit into the time, either, stays together, and is reported as too long. */
function partsOf(tokens: readonly string[], milliseconds: number, rules: Rules): string[][] {
	const parts = cutToRoom(tokens, rules);
	const most = Math.max(1, Math.floor(milliseconds / SHORTEST_PART_MS));
	return parts.length <= most ? parts : shareOut(tokens, Array.from({ length: most }, () => 1), rules).filter(({ length }) => length > 0);
}

/** The time of a subtitle, shared by the length of what is shown. */
function timeParts(cue: Omit<Cue, 'lines'>, parts: readonly string[][], rules: Rules): Cue[] {
	const lengths = parts.map((part) => lengthOf(part.join('')));
	const total = lengths.reduce((sum, length) => sum + length, 0);
	let done = 0;
	let start = cue.start;
	return parts.map((part, index) => {
		done += lengths[index] ?? 0;
		const end = Math.round(cue.start + ((cue.end - cue.start) * done) / total);
		const timed = { ...cue, start, end, lines: wrap(part, rules) };
		start = end;
		return timed;
	});
}

function lookOver(cues: readonly Cue[], { language, maxLineChars, maxLines, maxCharsPerSecond }: Rules): Warning[] {
	return cues.flatMap(({ start, end, lines }, index): Warning[] => {
		const cue = index + 1;
		const perSecond = lengthOf(lines.join(' ')) / Math.max(0.001, (end - start) / 1000);
		const wide = lines.some((line) => widthOf(line, language) > maxLineChars) || lines.length > maxLines;
		return [
			...(wide ? [{ cue, kind: 'too_long' as const, message: `A line of it is longer than ${maxLineChars} characters, or there are more than ${maxLines} lines.` }] : []),
			...(perSecond > maxCharsPerSecond
				? [{ cue, kind: 'too_fast' as const, message: `${perSecond.toFixed(1)} characters a second; ${maxCharsPerSecond} can be read.` }]
				: []),
		];
	});
}
