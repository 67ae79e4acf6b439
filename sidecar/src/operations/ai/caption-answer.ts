import type { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { bannedIn } from './banned-words.ts';
import { anglesOf, type Angle } from './caption-angles.ts';
import type { Answer, CaptionParams } from './caption-prompt.ts';
import { answerSchema } from './caption-prompt.ts';
import { distinct } from './distinct.ts';
import { foreignParts, withoutForeignParts, withoutForeignSentences } from './foreign-parts.ts';
import { hashtagsIn, plainHashtag, takeHashtags, withHashtags } from './hashtags.ts';
import { shorten, type Limited } from '../../social/shorten.ts';
import { fittingTags, platformText, type PlatformText } from './platform-texts.ts';

export interface Caption {
	platform: string;
	variant: number;
	/** Ready to post: hashtags that fit are at its end. */
	text: string;
	/** Those that are in the text, without #. */
	hashtags: string[];
	/** The idea that it is told from. */
	angle: Angle;
	/** As the platform counts. */
	length: number;
	limit: number;
	/** Where posts of the platform have one; within its limit. */
	title?: string;
	tags?: string[];
	alt_text?: string;
}

/** What becomes of an answer: usable as it is, or what must be better. */
export interface Judgement {
	/** Null: its shape is wrong, or something is missing. */
	answer: Answer | null;
	/** What a second try is told. */
	complaints: string[];
	/** Those about variants that say the same: no reason to fail, but one to tell the user. */
	alike: string[];
}

/** Title, tags and alt text that fit everywhere: the smallest limits (platforms.md 0.4, 11). */
const TITLE = platformText('youtube').title ?? { limit: 100, measure: (text: string) => text.length };
const ALT_TEXT = platformText('pinterest').altText ?? { limit: 500, measure: (text: string) => text.length };
const TAGS = platformText('youtube').tags ?? { limit: 500, measure: (tags: readonly string[]) => tags.join(',').length };
/** No platform takes as much: a model that goes round in circles. It is not even measured. */
const ENDLESS = 20_000;
/** So much of their words two texts may share: what remains is no other idea. */
const MOST_SHARED = 0.8;

/** What the user gave: links and names in it may be used. */
const givenText = ({ brief = '', call_to_action: call = '' }: CaptionParams) => `${brief}\n${call}`;

/** @param seen whether there were pictures: without, nothing can be said for people who cannot see them */
export function judge(json: unknown, params: CaptionParams, seen = true): Judgement {
	const parsed = answerSchema(params).safeParse(json);
	const unusable = (complaints: string[]): Judgement => ({ answer: null, complaints, alike: [] });
	if (!parsed.success) return unusable(json === undefined ? ['The answer was not JSON.'] : describeIssues(parsed.error));
	const answer = seen ? parsed.data : { ...parsed.data, alt_text: '' };
	const endless = Object.values({ ...answer, captions: answer.captions.map(({ text }) => text) }).flat().some((text) => text.length > ENDLESS);
	if (endless) return unusable([`A text has more than ${ENDLESS} characters. Write short texts.`]);
	const missing = expectedPairs(params).filter(({ platform, variant }) => !find(answer, platform, variant));
	const complaints = missing.map(({ platform, variant }) => `There is no text for ${platform}, variant ${variant}.`);
	const called = params.call_to_action?.trim();
	for (const { platform, variant, text } of answer.captions) {
		const { limit, measure } = platformText(platform);
		const name = `The text for ${platform}, variant ${variant}`;
		const length = measure(text);
		if (length > limit) complaints.push(`${name} has ${length} characters; at most ${limit} are allowed.`);
		const foreign = foreignParts(text, givenText(params));
		if (foreign.length > 0)
			complaints.push(`${name} holds links or mentions that the brief does not: ${foreign.slice(0, 5).join(', ')}.`);
		if (called && !placeOf(text.normalize('NFC'), called)) complaints.push(`${name} lacks the call to action "${called}".`);
	}
	const [title, alt] = [TITLE.measure(answer.title.trim()), ALT_TEXT.measure(answer.alt_text.trim())];
	if (title === 0) complaints.push('The title is empty.');
	if (title > TITLE.limit) complaints.push(`The title has ${title} characters; at most ${TITLE.limit} are allowed.`);
	if (alt === 0 && seen) complaints.push('The alt text is empty. Say what is to be seen.');
	if (alt > ALT_TEXT.limit) complaints.push(`The alt text has ${alt} characters; at most ${ALT_TEXT.limit} are allowed.`);
	for (const word of bannedIn(textsOf(answer.captions, answer), params.banned_words)) complaints.push(`The word "${word}" must not occur, nor in a hashtag.`);
	const alike = missing.length > 0 ? [] : alikeVariants(answer, params);
	return { answer: missing.length > 0 ? null : answer, complaints: [...complaints, ...alike], alike };
}

/** Where the part stands in the text (NFC), whatever blanks, capitals and apostrophes; null: nowhere. The last one, where there are several. */
function placeOf(text: string, part: string): { start: number; end: number } | null {
	const words = part.normalize('NFC').trim().split(/\s+/u).map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&').replace(/['’]/g, "['’]"));
	const match = Array.from(text.matchAll(new RegExp(words.join('\\s+'), 'giu'))).at(-1);
	return match ? { start: match.index, end: match.index + match[0].length } : null;
}

const find = (answer: Answer, platform: string, variant: number) =>
	answer.captions.find(
		(caption) => caption.platform === platform && caption.variant === variant && caption.text.trim() !== '',
	);

const expectedPairs = ({ platforms, variants }: CaptionParams) =>
	[...new Set(platforms)].flatMap((platform) =>
		Array.from({ length: variants }, (_, index) => ({ platform, variant: index + 1 })),
	);

const describeIssues = (error: z.ZodError) =>
	error.issues.slice(0, 10).map(({ path, message }) => `${path.join('.') || 'The answer'}: ${message}`);

type Around = Pick<Answer, 'title' | 'description' | 'alt_text' | 'tags'>;
const textsOf = (posts: ReadonlyArray<{ text: string; hashtags: string[]; title?: string }>, { title, description, alt_text: alt, tags }: Around): string[] =>
	[...posts.flatMap((post) => [post.text, post.title ?? '', ...post.hashtags.map((tag) => `#${plainHashtag(tag)}`)]), title, description, alt, ...tags];

const words = new Intl.Segmenter('en', { granularity: 'word' });
const wordsOf = (text: string): Set<string> => new Set(Array.from(words.segment(text.toLowerCase())).flatMap(({ segment, isWordLike }) => (isWordLike ? [segment] : [])));

/** Pairs of variants for one platform that are the same but for a few words; the call to action is always the same. */
function alikeVariants(answer: Answer, params: CaptionParams): string[] {
	const found: string[] = [];
	for (const platform of new Set(params.platforms)) {
		const sets = Array.from({ length: params.variants }, (_, index) => {
			const text = find(answer, platform, index + 1)?.text ?? '';
			const call = params.call_to_action ? placeOf(text, params.call_to_action) : null;
			return wordsOf(call ? text.slice(0, call.start) + text.slice(call.end) : text);
		});
		for (const [at, one] of sets.entries()) {
			for (const [before, other] of sets.slice(0, at).entries()) {
				const shared = [...one].filter((word) => other.has(word)).length;
				if (shared > 0 && shared >= MOST_SHARED * Math.max(one.size, other.size)) found.push(`Variants ${before + 1} and ${at + 1} for ${platform} say the same in almost the same words.`);
			}
		}
	}
	return found;
}

/** The last word, after the repair: too long is shortened, foreign links are taken out, the rest fails with its reason. */
export function finish({ answer, complaints }: Judgement, params: CaptionParams) {
	if (!answer) {
		throw new PipelineError(
			'provider_answer_invalid',
			`The model did not write usable captions, in two tries: ${complaints.join(' ')} Try again, or set OPENAI_CAPTION_MODEL to a stronger model.`,
			{
				details: { complaints },
			},
		);
	}
	const given = givenText(params);
	const angles = anglesOf(params);
	const plain = (text: string): string => withoutForeignParts(text.trim(), given);
	// Posts that have a title are refused without one.
	const title = shorten((plain(answer.title) || plain(answer.captions[0]?.text.trim().split('\n')[0] ?? '')).replace(/\s+/g, ' '), TITLE);
	const tags = fittingTags(distinct(answer.tags.map(tidyTag)).filter((tag) => foreignParts(tag, given).length === 0), TAGS);
	const captions = expectedPairs(params).map(({ platform, variant }): Caption => {
		const { text, hashtags } = find(answer, platform, variant) as Answer['captions'][number];
		const target = platformText(platform);
		const usable = (one: string): string => (target.refused ? one.replace(target.refused, '') : one);
		const ready = postOf({ text: usable(text), hashtags, call: usable(params.call_to_action?.trim() ?? '') }, given, target);
		return {
			platform,
			variant,
			...ready,
			angle: angles[variant - 1] ?? 'benefit',
			length: target.measure(ready.text),
			limit: target.limit,
			...(target.title ? { title: shorten(usable(title), target.title) } : {}),
			...(target.tags ? { tags: fittingTags(tags, target.tags) } : {}),
			...(target.altText ? { alt_text: shorten(plain(answer.alt_text), target.altText) } : {}),
		};
	});
	const finished = { captions, title, description: withoutForeignSentences(answer.description.trim(), given), tags, alt_text: shorten(plain(answer.alt_text), ALT_TEXT) };
	// What is looked at is what would be posted: cleaning may join what was apart.
	const banned = bannedIn(textsOf(captions, finished), params.banned_words);
	if (banned.length > 0) {
		throw new PipelineError(
			'provider_answer_invalid',
			`The model keeps using words that are banned: ${banned.join(', ')}. Change the brief or the list.`,
			{ details: { banned_words: banned } },
		);
	}
	return finished;
}

/** For the tags of a post: its case stays, commas would part it. */
const tidyTag = (tag: string): string => tag.replace(/^#/, '').replace(/[,<>]/g, ' ').replace(/\s+/g, ' ').trim();

/** The text with its call to action and the hashtags that fit; there is always room for those that the user named. */
function postOf({ text, hashtags, call }: { text: string; hashtags: readonly string[]; call: string }, given: string, target: PlatformText): { text: string; hashtags: string[] } {
	const named = hashtagsIn(given);
	const { text: body, taken, left } = takeHashtags(withoutForeignSentences(text.normalize('NFC').trim(), given, call), target.hashtags, named);
	const wanted = distinct([...taken, ...hashtags].map(plainHashtag));
	const isNamed = (tag: string): boolean => named.has(tag.toLowerCase());
	const own = [...wanted.filter(isNamed), ...wanted.filter((tag) => !isNamed(tag)).slice(0, left)];
	const present = hashtagsIn(body);
	const reserved = wanted.filter((tag) => isNamed(tag) && !present.has(tag.toLowerCase())).map((tag) => ` #${tag}`).join('');
	const room: Limited = { limit: target.limit, measure: (one) => target.measure(reserved === '' ? one : `${one}\n\n${reserved.trim()}`) };
	return withHashtags(ending(body, call, room.measure(call) > room.limit ? target : room), own, target);
}

/** Short enough, and with the call to action: what is cut off is never that. */
function ending(text: string, call: string, target: Limited): string {
	if (call === '' || target.measure(call) > target.limit) return shorten(text, target);
	const place = placeOf(text, call);
	if (place && target.measure(text) <= target.limit) return text;
	const before = place ? text.slice(0, place.start) : text;
	const room = { limit: target.limit, measure: (given: string) => target.measure(`${given}\n\n${call}`) };
	// Nothing else fits beside it.
	if (room.measure('…') > target.limit) return call;
	return `${shorten(before.trim(), room)}\n\n${call}`.trim();
}
