import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { backoffMs, call, throttleSeconds, TRIES } from '../call.ts';
import type { Http, HttpAnswer } from '../http.ts';
import { HttpFailure } from '../outcome.ts';
import type { PlatformRun, PostMedia } from '../platform.ts';
import { judgeYouTube } from './errors.ts';

/** Every chunk but the last is a multiple of this (platforms.md 4.2). */
export const GRANULE_BYTES = 262_144;
/** Longest a publishing call may take: less than the lease of a claim. */
export const PUBLISH_TIMEOUT_SECONDS = 30;

/** A video as insert and probe answer it. */
export const videoAnswer = z.object({
	id: z.string().min(1),
	status: z
		.object({
			uploadStatus: z.string().optional(),
			failureReason: z.string().optional(),
			rejectionReason: z.string().optional(),
			privacyStatus: z.string().optional(),
			publishAt: z.string().optional(),
		})
		.default({}),
});
export type Video = z.infer<typeof videoAnswer>;

/** How far a session is: a video, or bytes that YouTube has; null: the session is gone. */
export type SessionState = { video: Video } | { stored: number } | null;

/**
 * The next piece to send: multiples of the granule, and a last one of at most a granule. That last one publishes the video: it
 * is small, so that the call is short and seldom breaks.
 */
export function nextChunk(stored: number, total: number, chunkBytes: number): { start: number; end: number; last: boolean } {
	const whole = Math.floor((total - stored - 1) / GRANULE_BYTES) * GRANULE_BYTES;
	if (whole <= 0) return { start: stored, end: total, last: true };
	return { start: stored, end: stored + Math.min(whole, Math.max(GRANULE_BYTES, chunkBytes - (chunkBytes % GRANULE_BYTES))), last: false };
}

/** `Range: bytes=0-524287` in a 308: what is stored. Absent: nothing. Null: not in that form. */
export function storedBytes(range: string | string[] | undefined): number | null {
	if (range === undefined) return 0;
	const match = /^bytes=0-(\d+)$/.exec(String(range));
	return match ? Number(match[1]) + 1 : null;
}

export interface SessionOptions {
	http: Http;
	/** `https://www.googleapis.com/upload/youtube/v3` */
	uploadBaseUrl: string;
	chunkBytes: number;
}

/** Resumable uploads (platforms.md 4.2). The address of a session is as good as a token: nothing of it gets into errors or logs. */
export function createSessions({ http, uploadBaseUrl, chunkBytes }: SessionOptions) {
	/** Where the token may be sent to: the host that was asked, or Google's own. */
	function trusted(location: string | undefined): string | null {
		if (location === undefined || !URL.canParse(location, uploadBaseUrl)) return null;
		const url = new URL(location, uploadBaseUrl);
		return url.origin === new URL(uploadBaseUrl).origin || (url.protocol === 'https:' && /\.googleapis\.com$/.test(url.hostname)) ? url.href : null;
	}

	const request = (run: PlatformRun, session: string) => ({
		method: 'PUT' as const,
		url: session,
		token: run.credentials.accessToken,
		secrets: [session, new URL(session).searchParams.get('upload_id') ?? session],
		accepts: [308],
		judge: (status: number, body: unknown) => judgeYouTube(status, body, run.now()),
	});

	/** What an answer to a chunk or a probe says. Throws where it says nothing. */
	function read(answer: HttpAnswer, total: number): Exclude<SessionState, null> {
		if (answer.status === 308) {
			const stored = storedBytes(answer.headers.range);
			if (stored !== null && stored <= total) return { stored };
		} else {
			const video = videoAnswer.safeParse(answer.body);
			if (video.success) return { video: video.data };
		}
		throw new HttpFailure({ action: 'send the video', decision: 'unknown', status: answer.status, detail: 'not in the documented form', body: answer.body });
	}

	async function begin(run: PlatformRun, media: PostMedia, query: URLSearchParams, resource: object): Promise<string> {
		const answer = await call(
			http,
			{
				action: 'begin the upload',
				effect: 'upload',
				method: 'POST',
				url: `${uploadBaseUrl}/videos?${query}`,
				token: run.credentials.accessToken,
				headers: { 'content-type': 'application/json; charset=UTF-8', 'x-upload-content-length': String(media.bytes), 'x-upload-content-type': media.mime },
				body: { kind: 'json', value: resource },
				judge: (status, body) => judgeYouTube(status, body, run.now()),
			},
			run,
		);
		const session = trusted(answer.headers.location);
		if (session) return session;
		throw new PipelineError('platform_unavailable', 'YouTube began an upload, but did not say where to send it. Nothing was posted.');
	}

	/** One look at how far the session is. Reads only. */
	async function probe(run: PlatformRun, session: string, total: number): Promise<SessionState> {
		const look = () =>
			call(
				http,
				{
					...request(run, session),
					action: 'ask how much of the video has arrived',
					effect: 'read',
					headers: { 'content-range': `bytes */${total}` },
					body: { kind: 'empty' },
				},
				run,
			);
		for (let attempt = 1; ; attempt += 1) {
			try {
				return read(await look(), total);
			} catch (error) {
				if (isGone(error)) return null;
				// An answer in no known form: once more, it may be a proxy's.
				if (!(error instanceof HttpFailure) || error.decision !== 'unknown') throw error;
				if (attempt === TRIES) throw error.as('retry');
				await run.sleep(backoffMs(attempt, run.random));
			}
		}
	}

	/** Sends everything but the last piece; `keep` makes the number of stored bytes durable. Null: the session is gone. */
	async function fill(run: PlatformRun, media: PostMedia, session: string, from: number, keep: (stored: number) => Promise<void>): Promise<{ stored: number } | { video: Video } | null> {
		let stored = from;
		for (let attempt = 1; ; ) {
			const { start, end, last } = nextChunk(stored, media.bytes, chunkBytes);
			if (last) return { stored };
			run.signal.throwIfAborted();
			let state: SessionState;
			try {
				const answer = await http.send({
					...request(run, session),
					action: `send bytes ${start} to ${end - 1} of ${media.bytes}`,
					effect: 'upload',
					headers: { 'content-range': `bytes ${start}-${end - 1}/${media.bytes}` },
					body: { kind: 'file', path: media.path, start, end, mime: media.mime },
					signal: run.signal,
				});
				state = read(answer, media.bytes);
			} catch (error) {
				if (isGone(error)) return null;
				if (!(error instanceof HttpFailure) || !['retry', 'wait', 'unknown'].includes(error.decision)) throw error;
				const pauseMs = error.decision === 'wait' ? throttleSeconds(error, run.now()) * 1000 : backoffMs(attempt, run.random);
				if (attempt === TRIES || pauseMs > run.maxWaitSeconds * 1000) throw error.decision === 'unknown' ? error.as('retry') : error;
				run.log.info({ action: error.action, status: error.status, detail: error.detail, attempt }, 'a part of a video is sent again');
				await run.sleep(pauseMs);
				// A part of what was sent may have been kept: only the rest is sent again.
				state = await probe(run, session, media.bytes);
			}
			if (state === null || 'video' in state) return state;
			attempt = state.stored > stored ? 1 : attempt + 1;
			if (attempt > TRIES) throw stuck();
			stored = state.stored;
			await keep(stored);
			run.progress((stored / media.bytes) * 100);
		}
	}

	/** The last piece: the call that makes the video. */
	async function finish(run: PlatformRun, media: PostMedia, session: string, stored: number): Promise<Exclude<SessionState, null>> {
		const answer = await call(
			http,
			{
				...request(run, session),
				action: 'send the last part of the video',
				effect: 'publish',
				headers: { 'content-range': `bytes ${stored}-${media.bytes - 1}/${media.bytes}` },
				body: { kind: 'file', path: media.path, start: stored, end: media.bytes, mime: media.mime },
				timeoutSeconds: PUBLISH_TIMEOUT_SECONDS,
			},
			run,
		);
		return read(answer, media.bytes);
	}

	return { begin, probe, fill, finish };
}

/** platforms.md 4.2: 404; 410 (unconfirmed). */
export const isGone = (error: unknown): boolean => error instanceof HttpFailure && (error.status === 404 || error.status === 410);

const stuck = () => new PipelineError('platform_unavailable', 'YouTube takes the parts of the video, but keeps none of them. Nothing was posted.');
