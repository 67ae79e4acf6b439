const RESERVED = new Set('\\|{}@[]()<>#*_~');
/** A mention at the beginning of the rest: the name, where reserved characters are escaped, and whom it means. */
const MENTION = /^@\[((?:\\.|[^\\|{}@[\]()<>#*_~])+)\]\((urn:li:(?:person|organization):[\w-]+)\)/;
/** A hashtag as a template; letters and digits, whatever the script. */
const HASHTAG = /^\{hashtag\|\\?[#＃]\|([\p{L}\p{M}\p{N}]+)\}/u;
/** Brackets and quotes end a link; other reserved characters belong to it when they are escaped. */
const LINK = /^https?:\/\/(?:\\[#*_~@]|[^\s<>()[\]{}|"\\])+/;

export interface Rendered {
	/** As a reader sees it. */
	text: string;
	mentions: string[];
	hashtags: string[];
}

/**
 * "Little text" as LinkedIn shows it (platforms.md 2.5), written apart from what the sidecar does: an unescaped reserved
 * character ends the post there, without a word. In a link `_` stands for itself, and an escaped one damages the link (unconfirmed:
 * sources differ).
 */
export function renderLittleText(commentary: string): Rendered {
	const rendered: Rendered = { text: '', mentions: [], hashtags: [] };
	let linkEnd = 0;
	for (let at = 0; at < commentary.length; ) {
		const rest = commentary.slice(at);
		const link = at >= linkEnd ? LINK.exec(rest) : null;
		if (link) linkEnd = at + link[0].length;
		const inLink = at < linkEnd;
		const mention = MENTION.exec(rest);
		const hashtag = HASHTAG.exec(rest);
		const character = commentary[at]!;
		const next = commentary[at + 1] ?? '';
		if (character === '\\' && RESERVED.has(next)) {
			rendered.text += inLink && next === '_' ? '\\_' : next;
			at += 2;
		} else if (mention) {
			rendered.text += mention[1]!.replace(/\\(.)/g, '$1');
			rendered.mentions.push(mention[2]!);
			at += mention[0].length;
		} else if (hashtag) {
			rendered.text += `#${hashtag[1]}`;
			rendered.hashtags.push(hashtag[1]!);
			at += hashtag[0].length;
		} else if (RESERVED.has(character) && !(inLink && character === '_')) {
			return rendered;
		} else {
			rendered.text += character;
			at += 1;
		}
	}
	return rendered;
}
