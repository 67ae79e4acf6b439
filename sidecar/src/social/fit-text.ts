import { shorten, type Limited } from './shorten.ts';
import type { Limits, Post } from './platform.ts';

/** What is done to a post's words so that the platform takes them. Pure. */

/** Posts that a text may become: more are read by nobody, and take the whole rate limit of an account. */
export const LONGEST_THREAD = 26;

/** Room for ` (12/25)` behind each part of a thread. */
const NUMBERED = (index: number, count: number): string => ` (${index}/${count})`;

export interface FittedText {
	post: Post;
	/** Further posts of the thread that the text became. */
	thread: string[];
	/** What was changed, in words for the user. */
	changes: string[];
}

/**
 * Without what the platform has no place for and the post can do without: one post goes to many platforms, and an alternative text that helps on one
 * must not keep it from another. What changes the meaning of a post (who sees it, a warning, a link, a time) is never left out.
 */
export function leaveOut(post: Post, limits: Limits): { post: Post; changes: string[] } {
	const { options, maxAltText } = limits;
	const changes: string[] = [];
	const without = (wrong: boolean, what: string, change: Partial<Post>): Partial<Post> => {
		if (wrong) changes.push(`${what} left out: the platform has no place for it.`);
		return wrong ? change : {};
	};
	const described = post.media.some(({ altText }) => altText !== null);
	const left = {
		...post,
		...without(described && maxAltText === 0, 'The alternative text was', { media: post.media.map((media) => ({ ...media, altText: null })) }),
		...without(post.title !== null && !limits.title, 'The title was', { title: null }),
		...without(post.tags.length > 0 && !options.tags, 'The tags were', { tags: [] }),
		...without(post.cover !== null && !options.cover, 'The cover was', { cover: null }),
		...without(post.coverSeconds !== null && !options.coverSeconds, 'The moment of the cover was', { coverSeconds: null }),
		...without(post.subtitles.length > 0 && !options.subtitles, 'The subtitles were', { subtitles: [] }),
	};
	return { post: left, changes };
}

/** Shortens what is too long, or makes a thread of it. */
export function fitText(post: Post, limits: Limits, how: 'shorten' | 'thread'): FittedText {
	const changes: string[] = [];
	let fitted = post;
	let thread: string[] = [];
	const { max, count, unit } = limits.text;
	const measure = (text: string): number => count({ ...post, text });
	if (measure(post.text) > max) {
		const threads = how === 'thread' && limits.options.replies === 'thread';
		// Far too long for a thread: what is wrong with it is said of the text as it is.
		const parts = !threads ? [shorten(post.text, { limit: max, measure })] : measure(post.text) > max * LONGEST_THREAD ? [post.text] : splitThread(post.text, { limit: max, measure });
		fitted = { ...fitted, text: parts[0] ?? '' };
		thread = parts.slice(1);
		if (thread.length > 0) changes.push(`The text became a thread of ${parts.length} posts.`);
		else if (fitted.text !== post.text) changes.push(`The text was shortened to ${measure(fitted.text)} ${unit}.`);
	}
	const { title } = limits;
	if (post.title !== null && title && title.count(post.title) > title.max) {
		fitted = { ...fitted, title: shorten(post.title, { limit: title.max, measure: title.count }) };
		changes.push('The title was shortened.');
	}
	if (post.media.some(({ altText }) => altText !== null && [...altText].length > limits.maxAltText)) {
		const alt = (text: string): string => shorten(text, { limit: limits.maxAltText, measure: (given) => [...given].length });
		fitted = { ...fitted, media: fitted.media.map((media) => ({ ...media, altText: media.altText === null ? null : alt(media.altText) })) };
		changes.push('The alternative text was shortened.');
	}
	return { post: fitted, thread, changes };
}

/**
 * Cuts a text into parts that fit, with their number behind each: between paragraphs where that fits, else between sentences, else
 * between words. No word is lost, and none is cut unless it is longer than a whole part.
 */
export function splitThread(text: string, limited: Limited): string[] {
	for (let digits = 1; ; digits += 1) {
		const count = 10 ** digits - 1;
		const room: Limited = { limit: limited.limit, measure: (part) => limited.measure(`${part}${NUMBERED(count, count)}`) };
		const parts = fill(pieces(text, room), room);
		if (parts.length <= count) return parts.map((part, index) => `${part}${NUMBERED(index + 1, parts.length)}`);
	}
}

interface Piece {
	text: string;
	/** What stood before it. */
	glue: string;
}

const SENTENCES = new Intl.Segmenter('en', { granularity: 'sentence' });
const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Paragraphs; those that do not fit as sentences; those that do not fit as words; those that do not fit as characters. */
function pieces(text: string, room: Limited): Piece[] {
	const fits = (part: string): boolean => room.measure(part) <= room.limit;
	const refine = (list: Piece[], cut: (text: string) => Piece[]): Piece[] => list.flatMap((piece) => (fits(piece.text) ? [piece] : cut(piece.text).map((part, index) => (index === 0 ? { ...part, glue: piece.glue } : part))));
	const paragraphs = split(text, /\n\s*\n/, '\n\n');
	const sentences = refine(paragraphs, sentencesOf);
	const words = refine(sentences, (one) => split(one, /\s+/, ' '));
	return refine(words, (one) => cutWord(one, room).map((part) => ({ text: part, glue: '' })));
}

/** Where nothing stands between two sentences (Japanese, `Really?!`), nothing is put there. */
function sentencesOf(text: string): Piece[] {
	let glue = '';
	return [...SENTENCES.segment(text)].map(({ segment }) => {
		const piece = { text: segment.trim(), glue };
		glue = /\s$/.test(segment) ? ' ' : '';
		return piece;
	});
}

const split = (text: string, at: RegExp, glue: string): Piece[] =>
	text
		.trim()
		.split(at)
		.filter((part) => part.trim() !== '')
		.map((part) => ({ text: part.trim(), glue }));

function cutWord(word: string, room: Limited): string[] {
	const characters = [...GRAPHEMES.segment(word)].map(({ segment }) => segment);
	const parts: string[] = [];
	for (let from = 0; from < characters.length; ) {
		const to = from + longestFitting(characters.length - from, (count) => room.measure(characters.slice(from, from + count).join('')) <= room.limit);
		parts.push(characters.slice(from, to).join(''));
		from = to;
	}
	return parts;
}

/** How many fit; at least one. In few looks, as each may be slow: counting a text that is full of dots takes a tenth of a second. */
function longestFitting(most: number, fits: (count: number) => boolean): number {
	let good = 1;
	let bad = 2;
	while (bad <= most && fits(bad)) [good, bad] = [bad, bad * 2];
	bad = Math.min(bad, most + 1);
	while (bad - good > 1) {
		const middle = Math.floor((good + bad) / 2);
		if (fits(middle)) good = middle;
		else bad = middle;
	}
	return good;
}

/** As many pieces in each part as fit. */
function fill(list: Piece[], room: Limited): string[] {
	const parts: string[] = [];
	let part = '';
	for (const { text, glue } of list) {
		const longer = part === '' ? text : `${part}${glue}${text}`;
		if (part !== '' && room.measure(longer) > room.limit) {
			parts.push(part);
			part = text;
		} else part = longer;
	}
	return part === '' ? parts : [...parts, part];
}
