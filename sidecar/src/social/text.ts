import twitterText from 'twitter-text';

/** Looking for links takes time that grows with the square of the length; no post that has a limit is as long as this. */
const LONGEST_LOOKED_THROUGH = 10_000;

/** platforms.md 0.4: weights of twitter-text v3 on NFC text, a link counts 23. Of a text that is far too long, its plain length. */
export const weightedLength = (text: string): number => (text.length > LONGEST_LOOKED_THROUGH ? text.length : twitterText.parseTweet(text).weightedLength);

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

export const countGraphemes = (text: string): number => [...graphemes.segment(text)].length;

/** Joined emoji, flags and skin tones are one, and count whole. */
const EMOJI = /\p{Extended_Pictographic}|\p{Regional_Indicator}|\p{Emoji_Modifier}|\u20e3/u;

/** platforms.md 0.4 and 15, Threads: emoji count as their UTF-8 bytes; what rare letters count is not known, so as much as it could be. */
export function countThreads(text: string): number {
	let sum = 0;
	for (const { segment } of graphemes.segment(text)) sum += EMOJI.test(segment) ? Buffer.byteLength(segment) : segment.length;
	return sum;
}

/** `@user@host.tld`: the host does not count. */
const REMOTE_MENTION = /(^|[^/\w])@(\w(?:[\w.-]*\w)?)@[\w.-]+\w/g;

/** platforms.md 10.3: graphemes, links at a fixed length, a remote mention without its host. */
export function countFediverse(text: string, charactersPerUrl: number): number {
	let short = '';
	let last = 0;
	for (const { url, indices } of twitterText.extractUrlsWithIndices(text, { extractUrlsWithoutProtocol: false })) {
		if (!/^https?:/i.test(url)) continue;
		short += text.slice(last, indices[0]) + 'x'.repeat(charactersPerUrl);
		last = indices[1];
	}
	short += text.slice(last);
	return countGraphemes(short.replace(REMOTE_MENTION, '$1@$2'));
}

export interface ShortenedUrl {
	/** As it stands in the text. */
	url: string;
	expandedUrl: string;
	/** True for the link that stands for attached media. */
	media: boolean;
}

/**
 * A text in a form in which what was sent and what is shown can be compared: NFC, links expanded, without the scheme and
 * the closing slash that the platform adds to bare domains, entities decoded, white space collapsed.
 */
export function comparable(text: string, links: readonly ShortenedUrl[] = []): string {
	let plain = text;
	for (const link of links) plain = plain.replaceAll(link.url, link.media ? '' : link.expandedUrl);
	plain = decodeEntities(plain).normalize('NFC');
	let bare = '';
	let last = 0;
	const found = plain.length > LONGEST_LOOKED_THROUGH ? [] : twitterText.extractUrlsWithIndices(plain, { extractUrlsWithoutProtocol: true });
	for (const { url, indices } of found) {
		bare += plain.slice(last, indices[0]) + url.replace(/^https?:\/\//i, '').replace(/\/$/, '').toLowerCase();
		last = indices[1];
	}
	return (bare + plain.slice(last)).replace(/\s+/g, ' ').trim();
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

function decodeEntities(text: string): string {
	return text.replace(/&(#x[\da-f]+|#\d+|\w+);/gi, (whole, name: string) => {
		if (!name.startsWith('#')) return ENTITIES[name.toLowerCase()] ?? whole;
		const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
		return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
	});
}

/** The words of a status that is shown as HTML. No tag reaches over another `<`: a server of somebody else wrote it, and this must not take for ever. */
export const textOfHtml = (html: string): string =>
	html.replace(/<br\s*\/?>/gi, '\n').replace(/<\/p>\s*<p[^<>]*>/gi, '\n\n').replace(/<[^<>]+>/g, '');
