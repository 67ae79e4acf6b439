import { inSteps } from '../../media/steps.ts';
import { cleanText } from './lay-text.ts';
import type { SubtitlesFound } from './subtitle-source.ts';
import { hasRoom, layBack, roomOf, unitsOf, type LaidBack, type Rules, type Unit } from './translate-cues.ts';
import { orNothing, type Translation } from './translation.ts';
import type { Cue } from '../../ai/subtitles/cue.ts';

/** How much shorter than its room a text that did not fit shall become. */
const TIGHTER = 0.85;
/** No language needs more than this: four Chinese characters become some thirty Latin ones. A model that does not stop, or does what a text asks of it, does. */
const MOST_TIMES_LONGER = 10;
const MOST_LONGER = 100;

/** Whole sentences are translated, and laid back into the subtitles that they came from. What does not fit is asked for once more, shorter. */
export async function translateSubtitles(translation: Translation, { cues, language }: Pick<SubtitlesFound, 'cues' | 'language'>, rules: Rules, signal: AbortSignal): Promise<LaidBack> {
	const units = unitsOf(cues, language);
	const rooms = units.map((unit) => roomOf(unit, cues, rules));
	/** Null: nothing that could be a translation. */
	const ask = async (asked: readonly number[], most: readonly number[]): Promise<Array<string | null>> => {
		const sources = asked.map((index) => units[index]?.text ?? '');
		const translated = await translation.texts(sources, most);
		return translated.map((text, index) => {
			const clean = cleanText(text);
			return clean === '' || clean.length > (sources[index] ?? '').length * MOST_TIMES_LONGER + MOST_LONGER ? null : clean;
		});
	};
	const texts = await ask([...units.keys()], rooms);
	if (translation.canShorten()) {
		const again = await inSteps(tooLong(units, texts, cues, rules), signal);
		const shorter = again.length > 0 ? await ask(again, again.map((index) => Math.floor((rooms[index] ?? 0) * TIGHTER))).catch(orNothing) : [];
		for (const [place, index] of again.entries()) {
			const [text = null, before = null] = [shorter[place], texts[index]];
			if (text !== null && (before === null || text.length < before.length)) texts[index] = text;
		}
	}
	const untranslated = new Set([...texts.keys()].filter((index) => texts[index] === null));
	// The original is better than a hole.
	const laid = texts.map((text, index) => text ?? cleanText(units[index]?.text ?? ''));
	return inSteps(layBack(cues, units, laid, rules, untranslated), signal);
}

/** Those that have no room, or of which nothing came. */
function* tooLong(units: readonly Unit[], texts: ReadonlyArray<string | null>, cues: readonly Cue[], rules: Rules): Generator<void, number[]> {
	const found: number[] = [];
	for (const [index, unit] of units.entries()) {
		yield;
		const text = texts[index] ?? null;
		if (text === null || !hasRoom(unit, text, cues, rules)) found.push(index);
	}
	return found;
}
