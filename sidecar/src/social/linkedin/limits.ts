import { z } from 'zod';
import { LINKEDIN_GIF, LINKEDIN_IMAGE, VIDEO_PLATFORMS } from '../../media/platform-limits.ts';
import type { Limits, PlatformRun, Post, PostProblem } from '../platform.ts';
import { kindOf } from '../validate.ts';

/** platforms.md 2.5 */
const MAX_TEXT = 3000;
/** From help pages (unconfirmed). */
const MAX_COMMENT = 1250;
/** No documented limit was found for titles and descriptions: what fits on a card. */
const MAX_TITLE = 400;
const MAX_DESCRIPTION = 4000;

/** LinkedIn's own options. */
export const settingsSchema = z.strictObject({
	organization: z
		.string()
		.regex(/^(urn:li:organization:)?\d+$/, 'must be the number of a page, such as 2414183, or urn:li:organization:2414183')
		.transform((given) => `urn:li:organization:${given.replace(/^urn:li:organization:/, '')}`)
		.optional()
		.describe('Page that posts: its number, as the address of its admin view shows it, or `urn:li:organization:…`. Absent: the member whose token it is.'),
	link_description: z.string().max(MAX_DESCRIPTION).optional().describe('Text below the title on the card of `link`. LinkedIn does not read the page itself.'),
	disable_reshare: z.boolean().optional().describe('Readers cannot repost it.'),
});

/** platforms.md 2.4 to 2.6 */
export function limitsOf(run: Pick<PlatformRun, 'post' | 'settings'>): Limits {
	const { post } = run;
	const isComment = post.replyTo !== null;
	const hasVideo = post.media.some((media) => kindOf(media) === 'video');
	const isPage = settingsSchema.parse(run.settings).organization !== undefined;
	const titled = !isComment && (hasVideo || post.link !== null);
	return {
		text: { max: isComment ? MAX_COMMENT : MAX_TEXT, unit: 'characters', count: ({ text }) => text.length },
		...(titled ? { title: { max: MAX_TITLE, unit: 'characters', count: (title: string) => title.length, required: post.link !== null } } : {}),
		// Of pictures only; a video has none.
		maxAltText: hasVideo ? 0 : 4086,
		media: isComment ? {} : { image: LINKEDIN_IMAGE, gif: LINKEDIN_GIF, video: VIDEO_PLATFORMS.linkedin.video },
		videoPreset: 'linkedin',
		problems: isComment ? [] : problemsOf(post, hasVideo),
		options: {
			// A page has no connections.
			visibility: isPage ? ['public'] : ['public', 'private'],
			sensitive: false,
			spoilerText: false,
			scheduleLeadSeconds: null,
			link: !isComment,
			cover: !isComment,
			subtitles: isComment ? 0 : 1,
			replies: 'comments',
		},
	};
}

function problemsOf(post: Post, hasVideo: boolean): PostProblem[] {
	const problems: PostProblem[] = [];
	const refuse = (field: string, wrong: boolean, message: string): void => void (wrong && problems.push({ field, message }));
	refuse('link', post.link !== null && post.media.length > 0, 'LinkedIn shows either media or the card of a link. Put the link into the text, or leave the media out.');
	refuse('cover', post.cover !== null && !hasVideo && post.link === null, 'LinkedIn shows a cover picture only with a video or a link. Leave it out.');
	refuse('cover', post.cover !== null && !['image/jpeg', 'image/png'].includes(post.cover.mime), 'A cover picture for LinkedIn is JPEG or PNG. Convert it.');
	refuse('subtitles', post.subtitles.length > 0 && !hasVideo, 'Subtitles go with a video. Leave them out.');
	refuse(
		'subtitles',
		post.subtitles.some(({ language }) => !/^en\b/i.test(language)),
		'LinkedIn takes English subtitles only. Burn others into the picture (Burn Subtitles).',
	);
	return problems;
}
