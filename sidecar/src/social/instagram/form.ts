import { z } from 'zod';
import {
	INSTAGRAM_CAROUSEL_VIDEO,
	INSTAGRAM_IMAGE,
	INSTAGRAM_REEL_VIDEO,
	INSTAGRAM_STORY_IMAGE,
	INSTAGRAM_STORY_VIDEO,
	VIDEO_PLATFORMS,
} from '../../media/platform-limits.ts';
import type { GraphValue } from '../graph.ts';
import type { Limits, Post, PostMedia, PostProblem } from '../platform.ts';

/** How the account was connected: each has a host and rules of its own (platforms.md 5.1). */
export type InstagramLogin = 'instagram' | 'facebook';

export const instagramSettings = z.strictObject({
	account: z
		.string()
		.min(1)
		.max(100)
		.optional()
		.describe('Name or id of the Instagram account to post to. Needed only with Facebook Login, where several accounts can be reached.'),
	placement: z
		.enum(['feed', 'story'])
		.default('feed')
		.describe('`feed`: pictures become a post, several files a carousel, a single video a reel. `story`: one picture or video, gone after a day.'),
	allow_landscape: z.boolean().default(false).describe('Takes a video that is wider than high as a reel: it is shown upright, with bars. Default false.'),
	share_to_feed: z.boolean().optional().describe('Whether a reel is also shown among the posts of the account. Default: as Instagram does.'),
	audio_name: z.string().min(1).max(200).optional().describe('Name of the sound of a reel.'),
	// 3 by one page, 5 by another (platforms.md 5.2, conflict).
	collaborators: z.array(z.string().min(1).max(30)).max(3).optional().describe('Names of up to 3 accounts that are invited as authors.'),
	user_tags: z
		.array(
			z.strictObject({
				username: z.string().min(1).max(30).describe('Name of the account, without @.'),
				x: z.number().min(0).max(1).optional().describe('Place in the picture: 0 left, 1 right.'),
				y: z.number().min(0).max(1).optional().describe('Place in the picture: 0 top, 1 bottom.'),
			}),
		)
		.max(20)
		.optional()
		.describe('Accounts that are tagged in a single picture (with their place) or in a reel.'),
	location_id: z
		.string()
		.regex(/^\d+$/, 'must be the number of a Page with a place')
		.optional()
		.describe('Id of the Page of a place. With Facebook Login only.'),
	made_with_ai: z.boolean().optional().describe('Labels the post as made with AI.'),
});
export type InstagramSettings = z.infer<typeof instagramSettings>;

export type InstagramForm = 'image' | 'reel' | 'story' | 'carousel' | 'comment';

const isVideo = (media: PostMedia): boolean => media.facts.fileType === 'video';

/** The same post has the same form, whenever it is asked. */
export function instagramForm({ media, replyTo }: Pick<Post, 'media' | 'replyTo'>, { placement }: InstagramSettings): InstagramForm {
	if (replyTo) return 'comment';
	if (placement === 'story') return 'story';
	if (media.length > 1) return 'carousel';
	return media[0] && isVideo(media[0]) ? 'reel' : 'image';
}

/** With Facebook Login the bytes of videos are uploaded; everything else is fetched by Instagram (platforms.md 5.1). */
export const isUploaded = (media: PostMedia, login: InstagramLogin): boolean => login === 'facebook' && isVideo(media);

const CAPTION_MAX = 2200;
const HASHTAGS_MAX = 30;
const MENTIONS_MAX = 20;
const COVER_BYTES_MAX = 8e6;

/** platforms.md 5.4, for this post. `fetches`: who can fetch media from us. */
export function instagramLimits(post: Post, settings: InstagramSettings, login: InstagramLogin, fetches: 'public' | 'any', account: PostProblem[]): Limits {
	const form = instagramForm(post, settings);
	const text = { max: CAPTION_MAX, unit: 'characters', count: ({ text: caption }: Post) => caption.length };
	const none = { visibility: ['public'], sensitive: false, spoilerText: false, scheduleLeadSeconds: null } as const;
	// What a comment may be is not documented; in the app it is as long as a caption.
	if (form === 'comment') {
		const options = settings.placement === 'story' ? none : { ...none, replies: 'comments' as const };
		return { text, maxAltText: 0, media: {}, options, problems: account };
	}
	const fetched = [...post.media.filter((media) => !isUploaded(media, login)), ...(post.cover ? [post.cover] : [])];
	return {
		text,
		// Only pictures that stay have one.
		maxAltText: form === 'story' || post.media.every(isVideo) ? 0 : 1000,
		needsMedia: true,
		media: mediaLimits(form, settings),
		...(form === 'carousel' ? { maxMixed: INSTAGRAM_IMAGE.count } : {}),
		videoPreset: form === 'carousel' ? 'instagram_feed' : 'instagram_reel',
		...(fetched.length > 0 ? { fetchesMedia: fetches } : {}),
		options: { ...none, cover: form === 'reel', coverSeconds: form === 'reel', ...(form === 'story' ? {} : { replies: 'comments' }) },
		problems: [...account, ...problems(post, form, settings, login)],
	};
}

function mediaLimits(form: InstagramForm, { allow_landscape: wide }: InstagramSettings): Limits['media'] {
	if (form === 'story') return { image: INSTAGRAM_STORY_IMAGE, video: INSTAGRAM_STORY_VIDEO };
	if (form === 'carousel') return { image: INSTAGRAM_IMAGE, video: INSTAGRAM_CAROUSEL_VIDEO };
	return { image: { ...INSTAGRAM_IMAGE, count: 1 }, video: wide ? VIDEO_PLATFORMS.instagram_reel.video : INSTAGRAM_REEL_VIDEO };
}

function problems(post: Post, form: InstagramForm, settings: InstagramSettings, login: InstagramLogin): PostProblem[] {
	const found: PostProblem[] = [];
	const refuse = (field: string, wrong: boolean, message: string): void => void (wrong && found.push({ field, message }));
	const hashtags = post.text.match(/#[\p{L}\p{N}_]+/gu)?.length ?? 0;
	const mentions = post.text.match(/(?<![\w.])@[\w.]+/g)?.length ?? 0;
	refuse('text', form === 'story' && post.text.trim() !== '', 'A story on Instagram has no caption. Leave the text out, or draw it into the picture.');
	refuse('text', hashtags > HASHTAGS_MAX, `The text has ${hashtags} hashtags; Instagram takes ${HASHTAGS_MAX}.`);
	refuse('text', mentions > MENTIONS_MAX, `The text has ${mentions} mentions; Instagram takes ${MENTIONS_MAX}.`);
	refuse('media', form === 'story' && post.media.length > 1, 'A story on Instagram is one picture or one video. Send the others as stories of their own.');
	refuse('cover', post.cover !== null && post.cover.mime !== 'image/jpeg', 'The cover of a reel must be a JPEG picture: convert it (Convert Image).');
	refuse('cover', (post.cover?.bytes ?? 0) > COVER_BYTES_MAX, 'The cover of a reel has at most 8 MB: make it smaller (Convert Image).');
	const seconds = post.media[0]?.facts.durationSeconds ?? 0;
	refuse(
		'cover_seconds',
		form === 'reel' && (post.coverSeconds ?? 0) > seconds,
		`The video lasts ${seconds} seconds: a cover at ${post.coverSeconds} lies outside of it. Choose an earlier moment.`,
	);
	refuse(
		'cover',
		post.cover !== null && post.cover.url === null,
		'Instagram fetches the cover itself, and there is no address for it. Set PUBLIC_URL, or choose a moment of the video instead.',
	);
	refuse(
		'settings.location_id',
		settings.location_id !== undefined && login === 'instagram',
		'A place can only be given with Facebook Login. Leave it out, or connect the account that way.',
	);
	const people = (settings.user_tags ?? []).length > 0;
	refuse('settings.user_tags', people && form !== 'image' && form !== 'reel', 'Accounts can be tagged in a single picture or in a reel only. Leave them out, or mention them in the text.');
	refuse('settings.collaborators', (settings.collaborators ?? []).length > 0 && form === 'story', 'Nobody can be invited as author of a story. Leave the collaborators out.');
	refuse('settings.location_id', settings.location_id !== undefined && login === 'facebook' && form === 'story', 'A story cannot be given a place by a program. Leave it out.');
	return found;
}

/** What the user should know although the post is out. */
export const leftOut = ({ media }: Post): string[] =>
	media.some((one) => isVideo(one) && one.altText !== null) ? ['Instagram has no alternative text for videos: it was left out.'] : [];

/** The parameters of the container of a whole post: what it says, and what it is (platforms.md 5.2). */
export function postValues(post: Post, settings: InstagramSettings): Record<string, GraphValue> {
	const form = instagramForm(post, settings);
	const ai = settings.made_with_ai ? { is_ai_generated: true } : {};
	if (form === 'story') return { media_type: 'STORIES', ...ai };
	const { collaborators, location_id } = settings;
	const common = { caption: post.text === '' ? null : post.text, collaborators, location_id, ...ai };
	if (form === 'carousel') return { media_type: 'CAROUSEL', ...common };
	// A picture wants a place for each; the middle where none is given.
	if (form === 'image')
		return { ...common, alt_text: post.media[0]?.altText, user_tags: settings.user_tags?.map(({ username, x = 0.5, y = 0.5 }) => ({ username, x, y })) };
	return {
		media_type: 'REELS',
		...common,
		share_to_feed: settings.share_to_feed,
		audio_name: settings.audio_name,
		// A cover wins over a moment (platforms.md 5.2).
		cover_url: post.cover?.url,
		thumb_offset: post.cover || post.coverSeconds === null ? null : Math.round(post.coverSeconds * 1000),
		// Places are for pictures.
		user_tags: settings.user_tags?.map(({ username }) => ({ username })),
	};
}

/** The parameters of one item of a carousel. */
export const itemValues = (media: PostMedia): Record<string, GraphValue> => ({
	is_carousel_item: true,
	...(isVideo(media) ? { media_type: 'VIDEO' } : { alt_text: media.altText }),
});

/** Where the bytes of a container come from. */
export const sourceValues = (media: PostMedia, login: InstagramLogin): Record<string, GraphValue> =>
	isUploaded(media, login) ? { upload_type: 'resumable' } : isVideo(media) ? { video_url: media.url } : { image_url: media.url };
