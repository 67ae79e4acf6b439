import type { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import type { Answer, CaptionParams } from './caption-prompt.ts';
import { answerSchema } from './caption-prompt.ts';
import { anglesOf, type Angle } from './caption-angles.ts';
import {
	fittingTags,
	foreignParts,
	type Limited,
	platformText,
	plainHashtag,
	shorten,
	withHashtags,
	withoutForeignParts,
} from './platform-texts.ts';

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
export type Judgement = { answer: Answer | null; complaints: string[] };

/** Title, tags and alt text that fit everywhere: the smallest limits (platforms.md 0.4, 11). */
const TITLE = platformText('youtube').title ?? { limit: 100, measure: (text: string) => text.length };
const ALT_TEXT = platformText('pinterest').altText ?? { limit: 500, measure: (text: string) => text.length };
const TAGS = platformText('youtube').tags ?? { limit: 500, measure: (tags: readonly string[]) => tags.join(',').length };

/** What the user gave: links and names in it may be used. */
const givenText = ({ brief = '', call_to_action: call = '' }: CaptionParams) => `${brief}\n${call}`;

/** `answer` is null when its shape is wrong; complaints are what a second try is told. */
export function judge(json: unknown, params: CaptionParams): Judgement {
	const parsed = answerSchema(params).safeParse(json);
	if (!parsed.success)
		return {
			answer: null,
			complaints: json === undefined ? ['The answer was not JSON.'] : describeIssues(parsed.error),
		};
	const answer = parsed.data;
	const missing = expectedPairs(params).filter(({ platform, variant }) => !find(answer, platform, variant));
	const complaints = missing.map(({ platform, variant }) => `There is no text for ${platform}, variant ${variant}.`);
	for (const { platform, variant, text } of answer.captions) {
		const { limit, measure } = platformText(platform);
		const name = `The text for ${platform}, variant ${variant}`;
		const length = measure(text);
		if (length > limit) complaints.push(`${name} has ${length} characters; at most ${limit} are allowed.`);
		const foreign = foreignParts(text, givenText(params));
		if (foreign.length > 0)
			complaints.push(`${name} holds links or mentions that the brief does not: ${foreign.join(', ')}.`);
	}
	const [title, alt] = [TITLE.measure(answer.title.trim()), ALT_TEXT.measure(answer.alt_text.trim())];
	if (title > TITLE.limit) complaints.push(`The title has ${title} characters; at most ${TITLE.limit} are allowed.`);
	if (alt > ALT_TEXT.limit) complaints.push(`The alt text has ${alt} characters; at most ${ALT_TEXT.limit} are allowed.`);
	const called = params.call_to_action?.trim();
	if (called)
		for (const { platform, variant, text } of answer.captions)
			if (!says(text, called)) complaints.push(`The text for ${platform}, variant ${variant} lacks the call to action "${called}".`);
	for (const word of bannedIn(answer, params)) complaints.push(`The word "${word}" must not occur.`);
	return { answer: missing.length > 0 ? null : answer, complaints };
}

/** Whatever blanks and capitals. */
const says = (text: string, part: string): boolean => plainly(text).includes(plainly(part));
const plainly = (text: string): string => text.normalize('NFC').toLowerCase().replace(/\s+/gu, ' ').trim();

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

/** Whole words, in any case: "cat" does not ban "education". */
function bannedIn(answer: Answer, { banned_words: banned }: CaptionParams): string[] {
	const texts = answer.captions.flatMap(({ text, hashtags }) => [text, ...hashtags]);
	const all = [...texts, answer.title, answer.description, answer.alt_text, ...answer.tags].join('\n');
	return banned.filter((word) =>
		new RegExp(`(?<![\\p{L}\\p{N}])${word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\p{L}\\p{N}])`, 'iu').test(all),
	);
}

/** The first of each, whatever its case; no empty ones. */
const distinct = (texts: readonly string[]) =>
	[
		...new Map(
			texts
				.filter(Boolean)
				.toReversed()
				.map((text) => [text.toLowerCase(), text]),
		).values(),
	].toReversed();

/** The last word, after the repair: too long is shortened, foreign links are taken out, the rest fails with its reason. */
export function finish({ answer, complaints }: Judgement, params: CaptionParams) {
	if (!answer) {
		throw new PipelineError(
			'provider_rejected',
			`The model did not write usable captions, in two tries: ${complaints.join(' ')} Try again, or set OPENAI_CAPTION_MODEL to a stronger model.`,
			{
				details: { complaints },
			},
		);
	}
	const banned = bannedIn(answer, params);
	if (banned.length > 0) {
		throw new PipelineError(
			'provider_rejected',
			`The model keeps using words that are banned: ${banned.join(', ')}. Change the brief or the list.`,
			{ details: { banned_words: banned } },
		);
	}
	const angles = anglesOf(params);
	const plain = (text: string): string => withoutForeignParts(text.trim(), givenText(params));
	const title = shorten(plain(answer.title), TITLE);
	const tags = fittingTags(distinct(answer.tags.map((tag) => tag.replace(/^#/, '').replace(/[,<>]/g, ' ').replace(/\s+/g, ' ').trim())), TAGS);
	const captions = expectedPairs(params).map(({ platform, variant }): Caption => {
		const { text, hashtags } = find(answer, platform, variant) as Answer['captions'][number];
		const target = platformText(platform);
		const usable = (given: string): string => (target.refused ? given.replace(target.refused, '') : given);
		const own = distinct(hashtags.map(plainHashtag)).slice(0, target.hashtags);
		const ready = withHashtags(ending(usable(plain(text)), params.call_to_action?.trim(), target), own, target);
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
	return { captions, title, description: plain(answer.description), tags, alt_text: shorten(plain(answer.alt_text), ALT_TEXT) };
}

/** Short enough, and with the call to action: what is cut off is never that. */
function ending(text: string, call: string | undefined, target: Limited): string {
	if (!call || target.measure(call) > target.limit) return shorten(text, target);
	if (says(text, call) && target.measure(text) <= target.limit) return text;
	const before = says(text, call) ? text.slice(0, text.toLowerCase().lastIndexOf(call.toLowerCase())) : text;
	const room = { limit: target.limit, measure: (given: string) => target.measure(`${given}\n\n${call}`) };
	// Nothing else fits beside it.
	if (room.measure('…') > target.limit) return call;
	return `${shorten(before.trim(), room)}\n\n${call}`.trim();
}
