import { createHash } from 'node:crypto';
import { z } from 'zod';
import { BLUESKY_IMAGE, VIDEO_PLATFORMS, type MediaLimits } from '../../media/platform-limits.ts';
import { limitProblems } from '../../media/platform-check.ts';
import { facetsOf, findSpans, isTag } from './facets.ts';
import type { Limits, Post, PostMedia, PostProblem } from '../platform.ts';
import { countGraphemes } from '../text.ts';

/** A file as records name it. */
export const blobSchema = z.looseObject({ $type: z.literal('blob'), ref: z.looseObject({ $link: z.string() }), mimeType: z.string(), size: z.number() });
export type Blob = z.infer<typeof blobSchema>;

/** A post, and the version of it that is meant. */
export const refSchema = z.object({ uri: z.string(), cid: z.string() });

/** What the steps before the publishing call have brought together. */
export const preparedSchema = z.object({
	/** Pictures in their order, or the one video. Null: not there yet. */
	files: z.array(blobSchema.nullable()).default([]),
	captions: z.array(blobSchema).default([]),
	thumb: blobSchema.nullable().default(null),
	/** DIDs of the handles in the text; null: there is no such account. */
	mentions: z.record(z.string(), z.string().nullable()).default({}),
	reply: z.object({ root: refSchema, parent: refSchema }).nullable().default(null),
});
export type Prepared = z.infer<typeof preparedSchema>;

/** platforms.md 9.4. Authors may give these and no others (com.atproto.label.defs). */
const LABELS = ['sexual', 'nudity', 'porn', 'graphic-media', '!no-unauthenticated'] as const;

export const blueskySettings = z.strictObject({
	labels: z
		.array(z.enum(LABELS))
		.max(10)
		.default([])
		.describe('Warnings: `sexual`, `nudity`, `porn`, `graphic-media`; `!no-unauthenticated` shows the post only to people who are signed in.'),
	languages: z
		.array(z.string().regex(/^[a-z]{2,3}(-[a-zA-Z0-9]{2,8})*$/, 'must be a language such as "en" or "pt-BR"'))
		.max(3)
		.optional()
		.describe('Languages of the text, up to three. Default: `language`.'),
	link_description: z.string().max(1000).default('').describe('Second line of the link card.'),
	as_gif: z.boolean().default(false).describe('Shows a video as a GIF: small, without sound, over and over.'),
});
export type BlueskySettings = z.infer<typeof blueskySettings>;

/** More are a gallery (platforms.md 9.2). */
const MAX_IMAGES = 4;
/** platforms.md 9.4 */
const MAX_TAGS = 8;
/** platforms.md 9.3 */
const MAX_CAPTIONS = 20;
const MAX_CAPTION_BYTES = 20_000;
/** platforms.md 9.2 */
export const PICTURE_BYTES = BLUESKY_IMAGE.maxBytes ?? Infinity;
/** The picture of a link card may be half as large (lexicon of app.bsky.embed.external). */
export const THUMB_BYTES = 1e6;
const THUMB: MediaLimits = { ...BLUESKY_IMAGE, count: 1, maxBytes: THUMB_BYTES };
/** The records have no limit; this is the one of Bluesky's own app. */
const MAX_ALT_TEXT = 2000;
/** Own choice: the card shows two lines of it. */
const MAX_CARD_TITLE = 300;

export function limitsFor(post: Post, problems: PostProblem[]): Limits {
	return {
		// 3000 bytes: only texts of joined emoji reach them first.
		text: { max: 300, unit: 'characters (3000 bytes at most)', count: ({ text }) => Math.max(countGraphemes(text), Math.ceil(Buffer.byteLength(text) / 10)) },
		...(post.link === null ? {} : { title: { max: MAX_CARD_TITLE, unit: 'characters', count: countGraphemes, required: false } }),
		maxAltText: MAX_ALT_TEXT,
		media: { image: BLUESKY_IMAGE, video: VIDEO_PLATFORMS.bluesky.video },
		videoPreset: 'bluesky',
		problems: [...cardProblems(post), ...tagProblems(post), ...subtitleProblems(post), ...problems],
		options: {
			visibility: ['public'],
			sensitive: true,
			spoilerText: false,
			scheduleLeadSeconds: null,
			link: true,
			tags: true,
			cover: post.link !== null,
			subtitles: MAX_CAPTIONS,
			replies: 'thread',
		},
	};
}

/** One embed of a post: media, or the card of a link. */
function cardProblems({ link, media, cover }: Post): PostProblem[] {
	if (link === null) return [];
	const problems: PostProblem[] = [];
	if (media.length > 0) problems.push({ field: 'link', message: 'A post on Bluesky has either media or a link card. Leave the link out and put it into the text, or attach no media.' });
	if (cover) {
		const wrong = limitProblems({ ...cover.facts, mime: cover.mime, bytes: cover.bytes }, THUMB);
		problems.push(...wrong.map(({ message }) => ({ field: 'cover', message: `Picture of a link card on Bluesky: ${message}` })));
	}
	return problems;
}

function tagProblems({ tags }: Post): PostProblem[] {
	if (tags.length > MAX_TAGS) return [{ field: 'tags', message: `Bluesky takes ${MAX_TAGS} tags beside the text, ${tags.length} are given. Put the others into the text as #hashtags.` }];
	return tags.filter((tag) => !isTag(tag)).map((tag) => ({ field: 'tags', message: `"${tag}" is no tag on Bluesky: letters, without #, at most 64 characters.` }));
}

function subtitleProblems({ subtitles, media }: Post): PostProblem[] {
	if (subtitles.length === 0) return [];
	if (!media.some(isVideo)) return [{ field: 'subtitles', message: 'Subtitles on Bluesky belong to a video. Attach one, or leave them out.' }];
	return subtitles
		.filter(({ vtt }) => Buffer.byteLength(vtt) > MAX_CAPTION_BYTES)
		.map(({ language, vtt }) => ({
			field: 'subtitles',
			message: `The subtitles "${language}" have ${Buffer.byteLength(vtt)} bytes; Bluesky takes ${MAX_CAPTION_BYTES}. Burn them into the picture instead (Burn Subtitles).`,
		}));
}

export const isVideo = (media: PostMedia): boolean => media.facts.fileType === 'video';

/** Half a character cannot be sent: a sign stands in its place. */
export const wellFormed = (text: string): string => Buffer.from(text).toString();

/** Handles that the text mentions. */
export const mentionsOf = (text: string): string[] => [...new Set(findSpans(text).flatMap(({ kind, value }) => (kind === 'mention' ? [value] : [])))];

/**
 * The record of a post. The same input gives the same record: putting it again changes nothing (platforms.md 9.4).
 * `createdAt`: beginning of the publishing call.
 */
export function recordOf(post: Post, settings: BlueskySettings, prepared: Prepared, createdAt: Date): Record<string, unknown> {
	const text = wellFormed(post.text);
	const dids = new Map(Object.entries(prepared.mentions).flatMap(([handle, did]) => (did === null ? [] : [[handle, did] as const])));
	const facets = facetsOf(text, findSpans(text), dids);
	const embed = embedOf(post, settings, prepared);
	const langs = settings.languages ?? (post.language === null ? [] : [post.language]);
	const labels = settings.labels.length > 0 ? settings.labels : post.sensitive ? ['graphic-media'] : [];
	return {
		$type: 'app.bsky.feed.post',
		text,
		createdAt: createdAt.toISOString(),
		...(facets.length > 0 ? { facets } : {}),
		...(embed ? { embed } : {}),
		...(langs.length > 0 ? { langs } : {}),
		...(post.tags.length > 0 ? { tags: post.tags } : {}),
		...(labels.length > 0 ? { labels: { $type: 'com.atproto.label.defs#selfLabels', values: labels.map((val) => ({ val })) } } : {}),
		...(prepared.reply ? { reply: prepared.reply } : {}),
	};
}

function embedOf(post: Post, settings: BlueskySettings, { files, captions, thumb }: Prepared): Record<string, unknown> | null {
	const shown = post.media.map((media, index) => ({ media, blob: files[index] ?? null, ...ratioOf(media) }));
	const [first] = shown;
	if (first && isVideo(first.media)) {
		return {
			$type: 'app.bsky.embed.video',
			video: first.blob,
			...(first.media.altText ? { alt: first.media.altText } : {}),
			...(first.aspectRatio ? { aspectRatio: first.aspectRatio } : {}),
			...(captions.length > 0 ? { captions: captions.map((file, index) => ({ lang: post.subtitles[index]?.language ?? 'en', file })) } : {}),
			...(settings.as_gif ? { presentation: 'gif' } : {}),
		};
	}
	if (shown.length > 0) {
		const images = shown.map(({ media, blob, aspectRatio }) => ({ image: blob, alt: media.altText ?? '', ...(aspectRatio ? { aspectRatio } : {}) }));
		if (images.length <= MAX_IMAGES) return { $type: 'app.bsky.embed.images', images };
		return { $type: 'app.bsky.embed.gallery', items: images.map((image) => ({ $type: 'app.bsky.embed.gallery#image', ...image })) };
	}
	if (post.link === null) return null;
	const title = post.title ?? new URL(post.link).hostname;
	return { $type: 'app.bsky.embed.external', external: { uri: post.link, title, description: settings.link_description, ...(thumb ? { thumb } : {}) } };
}

const ratioOf = ({ facts: { video } }: PostMedia): { aspectRatio?: { width: number; height: number } } =>
	video && video.width >= 1 && video.height >= 1 ? { aspectRatio: { width: Math.round(video.width), height: Math.round(video.height) } } : {};

const DIGITS = '234567abcdefghijklmnopqrstuvwxyz';

/**
 * Key of a post's record: a TID, which is a time in microseconds and ten bits that tell clocks apart. The same post, begun at
 * the same time, always has the same key: whoever puts it a second time changes nothing.
 */
export function keyOf(operationKey: string, begun: Date): string {
	const hash = createHash('sha256').update(operationKey).digest();
	const microseconds = BigInt(begun.getTime()) * 1000n + BigInt(hash.readUInt32BE(0) % 1000);
	const value = (microseconds << 10n) | BigInt(hash.readUInt16BE(4) % 1024);
	return Array.from({ length: 13 }, (_, at) => DIGITS[Number((value >> BigInt((12 - at) * 5)) & 31n)]).join('');
}

/** The parts of `at://did/collection/key`; null: it is no such address. */
export function partsOf(uri: string): { repo: string; collection: string; rkey: string } | null {
	const match = /^at:\/\/(did:[a-z]+:[A-Za-z0-9._:%-]+)\/([A-Za-z0-9.-]+)\/([A-Za-z0-9._~:-]+)$/.exec(uri);
	return match ? { repo: match[1]!, collection: match[2]!, rkey: match[3]! } : null;
}
