import { cleanText } from './lay-text.ts';
import type { SubtitlesFound } from './subtitle-source.ts';
import { hasRoom, layBack, roomOf, unitsOf, type Rules, type Warning } from './translate-cues.ts';
import type { Translation } from './translation.ts';
import type { Cue } from '../../ai/subtitles/cue.ts';

/** How much shorter than its room a text that did not fit shall become. */
const TIGHTER = 0.85;

/** Whole sentences are translated, and laid back into the subtitles that they came from. What does not fit is asked for once more, shorter. */
export async function translateSubtitles(translation: Translation, { cues, language }: Pick<SubtitlesFound, 'cues' | 'language'>, rules: Rules): Promise<{ cues: Cue[]; warnings: Warning[] }> {
	const units = unitsOf(cues, language);
	const rooms = units.map((unit) => roomOf(unit, cues, rules));
	const ask = async (asked: readonly number[], most: readonly number[]): Promise<string[]> => {
		const sources = asked.map((index) => units[index]?.text ?? '');
		const translated = await translation.texts(sources, most);
		// A translator that has nothing to say leaves the original: better than a hole.
		return translated.map((text, index) => cleanText(text) || cleanText(sources[index] ?? ''));
	};
	const texts = await ask([...units.keys()], rooms);
	if (translation.canShorten()) {
		const long = [...units.keys()].filter((index) => {
			const unit = units[index];
			return unit !== undefined && !hasRoom(unit, texts[index] ?? '', cues, rules);
		});
		const shorter = long.length > 0 ? await ask(long, long.map((index) => Math.floor((rooms[index] ?? 0) * TIGHTER))) : [];
		for (const [place, index] of long.entries()) {
			const text = shorter[place] ?? '';
			if (text !== '' && text.length < (texts[index] ?? '').length) texts[index] = text;
		}
	}
	return layBack(cues, units, texts, rules);
}
