import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import type { LinkedInApi } from './api.ts';
import { HttpFailure } from '../outcome.ts';
import type { CheckResult, PlatformRun, Post, PostMedia } from '../platform.ts';
import { kindOf } from '../validate.ts';

/** An address that runs out sooner is asked for again. */
const EXPIRY_MARGIN_MS = 5 * 60_000;
/** Where LinkedIn names no end (the schema says it always does). */
const DEFAULT_LIFE_MS = 3_600_000;
/** Images cannot be asked about with `w_member_social` alone: a few seconds are waited instead (platforms.md 2.3). */
const IMAGE_SECONDS = 3;
/** platforms.md 2.3: every 5 s; sooner at first, as short videos are ready sooner. */
const POLL_SECONDS = [1, 2];
const LATER_POLL_SECONDS = 5;

const imageSchema = z.object({
	kind: z.literal('image'),
	urn: z.string(),
	url: z.string(),
	expiresAt: z.number(),
	/** Not to be used before, milliseconds since 1970. Null: its bytes are not there. */
	readyAt: z.number().nullable(),
});
const videoSchema = z.object({
	kind: z.literal('video'),
	urn: z.string(),
	token: z.string(),
	expiresAt: z.number(),
	/** Each part has an address of its own; `etag`: LinkedIn has it. */
	parts: z.array(z.object({ url: z.string(), first: z.number(), last: z.number(), etag: z.string().nullable() })),
	/** Addresses of what is still to be sent. */
	captionsUrl: z.string().nullable(),
	thumbnailUrl: z.string().nullable(),
	/** What LinkedIn was asked to take and gave no address for. */
	untaken: z.array(z.string()).default([]),
	finalized: z.boolean(),
	ready: z.boolean(),
	/** Looks at whether it is ready. */
	polls: z.number(),
});
export const uploadSchema = z.discriminatedUnion('kind', [imageSchema, videoSchema]);
export type Upload = z.infer<typeof uploadSchema>;
type Video = z.infer<typeof videoSchema>;
type Image = z.infer<typeof imageSchema>;

const imageAnswer = z.object({ value: z.object({ image: z.string(), uploadUrl: z.url(), uploadUrlExpiresAt: z.number().optional() }) });
const videoAnswer = z.object({
	value: z.object({
		video: z.string(),
		uploadToken: z.string().default(''),
		uploadUrlsExpireAt: z.number().optional(),
		uploadInstructions: z.array(z.object({ uploadUrl: z.url(), firstByte: z.number(), lastByte: z.number() })).min(1),
		captionsUploadUrl: z.url().optional(),
		thumbnailUploadUrl: z.url().optional(),
	}),
});
const statusAnswer = z.object({
	status: z.enum(['WAITING_UPLOAD', 'PROCESSING', 'AVAILABLE', 'PROCESSING_FAILED']),
	processingFailureReason: z.string().optional(),
});

/** The files of a post in the order of their uploads: its media, then the picture of its link. */
export const filesOf = (post: Post): PostMedia[] => [...post.media, ...(post.link !== null && post.cover ? [post.cover] : [])];

export interface UploadContext {
	api: LinkedInApi;
	run: PlatformRun;
	/** URN of the member or page. */
	owner: string;
	/** What a 403 means, for videos too. */
	denied: string;
	deniedVideo: string;
}

/** One file, from where `known` left it. */
export async function uploadOne(context: UploadContext, file: PostMedia, known: Upload | null, keep: (upload: Upload | null) => Promise<void>, part: (done: number) => void): Promise<void> {
	const { run } = context;
	const upload = (from: Upload | null) =>
		kindOf(file) === 'video' ? uploadVideo(context, file, from?.kind === 'video' ? from : null, keep, part) : uploadImage(context, file, from?.kind === 'image' ? from : null, keep);
	const usable = known && (isSent(known) || known.expiresAt > run.now().getTime() + EXPIRY_MARGIN_MS) ? known : null;
	try {
		await upload(usable);
	} catch (error) {
		if (!(error instanceof HttpFailure) || (usable && isSent(usable))) throw error;
		// The addresses have run out, or LinkedIn has forgotten what an earlier process began: once more from the start.
		const expired = error.platformCode === 'EXPIRED_UPLOAD_URL';
		const forgotten = usable !== null && [400, 403, 404].includes(error.status ?? 0);
		if (!expired && !forgotten) throw error;
		await keep(null);
		await upload(null);
	}
}

const isSent = (upload: Upload): boolean => (upload.kind === 'image' ? upload.readyAt !== null : upload.finalized);

async function uploadImage({ api, run, owner, denied }: UploadContext, file: PostMedia, known: Image | null, keep: (upload: Upload) => Promise<void>): Promise<void> {
	let upload = known;
	if (!upload) {
		const { data } = await api.rest(run, {
			action: 'begin the upload of a picture',
			effect: 'upload',
			method: 'POST',
			path: '/images?action=initializeUpload',
			schema: imageAnswer,
			body: { kind: 'json', value: { initializeUploadRequest: { owner } } },
			denied,
		});
		const { image: urn, uploadUrl: url, uploadUrlExpiresAt: expiresAt = run.now().getTime() + DEFAULT_LIFE_MS } = data.value;
		upload = { kind: 'image', urn, url, expiresAt, readyAt: null };
		await keep(upload);
	}
	if (upload.readyAt !== null) return;
	await api.put(run, { action: 'upload a picture', url: upload.url, body: { kind: 'file', path: file.path, start: 0, end: file.bytes, mime: file.mime } });
	await keep({ ...upload, readyAt: run.now().getTime() + IMAGE_SECONDS * 1000 });
}

async function uploadVideo(context: UploadContext, file: PostMedia, known: Video | null, keep: (upload: Upload) => Promise<void>, part: (done: number) => void): Promise<void> {
	const { api, run } = context;
	const { subtitles, cover } = run.post;
	let upload = known;
	if (!upload) {
		upload = await beginVideo(context, file);
		await keep(upload);
	}
	for (const [index, { url, first, last, etag }] of upload.parts.entries()) {
		if (etag !== null) continue;
		const action = `upload part ${index + 1} of ${upload.parts.length}`;
		const body = { kind: 'file', path: file.path, start: first, end: last + 1, mime: 'application/octet-stream' } as const;
		const { headers } = await api.put(run, { action, url, body });
		const given = headers.etag?.replace(/^W\//, '').replaceAll('"', '');
		if (!given) throw new HttpFailure({ action, decision: 'retry', status: null, detail: 'the answer has no ETag' });
		upload = { ...upload, parts: upload.parts.map((entry, at) => (at === index ? { ...entry, etag: given } : entry)) };
		await keep(upload);
		part((index + 1) / upload.parts.length);
	}
	if (upload.captionsUrl !== null && subtitles[0]) {
		await api.put(run, { action: 'upload the subtitles', url: upload.captionsUrl, body: { kind: 'bytes', content: Buffer.from(subtitles[0].srt), mime: 'application/octet-stream' } });
		upload = { ...upload, captionsUrl: null };
		await keep(upload);
	}
	if (upload.thumbnailUrl !== null && cover) {
		await api.put(run, { action: 'upload the cover picture', url: upload.thumbnailUrl, body: { kind: 'file', path: cover.path, start: 0, end: cover.bytes, mime: cover.mime } });
		upload = { ...upload, thumbnailUrl: null };
		await keep(upload);
	}
	if (upload.finalized) return;
	await finalize(context, upload);
	await keep({ ...upload, finalized: true });
}

async function beginVideo({ api, run, owner, deniedVideo }: UploadContext, file: PostMedia): Promise<Video> {
	const { subtitles, cover } = run.post;
	const { data } = await api.rest(run, {
		action: 'begin the upload of the video',
		effect: 'upload',
		method: 'POST',
		path: '/videos?action=initializeUpload',
		schema: videoAnswer,
		body: {
			kind: 'json',
			value: { initializeUploadRequest: { owner, fileSizeBytes: file.bytes, uploadCaptions: subtitles.length > 0, uploadThumbnail: cover !== null } },
		},
		denied: deniedVideo,
	});
	const { video: urn, uploadToken: token, uploadInstructions, captionsUploadUrl, thumbnailUploadUrl, uploadUrlsExpireAt } = data.value;
	return {
		kind: 'video',
		urn,
		token,
		expiresAt: uploadUrlsExpireAt ?? run.now().getTime() + DEFAULT_LIFE_MS,
		parts: uploadInstructions.map(({ uploadUrl: url, firstByte: first, lastByte: last }) => ({ url, first, last, etag: null })),
		captionsUrl: captionsUploadUrl ?? null,
		thumbnailUrl: thumbnailUploadUrl ?? null,
		untaken: [...(subtitles.length > 0 && !captionsUploadUrl ? ['subtitles'] : []), ...(cover && !thumbnailUploadUrl ? ['cover picture'] : [])],
		finalized: false,
		ready: false,
		polls: 0,
	};
}

async function finalize(context: UploadContext, { urn, token, parts }: Video): Promise<void> {
	const { api, run, deniedVideo } = context;
	try {
		await api.rest(run, {
			action: 'finish the upload',
			effect: 'upload',
			method: 'POST',
			path: '/videos?action=finalizeUpload',
			schema: z.unknown(),
			// The token is echoed as it came, an empty one too (platforms.md 2.3).
			body: { kind: 'json', value: { finalizeUploadRequest: { video: urn, uploadToken: token, uploadedPartIds: parts.map((part) => part.etag) } } },
			denied: deniedVideo,
		});
	} catch (error) {
		// An earlier call may have done it, whose answer was lost.
		if (!(error instanceof HttpFailure) || error.status !== 400) throw error;
		if ((await videoStatus(context, urn)).status === 'WAITING_UPLOAD') throw error;
	}
}

async function videoStatus({ api, run, deniedVideo }: Pick<UploadContext, 'api' | 'run' | 'deniedVideo'>, urn: string): Promise<z.infer<typeof statusAnswer>> {
	const path = `/videos/${encodeURIComponent(urn)}`;
	return (await api.rest(run, { action: 'ask whether the video is ready', effect: 'read', method: 'GET', path, schema: statusAnswer, denied: deniedVideo })).data;
}

/** One look at all uploads; `keep` makes known what is ready. */
export async function checkUploads(
	context: Pick<UploadContext, 'api' | 'run' | 'deniedVideo'>,
	uploads: readonly (Upload | null)[],
	keep: (index: number, upload: Upload) => Promise<void>,
): Promise<CheckResult> {
	const now = context.run.now().getTime();
	for (const [index, upload] of uploads.entries()) {
		if (upload?.kind === 'image' && upload.readyAt !== null && upload.readyAt > now) return { state: 'waiting', afterSeconds: (upload.readyAt - now) / 1000 };
		if (upload?.kind !== 'video' || upload.ready) continue;
		let answer: z.infer<typeof statusAnswer>;
		try {
			answer = await videoStatus(context, upload.urn);
		} catch (error) {
			if (error instanceof HttpFailure && error.status === 404) return { state: 'restart', reason: 'the video is not known any more' };
			throw error;
		}
		if (answer.status === 'PROCESSING_FAILED') {
			const reason = answer.processingFailureReason ?? 'no reason given';
			throw new PipelineError('post_rejected', `LinkedIn could not process the video: ${reason}. Nothing was posted. Make it anew with Platform Preset, LinkedIn.`, {
				details: { platform_code: answer.status },
			});
		}
		if (answer.status !== 'AVAILABLE') {
			await keep(index, { ...upload, polls: upload.polls + 1 });
			return { state: 'waiting', afterSeconds: POLL_SECONDS[upload.polls] ?? LATER_POLL_SECONDS };
		}
		await keep(index, { ...upload, ready: true });
	}
	return { state: 'ready' };
}

/** What readers will not find with the post, though it was given. */
export const untakenOf = (uploads: readonly (Upload | null)[]): string[] => uploads.flatMap((upload) => (upload?.kind === 'video' ? upload.untaken : []));

/** Pictures that LinkedIn has not got ready are given some seconds more. */
export const notYet = (uploads: readonly (Upload | null)[], now: Date): (Upload | null)[] =>
	uploads.map((upload) => (upload?.kind === 'image' ? { ...upload, readyAt: now.getTime() + 2 * IMAGE_SECONDS * 1000 } : upload));
