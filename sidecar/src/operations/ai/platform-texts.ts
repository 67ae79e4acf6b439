import twitterText from 'twitter-text';
import { countFediverse, countGraphemes, weightedLength } from '../../social/text.ts';

/** How a platform counts text, and how much it takes: platforms.md 0.4. */
export interface PlatformText {
	label: string;
	limit: number;
	measure(text: string): number;
	/** One line for the writer: what works there. */
	style: string;
}

const utf16 = (text: string) => text.length;

export const PLATFORM_TEXTS = {
	x: {
		label: 'X',
		limit: 280,
		measure: weightedLength,
		style: 'one strong thought, short sentences, at most two hashtags',
	},
	// 23: characters_reserved_per_url, the default of every instance.
	mastodon: {
		label: 'Mastodon',
		limit: 500,
		measure: (text: string) => countFediverse(text, 23),
		style: 'personal and calm, no advertising tone, CamelCase hashtags',
	},
	linkedin: {
		label: 'LinkedIn',
		limit: 3000,
		measure: utf16,
		style: 'professional, a first line that makes people read on, short paragraphs',
	},
	instagram: {
		label: 'Instagram',
		limit: 2200,
		measure: utf16,
		style: 'a vivid first line, then a few sentences, up to five hashtags',
	},
	facebook: { label: 'Facebook', limit: 5000, measure: utf16, style: 'conversational, two or three sentences' },
	threads: {
		label: 'Threads',
		limit: 500,
		measure: countThreads,
		style: 'casual, invites answers, at most one hashtag',
	},
	tiktok: { label: 'TikTok', limit: 2200, measure: utf16, style: 'a hook of one sentence, three to five hashtags' },
	youtube: {
		label: 'YouTube',
		limit: 5000,
		measure: (text: string) => Buffer.byteLength(text),
		style: 'a description: what the video shows and for whom, in two short paragraphs',
	},
	pinterest: {
		label: 'Pinterest',
		limit: 800,
		measure: (text: string) => [...text].length,
		style: 'says what one finds here, with the words people search for',
	},
	bluesky: { label: 'Bluesky', limit: 300, measure: countGraphemes, style: 'short and human, hardly any hashtags' },
} as const satisfies Record<string, PlatformText>;

export type PlatformName = keyof typeof PLATFORM_TEXTS;
export const PLATFORM_NAMES = Object.keys(PLATFORM_TEXTS) as [PlatformName, ...PlatformName[]];

/** platforms.md 0.4, Threads: emoji count as their UTF-8 bytes. */
function countThreads(text: string): number {
	return Array.from(text).reduce(
		(sum, character) => sum + (/\p{Extended_Pictographic}/u.test(character) ? Buffer.byteLength(character) : 1),
		0,
	);
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** The text cut at a word so that it fits, with an ellipsis; as it is when it fits. */
export function shorten(text: string, { limit, measure }: PlatformText): string {
	if (measure(text) <= limit) return text;
	const fits = (candidate: string) => measure(`${candidate}…`) <= limit;
	// Up to and without each run of blanks.
	const ends = Array.from(text.matchAll(/\s+/g), (match) => match.index);
	const end = ends.findLast((at) => at > 0 && fits(text.slice(0, at).replace(/[\s,;:–-]+$/u, '')));
	if (end !== undefined) return `${text.slice(0, end).replace(/[\s,;:–-]+$/u, '')}…`;
	// One word longer than the limit: cut inside of it, between characters as people see them.
	let cut = '';
	for (const { segment } of graphemes.segment(text)) {
		if (!fits(cut + segment)) break;
		cut += segment;
	}
	return `${cut}…`;
}

/** `#Grüner Tee!` → `GrünerTee`; empty when nothing is left that could be a tag. */
export const plainHashtag = (tag: string): string => {
	const plain = tag.normalize('NFC').replace(/[^\p{L}\p{N}\p{M}_]/gu, '');
	return /[\p{L}]/u.test(plain) ? plain : '';
};

/** The text with as many hashtags as fit, in their order; which ones did is told. */
export function withHashtags(
	text: string,
	hashtags: readonly string[],
	platform: PlatformText,
): { text: string; hashtags: string[] } {
	const present = new Set(twitterText.extractHashtags(text).map((tag) => tag.toLowerCase()));
	const kept: string[] = [];
	let full = text;
	for (const tag of hashtags) {
		if (present.has(tag.toLowerCase())) {
			kept.push(tag);
			continue;
		}
		const candidate = `${full}${full === text && full !== '' ? '\n\n' : ' '}#${tag}`.trim();
		if (platform.measure(candidate) > platform.limit) continue;
		full = candidate;
		kept.push(tag);
		present.add(tag.toLowerCase());
	}
	return { text: full, hashtags: kept };
}

/** Links and mentions of a text that do not occur in `allowed`: somebody else put them there. */
export function foreignParts(text: string, allowed: string): string[] {
	const known = allowed.toLowerCase();
	const found = [...twitterText.extractUrls(text), ...twitterText.extractMentions(text).map((name) => `@${name}`)];
	return [...new Set(found.filter((part) => !known.includes(part.toLowerCase())))];
}

/** Takes them out, with what they leave behind. */
export function withoutForeignParts(text: string, allowed: string): string {
	let plain = text;
	for (const part of foreignParts(text, allowed).sort((a, b) => b.length - a.length))
		plain = plain.replaceAll(part, '');
	return plain
		.replace(/[ \t]{2,}/g, ' ')
		.replace(/[ \t]+([.,!?;:])/g, '$1')
		.replace(/[ \t]+$/gm, '')
		.trim();
}
