import { z } from 'zod';
import { subtitleFields, SUBTITLE_SOURCES } from '../ai/subtitle-source.ts';
import { LONGEST_THREAD } from '../../social/fit-text.ts';
import type { Platform } from '../../social/platform.ts';

/** Parameters of a post, for the operations that make one and those that only check it. */

export const fileReference = {
	file: z.string().min(1).max(200).optional().describe('Name of a file that a job made, e.g. `compressed.mp4`; `original` for the original.'),
	job_id: z.uuid().optional().describe('The job that made it. With `file` absent: its first file. Both absent: the original.'),
};

const mediaSchema = z.strictObject({ ...fileReference, alt_text: z.string().max(5000).optional().describe('Description for people who cannot see it.') });

const trackSchema = z.strictObject({
	...subtitleFields,
	label: z.string().min(1).max(150).optional().describe('Name of the track in the list of the player. Default: the language.'),
});

/** Beside the first post. */
export const MAX_THREAD = LONGEST_THREAD - 1;
const MAX_TRACKS = 20;

export const ON_PROBLEM = ['fail', 'fix', 'skip'] as const;

/** `platform`, as every operation on posts has it. */
export const platformField = (platforms: readonly Platform[]) => {
	const names = platforms.map((platform) => platform.name);
	return z.enum(names as [string, ...string[]]).describe(`Which platform: ${names.join(', ')}.`);
};

export function createPostParams(platforms: readonly Platform[]) {
	const own = platforms.filter((platform) => Object.keys(settingNames(platform)).length > 0);
	return z.strictObject({
		platform: platformField(platforms),
		text: z.string().max(100_000).default('').describe('Text of the post.'),
		title: z.string().min(1).max(1000).optional().describe('Headline, where posts have one (YouTube, Pinterest, LinkedIn, Facebook).'),
		tags: z.array(z.string().min(1).max(200)).max(100).optional().describe('Search words beside the text, without `#` (YouTube).'),
		link: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }).max(2048).optional().describe('What the post links to: a link card, or the destination of a pin. Links in the text stay there.'),
		media: z.array(mediaSchema).max(35).optional().describe("Files of the asset to attach. Absent: the asset's most useful file, if there is an asset. Empty: none."),
		cover: z.strictObject(fileReference).optional().describe('Picture of the asset that is shown before the video plays, where the platform takes one.'),
		cover_seconds: z.number().min(0).max(86_400).optional().describe('Moment of the video that is shown before it plays, seconds, where the platform takes one.'),
		subtitles: z.array(trackSchema).max(MAX_TRACKS).optional().describe("Tracks of subtitles, where the platform takes them. `[{}]`: the asset's own, from its transcript."),
		thread: z.array(z.string().min(1).max(10_000)).max(MAX_THREAD).optional().describe('Further posts that answer the first one and each other, where the platform has threads.'),
		first_comment: z.string().min(1).max(10_000).optional().describe('A comment under the post by the same account, e.g. for links or hashtags.'),
		visibility: z.enum(['public', 'unlisted', 'private', 'direct']).optional().describe('Who sees it, where the platform has a choice.'),
		language: z.string().regex(/^[a-z]{2,3}$/, 'must be an ISO 639 code such as `en`').optional().describe('Language of the text, ISO 639. Ignored where the platform has no such field.'),
		sensitive: z.boolean().optional().describe('Hides the media behind a warning.'),
		spoiler_text: z.string().min(1).max(5000).optional().describe('Content warning that is shown in place of the text.'),
		scheduled_at: z.iso.datetime({ offset: true }).optional().describe('When the platform is to publish it, where it can. ISO 8601 with time zone.'),
		settings: z
			.record(z.string(), z.unknown())
			.optional()
			.describe(`What only this platform has. ${own.map((platform) => `${platform.name}: ${Object.keys(settingNames(platform)).map((name) => `\`${name}\``).join(', ')}`).join('; ')}. See docs/platforms.`),
		on_problem: z
			.enum(ON_PROBLEM)
			.default('fail')
			.describe('What happens when the post does not fit the platform. fail: the job fails, nothing is uploaded. fix: the text is shortened or split into a thread, media are made to fit. skip: the job ends well with status `skipped`. Default fail.'),
		long_text: z.enum(['shorten', 'thread']).default('shorten').describe('How `fix` treats a text that is too long. thread: where the platform has threads. Default shorten.'),
		experiment: z
			.strictObject({
				name: z.string().min(1).max(200).describe('The same for all posts that are compared with each other.'),
				variant: z.string().min(1).max(100).describe('Which one this is: `a`, `b` …'),
			})
			.optional()
			.describe('Makes the post part of a comparison (compare_variants).'),
		idempotency_key: z
			.string()
			.min(1)
			.max(200)
			.optional()
			.describe('Your own name of this post: however often text, media and key come together, there is one post. One key per account. Default: the job.'),
	});
}
export type PostParams = z.infer<ReturnType<typeof createPostParams>>;

/** Operations whose results a post uses: the asset's own subtitles. */
export const subtitleSources = ({ subtitles = [] }: PostParams): readonly string[] => (subtitles.some((track) => track.subtitles === undefined) ? SUBTITLE_SOURCES : []);

const settingNames = ({ settings }: Platform): Record<string, unknown> => (settings instanceof z.ZodObject ? (settings.shape as Record<string, unknown>) : {});
