import twitterText from 'twitter-text';
import { z } from 'zod';
import { cleanText } from './lay-text.ts';
import { shorten } from '../../social/shorten.ts';
import { PLATFORM_TEXTS, type PlatformName, type PlatformText } from './platform-texts.ts';

/** Post texts into another language, with their links, mentions and hashtags as they are. Pure. */

/** What is read of a `caption` result; whatever else is in it stays behind. */
export const captionResult = z.object({
	captions: z
		.array(z.object({ platform: z.string(), variant: z.number().default(1), text: z.string(), hashtags: z.array(z.string()).default([]) }))
		.min(1),
	title: z.string().optional(),
	description: z.string().optional(),
	tags: z.array(z.string()).optional(),
	alt_text: z.string().optional(),
	language: z.string().optional(),
});
export type CaptionResult = z.infer<typeof captionResult>;

/** A text whose links, mentions and hashtags stand apart. */
export interface Shielded {
	/** For the translator: ⟦1⟧ stands for the first of `kept`. */
	text: string;
	kept: string[];
	/** Hashtags and links at the end, with the blanks before them; they never reach the translator. */
	tail: string;
}

/** Brackets that no language uses, so that models and programs alike leave them alone. */
const mark = (number: number): string => `⟦${number}⟧`;
const MARK = /⟦\s*(\d+)\s*⟧/g;

export function shield(text: string): Shielded {
	const entities = twitterText.extractEntitiesWithIndices(text).map(({ indices }) => indices);
	let tailAt = text.length;
	for (const [start, end] of entities.toReversed()) {
		if (text.slice(end, tailAt).trim() !== '') break;
		tailAt = start;
	}
	const head = text.slice(0, tailAt).trimEnd();
	const kept: string[] = [];
	let shielded = '';
	let done = 0;
	for (const [start, end] of entities.filter(([from]) => from < head.length)) {
		kept.push(text.slice(start, end));
		shielded += text.slice(done, start) + mark(kept.length);
		done = end;
	}
	return { text: shielded + head.slice(done), kept, tail: text.slice(head.length) };
}

/** Everything that was kept is there again, once; what the translator lost comes behind the text. */
export function unshield(translated: string, { kept, tail }: Shielded): string {
	const seen = new Set<number>();
	const text = cleanLines(translated).replace(MARK, (_, digits: string) => {
		const number = Number(digits);
		if (seen.has(number) || kept[number - 1] === undefined) return '';
		seen.add(number);
		return kept[number - 1] ?? '';
	});
	const lost = kept.filter((_, index) => !seen.has(index + 1));
	return [text.replace(/ {2,}/g, ' ').trim(), ...lost].filter(Boolean).join(' ') + tail;
}

/** Posts have paragraphs, subtitles have not. */
export const cleanLines = (text: string): string => text.split(/\r\n|[\n\r\u2028\u2029]/).map(cleanText).join('\n');

export const platformOf = (name: string): PlatformText | null => (Object.hasOwn(PLATFORM_TEXTS, name) ? PLATFORM_TEXTS[name as PlatformName] : null);

/** A tenth of reserve: models count badly. Null: no limit is known. */
export function wantedLength(platform: string, { kept, tail }: Shielded): number | null {
	const target = platformOf(platform);
	return target ? Math.max(20, Math.floor(target.limit * 0.9) - tail.length - kept.join('').length) : null;
}

export const fitsPlatform = (text: string, platform: string): boolean => {
	const target = platformOf(platform);
	return target === null || target.measure(text) <= target.limit;
};

/** Cut at a word until it fits; links, mentions and hashtags survive, except for hashtags that would fill the post alone. */
export function fitPost(text: string, platform: string): string {
	const target = platformOf(platform);
	if (!target || target.measure(text) <= target.limit) return text;
	const { kept, tail, text: head } = shield(text);
	const words = head.replace(MARK, '').replace(/[ \t]{2,}/g, ' ').replace(/[ \t]+([.,!?;:])/g, '$1').trim();
	let ends = [...kept, ...(tail.trim() === '' ? [] : tail.trim().split(/\s+/))];
	while (ends.some((part) => part.startsWith('#')) && target.measure(ends.join(' ')) > target.limit / 2) ends = ends.toSpliced(ends.findLastIndex((part) => part.startsWith('#')), 1);
	const end = ends.length > 0 ? `\n\n${ends.join(' ')}` : '';
	return shorten(words, { ...target, measure: (part) => target.measure(part + end) }) + end;
}

/** Hashtags of a post, without #. */
export const hashtagsOf = (text: string): string[] => twitterText.extractHashtags(text);
