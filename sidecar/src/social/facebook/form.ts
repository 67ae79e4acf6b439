import { z } from 'zod';
import { limitProblems } from '../../media/platform-check.ts';
import { FACEBOOK_GIF, FACEBOOK_PHOTO, FACEBOOK_STORY_VIDEO, VIDEO_PLATFORMS, type MediaLimits } from '../../media/platform-limits.ts';
import type { Limits, Post, PostMedia, PostProblem } from '../platform.ts';
import { kindOf } from '../validate.ts';

/** What kind of thing a post becomes on a Page: each has calls of its own. */
export type FacebookForm = 'text' | 'photos' | 'reel' | 'video' | 'video_story' | 'photo_story' | 'comment';

export const facebookSettings = z.strictObject({
	page_id: z
		.string()
		.regex(/^\d+$/, 'must be the number of a Page, e.g. 110000000000000123')
		.optional()
		.describe('Id of the Page to post to. Needed only where the account manages several Pages.'),
	form: z
		.enum(['auto', 'reel', 'video', 'story'])
		.default('auto')
		.describe(
			'What a video or picture becomes. `auto`: an upright video of 3 to 90 seconds becomes a reel, another one a video of the feed, pictures a post of photos. ' +
				'`story`: gone after a day.',
		),
});
export type FacebookSettings = z.infer<typeof facebookSettings>;

/** 6.2: 16:9 would pass the check of the API, too, but a reel is shown upright: whoever asks for one would be surprised. */
const REEL: MediaLimits = { ...VIDEO_PLATFORMS.facebook_reel.video, maxRatio: 1 };

/** platforms.md 0.4 (unconfirmed). */
const TEXT_MAX = 63_206;
/** Of a comment (unconfirmed). */
const COMMENT_MAX = 8_000;
/** Of a video (unconfirmed). */
const TITLE_MAX = 255;
/** platforms.md 6.3 */
const COVER_MAX_BYTES = 10e6;
const SCHEDULE_LEAD_SECONDS = 10 * 60;
const DAY_SECONDS = 86_400;
/** platforms.md 6.2, 6.3 (6 months), 6.4 (75 days by the reference, 30 elsewhere: the safe reading). */
const SCHEDULE_MAX_SECONDS: Record<FacebookForm, number | null> = {
	reel: 29 * DAY_SECONDS,
	video: 180 * DAY_SECONDS,
	text: 30 * DAY_SECONDS,
	photos: 30 * DAY_SECONDS,
	video_story: null,
	photo_story: null,
	comment: null,
};

/** The same post has the same form, whenever it is asked. */
export function formOf(post: Pick<Post, 'media' | 'replyTo'>, { form }: FacebookSettings): FacebookForm {
	const first = post.media[0];
	if (post.replyTo) return 'comment';
	if (!first) return 'text';
	if (kindOf(first) !== 'video') return form === 'story' ? 'photo_story' : 'photos';
	if (form === 'story') return 'video_story';
	if (form === 'reel' || form === 'video') return form;
	return isReel(first) ? 'reel' : 'video';
}

const isReel = ({ facts, mime, bytes }: PostMedia): boolean => {
	const { width = 0, height = 0 } = facts.video ?? {};
	return width < height && limitProblems({ ...facts, mime, bytes }, REEL).length === 0;
};

/** Where links have no place of their own they stand below the text. */
export const messageOf = ({ text, link }: Pick<Post, 'text' | 'link'>, form: FacebookForm): string =>
	link === null || form === 'text' || names(text, link) ? text : `${text}\n\n${link}`.trim();

/** Whether the text has this link, and not only one that begins with it. */
const names = (text: string, link: string): boolean => text.split(link).slice(1).some((rest) => !/^([\w\-/?#&=%+~@:]|[.,;!](?=[\w/]))/.test(rest));

export const isStory = (form: FacebookForm): boolean => form === 'video_story' || form === 'photo_story';
/** Videos of the Page, which have a number, a status, a thumbnail and tracks of subtitles. */
export const isVideo = (form: FacebookForm): form is 'reel' | 'video' | 'video_story' => form === 'reel' || form === 'video' || form === 'video_story';

const MEDIA: Record<FacebookForm, Limits['media']> = {
	text: {},
	comment: {},
	photos: { image: FACEBOOK_PHOTO, gif: FACEBOOK_GIF },
	photo_story: { image: { ...FACEBOOK_PHOTO, count: 1 }, gif: FACEBOOK_GIF },
	reel: { video: REEL },
	video: { video: VIDEO_PLATFORMS.facebook.video },
	video_story: { video: FACEBOOK_STORY_VIDEO },
};

/** platforms.md 6, for one form of post. */
export function limitsOf(form: FacebookForm): Limits {
	const lead = SCHEDULE_MAX_SECONDS[form];
	const film = form === 'reel' || form === 'video';
	return {
		// A story shows no text: what is given is left out with a warning.
		text: { max: form === 'comment' ? COMMENT_MAX : TEXT_MAX, unit: 'characters', count: (post) => messageOf(post, form).length },
		...(film ? { title: { max: TITLE_MAX, unit: 'characters', count: (title: string) => title.length, required: false } } : {}),
		// That of captions for other platforms: none is documented (alt_text_custom itself is unconfirmed).
		maxAltText: form === 'photos' ? 1000 : 0,
		media: MEDIA[form],
		...(isVideo(form) ? { videoPreset: form === 'video' ? 'facebook' : 'facebook_reel' } : {}),
		options: {
			visibility: ['public'],
			sensitive: false,
			spoilerText: false,
			scheduleLeadSeconds: lead === null ? null : SCHEDULE_LEAD_SECONDS,
			...(lead === null ? {} : { scheduleMaxSeconds: lead }),
			link: !isStory(form),
			cover: film,
			subtitles: film ? 20 : 0,
			...(isStory(form) ? {} : { replies: 'comments' as const }),
		},
	};
}

/** What only Facebook knows of a post. */
export function problemsOf(post: Post, settings: FacebookSettings): PostProblem[] {
	const form = formOf(post, settings);
	const video = post.media[0]?.facts.video;
	if (post.media.length === 0 && !post.replyTo && settings.form === 'story') {
		return [{ field: 'media', message: 'A story on Facebook is a video or a picture. Attach one, or choose another form.' }];
	}
	if (form === 'reel' && video && video.width > video.height) {
		return [
			{
				field: 'media[0]',
				message: `The video is wider than high (${video.width}×${video.height}): a reel is upright. Choose "Video" as the form, or make an upright rendition.`,
				fixable: true,
			},
		];
	}
	if (post.cover && !post.cover.mime.startsWith('image/')) return [{ field: 'cover', message: `Facebook: the cover is a picture, not ${post.cover.mime}.` }];
	if (post.cover && post.cover.bytes > COVER_MAX_BYTES) {
		return [{ field: 'cover', message: `Facebook: the picture has ${(post.cover.bytes / 1e6).toFixed(1)} MB; at most 10 MB. Compress it.` }];
	}
	if (post.replyTo && post.media.length > 0) return [{ field: 'media', message: 'A comment on Facebook is made of words only. Leave its media out.' }];
	return [];
}
