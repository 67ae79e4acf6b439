/** Text cut so that a platform takes it. Pure. */

/** A text that may be so long, as somebody counts it. */
export interface Limited {
	limit: number;
	measure(text: string): number;
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const words = new Intl.Segmenter('en', { granularity: 'word' });
/** Scripts that are written without blanks. */
const NO_BLANKS = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\p{sc=Tibetan}]/u;

/** Without what no text ends with when it is cut. */
function ended(text: string): string {
	// By hand: the expression with a `$` looks at each run of blanks as often as it is long.
	let end = text.length;
	while (end > 0 && TRAILING.test(text[end - 1]!)) end -= 1;
	return text.slice(0, end);
}
const TRAILING = /[\s,;:、，；：–-]/u;

/** The text cut at a word so that it fits, with an ellipsis; as it is when it fits. */
export function shorten(given: string, { limit, measure }: Limited): string {
	if (measure(given) <= limit) return given;
	const text = given.trim();
	if (measure(text) <= limit) return text;
	const fits = (candidate: string): boolean => measure(`${candidate}…`) <= limit;
	let kept = '';
	let at = 0;
	// From the beginning: each look is no longer than the limit, however long the text is.
	for (const { index } of text.matchAll(/\s+/g)) {
		if (index === 0) continue;
		const candidate = ended(text.slice(0, index));
		if (!fits(candidate)) break;
		kept = candidate;
		at = index;
	}
	const [next = ''] = /^\s*\S*/.exec(text.slice(at)) ?? [];
	// A sentence of Japanese is one "word" between blanks: cut between what a dictionary takes for words, but never in a link.
	if (NO_BLANKS.test(next)) kept = longest(text.slice(0, at), wordsOf(next), fits) || kept;
	// One word longer than the limit: cut inside of it, between characters as people see them.
	if (kept === '') kept = longest('', graphemesOf(text), fits);
	return `${kept}…`;
}

/** The beginning with as many of the pieces as fit. */
function longest(beginning: string, pieces: Iterable<string>, fits: (candidate: string) => boolean): string {
	let whole = beginning;
	let kept = '';
	for (const piece of pieces) {
		whole += piece;
		if (!fits(ended(whole))) break;
		kept = ended(whole);
	}
	return kept;
}

function* graphemesOf(text: string): Generator<string> {
	for (const { segment } of graphemes.segment(text)) yield segment;
}

/** Latin names, numbers and links are one each. */
function* wordsOf(text: string): Generator<string> {
	for (const part of text.split(/([!-~]+)/)) {
		if (/^[!-~]/.test(part)) yield part;
		else for (const { segment } of words.segment(part)) yield segment;
	}
}
