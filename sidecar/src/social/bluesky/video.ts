import { basename } from 'node:path';
import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { blobSchema, type Blob } from './record.ts';
import { didOfHost, judgeFor, type BlueskySessions, type Session } from './session.ts';
import { ask } from '../call.ts';
import type { Http } from '../http.ts';
import { HttpFailure, isRecord, type Judgement } from '../outcome.ts';
import type { PlatformRun, PostMedia, PostProblem, Restart } from '../platform.ts';

/** Life of a token for the video service: with it the service stores the video on the account's server, after it has processed it (platforms.md 9.3). */
const TOKEN_SECONDS = 1800;

const statusSchema = z.object({
	jobId: z.string().min(1),
	state: z.string(),
	blob: blobSchema.optional().catch(undefined),
	failureCode: z.string().optional(),
	error: z.string().optional(),
	message: z.string().optional(),
});
export type JobStatus = z.infer<typeof statusSchema>;
/** Both forms are seen (platforms.md 9.3). */
const jobAnswer = z.union([z.object({ jobStatus: statusSchema }).transform(({ jobStatus }) => jobStatus), statusSchema]);
const limitsAnswer = z.object({
	canUpload: z.boolean(),
	remainingDailyVideos: z.number().optional(),
	remainingDailyBytes: z.number().optional(),
	error: z.string().optional(),
	message: z.string().optional(),
});

/** What the codes of a failed job mean (platforms.md 9.3); of the others uploading once more may help. */
const FAILURES: Record<string, string> = {
	validation_failure: 'Bluesky does not take this video. Make it with the preset "Bluesky" (Platform Rendition) and try again.',
	encoding_failure: 'Bluesky could not read this video. Make it with the preset "Bluesky" (Platform Rendition) and try again.',
	pds_upload_unsupported_blob_size: "The account's own server takes no files as large as this video. Make it smaller (Compress).",
};

export interface BlueskyVideoOptions {
	/** The host is a setting of the operator. */
	http: Http;
	baseUrl: string;
	sessions: BlueskySessions;
}

export type BlueskyVideo = ReturnType<typeof blueskyVideo>;

/** The service that makes streams of videos, and puts them onto the account's server (platforms.md 9.3). */
export function blueskyVideo({ http, baseUrl, sessions }: BlueskyVideoOptions) {
	const base = `${baseUrl.replace(/\/$/, '')}/xrpc/app.bsky.video`;

	/** A token of the account's server, for one purpose. */
	async function tokenFor(run: PlatformRun, session: Session, aud: string, lxm: string): Promise<string> {
		// As its own clock has it, or it refuses (BadExpiration).
		const exp = Math.floor((run.now().getTime() + session.aheadMs) / 1000) + TOKEN_SECONDS;
		const { data } = await sessions.send(run, {
			action: 'get a token for the video service',
			effect: 'read',
			method: 'GET',
			nsid: 'com.atproto.server.getServiceAuth',
			query: { aud, lxm, exp: String(exp) },
			schema: z.object({ token: z.string() }),
		});
		return data.token;
	}

	/** A call with such a token. One that has run out while a throttled call waited is made once more. */
	async function withToken<T>(run: PlatformRun, aud: (session: Session) => string, lxm: string, work: (token: string, session: Session) => Promise<T>): Promise<T> {
		const session = await sessions.of(run);
		const attempt = async () => work(await tokenFor(run, session, aud(session), lxm), session);
		return attempt().catch((error: unknown) => {
			if (error instanceof HttpFailure && error.status === 401 && error.decision === 'stop') return attempt();
			throw error;
		});
	}

	return {
		/** What the account may not upload today. */
		async problems(run: PlatformRun, media: PostMedia): Promise<PostProblem[]> {
			const problem = (message: string): PostProblem[] => [{ field: 'account', message }];
			try {
				const request = { action: 'read what may be uploaded', effect: 'read', method: 'GET', url: `${base}.getUploadLimits`, schema: limitsAnswer, judge } as const;
				const { data } = await withToken(run, () => didOfHost(baseUrl), 'app.bsky.video.getUploadLimits', (token) => ask(http, { ...request, token }, run));
				if (data.error === 'unconfirmed_email') return problem("Bluesky takes videos only from accounts with a confirmed e-mail address. Confirm it in Bluesky's settings.");
				if (!data.canUpload) return problem(`Bluesky takes no more videos of this account now${data.message ? ` (${data.message})` : ''}. Try again tomorrow.`);
				const left = data.remainingDailyBytes ?? Infinity;
				return media.bytes > left ? problem(`Bluesky takes ${left} more bytes of video of this account today; this video has ${media.bytes}. Try again tomorrow.`) : [];
			} catch (error) {
				// The service can do without it: what it does not take it says once more.
				if (!(error instanceof HttpFailure) || error.decision !== 'stop' || error.platformCode?.startsWith('Account')) throw error;
				run.log.warn({ detail: error.detail }, 'what may be uploaded to Bluesky is not known');
				return [];
			}
		},

		async upload(run: PlatformRun, media: PostMedia): Promise<JobStatus> {
			const name = `${run.operationKey.slice(0, 16)}-${basename(media.path).replace(/[^\w.-]/g, '_')}`;
			const request = {
				action: 'upload the video',
				effect: 'upload',
				method: 'POST',
				// 409 already_exists names the job of the same bytes: go on with that one.
				accepts: [409],
				schema: jobAnswer,
				body: { kind: 'file', path: media.path, start: 0, end: media.bytes, mime: media.mime },
				judge: (status: number, body: unknown) => (status === 409 && isRecord(body) && body['error'] === 'already_exists' ? undefined : judge(status, body)),
			} as const;
			const { data } = await withToken(
				run,
				({ pds }) => didOfHost(pds),
				'com.atproto.repo.uploadBlob',
				(token, { did }) => ask(http, { ...request, url: `${base}.uploadVideo?${new URLSearchParams({ did, name }).toString()}`, token }, run),
			);
			return data;
		},

		/** One look. Null: still at work. */
		async look(run: PlatformRun, jobId: string): Promise<Processed | Restart | null> {
			let status: JobStatus;
			try {
				const url = `${base}.getJobStatus?${new URLSearchParams({ jobId }).toString()}`;
				const answer = await ask(http, { action: 'ask whether the video is ready', effect: 'read', method: 'GET', url, token: null, schema: jobAnswer, judge }, run);
				status = answer.data;
			} catch (error) {
				if (error instanceof HttpFailure && (error.status === 404 || error.status === 400)) return { state: 'restart', reason: 'the video is not known any more' };
				throw error;
			}
			return outcomeOf(status);
		},
	};
}

/** The service knows only tokens that were made for it: one that it refuses says nothing of the account. Nothing here makes a post. */
function judge(status: number, body: unknown): Judgement | undefined {
	const judged = judgeFor('upload')(status, body);
	return status === 401 && judged?.decision === 'reauth' ? { decision: 'stop', ...(judged.platformCode === undefined ? {} : { platformCode: judged.platformCode }) } : judged;
}

export interface Processed {
	state: 'processed';
	blob: Blob;
}

/** The file is there whatever the state says. */
export function outcomeOf({ blob, state, failureCode, error, message }: JobStatus): Processed | Restart | null {
	if (blob) return { state: 'processed', blob };
	if (state !== 'JOB_STATE_FAILED') return null;
	const code = failureCode ?? error ?? 'unknown';
	const said = [code, message].filter(Boolean).join(', ');
	const hint = FAILURES[code];
	if (hint === undefined) return { state: 'restart', reason: said };
	throw new PipelineError('post_rejected', `Bluesky could not process the video: ${said}. ${hint} Nothing was posted.`, { details: { platform_code: code, hint } });
}
