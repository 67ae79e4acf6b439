import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { limitProblems } from '../media/platform-check.ts';
import { MASTODON_DEFAULTS, type MediaLimits } from '../media/platform-limits.ts';
import type { TypedAnswer, TypedRequest } from './call.ts';
import { HttpFailure } from './outcome.ts';
import type { AccountRun, Limits, Post, PostProblem } from './platform.ts';
import { countFediverse } from './text.ts';

/** A call to the server of the account. */
export type MastodonSend = <T>(run: AccountRun, call: Omit<TypedRequest<T>, 'url' | 'token'> & { path: string; token?: null }) => Promise<TypedAnswer<T>>;

const SCHEDULE_LEAD_SECONDS = 5 * 60;

const number = (fallback: number) => z.number().catch(fallback);
/** Of v2 and of v1; forks leave things out. Fallbacks: platforms.md 10.2 and 10.3. */
const instanceAnswer = z.object({
	version: z.string().catch(''),
	max_toot_chars: z.number().optional().catch(undefined),
	configuration: z
		.object({
			statuses: z
				.object({ max_characters: z.number().optional().catch(undefined), max_media_attachments: number(MASTODON_DEFAULTS.attachments), characters_reserved_per_url: number(23) })
				.catch({ max_characters: undefined, max_media_attachments: MASTODON_DEFAULTS.attachments, characters_reserved_per_url: 23 }),
			media_attachments: z
				.object({
					supported_mime_types: z.array(z.string()).catch([]),
					image_size_limit: number(MASTODON_DEFAULTS.imageBytes),
					image_matrix_limit: number(MASTODON_DEFAULTS.imagePixels),
					video_size_limit: number(MASTODON_DEFAULTS.videoBytes),
					video_matrix_limit: number(MASTODON_DEFAULTS.videoPixels),
					video_frame_rate_limit: number(MASTODON_DEFAULTS.videoFrameRate),
					description_limit: number(1500),
				})
				.optional()
				.catch(undefined),
		})
		.optional()
		.catch(undefined),
});
type Instance = z.infer<typeof instanceAnswer>;

const DEFAULT_MIMES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'video/mp4', 'video/webm', 'video/quicktime', 'audio/mpeg', 'audio/ogg', 'audio/wav', 'audio/flac', 'audio/mp4'];

/** What the server says of itself (platforms.md 10.1). */
export async function readInstance(send: MastodonSend, run: AccountRun): Promise<Instance> {
	const read = async (path: string) =>
		(await send(run, { action: 'read the limits of the server', effect: 'read', method: 'GET', path, token: null, schema: instanceAnswer })).data;
	try {
		return await read('/api/v2/instance').catch((error: unknown) => {
			if (error instanceof HttpFailure && error.status === 404) return read('/api/v1/instance');
			throw error;
		});
	} catch (error) {
		if (!(error instanceof HttpFailure && error.status === 404)) throw error;
		throw new PipelineError('invalid_request', `${run.credentials.baseUrl} is not a Mastodon server. secrets.base_url must be its address, e.g. https://mastodon.social.`);
	}
}

export function limitsOf(instance: Instance): Limits {
	const statuses = instance.configuration?.statuses;
	const media = instance.configuration?.media_attachments;
	const perUrl = statuses?.characters_reserved_per_url ?? 23;
	const mimes = media && media.supported_mime_types.length > 0 ? media.supported_mime_types : DEFAULT_MIMES;
	const image: MediaLimits = {
		count: statuses?.max_media_attachments ?? MASTODON_DEFAULTS.attachments,
		mimes,
		maxBytes: media?.image_size_limit ?? MASTODON_DEFAULTS.imageBytes,
		maxPixels: media?.image_matrix_limit ?? MASTODON_DEFAULTS.imagePixels,
	};
	const maxBytes = media?.video_size_limit ?? MASTODON_DEFAULTS.videoBytes;
	return {
		text: {
			max: statuses?.max_characters ?? instance.max_toot_chars ?? 500,
			unit: `characters (a link counts ${perUrl})`,
			count: (post) => countFediverse(post.text, perUrl) + countFediverse(post.spoilerText ?? '', perUrl),
		},
		maxAltText: media?.description_limit ?? 1500,
		media: {
			image,
			gif: { ...image, count: 1 },
			video: { count: 1, mimes, maxBytes, maxPixels: media?.video_matrix_limit ?? MASTODON_DEFAULTS.videoPixels, maxFrameRate: media?.video_frame_rate_limit ?? MASTODON_DEFAULTS.videoFrameRate },
			audio: { count: 1, mimes, maxBytes },
		},
		videoPreset: 'mastodon',
		options: {
			visibility: ['public', 'unlisted', 'private', 'direct'],
			sensitive: true,
			spoilerText: true,
			scheduleLeadSeconds: SCHEDULE_LEAD_SECONDS,
			cover: true,
			replies: 'thread',
		},
	};
}

/**
 * Whether the server is Mastodon itself, whose keys and media prove what has been posted (platforms.md 10.1, 10.3). Others tell it in their
 * version: `2.7.2 (compatible; Pleroma 2.9.0)`, `0.17.3` (GoToSocial).
 */
export const isMastodon = ({ version }: Pick<Instance, 'version'>): boolean => /^[1-9]\d*\.\d+\.\d+/.test(version) && !version.includes('(');

/** A cover goes with a video, as a picture that the server takes. */
export function coverProblems({ cover, media }: Post, instance: Instance): PostProblem[] {
	if (!cover) return [];
	if (media.every(({ facts }) => facts.fileType !== 'video')) return [{ field: 'cover', message: 'Only a video has a cover on Mastodon. Leave it out.' }];
	const { image } = limitsOf(instance).media;
	if (!image) return [];
	const limits = { ...image, mimes: image.mimes.filter((mime) => mime.startsWith('image/')) };
	return limitProblems({ ...cover.facts, mime: cover.mime, bytes: cover.bytes }, limits).map(({ message }) => ({ field: 'cover', message: `Mastodon: ${message}` }));
}
