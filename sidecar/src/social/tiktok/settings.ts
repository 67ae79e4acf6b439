import { z } from 'zod';
import { TIKTOK_PHOTO, VIDEO_PLATFORMS } from '../../media/platform-limits.ts';
import type { Limits, PlatformRun, Post, PostProblem } from '../platform.ts';

/** Names on the wire, and TikTok's (platforms.md 3.2). */
const PRIVACY = {
	everyone: 'PUBLIC_TO_EVERYONE',
	friends: 'MUTUAL_FOLLOW_FRIENDS',
	followers: 'FOLLOWER_OF_CREATOR',
	only_me: 'SELF_ONLY',
} as const;
type Privacy = keyof typeof PRIVACY;

/** Nobody sees more, and nobody may do more, than was asked for: TikTok's audit wants it so (platforms.md 3.7). */
export const settingsSchema = z.strictObject({
	mode: z
		.enum(['direct', 'inbox'])
		.default('direct')
		.describe('`direct` publishes. `inbox` puts a draft into the inbox of the TikTok app, where its user adds the text and posts it.'),
	privacy: z
		.enum(['everyone', 'friends', 'followers', 'only_me'])
		.optional()
		.describe('Who can see it. Has no default: TikTok wants it chosen for each post. `visibility` `public` or `private` chooses, too. Not for drafts.'),
	allow_comments: z.boolean().default(false).describe('Lets people comment.'),
	allow_duet: z.boolean().default(false).describe('Lets people make duets with the video.'),
	allow_stitch: z.boolean().default(false).describe('Lets people take parts of the video into theirs.'),
	paid_partnership: z.boolean().default(false).describe('It promotes a third party: shown as "Paid partnership". Not with `only_me`.'),
	own_brand: z.boolean().default(false).describe('It promotes your own business: shown as "Promotional content".'),
	ai_generated: z.boolean().default(false).describe('Marks a video as made by AI.'),
	auto_add_music: z.boolean().default(false).describe('Lets TikTok add recommended music to photos.'),
	cover_photo: z.int().min(1).max(35).default(1).describe('Which of the photos is the cover, counted from 1.'),
});
export type TikTokSettings = z.infer<typeof settingsSchema>;

/** `data` of creator_info. */
export const creatorSchema = z.object({
	creator_username: z.string(),
	privacy_level_options: z.array(z.string()).default([]),
	comment_disabled: z.boolean().default(false),
	duet_disabled: z.boolean().default(false),
	stitch_disabled: z.boolean().default(false),
	max_video_post_duration_sec: z.number().optional(),
});
export type Creator = z.infer<typeof creatorSchema>;

export const isPhotos = ({ media }: Pick<Post, 'media'>): boolean => media.some((entry) => entry.facts.fileType === 'image');

function privacyOf({ visibility }: Pick<Post, 'visibility'>, { privacy }: TikTokSettings): Privacy | null {
	if (privacy) return privacy;
	return visibility === 'public' ? 'everyone' : visibility === 'private' ? 'only_me' : null;
}

export const isPublic = (post: Post, settings: TikTokSettings): boolean => settings.mode === 'direct' && privacyOf(post, settings) !== 'only_me';

/** What TikTok takes of this account (null: a draft, of which the account decides in the app). */
export function limitsOf({ post }: Pick<PlatformRun, 'post'>, settings: TikTokSettings, creator: Creator | null, fetchesMedia: 'public' | 'any'): Limits {
	const { video } = VIDEO_PLATFORMS.tiktok;
	const photos = isPhotos(post);
	const unit = 'characters (as UTF-16; an emoji counts 2 or more)';
	return {
		// 3.7: the words of a video are its title, those of photos their description.
		text: { max: photos ? 4000 : 2200, unit, count: ({ text }) => text.length },
		...(photos ? { title: { max: 90, unit, count: (title: string) => title.length, required: false } } : {}),
		maxAltText: 0,
		media: {
			video: { ...video, maxSeconds: Math.min(video.maxSeconds, creator?.max_video_post_duration_sec ?? Infinity) },
			image: TIKTOK_PHOTO,
		},
		needsMedia: true,
		videoPreset: 'tiktok',
		...(photos ? { fetchesMedia } : {}),
		problems: [...(creator ? problemsOf(post, settings, creator) : draftProblems(settings)), ...photoProblems(post, settings)],
		options: {
			visibility: ['public', 'private'],
			sensitive: false,
			spoilerText: false,
			scheduleLeadSeconds: null,
			coverSeconds: !photos && settings.mode === 'direct',
		},
	};
}

function problemsOf(post: Post, settings: TikTokSettings, creator: Creator): PostProblem[] {
	const problems: PostProblem[] = [];
	const refuse = (field: string, wrong: boolean, message: string): void => void (wrong && problems.push({ field: `settings.${field}`, message }));
	const names = Object.entries(PRIVACY).flatMap(([name, level]) => (creator.privacy_level_options.includes(level) ? [name] : []));
	const privacy = privacyOf(post, settings);
	const photos = isPhotos(post);
	const possible = `this account allows: ${names.join(', ')}`;
	refuse('privacy', privacy === null, `Choose who can see the post: TikTok wants it chosen each time; ${possible}.`);
	refuse('privacy', privacy !== null && !names.includes(privacy), `The account does not allow the privacy "${privacy}"; ${possible}.`);
	refuse('privacy', post.visibility === 'private' && privacy === 'everyone', 'The visibility is "private", but the privacy "everyone" shows it to all. Change one of them.');
	refuse('paid_partnership', settings.paid_partnership && privacy === 'only_me', 'A paid partnership cannot be seen by "only_me". Choose another privacy.');
	refuse('allow_comments', settings.allow_comments && creator.comment_disabled, 'The account has switched comments off in the TikTok app. Switch them on there, or leave this off.');
	refuse('allow_duet', !photos && settings.allow_duet && creator.duet_disabled, 'The account has switched duets off in the TikTok app. Switch them on there, or leave this off.');
	refuse('allow_stitch', !photos && settings.allow_stitch && creator.stitch_disabled, 'The account has switched stitches off in the TikTok app. Switch them on there, or leave this off.');
	return problems;
}

/** Only the user of the app can say these things of a draft: what was chosen would be lost without a word. */
function draftProblems(settings: TikTokSettings): PostProblem[] {
	const lost = (['paid_partnership', 'own_brand', 'ai_generated'] as const).filter((name) => settings[name]);
	return lost.map((name) => ({ field: `settings.${name}`, message: 'A draft cannot be marked: its user does that in the TikTok app. Leave this off, or post it directly.' }));
}

function photoProblems(post: Post, settings: TikTokSettings): PostProblem[] {
	if (!isPhotos(post)) return [];
	const problems: PostProblem[] = [];
	if (settings.ai_generated && settings.mode === 'direct') {
		problems.push({ field: 'settings.ai_generated', message: 'TikTok has no mark for AI on photos that are posted through its API. Post them in the app, or leave this off.' });
	}
	if (settings.cover_photo > post.media.length) problems.push({ field: 'settings.cover_photo', message: `There are ${post.media.length} photos; the cover must be one of them.` });
	return problems;
}

/** `post_info` of a video, platforms.md 3.2. */
export function videoInfo(post: Post, settings: TikTokSettings) {
	return {
		title: post.text,
		privacy_level: PRIVACY[privacyOf(post, settings) ?? 'only_me'],
		disable_comment: !settings.allow_comments,
		disable_duet: !settings.allow_duet,
		disable_stitch: !settings.allow_stitch,
		...(post.coverSeconds === null ? {} : { video_cover_timestamp_ms: Math.round(post.coverSeconds * 1000) }),
		brand_content_toggle: settings.paid_partnership,
		brand_organic_toggle: settings.own_brand,
		is_aigc: settings.ai_generated,
	};
}

/** The body of a post of photos, platforms.md 3.2. */
export function photoBody(post: Post, settings: TikTokSettings) {
	const direct = settings.mode === 'direct';
	return {
		media_type: 'PHOTO',
		post_mode: direct ? 'DIRECT_POST' : 'MEDIA_UPLOAD',
		post_info: {
			...(post.title === null ? {} : { title: post.title }),
			description: post.text,
			...(direct
				? {
						privacy_level: PRIVACY[privacyOf(post, settings) ?? 'only_me'],
						disable_comment: !settings.allow_comments,
						auto_add_music: settings.auto_add_music,
						brand_content_toggle: settings.paid_partnership,
						brand_organic_toggle: settings.own_brand,
					}
				: {}),
		},
		source_info: {
			source: 'PULL_FROM_URL',
			photo_images: post.media.flatMap(({ url }) => (url === null ? [] : [url])),
			photo_cover_index: settings.cover_photo - 1,
		},
	};
}

