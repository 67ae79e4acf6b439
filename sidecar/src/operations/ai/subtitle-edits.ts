import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { MAX_CUE_CHARACTERS, MAX_CUES, MAX_SUBTITLE_CHARACTERS, textOf, type Cue } from '../../ai/subtitles/cue.ts';
import { merged, replaceAll, retime, rewrap, split, withText, type Replacement } from '../../ai/subtitles/edit.ts';
import { toLines } from '../../ai/subtitles/markup.ts';
import { PipelineError } from '../../errors.ts';
import { ruleFields, toRules } from './subtitle-rules.ts';

/** Edits as the wire has them, and what each does. Cues are counted from 1, as SRT does, after the edits before. */

const number = (what: string) => z.number().int().min(1).max(MAX_CUES).describe(what);
const range = {
	from_cue: number('First subtitle, from 1. Default: the first one.').optional(),
	to_cue: number('Last subtitle. Default: the last one.').optional(),
};
/** A day: whoever shifts further has mistaken the unit. */
const MAX_SHIFT_MS = 86_400_000;
const fps = (what: string) => z.number().min(1).max(240).describe(what);

export const editSchema = z.discriminatedUnion('kind', [
	z.strictObject({ kind: z.literal('shift'), ms: z.number().int().min(-MAX_SHIFT_MS).max(MAX_SHIFT_MS).describe('Milliseconds; negative: earlier.'), ...range }),
	z.strictObject({ kind: z.literal('scale'), from_fps: fps('Frame rate that the times were made for, e.g. 23.976.'), to_fps: fps('Frame rate of the video, e.g. 25.') }),
	z.strictObject({ kind: z.literal('merge'), from_cue: number('First subtitle, from 1.'), to_cue: number('Last subtitle.') }),
	z.strictObject({
		kind: z.literal('split'),
		cue: number('Subtitle, from 1.'),
		at_seconds: z.number().min(0).optional().describe('Time at which the second part begins; or `at_text`.'),
		at_text: z.string().min(1).max(500).optional().describe('Text with which the second part begins; or `at_seconds`.'),
	}),
	z.strictObject({
		kind: z.literal('replace'),
		find: z.string().min(1).max(500).describe('Text to be replaced.'),
		with: z.string().max(500).describe('Text that comes instead. Empty: nothing.'),
		whole_words: z.boolean().default(true).describe('false: also inside of words.'),
		match_case: z.boolean().default(false).describe('true: only where capitals are the same.'),
	}),
	z.strictObject({ kind: z.literal('set_text'), cue: number('Subtitle, from 1.'), text: z.string().min(1).max(2000).describe('Its new text; a line break begins a new line.') }),
	z.strictObject({ kind: z.literal('delete'), from_cue: number('First subtitle, from 1.'), to_cue: number('Last subtitle. Default: the first.').optional() }),
	z.strictObject({ kind: z.literal('rewrap'), ...ruleFields }),
]);
export type Edit = z.infer<typeof editSchema>;

export interface Edited {
	cues: Cue[];
	/** Subtitles or places that were changed. */
	changed: number;
	notes: string[];
}

/** Applies one edit. Throws `invalid_request` naming the edit and the number of the subtitle that it cannot be done to, and the signal's reason. */
export async function applyEdit(cues: readonly Cue[], edit: Edit, index: number, signal: AbortSignal): Promise<Edited> {
	const refuse = (why: string): never => {
		throw new PipelineError('invalid_request', `edits[${index}] (${edit.kind}): ${why}`, { details: { field: `params.edits.${index}`, cues: cues.length } });
	};
	const cueAt = (cue: number): Cue => cues[cue - 1] ?? refuse(cues.length === 0 ? `there is no subtitle ${cue}; there are none left.` : `there is no subtitle ${cue}; they go from 1 to ${cues.length}.`);
	const rangeOf = (from = 1, to = cues.length): [number, number] => {
		if (from > to) refuse(`from_cue (${from}) is behind to_cue (${to}).`);
		cueAt(from);
		cueAt(to);
		return [from - 1, to];
	};
	const put = (from: number, to: number, ...instead: Cue[]): Cue[] => [...cues.slice(0, from), ...instead, ...cues.slice(to)];

	switch (edit.kind) {
		case 'shift': {
			if (cues.length === 0) return { cues: [], changed: 0, notes: [] };
			const [from, to] = rangeOf(edit.from_cue, edit.to_cue);
			return shift(cues, from, to, edit.ms);
		}
		case 'scale': {
			const factor = edit.from_fps / edit.to_fps;
			return { cues: cues.map((cue) => retime(cue, (ms) => ms * factor)), changed: cues.length, notes: [] };
		}
		case 'merge': {
			const [from, to] = rangeOf(edit.from_cue, edit.to_cue);
			if (to - from < 2) refuse(`to_cue must be behind from_cue (${edit.from_cue}): it takes two to merge.`);
			const together = cues.slice(from, to);
			const characters = together.reduce((sum, cue) => sum + textOf(cue).length, 0);
			if (characters > MAX_CUE_CHARACTERS) refuse(`one subtitle of ${characters} characters would come of it; at most ${MAX_CUE_CHARACTERS} are possible.`);
			return { cues: put(from, to, merged(together)), changed: to - from, notes: [] };
		}
		case 'split': {
			if ((edit.at_seconds === undefined) === (edit.at_text === undefined)) refuse('give either at_seconds or at_text.');
			const parts = split(cueAt(edit.cue), edit.at_text === undefined ? { ms: Math.round((edit.at_seconds ?? 0) * 1000) } : { text: edit.at_text });
			if (typeof parts === 'string') return refuse(`subtitle ${edit.cue} ${parts}.`);
			return { cues: put(edit.cue - 1, edit.cue, ...parts), changed: 1, notes: [] };
		}
		case 'replace': {
			if (edit.find.trim() === '') refuse('find is blank.');
			const wanted = { find: edit.find, with: edit.with, wholeWords: edit.whole_words, matchCase: edit.match_case };
			try {
				return await replace(cues, wanted, index, signal);
			} catch (error) {
				if (error instanceof RangeError) refuse(`${error.message}.`);
				throw error;
			}
		}
		case 'set_text': {
			const lines = toLines(edit.text.replace(/\r\n?/g, '\n'));
			if (lines.length === 0) refuse(`the text of subtitle ${edit.cue} would be blank. Use delete to remove it.`);
			return { cues: put(edit.cue - 1, edit.cue, withText(cueAt(edit.cue), lines)), changed: 1, notes: [] };
		}
		case 'delete': {
			const [from, to] = rangeOf(edit.from_cue, edit.to_cue ?? edit.from_cue);
			return { cues: put(from, to), changed: to - from, notes: [] };
		}
		case 'rewrap': {
			const wrapped = await rewrap(cues, toRules(edit), signal);
			return { cues: wrapped, changed: wrapped.length, notes: [] };
		}
	}
}

/** Characters that are searched in one go. The dearest pattern takes some 70 ms for them. */
const PORTION = 100_000;

async function replace(cues: readonly Cue[], wanted: Replacement, index: number, signal: AbortSignal): Promise<Edited> {
	const replaced: Cue[] = [];
	let changed = 0;
	for (let from = 0; from < cues.length; ) {
		let to = from;
		for (let characters = 0; to < cues.length && characters < PORTION; to++) characters += textOf(cues[to] as Cue).length;
		const part = replaceAll(cues.slice(from, to), wanted, MAX_SUBTITLE_CHARACTERS - changed * wanted.with.length);
		for (const cue of part.cues) replaced.push(cue);
		changed += part.count;
		from = to;
		await setImmediate();
		signal.throwIfAborted();
	}
	return { cues: replaced, changed, notes: changed > 0 ? [] : [`edits[${index}] (replace): "${wanted.find.slice(0, 80)}" does not occur.`] };
}

/** What would lie before the beginning of the video is cut off there; a subtitle that is over by then goes. */
function shift(cues: readonly Cue[], from: number, to: number, ms: number): Edited {
	const notes: string[] = [];
	const gone = cues.filter((cue, index) => index >= from && index < to && cue.end + ms <= 0).length;
	if (gone > 0) notes.push(`${gone} ${gone === 1 ? 'subtitle' : 'subtitles'} would end before the beginning and ${gone === 1 ? 'was' : 'were'} removed.`);
	const shifted = cues.flatMap((cue, index) => (index < from || index >= to ? [cue] : cue.end + ms <= 0 ? [] : [retime(cue, (time) => time + ms)]));
	return { cues: shifted.toSorted((a, b) => a.start - b.start), changed: to - from, notes };
}

/** Numbers of subtitles that are shown while the one before still is, as a sentence. */
export function overlapNote(cues: readonly Cue[]): string | null {
	const overlaps = cues.flatMap((cue, index) => (cue.start < (cues[index - 1]?.end ?? 0) ? [index + 1] : []));
	if (overlaps.length === 0) return null;
	const shown = overlaps.slice(0, 10).join(', ');
	return `Shown while the one before still is: subtitle ${shown}${overlaps.length > 10 ? ` and ${overlaps.length - 10} more` : ''}. The edit "rewrap" puts that right.`;
}
