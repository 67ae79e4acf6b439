import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { toSrt } from '../../ai/subtitles/srt.ts';
import { toVtt } from '../../ai/subtitles/vtt.ts';
import { PipelineError } from '../../errors.ts';
import type { MediaFacts } from '../../media/facts.ts';
import { trackTitle } from '../../media/track-languages.ts';
import type { Post, PostMedia, PostSubtitles, ReplyTo } from '../../social/platform.ts';
import { readCues } from '../ai/subtitle-source.ts';
import type { TaskContext } from '../operation.ts';
import type { PostParams } from './post-params.ts';

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
	/** Signed link to it, for platforms that fetch it themselves. */
	url: string | null;
}

/**
 * Finds a file of the asset, and copies it to `context.workDir` where the storage is not a local disk. Throws `not_found`
 * naming the reference and the files there are, also when the job belongs to another asset or workspace.
 */
export type ResolveMedia = (
	context: Pick<TaskContext, 'workspaceId' | 'workDir' | 'signal'> & { assetId: string },
	reference: MediaReference,
) => Promise<ResolvedMedia>;

/** The post as it was asked for, with its files at hand. */
export async function assemble(context: TaskContext, given: PostParams, resolveMedia: ResolveMedia): Promise<Post> {
	return {
		text: given.text,
		media: await attach(context, given, resolveMedia),
		title: given.title?.trim() || null,
		tags: given.tags ?? [],
		link: given.link ?? null,
		cover: given.cover ? await resolve(context, named(given.cover), null, resolveMedia) : null,
		coverSeconds: given.cover_seconds ?? null,
		subtitles: await readTracks(context, given),
		replyTo: null,
		visibility: given.visibility ?? null,
		language: given.language ?? null,
		sensitive: given.sensitive ?? false,
		spoilerText: given.spoiler_text ?? null,
		scheduledAt: given.scheduled_at ? new Date(given.scheduled_at) : null,
	};
}

/** A further post of a thread, or a comment: words only. It is as visible as the first one. */
export const following = (post: Post, text: string, replyTo: ReplyTo): Post => ({
	...post,
	text,
	replyTo,
	media: [],
	title: null,
	tags: [],
	link: null,
	cover: null,
	coverSeconds: null,
	subtitles: [],
	scheduledAt: null,
});

async function attach(context: TaskContext, { media }: PostParams, resolveMedia: ResolveMedia): Promise<PostMedia[]> {
	if (context.assetId === null) {
		if (!media || media.length === 0) return [];
		throw new PipelineError('invalid_request', 'params.media names files, but there is no asset: give asset_id (or file_url), or leave media out.', {
			details: { field: 'params.media' },
		});
	}
	if (!media) return [await resolve(context, { kind: 'useful' }, null, resolveMedia)];
	const attached: PostMedia[] = [];
	for (const one of media) attached.push(await resolve(context, named(one), one.alt_text?.trim() || null, resolveMedia));
	return attached;
}

async function resolve(context: TaskContext, reference: MediaReference, altText: string | null, resolveMedia: ResolveMedia): Promise<PostMedia> {
	const { assetId, workspaceId, workDir, signal } = context;
	if (assetId === null) throw new PipelineError('invalid_request', 'params.cover names a file, but there is no asset: give asset_id, or leave it out.', { details: { field: 'params.cover' } });
	const { path, mime, bytes, facts, sha256, url } = await resolveMedia({ assetId, workspaceId, workDir, signal }, reference);
	return { path, mime, bytes, facts, url, sha256: sha256 ?? (await hashOf(path, signal)), altText };
}

const named = ({ file, job_id: jobId }: { file?: string | undefined; job_id?: string | undefined }): MediaReference => ({
	kind: 'named',
	file: file === undefined || file === 'original' ? null : file,
	jobId: jobId ?? null,
});

async function readTracks(context: TaskContext, { subtitles = [] }: PostParams): Promise<PostSubtitles[]> {
	const tracks: PostSubtitles[] = [];
	for (const [index, { label, ...track }] of subtitles.entries()) {
		const { cues, language } = await readCues(context, track);
		if (language === '') {
			throw new PipelineError('invalid_request', `params.subtitles.${index}.language: the language of these subtitles is not known; give it, e.g. en.`, {
				details: { field: `params.subtitles.${index}.language` },
			});
		}
		tracks.push({ language, label: label ?? trackTitle(language), srt: toSrt(cues), vtt: toVtt(cues) });
	}
	return tracks;
}

export async function hashOf(path: string, signal: AbortSignal): Promise<string> {
	const hash = createHash('sha256');
	for await (const chunk of createReadStream(path, { signal }) as AsyncIterable<Buffer>) hash.update(chunk);
	return hash.digest('hex');
}
