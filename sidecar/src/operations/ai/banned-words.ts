/** Words that must not occur, found however they are written. Pure. */

/** Scripts whose words no blank divides, or to which particles cling (Korean): a word may stand anywhere in them. */
const NO_BLANKS = '\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}ー\\p{sc=Hangul}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}\\p{sc=Tibetan}';
const IN_NO_BLANKS = new RegExp(`[${NO_BLANKS}]`, 'u');
/** What makes a word longer: "cat" is not in "education". */
const LETTER = `[[\\p{L}\\p{N}\\p{M}]--[${NO_BLANKS}]]`;

/** Letters of other scripts that look like Latin ones. Text and words are folded alike, so that Russian words are still found in Russian. */
const LOOK_ALIKES: Readonly<Record<string, string>> = Object.fromEntries(
	['aаα', 'bв', 'cс', 'dԁ', 'eеε', 'hһн', 'iіι', 'jј', 'kкκ', 'mм', 'oоο', 'pрρ', 'qԛ', 'sѕ', 'tтτ', 'uυ', 'vν', 'wԝ', 'xхχ', 'yу'].flatMap((group) => {
		const [latin = '', ...others] = Array.from(group);
		return others.map((other) => [other, latin]);
	}),
);
const LOOK_ALIKE = new RegExp(`[${Object.keys(LOOK_ALIKES).join('')}]`, 'gu');

/** Full width, composed or not, in capitals, with signs that nobody sees in between: all the same. */
const folded = (text: string): string =>
	text
		.normalize('NFKC')
		.replace(/[\p{Cf}\u034f\ufe00-\ufe0f]/gu, '')
		.toLowerCase()
		.replace(LOOK_ALIKE, (letter) => LOOK_ALIKES[letter] ?? letter)
		.replace(/[’ʼ`´]/g, "'");

const HASHTAG = /[#＃][\p{L}\p{N}\p{M}_]+/gu;
/** `#CheapFlights_2026` → `Cheap Flights 2026` */
const wordsOfHashtag = (tag: string): string =>
	tag
		.slice(1)
		.replaceAll('_', ' ')
		.replace(/(\p{Ll})(?=\p{Lu})|(\p{Lu})(?=\p{Lu}\p{Ll})|(\p{L})(?=\p{N})|(\p{N})(?=\p{L})/gu, '$& ');

interface Pattern {
	text: RegExp;
	/** Blanks of a phrase are left out in a hashtag: #blackfriday. */
	hashtag: RegExp;
}

function patternOf(word: string): Pattern | null {
	const plain = folded(word).trim().replace(/^#/, '');
	const stem = plain.replace(/^\*+|\*+$/g, '').trim();
	const [first, last] = [Array.from(stem).at(0), Array.from(stem).at(-1)];
	if (first === undefined || last === undefined) return null;
	const before = plain.startsWith('*') || IN_NO_BLANKS.test(first) ? '' : `(?<!${LETTER})`;
	const after = plain.endsWith('*') || IN_NO_BLANKS.test(last) ? '' : `(?!${LETTER})`;
	const parts = stem.split(/\s+/u).map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
	return { text: new RegExp(before + parts.join('\\s+') + after, 'v'), hashtag: new RegExp(before + parts.join('\\s*') + after, 'v') };
}

/**
 * Those of the words that occur: whole words in any case, also as a part of a hashtag (`#CheapFlights`); where no blanks are
 * written, anywhere. A star at either end stands for more letters: `cheap*` is in "cheaper".
 */
export function bannedIn(texts: readonly string[], banned: readonly string[]): string[] {
	if (banned.length === 0) return [];
	const hashtags = texts.flatMap((text) => text.match(HASHTAG) ?? []);
	// A sign that is no blank: no phrase goes from one text into the next.
	const all = folded(texts.join('\0'));
	const tags = folded(hashtags.flatMap((tag) => [tag.slice(1), wordsOfHashtag(tag)]).join('\0'));
	return banned.filter((word) => {
		const pattern = patternOf(word);
		return pattern !== null && (pattern.text.test(all) || pattern.hashtag.test(tags));
	});
}
