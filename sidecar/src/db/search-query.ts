/** One word or phrase that is looked for. */
export interface SearchTerm {
	text: string;
	/** In quotes: must occur. */
	required: boolean;
	/** The last word of what is being typed, and Korean words, behind which particles stand: longer words that begin with it count as well. */
	prefix: boolean;
	/** Looked for as a piece of text: writing without blanks between words (Japanese, Chinese, Thai …), and symbols. */
	piece: boolean;
}

export interface SearchQuery {
	/** Without what is excluded: for search by meaning. */
	text: string;
	terms: SearchTerm[];
	/** Must not occur. */
	excluded: SearchTerm[];
}

/** Beyond this many words, later ones only count for the meaning. */
const MOST_TERMS = 16;
/** Scripts that are written without blanks; the parser of Postgres takes a whole sentence of them for one word. */
const WITHOUT_BLANKS = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;
const KOREAN = /\p{sc=Hangul}$/u;
const WORD = /[\p{L}\p{N}]/u;
const PART = /(?<not>-)?"(?<phrase>[^"]*)"?|(?<word>[^\s"]+)/gu;

const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/**
 * Text in one form, so that equal words are equal: NFC, without controls, lone surrogates, and signs that nobody sees
 * (zero-width blanks, soft hyphens, marks of direction). Joiners inside of words and emoji stay.
 */
export const searchText = (text: string): string =>
	text
		.replace(/\p{Cs}/gu, '')
		.normalize('NFC')
		.replace(/[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufffd]/gu, '')
		.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
		.replace(/ {2,}/g, ' ')
		.trim();

/** Words, "phrases that must occur", -words and -"phrases" that must not. Never throws, whatever it is given. */
export function parseQuery(typed: string): SearchQuery {
	const plain = searchText(typed);
	// A blank behind it says that the last word is complete.
	const typing = plain !== '' && !/\s$/u.test(typed);
	const terms: SearchTerm[] = [];
	const excluded: SearchTerm[] = [];
	const meant: string[] = [];
	const parts = [...plain.matchAll(PART)];
	for (const [index, part] of parts.entries()) {
		const { not, phrase, word = '' } = part.groups ?? {};
		if (phrase !== undefined) {
			const term = { text: phrase.trim(), required: not === undefined, prefix: KOREAN.test(phrase), piece: isPiece(phrase) };
			(not ? excluded : terms).push(term);
			if (!not) meant.push(phrase);
		} else if (/^-+[\p{L}\p{N}]/u.test(word)) {
			const text = word.replace(/^-+/, '');
			excluded.push({ text, required: false, prefix: KOREAN.test(text), piece: isPiece(text) });
		} else if (word !== 'OR') {
			meant.push(word);
			const last = typing && index === parts.length - 1;
			terms.push(...termsOf(word).map((term) => ({ ...term, prefix: term.prefix || (last && /[\p{L}\p{N}\p{M}]$/u.test(word) && !term.piece) })));
		}
	}
	return { text: meant.join(' ').trim(), terms: distinct(terms).slice(0, MOST_TERMS), excluded: distinct(excluded).slice(0, MOST_TERMS) };
}

function termsOf(word: string): SearchTerm[] {
	const one = (text: string): SearchTerm => ({ text, required: false, prefix: KOREAN.test(text), piece: isPiece(text) });
	if (!WITHOUT_BLANKS.test(word)) return [one(word)];
	return Array.from(segmenter.segment(word))
		.filter(({ isWordLike }) => isWordLike)
		.map(({ segment }) => one(segment));
}

const isPiece = (text: string): boolean => WITHOUT_BLANKS.test(text) || !WORD.test(text);

/** Each once; none that is only punctuation, which occurs everywhere. */
function distinct(terms: readonly SearchTerm[]): SearchTerm[] {
	const seen = new Set<string>();
	return terms.filter(({ text }) => {
		const key = text.toLowerCase();
		const says = WORD.test(text) || /\p{Extended_Pictographic}/u.test(text);
		if (!says || seen.has(key)) return false;
		seen.add(key);
		return true;
	});
}

/** Where words of a text match, as `[from, to)` of UTF-16 units, in order and without overlap. */
export function matchesIn(text: string, terms: readonly SearchTerm[]): Array<[number, number]> {
	const found: Array<[number, number]> = [];
	const lower = foldedAlike(text);
	const words = Array.from(segmenter.segment(lower)).filter(({ isWordLike }) => isWordLike);
	for (const { text: wanted, prefix, piece } of terms) {
		const term = wanted.toLowerCase();
		if (piece || /[^\p{L}\p{N}\p{M}]/u.test(term)) {
			for (let at = lower.indexOf(term); at >= 0; at = lower.indexOf(term, at + term.length)) found.push([at, at + term.length]);
			continue;
		}
		for (const { segment, index } of words) {
			if (segment === term || (prefix && segment.startsWith(term))) found.push([index, index + segment.length]);
		}
	}
	found.sort(([a, aEnd], [b, bEnd]) => a - b || bEnd - aEnd);
	const apart: Array<[number, number]> = [];
	for (const span of found) if (span[0] >= (apart.at(-1)?.[1] ?? 0)) apart.push(span);
	return apart;
}

/** In lower case, every character as long as before: İ, in lower case, is two. */
const foldedAlike = (text: string): string =>
	text.replace(/\p{Lu}/gu, (character) => {
		const small = character.toLowerCase();
		return small.length === character.length ? small : character;
	});
