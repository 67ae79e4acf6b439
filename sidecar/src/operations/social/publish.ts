import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import type { MediaFacts } from '../../media/facts.ts';
import type { Credentials, Platform, Post, PostMedia } from '../../social/platform.ts';
import { publishPost, type PublishDependencies, type PublishedPost } from '../../social/publish.ts';
import type { TaskContext, TaskOperation } from '../operation.ts';

/**
 * Which file of the asset. `useful`: the file that suits a post best (the newest video that a job made of a video, of an image the
 * newest image, else the original). `named`: the file `file` made by job `jobId`; without `file` the job's first
 * file, without `jobId` the newest of that name of any job; with neither (or file `original`) the original.
 */
export type MediaReference = { kind: 'useful' } | { kind: 'named'; file: string | null; jobId: string | null };

/** A file of the asset as a local path that stays readable while the operation runs. */
export interface ResolvedMedia {
	path: string;
	mime: string;
	bytes: number;
	facts: MediaFacts;
	/** SHA-256 of the bytes, hex, where it is known already. */
	sha256?: string;
}

/**
 * Finds a file of the asset, and copies it to `context.workDir` where the storage is not a local disk. Throws `not_found`
 * naming the reference and the files there are, also when the job belongs to another asset or workspace.
 */
export type ResolveMedia = (
	context: Pick<TaskContext, 'workspaceId' | 'workDir' | 'signal'> & { assetId: string },
	reference: MediaReference,
) => Promise<ResolvedMedia>;

export interface PublishOptions {
	/** By name. */
	platforms: readonly Platform[];
	publish: PublishDependencies;
	resolveMedia: ResolveMedia;
	/** Throws where nothing may be posted of an asset, not even words. Asked at the beginning, and before each publishing call. */
	refusePublishing(asset: { assetId: string; workspaceId: string }): Promise<void>;
}

const mediaSchema = z.strictObject({
	file: z.string().min(1).max(200).optional().describe('Name of a file that a job made, e.g. `compressed.mp4`; `original` for the original.'),
	job_id: z.uuid().optional().describe('The job that made it. With `file` absent: its first file. Both absent: the original.'),
	alt_text: z.string().max(5000).optional().describe('Description for people who cannot see it.'),
});

/** Uploads hardly get faster than this; what the platform does with it takes a while, too. */
const UPLOAD_BYTES_PER_SECOND = 2_000_000;
const PROCESSING_SECONDS = 15;

/** `publish`: one post on one platform, at most once. */
export function createPublish({ platforms, publish, resolveMedia, refusePublishing }: PublishOptions) {
	const names = platforms.map((platform) => platform.name);
	const params = z.strictObject({
		platform: z.enum(names as [string, ...string[]]).describe(`Where to post: ${names.join(', ')}.`),
		text: z.string().max(100_000).default('').describe('Text of the post. Too long for the platform: refused before anything is uploaded.'),
		media: z.array(mediaSchema).max(20).optional().describe("Files of the asset to attach. Absent: the asset's most useful file, if there is an asset. Empty: none."),
		visibility: z.enum(['public', 'unlisted', 'private', 'direct']).optional().describe('Who sees it, where the platform has a choice.'),
		language: z.string().regex(/^[a-z]{2,3}$/, 'must be an ISO 639 code such as `en`').optional().describe('Language of the text, ISO 639. Ignored where the platform has no such field.'),
		sensitive: z.boolean().optional().describe('Hides the media behind a warning.'),
		spoiler_text: z.string().min(1).max(5000).optional().describe('Content warning that is shown in place of the text.'),
		scheduled_at: z.iso.datetime({ offset: true }).optional().describe('When the platform is to publish it, where it can. ISO 8601 with time zone.'),
		idempotency_key: z
			.string()
			.min(1)
			.max(200)
			.optional()
			.describe('Your own name of this post: however often text, media and key come together, there is one post. One key per account. Default: the job.'),
	});
	type Params = z.infer<typeof params>;

	async function attach(context: TaskContext, { media }: Params): Promise<PostMedia[]> {
		const { assetId, workspaceId, workDir, signal } = context;
		if (assetId === null) {
			if (!media || media.length === 0) return [];
			throw new PipelineError('invalid_request', 'params.media names files, but there is no asset: give asset_id (or file_url), or leave media out.', {
				details: { field: 'params.media' },
			});
		}
		const wanted = media?.map(({ file, job_id: jobId, alt_text: altText }) => ({ reference: named(file, jobId), altText })) ?? [
			{ reference: { kind: 'useful' } as const, altText: undefined },
		];
		const attached: PostMedia[] = [];
		for (const { reference, altText } of wanted) {
			const { path, mime, bytes, facts, sha256 } = await resolveMedia({ assetId, workspaceId, workDir, signal }, reference);
			attached.push({ path, mime, bytes, facts, sha256: sha256 ?? (await hashOf(path, signal)), altText: altText?.trim() || null, url: null });
		}
		return attached;
	}

	const operation: TaskOperation<Params> = {
		kind: 'task',
		name: 'publish',
		version: 1,
		summary: 'Publishes a post with text and media on a social platform, at most once.',
		// A post waits until a scan that is under way has let its media pass.
		buildsOn: ['safety_scan'],
		accepts: 'none',
		params,
		produces:
			'`platform`, `status`, `external_post_id`, `permalink`, `post`.',
		example: { platform: names[0], text: 'Hello from the pipeline' },
		estimateSeconds: (facts) => PROCESSING_SECONDS + (facts ? facts.bytes / UPLOAD_BYTES_PER_SECOND : 0),
		async run(context, given) {
			const platform = platforms.find((known) => known.name === given.platform)!;
			const credentials = readCredentials(context.secrets, platform);
			const { assetId, workspaceId } = context;
			const confirm = async (): Promise<void> => (assetId === null ? undefined : refusePublishing({ assetId, workspaceId }));
			// What may be out already is looked up, whatever has been found since: somebody has to know of it to take it down.
			if (!(await publish.ledger.mayBeOut(context.jobId))) await confirm();
			const media = await context.step('prepare', () => attach(context, given));
			const post: Post = {
				text: given.text,
				media,
				title: null,
				tags: [],
				link: null,
				cover: null,
				coverSeconds: null,
				subtitles: [],
				replyTo: null,
				visibility: given.visibility ?? null,
				language: given.language ?? null,
				sensitive: given.sensitive ?? false,
				spoilerText: given.spoiler_text ?? null,
				scheduledAt: given.scheduled_at ? new Date(given.scheduled_at) : null,
			};
			const row = await context.step('publish', () =>
				publishPost(publish, {
					platform,
					post,
					credentials,
					workspaceId,
					assetId,
					jobId: context.jobId,
					idempotencyKey: given.idempotency_key ?? null,
					confirm,
					signal: context.signal,
					log: context.log,
					// The rest is what the platform does after the upload.
					progress: (percent) => context.progress(Math.round(percent * 0.8)),
				}),
			);
			return { output: outputOf(row), cost: { posts: 1 } };
		},
	};
	return operation;
}

function named(file: string | undefined, jobId: string | undefined): MediaReference {
	return { kind: 'named', file: file === undefined || file === 'original' ? null : file, jobId: jobId ?? null };
}

/** Tokens for the account; `base_url` becomes the origin, so that `https://Host/` and `https://host` are one. */
function readCredentials(secrets: Record<string, string>, platform: Platform): Credentials {
	const accessToken = secrets['access_token']?.trim();
	if (!accessToken) {
		throw new PipelineError('needs_reauth', `secrets.access_token is missing: publishing on ${platform.title} needs the token of an account. Connect the account in n8n and run it again.`);
	}
	if (!platform.needsBaseUrl) return { accessToken, baseUrl: null, extra: {} };
	const given = secrets['base_url']?.trim() ?? '';
	const url = URL.canParse(given) ? new URL(given) : null;
	if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
		throw new PipelineError('invalid_request', `secrets.base_url must be the address of the account's ${platform.title} server, e.g. https://mastodon.social.`, {
			details: { field: 'secrets.base_url' },
		});
	}
	return { accessToken, baseUrl: url.origin, extra: {} };
}

async function hashOf(path: string, signal: AbortSignal): Promise<string> {
	const hash = createHash('sha256');
	for await (const chunk of createReadStream(path, { signal }) as AsyncIterable<Buffer>) hash.update(chunk);
	return hash.digest('hex');
}

function outputOf(row: PublishedPost) {
	const { platform, status, externalPostId: external_post_id, permalink } = row;
	const scheduled = row.scheduledFor ? { scheduled_at: row.scheduledFor.toISOString() } : {};
	return { post: { id: row.id, platform, status, external_post_id, permalink, text: row.text, ...scheduled }, platform, status, external_post_id, permalink };
}
