import type { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import type { Answer, CaptionParams } from './caption-prompt.ts';
import { answerSchema } from './caption-prompt.ts';
import {
	foreignParts,
	PLATFORM_TEXTS,
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
}

/** What becomes of an answer: usable as it is, or what must be better. */
export type Judgement = { answer: Answer | null; complaints: string[] };

/** Hashtags beyond this many look like spam on every platform. */
const MAX_HASHTAGS = 8;

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
		const { limit, measure } = PLATFORM_TEXTS[platform];
		const name = `The text for ${platform}, variant ${variant}`;
		const length = measure(text);
		if (length > limit) complaints.push(`${name} has ${length} characters; at most ${limit} are allowed.`);
		const foreign = foreignParts(text, givenText(params));
		if (foreign.length > 0)
			complaints.push(`${name} holds links or mentions that the brief does not: ${foreign.join(', ')}.`);
	}
	for (const word of bannedIn(answer, params)) complaints.push(`The word "${word}" must not occur.`);
	return { answer: missing.length > 0 ? null : answer, complaints };
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
	const captions = expectedPairs(params).map(({ platform, variant }): Caption => {
		const { text, hashtags } = find(answer, platform, variant) as Answer['captions'][number];
		const target = PLATFORM_TEXTS[platform];
		const plain = shorten(withoutForeignParts(text.trim(), givenText(params)), target);
		const tags = distinct(hashtags.map(plainHashtag)).slice(0, MAX_HASHTAGS);
		return { platform, variant, ...withHashtags(plain, tags, target) };
	});
	return {
		captions,
		title: answer.title.trim(),
		description: withoutForeignParts(answer.description, givenText(params)),
		tags: distinct(answer.tags.map((tag) => tag.replace(/^#/, '').trim())),
		alt_text: answer.alt_text.trim(),
	};
}
