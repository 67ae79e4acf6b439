import type { Word } from '../transcriber.ts';

/**
 * Reads what `pocketsphinx_batch -ctm` writes: utterance, channel, start, length, word and confidence. Pure.
 * @param starts where each utterance begins, seconds, by its name
 */
export function readCtm(text: string, starts: ReadonlyMap<string, number>): Word[] {
	return text.split('\n').flatMap((line) => {
		const [utterance = '', , from = '', length = '', spelt = '', confidence = ''] = line.trim().split(/\s+/);
		const begin = starts.get(utterance);
		const word = spoken(spelt);
		if (begin === undefined || word === '') return [];
		const start = begin + Number(from);
		return [{ start: round(start), end: round(start + Number(length)), word, confidence: Math.max(0, Math.min(1, Number(confidence))) }];
	});
}

/** Without the number of the pronunciation, `read(2)`; nothing for noises, `[NOISE]`, `<sil>`, `++BREATH++`. */
function spoken(spelt: string): string {
	if (/^[<[+]/.test(spelt)) return '';
	const word = spelt.replace(/\(\d+\)$/, '');
	return /^i('|$)/.test(word) ? `I${word.slice(1)}` : word;
}

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;
