import sharp from 'sharp';
import { flagValue, listValue, refuseGraph, textValue, type Fetched } from './graph.ts';

export type ThreadsKind = 'TEXT' | 'IMAGE' | 'VIDEO' | 'CAROUSEL';

/** A container as it is asked for, checked (platforms.md 7.2, 7.3). */
export interface ThreadsRequest {
	kind: ThreadsKind;
	text: string;
	url: string | null;
	alt: string | null;
	carouselItem: boolean;
	children: string[];
	replyTo: string | null;
	options: Record<string, unknown>;
}

const OPTIONS = [
	'reply_control',
	'topic_tag',
	'link_attachment',
	'is_spoiler_media',
	'quote_post_id',
	'location_id',
	'allowlisted_country_codes',
	'auto_publish_text',
];
export const THREADS_PARAMETERS = ['media_type', 'text', 'image_url', 'video_url', 'is_carousel_item', 'children', 'alt_text', 'reply_to_id', ...OPTIONS];
const REPLY_CONTROL = ['everyone', 'accounts_you_follow', 'mentioned_only', 'parent_post_author_only', 'followers_only'];

const refuse = (message: string): never => refuseGraph({ message: 'Invalid parameter', code: 100, userMessage: message });

export function readThreadsContainer(values: Record<string, unknown>): ThreadsRequest {
	const kind = textValue(values, 'media_type');
	if (kind === null || !['TEXT', 'IMAGE', 'VIDEO', 'CAROUSEL'].includes(kind)) return refuse('media_type must be one of TEXT, IMAGE, VIDEO, CAROUSEL');
	const text = textValue(values, 'text') ?? '';
	const length = countThreadsText(text);
	if (length > 500) refuse(`The text has ${length} characters, 500 are allowed`);
	const links = new Set([...(text.match(/https?:\/\/[^\s]+/g) ?? []), textValue(values, 'link_attachment') ?? '']);
	links.delete('');
	if (links.size > 5) refuse('A post has at most 5 links');
	if (kind === 'TEXT' && text === '') refuse('text is required');
	const [image, video] = [textValue(values, 'image_url'), textValue(values, 'video_url')];
	if ((kind === 'IMAGE') !== (image !== null) || (kind === 'VIDEO') !== (video !== null)) refuse(`${kind} does not go with the given addresses`);
	const carouselItem = flagValue(values, 'is_carousel_item');
	if (carouselItem && !['IMAGE', 'VIDEO'].includes(kind)) refuse(`${kind} cannot be in a carousel`);
	const alt = textValue(values, 'alt_text');
	if (alt !== null && (image ?? video) === null) refuse('alt_text is for an image or a video');
	if (alt !== null && alt.length > 1000) refuse('alt_text has at most 1000 characters');
	return {
		kind: kind as ThreadsKind,
		text,
		url: image ?? video,
		alt,
		carouselItem,
		children: kind === 'CAROUSEL' ? readChildren(values) : [],
		replyTo: textValue(values, 'reply_to_id'),
		options: readOptions(values, kind as ThreadsKind),
	};
}

function readChildren(values: Record<string, unknown>): string[] {
	const children = listValue(values, 'children') ?? [];
	if (!children.every((child): child is string => typeof child === 'string')) return refuse('children must be ids');
	return children.length >= 2 && children.length <= 20 ? children : refuse('A carousel has 2 to 20 items');
}

function readOptions(values: Record<string, unknown>, kind: ThreadsKind): Record<string, unknown> {
	const control = textValue(values, 'reply_control');
	if (control !== null && !REPLY_CONTROL.includes(control)) refuse(`reply_control must be one of ${REPLY_CONTROL.join(', ')}`);
	const topic = textValue(values, 'topic_tag');
	if (topic !== null && (topic.length > 50 || /[.&]/.test(topic))) refuse('topic_tag has 1 to 50 characters without . and &');
	if ('link_attachment' in values && kind !== 'TEXT') refuse('link_attachment is for posts of words alone');
	if ('auto_publish_text' in values) refuse('This stand-in publishes in two steps only');
	if (flagValue(values, 'is_spoiler_media') && kind === 'TEXT') refuse('is_spoiler_media is for media');
	return Object.fromEntries(Object.entries(values).filter(([name]) => OPTIONS.includes(name)));
}

/** Characters; of emoji the bytes in UTF-8 (platforms.md 7.3). Counted here without the code that is tested. */
export function countThreadsText(text: string): number {
	let sum = 0;
	for (const { segment } of new Intl.Segmenter('en').segment(text)) {
		const emoji = /\p{Emoji_Presentation}|\p{Extended_Pictographic}|\u{fe0f}|\u{20e3}|[\u{1f1e6}-\u{1f1ff}]/u.test(segment) && !/^[\p{L}\p{N}]$/u.test(segment);
		sum += emoji ? Buffer.byteLength(segment) : [...segment].length;
	}
	return sum;
}

/** Null: fine. Otherwise the error_message of the container. */
export async function checkThreadsMedia(fetched: Fetched | string, kind: ThreadsKind): Promise<string | null> {
	if (typeof fetched === 'string') return kind === 'VIDEO' ? 'FAILED_DOWNLOADING_VIDEO' : 'UNKNOWN';
	if (kind === 'VIDEO') return ['video/mp4', 'video/quicktime'].includes(fetched.mime) && fetched.size <= 1e9 ? null : 'FAILED_PROCESSING_VIDEO';
	const { width = 0, height = 1 } = await sharp(fetched.bytes)
		.metadata()
		.catch(() => ({ width: 0, height: 1 }));
	if (!['image/jpeg', 'image/png'].includes(fetched.mime) || width === 0) return 'UNKNOWN';
	return width / height > 10 || height / width > 10 ? 'INVALID_ASPEC_RATIO' : null;
}
