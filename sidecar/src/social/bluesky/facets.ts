import twitterText from 'twitter-text';
import { countGraphemes } from '../text.ts';

/** What is to be active in a text. Places are UTF-16 indices, `end` is exclusive. */
export interface Span {
	kind: 'link' | 'mention' | 'tag';
	start: number;
	end: number;
	/** The address, the handle, or the tag without its sign. */
	value: string;
}

/** As a record has it; places are UTF-8 bytes (platforms.md 9.4). */
export interface Facet {
	index: { byteStart: number; byteEnd: number };
	features: [Record<string, string>];
}

/** platforms.md 9.4 */
const MAX_TAG_GRAPHEMES = 64;
const MAX_TAG_BYTES = 640;

/** What an address cannot go on with: blanks, quotes, and the brackets and stops of Chinese and Japanese. */
const LINK = /(?<![\p{L}\p{N}])https?:\/\/[^\s<>"“”„«»、。，！？：；（）「」『』【】《》]+/giu;
/** A name has at least one dot: it is a domain. */
const MENTION = /(^|[\s([{（「])@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)(?![\w@-])/gi;
/** The sign of the keycap emoji begins no tag; signs that stand for nothing (soft hyphen, joiners) end one. */
const TAG = /(^|[\s(（])[#＃](?!\ufe0f|\u20e3)((?:(?!\p{Cf}|\u200a|\u20e2)[^\s#＃])+)/gu;

/** Links, mentions and tags of a text, in order, none over another. */
export function findSpans(text: string): Span[] {
	const spans: Span[] = [];
	const add = (span: Span) => {
		if (spans.every(({ start, end }) => span.end <= start || span.start >= end)) spans.push(span);
	};
	for (const match of text.matchAll(LINK)) {
		const value = withoutEnd(match[0]);
		if (URL.canParse(value) && /^https?:\/\/[^/?#]/i.test(value)) add({ kind: 'link', start: match.index, end: match.index + value.length, value });
	}
	for (const match of text.matchAll(MENTION)) {
		const [, before = '', handle = ''] = match;
		const start = match.index + before.length;
		add({ kind: 'mention', start, end: start + 1 + handle.length, value: handle.toLowerCase() });
	}
	for (const match of text.matchAll(TAG)) {
		const [, before = '', given = ''] = match;
		const tag = given.replace(/\p{P}+$/u, '');
		const start = match.index + before.length;
		if (isTag(tag)) add({ kind: 'tag', start, end: start + 1 + tag.length, value: tag });
	}
	// `example.com` without https://, as people write it.
	for (const { url, indices } of twitterText.extractUrlsWithIndices(text, { extractUrlsWithoutProtocol: true })) {
		const [start, end] = indices;
		const value = `https://${url}`;
		if (!/^https?:/i.test(url) && text[start - 1] !== '@' && URL.canParse(value)) add({ kind: 'link', start, end, value });
	}
	return spans.sort((a, b) => a.start - b.start);
}

/** `dids`: of the handles that are known; a mention of nobody stays plain text. */
export function facetsOf(text: string, spans: readonly Span[], dids: ReadonlyMap<string, string>): Facet[] {
	return spans.flatMap((span) => {
		const feature = featureOf(span, dids);
		if (!feature) return [];
		const byteStart = Buffer.byteLength(text.slice(0, span.start));
		return [{ index: { byteStart, byteEnd: byteStart + Buffer.byteLength(text.slice(span.start, span.end)) }, features: [feature] }];
	});
}

function featureOf({ kind, value }: Span, dids: ReadonlyMap<string, string>): Record<string, string> | null {
	if (kind === 'link') return { $type: 'app.bsky.richtext.facet#link', uri: value };
	if (kind === 'tag') return { $type: 'app.bsky.richtext.facet#tag', tag: value };
	const did = dids.get(value);
	return did === undefined ? null : { $type: 'app.bsky.richtext.facet#mention', did };
}

/** A number alone is no tag. */
export const isTag = (tag: string): boolean =>
	/[^\p{N}\p{P}]/u.test(tag) && Buffer.byteLength(tag) <= MAX_TAG_BYTES && countGraphemes(tag) <= MAX_TAG_GRAPHEMES;

/** Without the stop of the sentence, and without a bracket that was opened before the address. */
function withoutEnd(link: string): string {
	for (let end = link.length; ; end -= 1) {
		const last = link[end - 1] ?? '';
		const kept = link.slice(0, end);
		const opening = { ')': '(', ']': '[', '}': '{' }[last];
		const unopened = opening !== undefined && kept.split(last).length > kept.split(opening).length;
		if (!unopened && !/[.,;:!?'’…]/.test(last)) return kept;
	}
}
