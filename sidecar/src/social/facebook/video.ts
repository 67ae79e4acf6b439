import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { backoffMs, throttleSeconds, TRIES } from '../call.ts';
import { facebookState, PUBLISH_TIMEOUT_SECONDS, type FacebookApi, type FacebookPage, type FormSteps, type Patience, type UploadedVideo } from './api.ts';
import { hasSubcode, isGone, PERMISSION_HINT, WRONG_OFFSET } from './errors.ts';
import { messageOf } from './form.ts';
import { usage } from '../graph.ts';
import { hintOfSubcode, judgeGraph, readGraphError } from '../graph/errors.ts';
import type { HttpRequest } from '../http.ts';
import { HttpFailure, isRecord } from '../outcome.ts';
import type { FinishResult, PlatformRun, PostMedia, ReconcileResult } from '../platform.ts';

const reelAnswer = z.object({ video_id: z.string(), upload_url: z.url() });
const offsets = { start_offset: z.coerce.number().int().min(0), end_offset: z.coerce.number().int() };
const sessionAnswer = z.object({ video_id: z.string(), upload_session_id: z.string(), ...offsets });
const offsetsAnswer = z.object(offsets);
const successAnswer = z.object({ success: z.literal(true) });
const problemSchema = z.object({ code: z.coerce.string().optional(), message: z.string().optional() });
const phaseSchema = z.object({ status: z.string().optional(), error: problemSchema.optional(), errors: z.array(problemSchema).optional() });
const videoAnswer = z.object({
	id: z.string(),
	permalink_url: z.string().optional(),
	status: z.object({
		video_status: z.string().optional(),
		// Facebook's spelling; the other one in case it is put right.
		uploading_phase: phaseSchema.extend({ bytes_transfered: z.coerce.number().optional(), bytes_transferred: z.coerce.number().optional() }).optional(),
		processing_phase: phaseSchema.optional(),
		publishing_phase: phaseSchema.extend({ publish_status: z.string().optional() }).optional(),
	}),
});
type VideoStatus = z.infer<typeof videoAnswer>;

/** Looks at a video of the Page. Also for posts that are out. */
export const readVideo = (api: FacebookApi, run: Parameters<FacebookApi['send']>[0], page: FacebookPage, id: string): Promise<VideoStatus> =>
	api.send(run, page, {
		action: 'ask for the state of the video',
		effect: 'read',
		method: 'GET',
		path: `/${encodeURIComponent(id)}`,
		values: { fields: 'id,status,permalink_url' },
		schema: videoAnswer,
	});

/** platforms.md 6.2: a video of which nothing can become any more. */
const LOST = ['error', 'expired', 'upload_failed'];

/** What a video's status says of its post. Null: nothing yet. */
export function outcomeOf(video: VideoStatus, link: (path: string) => string | null): Extract<ReconcileResult, { state: 'published' | 'scheduled' | 'rejected' }> | null {
	const { processing_phase: processing, publishing_phase: publishing } = video.status;
	const permalink = video.permalink_url === undefined ? null : link(video.permalink_url);
	const { publish_status: publish = publishing?.status === 'complete' ? 'published' : undefined } = publishing ?? {};
	if (publish === 'published') return { state: 'published', remoteId: video.id, permalink };
	if (publish === 'scheduled') return { state: 'scheduled', remoteId: video.id, permalink };
	const bad = [processing, publishing].find((phase) => phase?.status === 'error');
	if (!bad && publish !== 'error' && !LOST.includes(video.status.video_status ?? '')) return null;
	const { code, message } = bad?.error ?? bad?.errors?.[0] ?? {};
	const hint = code === undefined ? null : hintOfSubcode(Number(code));
	const reason = [message?.replace(/\.?$/, '.') ?? 'Facebook could not process the video, and names no reason.', hint].filter(Boolean).join(' ');
	return { state: 'rejected', reason, ...(code === undefined ? {} : { platformCode: code }) };
}

const isBusy = ({ status }: VideoStatus): boolean =>
	status.video_status === 'processing' || status.processing_phase?.status === 'in_progress' || status.publishing_phase?.status === 'in_progress';

/** Reels, video stories (platforms.md 6.2) and videos of the feed (6.3): a video has its number before it is public, and is one post for ever. */
export function createVideoForm(api: FacebookApi, form: 'reel' | 'video' | 'video_story', { settleSeconds, pollSeconds }: Patience): FormSteps {
	const edge = form === 'reel' ? 'video_reels' : form === 'video_story' ? 'video_stories' : 'videos';
	const host = form === 'video' ? 'video' : 'graph';
	// The phase stands in the address, everything else in the body: Graph takes parameters in both.
	const pathOf = (page: FacebookPage, phase: string) => `/${encodeURIComponent(page.id)}/${edge}?upload_phase=${phase}`;
	const keep = (run: PlatformRun, video: UploadedVideo | null) => run.save({ ...facebookState(run.state), video });

	async function begin(run: PlatformRun, page: FacebookPage, media: PostMedia): Promise<UploadedVideo> {
		const common = { action: 'begin the upload', effect: 'upload', method: 'POST', path: pathOf(page, 'start'), host } as const;
		const fresh = { url: null, session: null, offset: 0, end: 0, complete: false, acknowledged: false };
		let video: UploadedVideo;
		if (form === 'video') {
			const answer = await api.send(run, page, { ...common, schema: sessionAnswer, values: { file_size: media.bytes } });
			video = { ...fresh, id: answer.video_id, session: answer.upload_session_id, offset: answer.start_offset, end: answer.end_offset };
		} else {
			const answer = await api.send(run, page, { ...common, schema: reelAnswer });
			// The Page's token goes there: only to Facebook.
			if (new URL(answer.upload_url).origin !== new URL(api.hosts.upload).origin) {
				const [named, allowed] = [answer.upload_url, api.hosts.upload].map((url) => new URL(url).host);
				throw new PipelineError('platform_unavailable', `Facebook names ${named} for the upload, but META_UPLOAD_BASE_URL allows only ${allowed}.`);
			}
			video = { ...fresh, id: answer.video_id, url: answer.upload_url };
		}
		await keep(run, video);
		return video;
	}

	/** One request with all that is missing; after a break the status tells what has arrived. */
	async function sendRest(run: PlatformRun, page: FacebookPage, media: PostMedia, video: UploadedVideo, isNew: boolean): Promise<void> {
		let offset: number | null = isNew ? 0 : await arrived(run, page, video.id, media.bytes);
		for (let attempt = 1; offset !== null; attempt += 1) {
			run.signal.throwIfAborted();
			run.progress((offset / media.bytes) * 100);
			try {
				await api.http.send({
					action: 'upload the video',
					effect: 'upload',
					method: 'POST',
					url: video.url ?? '',
					token: page.token,
					scheme: 'OAuth',
					secrets: [run.credentials.accessToken],
					headers: { offset: String(offset), file_size: String(media.bytes) },
					body: { kind: 'file', path: media.path, start: offset, end: media.bytes, mime: 'application/octet-stream' },
					signal: run.signal,
					expects: (body) => successAnswer.safeParse(body).success,
					...judgeUpload(run),
				});
				return;
			} catch (error) {
				const again = error instanceof HttpFailure && (error.decision === 'retry' || error.decision === 'wait');
				const pauseMs = again && error.decision === 'wait' ? throttleSeconds(error, run.now()) * 1000 : backoffMs(attempt, run.random);
				if (!again || attempt === TRIES || pauseMs > run.maxWaitSeconds * 1000) throw error;
				run.log.info({ detail: error.detail, attempt }, 'the upload of a video broke off, going on behind what has arrived');
				await run.sleep(pauseMs);
				offset = await arrived(run, page, video.id, media.bytes);
			}
		}
	}

	/** Bytes that Facebook has; null: all of them. */
	async function arrived(run: PlatformRun, page: FacebookPage, id: string, size: number): Promise<number | null> {
		const { uploading_phase: phase } = (await readVideo(api, run, page, id)).status;
		if (phase?.status === 'complete') return null;
		const bytes = phase?.bytes_transfered ?? phase?.bytes_transferred ?? 0;
		if (Number.isInteger(bytes) && bytes >= 0 && bytes < size) return bytes;
		throw new PipelineError('platform_unavailable', `Facebook says that it has ${bytes} bytes of a video of ${size}, but not all of it. Nothing was posted.`);
	}

	/** Ranges as Facebook wants them. */
	async function sendRanges(run: PlatformRun, page: FacebookPage, media: PostMedia, begun: UploadedVideo): Promise<void> {
		let video = begun;
		// Ranges after which Facebook wanted no later one.
		let stalls = 0;
		while (video.offset < media.bytes) {
			run.signal.throwIfAborted();
			const end = video.end > video.offset ? Math.min(media.bytes, video.end) : media.bytes;
			let next: { start_offset: number; end_offset: number };
			try {
				next = await api.send(run, page, {
					action: `upload the video from byte ${video.offset}`,
					effect: 'upload',
					method: 'POST',
					host: 'video',
					path: pathOf(page, 'transfer'),
					schema: offsetsAnswer,
					body: {
						kind: 'form',
						fields: [
							{ name: 'upload_session_id', value: video.session ?? '' },
							{ name: 'start_offset', value: String(video.offset) },
							{ name: 'video_file_chunk', file: { path: media.path, start: video.offset, end, fileName: 'video.mp4', mime: 'application/octet-stream' } },
						],
					},
				});
			} catch (error) {
				const right = rightOffsets(error);
				if (!right) throw error;
				next = right;
			}
			if (next.start_offset <= video.offset) stalls += 1;
			if (stalls >= TRIES || next.start_offset > media.bytes) {
				throw new PipelineError('platform_unavailable', `Facebook asks for byte ${next.start_offset} of a video of ${media.bytes} again and again. Nothing was posted.`);
			}
			video = { ...video, offset: next.start_offset, end: next.end_offset };
			await keep(run, video);
			run.progress((video.offset / media.bytes) * 100);
		}
	}

	async function upload(run: PlatformRun, page: FacebookPage, media: PostMedia, known: UploadedVideo | null): Promise<void> {
		const video = known ?? (await begin(run, page, media));
		if (form === 'video') await sendRanges(run, page, media, video);
		else await sendRest(run, page, media, video, known === null);
		await keep(run, { ...video, offset: media.bytes, complete: true });
	}

	async function reconcile(run: PlatformRun, page: FacebookPage, { openSince }: { openSince: Date }): Promise<ReconcileResult> {
		const { video: known } = facebookState(run.state);
		// The number is stored before anything can be published.
		if (!known) return { state: 'absent' };
		let video: VideoStatus;
		try {
			video = await readVideo(api, run, page, known.id);
		} catch (error) {
			if (isGone(error)) return { state: 'unknown', reason: 'the video is not on the Page any more; someone may have deleted the post' };
			throw error;
		}
		const outcome = outcomeOf(video, api.link);
		// The same video would fail again: the next try begins with a new one.
		if (outcome?.state === 'rejected') await keep(run, null);
		if (outcome?.state === 'published' && form === 'video_story' && run.post.text.trim() !== '') outcome.warnings = [STORY_WITHOUT_TEXT];
		if (outcome) return outcome;
		const settled = run.now().getTime() >= openSince.getTime() + settleSeconds * 1000;
		if (isBusy(video) || known.acknowledged || !settled) return { state: 'waiting', afterSeconds: pollSeconds };
		return { state: 'absent' };
	}

	return {
		async start(run, page) {
			const media = run.post.media[0]!;
			const { video: known } = facebookState(run.state);
			if (known?.complete) return;
			try {
				await upload(run, page, media, known);
			} catch (error) {
				// Facebook forgot what a former process had begun: once more from the start.
				const lost = (error instanceof HttpFailure && error.decision === 'stop') || (error instanceof PipelineError && error.code === 'platform_unavailable');
				if (!known || !lost) throw error;
				await keep(run, null);
				await upload(run, page, media, null);
			}
		},

		async finish(run, page, arming): Promise<FinishResult> {
			const { post } = run;
			const { video } = facebookState(run.state);
			if (!video) return { state: 'restart', reason: 'the video was not uploaded' };
			const time = post.scheduledAt === null ? null : Math.floor(post.scheduledAt.getTime() / 1000);
			const message = messageOf(post, form);
			const words = { ...(message === '' ? {} : { description: message }), ...(post.title === null ? {} : { title: post.title }) };
			const values = {
				reel: { video_id: video.id, video_state: time === null ? 'PUBLISHED' : 'SCHEDULED', ...words, ...(time === null ? {} : { scheduled_publish_time: time }) },
				video: { upload_session_id: video.session, ...words, ...(time === null ? {} : { published: false, scheduled_publish_time: time }) },
				video_story: { video_id: video.id },
			}[form];
			try {
				await api.send(run, page, {
					action: 'publish the video',
					effect: 'publish',
					method: 'POST',
					host,
					path: pathOf(page, 'finish'),
					schema: successAnswer,
					values,
					timeoutSeconds: PUBLISH_TIMEOUT_SECONDS,
				});
			} catch (error) {
				if (!(error instanceof HttpFailure) || error.decision !== 'stop') throw error;
				if (isGone(error) && arming.attempts === 1) return { state: 'restart', reason: error.detail };
				// "Published already": an earlier call did it whose answer was lost.
				const earlier = arming.attempts > 1 ? await reconcile(run, page, arming) : null;
				if (earlier?.state === 'published' || earlier?.state === 'scheduled') return earlier;
				if (earlier?.state === 'waiting') return { state: 'accepted', afterSeconds: earlier.afterSeconds };
				throw error;
			}
			// Only an acknowledgement: publishing_phase tells the rest.
			await keep(run, { ...video, acknowledged: true });
			return { state: 'accepted', afterSeconds: pollSeconds };
		},

		reconcile,
	};
}

export const STORY_WITHOUT_TEXT = 'A story on Facebook shows no text: yours was left out.';

/** platforms.md 6.2: the host of uploads says in debug_info what went wrong. */
function judgeUpload(run: PlatformRun): Required<Pick<HttpRequest, 'seen' | 'judge'>> {
	let headers: IncomingHttpHeaders = {};
	return {
		seen: (_status, given) => void (headers = given),
		judge: (status, body) => {
			const error = readGraphError(body);
			if (error) return judgeGraph(error, { effect: 'upload', status, retryAt: usage(headers, run.now()).retryAt, permissionHint: PERMISSION_HINT });
			const info = isRecord(body) && isRecord(body['debug_info']) ? body['debug_info'] : null;
			if (!info) return undefined;
			const type = typeof info['type'] === 'string' ? info['type'] : '';
			const passes = info['retriable'] === true || type === 'OffsetInvalidError' || type === 'PartialRequestError' || status >= 500;
			const dead = type === 'NotAuthorizedError' || status === 401;
			return { decision: dead ? 'reauth' : status === 429 ? 'wait' : passes ? 'retry' : 'stop', detail: typeof info['message'] === 'string' ? info['message'] : type, platformCode: type };
		},
	};
}

function rightOffsets(failure: unknown): { start_offset: number; end_offset: number } | null {
	if (!hasSubcode(failure, WRONG_OFFSET)) return null;
	const { body } = failure;
	if (!isRecord(body) || !isRecord(body['error'])) return null;
	const parsed = offsetsAnswer.safeParse(body['error']['error_data']);
	return parsed.success ? parsed.data : null;
}
