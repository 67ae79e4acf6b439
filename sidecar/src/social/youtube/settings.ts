import { z } from 'zod';
import { VIDEO_PLATFORMS, YOUTUBE_THUMBNAIL } from '../../media/platform-limits.ts';
import { limitProblems } from '../../media/platform-check.ts';
import type { MediaFacts } from '../../media/facts.ts';
import type { Limits, Post, PostProblem } from '../platform.ts';
import { shorten } from '../shorten.ts';

/** platforms.md 4.3. */
export const youTubeSettings = z.strictObject({
	category_id: z.string().regex(/^\d{1,3}$/, 'must be the number of a category such as "22"').default('22').describe('Number of the category; 22 is People & Blogs.'),
	made_for_kids: z.boolean().optional().describe('Whether the video is made for kids, which the law of some countries asks for. Absent: as the channel is set.'),
	synthetic_media: z.boolean().optional().describe('Whether it shows realistic things that AI made or altered. Absent: not said.'),
	notify_subscribers: z.boolean().default(true).describe('Whether subscribers are told of the new video.'),
	embeddable: z.boolean().optional().describe('Whether other sites may show it.'),
	license: z.enum(['youtube', 'creativeCommon']).optional().describe("YouTube's standard licence, or Creative Commons."),
	public_stats: z.boolean().optional().describe('Whether everybody sees its statistics.'),
	audio_language: z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a language such as "en"').optional().describe('Language that is spoken.'),
	short: z.boolean().default(false).describe('Refuses a video that would not become a Short: longer than 3 minutes, or wider than high.'),
});
export type YouTubeSettings = z.infer<typeof youTubeSettings>;

/** platforms.md 4.5 */
const MAX_TITLE = 100;
const MAX_DESCRIPTION_BYTES = 5000;
const MAX_TAGS = 500;
/** platforms.md 4.5: longer ones need a verified account. */
export const UNVERIFIED_SECONDS = 15 * 60;
const SHORT_SECONDS = VIDEO_PLATFORMS.youtube_shorts.video.maxSeconds;
/** A time in the past publishes at once (platforms.md 4.3): own choice, so that the upload is complete before. */
const SCHEDULE_LEAD_SECONDS = 5 * 60;
/** Of a comment (unconfirmed: the API only says that a text can be too long). */
const MAX_COMMENT = 10_000;
/** Tracks of subtitles: every one costs 400 of the 10,000 units a day (platforms.md 4.6). */
const MAX_TRACKS = 10;
/** captions.insert refuses longer names as nameTooLong. */
export const MAX_TRACK_NAME = 150;

const codePoints = (text: string): number => [...text].length;

/** platforms.md 4.5: commas between tags count, and a tag with a blank counts two more, as if it were in quotes. */
export const lengthOfTags = (tags: readonly string[]): number =>
	tags.reduce((sum, tag) => sum + codePoints(tag) + (/\s/u.test(tag) ? 2 : 0), Math.max(0, tags.length - 1));

/** The title of a post; without one the first line of the text, shortened at a blank. Empty: there is neither. */
export function titleOf({ title, text }: Pick<Post, 'title' | 'text'>): string {
	if (title !== null) return title.trim();
	const line = text.split('\n').map((part) => part.trim()).find((part) => part !== '') ?? '';
	return line === '' ? '' : shorten(line, { limit: MAX_TITLE, measure: codePoints });
}

/** platforms.md 4.5: at most 3 minutes and not wider than high; nothing else makes a Short, and nothing can be said against it. */
export const isShort = ({ durationSeconds, video }: MediaFacts): boolean => video !== null && durationSeconds <= SHORT_SECONDS && video.width <= video.height;

const VISIBILITIES = ['public', 'unlisted', 'private'] as const;

const COMMENT_LIMITS: Limits = {
	text: { max: MAX_COMMENT, unit: 'characters', count: (post) => post.text.length },
	maxAltText: 0,
	media: {},
	// As visible as the video: nothing to choose.
	options: { visibility: VISIBILITIES, sensitive: false, spoilerText: false, scheduleLeadSeconds: null, replies: 'comments' },
};

/** `account`: what the channel does not allow. */
export function limitsOf(post: Post, settings: YouTubeSettings, account: PostProblem[]): Limits {
	if (post.replyTo) return { ...COMMENT_LIMITS, problems: commentProblems(post, settings) };
	return {
		text: { max: MAX_DESCRIPTION_BYTES, unit: 'bytes (letters with accents count 2, emoji 4 and more)', count: ({ text }) => Buffer.byteLength(text) },
		title: { max: MAX_TITLE, unit: 'characters', count: codePoints, required: false },
		maxAltText: 0,
		media: { video: settings.short ? VIDEO_PLATFORMS.youtube_shorts.video : VIDEO_PLATFORMS.youtube.video },
		needsMedia: true,
		videoPreset: settings.short ? 'youtube_shorts' : 'youtube',
		problems: [...account, ...problemsOf(post)],
		options: {
			visibility: VISIBILITIES,
			sensitive: false,
			spoilerText: false,
			scheduleLeadSeconds: SCHEDULE_LEAD_SECONDS,
			tags: true,
			cover: true,
			subtitles: MAX_TRACKS,
			replies: 'comments',
		},
	};
}

/** A comment has the visibility and the settings of its video: what cannot be made is found out before the video is up. */
function commentProblems(post: Post, settings: YouTubeSettings): PostProblem[] {
	const why = post.visibility === 'private' ? 'a private video' : settings.made_for_kids ? 'a video that is made for kids' : null;
	return why === null ? [] : [{ field: 'text', message: `YouTube takes no comments on ${why}. Leave the first comment out.` }];
}

function problemsOf(post: Post): PostProblem[] {
	const problems: PostProblem[] = [];
	const find = (field: string, wrong: boolean, message: string): void => void (wrong && problems.push({ field, message }));
	find('title', titleOf(post) === '', 'YouTube wants a title: give one, or a text whose first line can be the title.');
	find('title', post.title !== null && /[<>]/.test(post.title), 'YouTube takes no < and > in the title. Write it without them.');
	find('text', /[<>]/.test(post.text), 'YouTube takes no < and > in the description. Write it without them.');
	const length = lengthOfTags(post.tags);
	find('tags', length > MAX_TAGS, `The tags have ${length} characters together (commas between them count, and quotes around tags of several words); YouTube takes ${MAX_TAGS}. Leave some out.`);
	find('tags', post.tags.some((tag) => /[<>,]/.test(tag)), 'YouTube takes no <, > and commas within a tag.');
	find('visibility', post.scheduledAt !== null && post.visibility !== null && post.visibility !== 'public', 'A scheduled video becomes public on YouTube: leave the visibility out, or the time.');
	for (const [index, { language, label }] of post.subtitles.entries()) {
		const same = post.subtitles.findIndex((other) => other.language.toLowerCase() === language.toLowerCase() && other.label === label) < index;
		find(`subtitles[${index}]`, same, `YouTube takes one track of subtitles for each language and name; there are two of "${label}". Leave one out, or name it otherwise.`);
		find(`subtitles[${index}].label`, label.length > MAX_TRACK_NAME, `The name of a track of subtitles has ${label.length} characters; YouTube takes ${MAX_TRACK_NAME}.`);
	}
	if (post.cover) {
		const { mime, bytes, facts } = post.cover;
		for (const { message } of limitProblems({ ...facts, mime, bytes }, YOUTUBE_THUMBNAIL)) problems.push({ field: 'cover', message: `YouTube: ${message}` });
	}
	return problems;
}

/** The body of videos.insert, and the parts it has. */
export function resourceOf(post: Post, settings: YouTubeSettings): { parts: string; notify: boolean; resource: Record<string, object> } {
	const { category_id, made_for_kids, synthetic_media, embeddable, license, public_stats, audio_language, notify_subscribers } = settings;
	const scheduled = post.scheduledAt !== null;
	const resource = {
		snippet: withoutAbsent({
			title: titleOf(post),
			description: post.text,
			tags: post.tags.length > 0 ? post.tags : undefined,
			categoryId: category_id,
			defaultLanguage: post.language ?? undefined,
			defaultAudioLanguage: audio_language,
		}),
		status: withoutAbsent({
			privacyStatus: scheduled ? 'private' : (post.visibility ?? 'public'),
			publishAt: post.scheduledAt?.toISOString(),
			selfDeclaredMadeForKids: made_for_kids,
			containsSyntheticMedia: synthetic_media,
			embeddable,
			license,
			publicStatsViewable: public_stats,
		}),
	};
	return { parts: Object.keys(resource).join(','), notify: notify_subscribers, resource };
}

const withoutAbsent = (fields: Record<string, unknown>): object => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
