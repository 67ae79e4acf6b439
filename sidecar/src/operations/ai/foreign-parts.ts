import twitterText from 'twitter-text';

/** Links, mail addresses and mentions that stand in a text although nobody gave them: something in the media brought them. Pure. */

interface Part {
	text: string;
	kind: 'address' | 'mention';
	start: number;
	end: number;
}

/** Whatever its scheme, also where the host is a number. In ASCII only: in Japanese, the text goes on without a blank. */
const LINK = /\b[a-z][a-z\d+.-]{1,20}:\/\/(?:(?![<>"])[!-~])*(?![<>".,;:!?')\]])[!-~]/giu;
const MAIL = /(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+/gu;
/** `@name`, `@name.bsky.social`, `@name@host.tld` */
const MENTION = /(?<![\w@./])[@＠]\w(?:[\w.-]*\w)?(?:@[\w-]{1,63}(?:\.[\w-]{1,63})+)?/gu;

/** In order; of those that overlap the longest. */
function partsOf(text: string): Part[] {
	const found: Part[] = twitterText.extractUrlsWithIndices(text).map(({ url, indices: [start, end] }) => ({ text: url, kind: 'address', start, end }));
	for (const [kind, pattern] of [['address', LINK], ['address', MAIL], ['mention', MENTION]] as const)
		for (const match of text.matchAll(pattern)) found.push({ text: match[0], kind, start: match.index, end: match.index + match[0].length });
	const parts: Part[] = [];
	for (const part of found.sort((a, b) => b.end - b.start - (a.end - a.start))) if (!parts.some(({ start, end }) => part.start < end && start < part.end)) parts.push(part);
	return parts.sort((a, b) => a.start - b.start);
}

/** Without what people leave out. */
const bare = (text: string): string => text.toLowerCase().replace(/\b[a-z][a-z\d+.-]*:\/\//g, ' ').replace(/\bwww\./g, ' ');

/** As a whole: example.com is given by https://example.com/shop, but not by example.com.evil.org; @nike not by @nikerunning. */
function isGiven({ text }: Part, allowed: string): boolean {
	const plain = bare(text).trim().replace(/^＠/, '@').replace(/\/$/, '').replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
	return new RegExp(`(?<![\\w@.-])${plain}(?![\\w-]|\\.\\w)`).test(bare(allowed));
}

const foreign = (text: string, allowed: string): Part[] => partsOf(text).filter((part) => !isGiven(part, allowed));

/** Links, mail addresses and mentions of a text that do not occur in `allowed`. */
export const foreignParts = (text: string, allowed: string): string[] => [...new Set(foreign(text, allowed).map((part) => part.text))];

const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });

/** Takes them out: of a mention the name stays, without its sign and host. */
export function withoutForeignParts(text: string, allowed: string): string {
	let plain = text;
	for (const { kind, start, end, text: part } of foreign(text, allowed).reverse())
		plain = plain.slice(0, start) + (kind === 'mention' ? (part.slice(1).split('@')[0] ?? '') : '') + plain.slice(end);
	return plain
		.replace(/[ \t]{2,}/g, ' ')
		.replace(/[ \t]+([.,!?;:])/g, '$1')
		.replace(/[ \t]+$/gm, '')
		.trim();
}

/**
 * The same for a text that is posted: a sentence around a link that nobody gave says nothing without it, so all of it goes, unless
 * it is the only one, or holds something of `allowed`: a link, or the text `keep`.
 */
export function withoutForeignSentences(text: string, allowed: string, keep = ''): string {
	const bad = foreign(text, allowed).filter(({ kind }) => kind === 'address');
	const good = partsOf(text).filter((part) => isGiven(part, allowed));
	const spans = Array.from(sentences.segment(text), ({ segment, index }) => ({ start: index, end: index + segment.length, segment }));
	const within = (parts: readonly Part[], { start, end }: { start: number; end: number }): boolean => parts.some((part) => part.start < end && start < part.end);
	const kept = spans.filter((span) => !within(bad, span) || within(good, span) || (keep !== '' && span.segment.toLowerCase().includes(keep.toLowerCase())));
	const rest = kept.map(({ segment }) => segment).join('');
	return withoutForeignParts(/[\p{L}\p{N}]/u.test(rest) ? rest : text, allowed);
}
