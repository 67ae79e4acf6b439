import { z } from 'zod';
import { THREADS_IMAGE, THREADS_VIDEO } from '../../media/platform-limits.ts';
import type { GraphValue } from '../graph.ts';
import type { Limits, Post, PostMedia, PostProblem } from '../platform.ts';
import { countThreads } from '../text.ts';

export const threadsSettings = z.strictObject({
	reply_control: z
		.enum(['everyone', 'accounts_you_follow', 'mentioned_only', 'parent_post_author_only', 'followers_only'])
		.optional()
		.describe('Who may answer. Default: as the account is set.'),
	topic: z
		.string()
		.min(1)
		.max(50)
		.regex(/^#?[^.&#]+$/, 'must be words without . and &')
		.optional()
		.describe('Topic of the post, without #. Default: the first #tag in the text.'),
	quote_post_id: z.string().regex(/^\d+$/, 'must be the id of a post').optional().describe('Id of a post that is quoted.'),
});
export type ThreadsSettings = z.infer<typeof threadsSettings>;

const isVideo = (media: PostMedia): boolean => media.facts.fileType === 'video';

const TEXT_MAX = 500;
const LINKS_MAX = 5;

/** platforms.md 7.3, for this post. `fetches`: who can fetch media from us. */
export function threadsLimits(post: Post, fetches: 'public' | 'any', account: PostProblem[]): Limits {
	return {
		text: { max: TEXT_MAX, unit: 'characters as Threads counts them (an emoji its bytes, 4 and more)', count: ({ text }) => countThreads(text) },
		maxAltText: 1000,
		media: { image: THREADS_IMAGE, video: THREADS_VIDEO },
		maxMixed: THREADS_IMAGE.count,
		videoPreset: 'threads',
		...(post.media.length > 0 ? { fetchesMedia: fetches } : {}),
		options: { visibility: ['public'], sensitive: true, spoilerText: false, scheduleLeadSeconds: null, link: true, replies: 'thread' },
		problems: [...account, ...problems(post)],
	};
}

function problems({ text, link, media, sensitive }: Post): PostProblem[] {
	const found: PostProblem[] = [];
	const refuse = (field: string, wrong: boolean, message: string): void => void (wrong && found.push({ field, message }));
	const links = new Set([...(text.match(/https?:\/\/\S+/g) ?? []), ...(link === null ? [] : [link])]);
	refuse('text', links.size > LINKS_MAX, `The post has ${links.size} links; Threads takes ${LINKS_MAX}. Take some out.`);
	refuse(
		'link',
		link !== null && media.length > 0,
		'Threads shows the card of a link only under words alone. Put the link into the text, or leave the media out.',
	);
	refuse('sensitive', sensitive && media.length === 0, 'Threads hides pictures and videos only, no words. Leave it out.');
	return found;
}

/** The parameters of a container: of the whole post, or of one item of a carousel (platforms.md 7.2). */
export function threadsValues(post: Post, media: PostMedia | null, settings: ThreadsSettings): Record<string, GraphValue> {
	const alone = post.media.length < 2;
	const file = media
		? { media_type: isVideo(media) ? 'VIDEO' : 'IMAGE', [isVideo(media) ? 'video_url' : 'image_url']: media.url, alt_text: media.altText }
		: { media_type: 'TEXT' };
	return alone ? { ...file, ...postValues(post, settings) } : { ...file, is_carousel_item: true };
}

export const carouselValues = (post: Post, settings: ThreadsSettings, children: readonly string[]): Record<string, GraphValue> => ({
	media_type: 'CAROUSEL',
	children: children.join(','),
	...postValues(post, settings),
});

const postValues = ({ text, link, media, sensitive, replyTo }: Post, { reply_control, topic, quote_post_id }: ThreadsSettings): Record<string, GraphValue> => ({
	text: text === '' ? null : text,
	reply_to_id: replyTo?.remoteId,
	// Who may answer a post of a thread is settled by its first one.
	reply_control: replyTo ? null : reply_control,
	topic_tag: replyTo ? null : topic?.replace(/^#/, ''),
	quote_post_id: replyTo ? null : quote_post_id,
	link_attachment: media.length === 0 ? link : null,
	is_spoiler_media: sensitive && media.length > 0 ? true : null,
});

const VIDEO_HINT = 'Use the preset of Threads (Preset).';

/** What a container's error_message means (platforms.md 7.2): the first one and UNKNOWN may go well another time. */
export const CONTAINER_ERRORS: Record<string, { reason: string; passing: boolean }> = {
	FAILED_DOWNLOADING_VIDEO: {
		passing: true,
		reason: 'Threads could not fetch the file: its address must be open to the internet over https, without login or redirect. Check PUBLIC_URL.',
	},
	UNKNOWN: { passing: true, reason: 'Threads names no reason. Check that the address of the file is open to the internet (PUBLIC_URL), and its format.' },
	FAILED_PROCESSING_AUDIO: { passing: false, reason: `The sound of the video is not taken: AAC, at most 48 kHz. ${VIDEO_HINT}` },
	FAILED_PROCESSING_VIDEO: { passing: false, reason: `The video is not taken: MP4 or MOV with H.264 or HEVC. ${VIDEO_HINT}` },
	INVALID_ASPEC_RATIO: { passing: false, reason: 'The shape is not taken: a picture may be ten times as wide as high at most, or the reverse. Crop it.' },
	INVALID_BIT_RATE: { passing: false, reason: `The video has too many bits per second: at most 100 Mbit/s. ${VIDEO_HINT}` },
	INVALID_DURATION: { passing: false, reason: 'The video is too long: at most 5 minutes. Cut it (Trim).' },
	INVALID_FRAME_RATE: { passing: false, reason: `The frame rate is not taken: 23 to 60 frames per second. ${VIDEO_HINT}` },
	INVALID_AUDIO_CHANNELS: { passing: false, reason: `The sound has too many channels: stereo at most. ${VIDEO_HINT}` },
	INVALID_AUDIO_CHANNEL_LAYOUT: { passing: false, reason: `The order of the sound's channels is not taken. ${VIDEO_HINT}` },
};
