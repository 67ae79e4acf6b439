/** Characters that "little text" reserves (platforms.md 2.5). An unescaped one ends the post there, without an error. */
const RESERVED = /[\\|{}@[\]()<>#*_~]/g;
/** `@[Name](urn:li:organization:1)` as people write it; the name must be the one of the page or member. */
const MENTION = /@\[([^\][\n]{1,200})\]\((urn:li:(?:person|organization):[\w-]+)\)/;
/** Ends at white space, brackets and quotes: what follows is text again. */
const LINK = /https?:\/\/[^\s<>()[\]{}|"\\]+/;
/** One word with at least one letter: `#1` is a number. `_` is no part of it, since how a template holds one is not known. */
const HASHTAG = /(?<![\p{L}\p{M}\p{N}_&/#])#(?=[\p{N}]*\p{L})([\p{L}\p{M}\p{N}]+)(?![\p{L}\p{M}\p{N}_])/u;
const SPECIAL = new RegExp(`(?<mention>${MENTION.source})|(?<link>${LINK.source})|(?<hashtag>${HASHTAG.source})`, 'gu');

const escape = (text: string): string => text.replace(RESERVED, '\\$&');

/**
 * A text as LinkedIn's `commentary`: everything reserved is escaped; hashtags go through the template, mentions stay mentions. In links `_`
 * is left alone, because an escaped one damages them (platforms.md 2.5, not confirmed on a real account: sources differ).
 */
export function toLittleText(text: string): string {
	let little = '';
	let last = 0;
	for (const match of text.matchAll(SPECIAL)) {
		const { mention, link, hashtag } = match.groups ?? {};
		little += escape(text.slice(last, match.index));
		if (mention !== undefined) {
			const [, name = '', urn = ''] = MENTION.exec(mention) ?? [];
			little += `@[${escape(name)}](${urn})`;
		} else if (link !== undefined) {
			little += escape(link).replaceAll('\\_', '_');
		} else {
			little += `{hashtag|\\#|${hashtag!.slice(1)}}`;
		}
		last = match.index + match[0].length;
	}
	return little + escape(text.slice(last));
}

/** The text as readers see it. Comments have no "little text": there a mention is a name only. */
export const withoutMentions = (text: string): string => text.replace(SPECIAL, (found) => (found.startsWith('@') ? found.replace(MENTION, '$1') : found));
