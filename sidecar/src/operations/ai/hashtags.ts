import twitterText from 'twitter-text';
import type { Limited } from '../../social/shorten.ts';

/** Hashtags of posts. Pure; without the sign where nothing else is said. */

/** What Bluesky takes (app.bsky.richtext.facet#tag); a longer one is a sentence that somebody took for a tag. */
const LONGEST = 64;

/** `#Grüner Tee!` → `GrünerTee`; empty when nothing is left that could be a tag. */
export function plainHashtag(tag: string): string {
	const plain = tag.normalize('NFC').replace(/[^\p{L}\p{N}\p{M}_]/gu, '');
	return /[\p{L}]/u.test(plain) && Array.from(plain).length <= LONGEST ? plain : '';
}

const lower = (tag: string): string => tag.toLowerCase();

/** In lower case. */
export const hashtagsIn = (text: string): Set<string> => new Set(twitterText.extractHashtags(text).map(lower));

/**
 * What a writer put into the text although hashtags have a place of their own: those at its end are taken off, and of those
 * in its sentences at most `most` keep their sign. Those of the user (`given`, in lower case) stay as they are.
 */
export function takeHashtags(text: string, most: number, given: ReadonlySet<string>): { text: string; taken: string[]; left: number } {
	const found = twitterText.extractHashtagsWithIndices(text);
	let end = text.length;
	let inside = found.length;
	while (inside > 0) {
		const last = found[inside - 1];
		if (!last || given.has(lower(last.hashtag)) || text.slice(last.indices[1], end).trim() !== '') break;
		end = last.indices[0];
		inside -= 1;
	}
	// Behind a sentence they are an appendix; without an end of it, the first one may be its last word ("tea from #Ceylon").
	if (inside < found.length && text.slice(0, end).trim() !== '' && !/(?:[\n.!?…:;)"'”’»。！？]|\p{Extended_Pictographic}\ufe0f?)\s*$|\n\s*$/u.test(text.slice(0, end))) {
		inside += 1;
		end = found[inside]?.indices[0] ?? text.length;
	}
	// A text of nothing but hashtags is what was wanted.
	if (text.slice(0, end).trim() === '') return { text, taken: [], left: Math.max(0, most - found.length) };
	let left = most;
	let plain = '';
	let done = 0;
	for (const { hashtag, indices } of found.slice(0, inside)) {
		const stays = given.has(lower(hashtag)) || left > 0;
		plain += text.slice(done, indices[0]) + (stays ? text.slice(...indices) : hashtag);
		done = indices[1];
		if (stays) left -= 1;
	}
	return { text: (plain + text.slice(done, end)).trimEnd(), taken: found.slice(inside).map(({ hashtag }) => hashtag), left: Math.max(0, left) };
}

/** The text with as many hashtags as fit, in their order; which ones did is told. */
export function withHashtags(text: string, hashtags: readonly string[], platform: Limited): { text: string; hashtags: string[] } {
	const present = hashtagsIn(text);
	const kept: string[] = [];
	let full = text;
	for (const tag of hashtags) {
		if (present.has(lower(tag))) {
			kept.push(tag);
			continue;
		}
		const candidate = `${full}${full === text && full !== '' ? '\n\n' : ' '}#${tag}`.trim();
		if (platform.measure(candidate) > platform.limit) continue;
		full = candidate;
		kept.push(tag);
		present.add(lower(tag));
	}
	return { text: full, hashtags: kept };
}
