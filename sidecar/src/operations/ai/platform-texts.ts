import type { Limited } from '../../social/shorten.ts';
import { countFediverse, countGraphemes, countThreads, weightedLength } from '../../social/text.ts';
import { lengthOfTags } from '../../social/youtube/settings.ts';

/** How a platform counts text, and how much it takes: platforms.md 0.4 and the sections on each platform. */
export interface PlatformText extends Limited {
	label: string;
	/** One line for the writer: what works there. */
	style: string;
	/** Hashtags beyond this many look like spam there, or are no links. */
	hashtags: number;
	/** Where posts have a title (platforms.md 0.4). */
	title?: Limited;
	/** Where posts have search words beside the text: all of them together. */
	tags?: { limit: number; measure(tags: readonly string[]): number };
	/** Where media have a text for people who cannot see them (platforms.md 11). */
	altText?: Limited;
	/** Characters that make the platform refuse the text. */
	refused?: RegExp;
}

const utf16 = (text: string) => text.length;
const codePoints = (text: string) => [...text].length;

export const PLATFORM_TEXTS = {
	x: {
		label: 'X',
		limit: 280,
		measure: weightedLength,
		style: 'one strong thought, short sentences',
		hashtags: 2,
		altText: { limit: 1000, measure: utf16 },
	},
	// 23: characters_reserved_per_url, the default of every instance.
	mastodon: {
		label: 'Mastodon',
		limit: 500,
		measure: (text: string) => countFediverse(text, 23),
		style: 'personal and calm, no advertising tone, CamelCase hashtags',
		hashtags: 5,
		altText: { limit: 1500, measure: utf16 },
	},
	linkedin: {
		label: 'LinkedIn',
		limit: 3000,
		measure: utf16,
		style: 'professional, a first line that makes people read on, short paragraphs',
		hashtags: 5,
		altText: { limit: 4086, measure: utf16 },
	},
	// 30 hashtags are the platform's own limit.
	instagram: {
		label: 'Instagram',
		limit: 2200,
		measure: utf16,
		style: 'a vivid first line, then a few sentences',
		hashtags: 8,
		altText: { limit: 1000, measure: utf16 },
	},
	// The platform takes some 63,000 (unconfirmed); nobody reads more than this.
	facebook: { label: 'Facebook', limit: 5000, measure: utf16, style: 'conversational, two or three sentences', hashtags: 3, altText: { limit: 1000, measure: utf16 } },
	threads: {
		label: 'Threads',
		limit: 500,
		measure: countThreads,
		style: 'casual, invites answers',
		// It makes one of them the topic.
		hashtags: 1,
		altText: { limit: 1000, measure: utf16 },
	},
	tiktok: { label: 'TikTok', limit: 2200, measure: utf16, style: 'a hook of one sentence', hashtags: 5 },
	youtube: {
		label: 'YouTube',
		limit: 5000,
		measure: (text: string) => Buffer.byteLength(text),
		style: 'a description: what the video shows and for whom, in two short paragraphs',
		hashtags: 3,
		title: { limit: 100, measure: codePoints },
		tags: { limit: 500, measure: lengthOfTags },
		refused: /[<>]/g,
	},
	pinterest: {
		label: 'Pinterest',
		limit: 800,
		measure: codePoints,
		style: 'says what one finds here, with the words people search for',
		// There they are plain text.
		hashtags: 0,
		title: { limit: 100, measure: codePoints },
		altText: { limit: 500, measure: codePoints },
	},
	// 300 graphemes and 3000 bytes.
	bluesky: {
		label: 'Bluesky',
		limit: 300,
		measure: (text: string) => Math.max(countGraphemes(text), Math.ceil(Buffer.byteLength(text) / 10)),
		style: 'short and human',
		hashtags: 2,
		altText: { limit: 1000, measure: countGraphemes },
	},
} as const satisfies Record<string, PlatformText>;

export type PlatformName = keyof typeof PLATFORM_TEXTS;

/** One of them, in the shape of all. */
export const platformText = (name: PlatformName): PlatformText => PLATFORM_TEXTS[name];

export const PLATFORM_NAMES = Object.keys(PLATFORM_TEXTS) as [PlatformName, ...PlatformName[]];

/** As many of them, in their order, as fit together. */
export function fittingTags(tags: readonly string[], { limit, measure }: NonNullable<PlatformText['tags']>): string[] {
	const kept: string[] = [];
	for (const tag of tags) if (measure([...kept, tag]) <= limit) kept.push(tag);
	return kept;
}
