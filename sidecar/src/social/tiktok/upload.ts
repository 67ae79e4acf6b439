import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { backoffMs, throttleSeconds, TRIES, type TypedAnswer, type TypedRequest } from '../call.ts';
import { isPublicHost } from '../../net/addresses.ts';
import { HttpFailure } from '../outcome.ts';
import type { AccountRun, PlatformRun, PostMedia } from '../platform.ts';
import { nextChunk, planChunks, receivedBytes, type Chunk, type ChunkPlan } from './chunks.ts';
import { videoInfo, type TikTokSettings } from './settings.ts';

/** Makes a call of the API; POST unless told otherwise. */
export type Send = <T>(run: AccountRun, request: Omit<TypedRequest<T>, 'url' | 'token' | 'method'> & { path: string; method?: 'GET' }) => Promise<TypedAnswer<T>>;
/** Sends a chunk to the address of the upload. */
export type Put = (run: PlatformRun, task: Task, media: PostMedia, chunk: Chunk, effect: 'upload' | 'publish') => Promise<PutResult>;
export interface Begin {
	/** The API that names the address of an upload. */
	apiUrl: string;
	chunkBytes?: number | undefined;
}
export type PutResult = { state: 'taken'; complete: boolean } | { state: 'has'; received: number | null } | { state: 'gone'; reason: string };

const taskSchema = z.object({
	publishId: z.string(),
	/** As good as a token. */
	uploadUrl: z.string(),
	/** Milliseconds since 1970. */
	createdAt: z.number(),
	size: z.number(),
	chunkBytes: z.number(),
	count: z.number(),
	/** Hash of what the post was to be: text, privacy and the rest are told when an upload begins, and cannot be changed any more. */
	words: z.string().default(''),
	/** Bytes that TikTok is known to have. */
	received: z.number(),
	/**
	 * Its last chunk was sent, and TikTok said that it does not have it. Should TikTok not know the upload after that, its word is
	 * doubted: the post may be out.
	 */
	doubted: z.boolean().default(false),
	/** TikTok has refused it: kept to be asked about, never to be sent to. */
	dead: z.boolean().default(false),
});
export type Task = z.infer<typeof taskSchema>;

export const stateSchema = z.object({
	task: taskSchema.nullable().default(null),
	/** Of photos: their init is the publishing call. */
	publishId: z.string().nullable().default(null),
	/** When an init was sent whose answer never came, milliseconds since 1970. */
	lost: z.array(z.number()).default([]),
});
export type TikTokState = z.infer<typeof stateSchema>;

/** platforms.md 3.2: the address of an upload lives for an hour. One that ends soon is not begun with. */
const URL_LIFE_MS = 3_600_000;
const URL_MARGIN_MS = 5 * 60_000;
/** platforms.md 3.2: 6 a minute for all kinds of init together. */
export const INIT_RATE = { bucket: 'init', rate: { limit: 6, windowSeconds: 60 } };
/** How often TikTok may forget an upload, or say that it has other bytes than those it was sent, within one run. */
const ROUNDS = 3;

export const DOUBT =
	'It is not known whether TikTok published the post: first it had not all of the video, then it did not know the upload any more. Look at the account before you post again.';

const initAnswer = z.object({ data: z.object({ publish_id: z.string().min(1), upload_url: z.url() }) });

/** True once the address has expired: no byte is taken any more, and nothing was published (platforms.md 3.8). */
export const isExpired = (task: Task, now: Date): boolean => task.createdAt + URL_LIFE_MS <= now.getTime();

/** What TikTok is told of a video that is not a draft; null: a draft. */
const infoOf = (run: PlatformRun, settings: TikTokSettings) => (settings.mode === 'direct' ? videoInfo(run.post, settings) : null);
const wordsOf = (run: PlatformRun, settings: TikTokSettings): string => createHash('sha256').update(JSON.stringify(infoOf(run, settings))).digest('hex');

/** Nothing is to be sent to it any more: it has expired, or was begun as another post (of another privacy, a draft) than is wanted now. */
export const isOver = (run: PlatformRun, settings: TikTokSettings, task: Task): boolean => isExpired(task, run.now()) || task.words !== wordsOf(run, settings);

/** Everything but the last chunk: nothing can become public before that one has arrived. */
export async function uploadVideo(send: Send, put: Put, run: PlatformRun, settings: TikTokSettings, begin: Begin): Promise<void> {
	const media = run.post.media[0]!;
	for (let round = 1; ; round += 1) {
		const known = stateSchema.parse(run.state).task;
		// Its last chunk was sent once: TikTok is asked what became of it before another upload is begun.
		if (known && !known.dead && known.doubted && isOver(run, settings, known)) return;
		const isFresh = (task: Task) => task.createdAt + URL_LIFE_MS - URL_MARGIN_MS > run.now().getTime() || task.doubted;
		const usable = known && !known.dead && known.size === media.bytes && !isOver(run, settings, known) && isFresh(known);
		const task = usable ? known : await beginUpload(send, run, settings, planChunks(media.bytes, begin.chunkBytes), begin.apiUrl);
		const outcome = await sendChunks(put, run, task, media);
		if (outcome === 'ready') return;
		if (round === ROUNDS) throw new PipelineError('platform_unavailable', 'TikTok does not keep the upload: it forgot it again and again. Nothing was posted.');
		run.log.warn({ reason: outcome.reason }, 'the upload is gone, beginning again');
		await run.save({ ...stateSchema.parse(run.state), task: null });
	}
}

async function sendChunks(put: Put, run: PlatformRun, first: Task, media: PostMedia): Promise<'ready' | { reason: string }> {
	let task = first;
	let corrections = 0;
	for (;;) {
		const chunk = nextChunk(task, task.received);
		run.progress((task.received / task.size) * 100);
		// The last one is the publishing call. Where TikTok has all bytes already, that call will say so.
		if (!chunk || chunk.last) return 'ready';
		const result = await put(run, task, media, chunk, 'upload');
		if (result.state === 'gone') {
			if (!task.doubted) return { reason: result.reason };
			// TikTok is asked what became of it.
			if (isExpired(task, run.now())) return 'ready';
			throw new PipelineError('post_unknown', DOUBT);
		}
		if (result.state === 'has') {
			corrections += 1;
			if (result.received === null || corrections > ROUNDS) return { reason: 'it does not say which bytes it has' };
		}
		task = { ...task, received: result.state === 'has' ? result.received! : chunk.end };
		await run.save({ ...stateSchema.parse(run.state), task });
	}
}

/**
 * Asks for an upload. No byte has been sent then, so an init whose answer was lost can have published nothing: our inference, no page
 * says so, and others advise against repeating it (platforms.md 3.8). Hence once more at most, within the hour that an upload lives.
 */
async function beginUpload(send: Send, run: PlatformRun, settings: TikTokSettings, plan: ChunkPlan, apiUrl: string): Promise<Task> {
	const info = infoOf(run, settings);
	for (let attempt = 1; ; attempt += 1) {
		run.signal.throwIfAborted();
		const lost = stateSchema.parse(run.state).lost.filter((at) => at > run.now().getTime() - URL_LIFE_MS);
		if (lost.length >= 2) {
			throw new PipelineError('platform_unavailable', 'TikTok twice gave no answer when an upload was begun. A third try could make a double post, so it has to wait an hour. Nothing was posted.', {
				retryAfterSeconds: Math.max(1, Math.ceil((lost[0]! + URL_LIFE_MS - run.now().getTime()) / 1000)),
			});
		}
		// Counts as lost until it is answered, also when this process dies meanwhile.
		const sentAt = run.now().getTime();
		const keep = (more: Partial<TikTokState>) => run.save({ ...stateSchema.parse(run.state), ...more });
		await keep({ lost: [...lost, sentAt] });
		try {
			const { data: answer } = await send(run, {
				action: 'begin the upload',
				// Never repeated by itself.
				effect: 'publish',
				path: info ? '/v2/post/publish/video/init/' : '/v2/post/publish/inbox/video/init/',
				schema: initAnswer,
				body: {
					kind: 'json',
					value: {
						...(info ? { post_info: info } : {}),
						source_info: { source: 'FILE_UPLOAD', video_size: plan.size, chunk_size: plan.chunkBytes, total_chunk_count: plan.count },
					},
				},
				...INIT_RATE,
			});
			const { publish_id: publishId, upload_url: uploadUrl } = answer.data;
			if (!isPlausible(uploadUrl, apiUrl)) {
				await keep({ lost });
				throw new PipelineError('platform_unavailable', 'TikTok began an upload, but named no usable address to send it to. Nothing was posted.');
			}
			const task = { ...plan, publishId, uploadUrl, createdAt: sentAt, words: wordsOf(run, settings), received: 0, doubted: false, dead: false };
			await keep({ task, lost: [] });
			return task;
		} catch (error) {
			if (!(error instanceof HttpFailure)) {
				// Stopped while it waited for its turn: it was not sent.
				if (run.signal.aborted) await keep({ lost }).catch(() => {});
				throw error;
			}
			if (error.decision === 'unknown') {
				// Nothing is public: it is no unknown outcome of the post.
				if (lost.length >= 1) throw error.as('retry');
				await run.sleep(backoffMs(attempt, run.random));
				continue;
			}
			await keep({ lost });
			const pauseMs = error.decision === 'wait' ? throttleSeconds(error, run.now()) * 1000 : backoffMs(attempt, run.random);
			if ((error.decision !== 'wait' && error.decision !== 'retry') || attempt === TRIES || pauseMs > run.maxWaitSeconds * 1000) throw error;
			await run.sleep(pauseMs);
		}
	}
}

/** Where a video may be sent to: the host that was asked, or a public one over https. Never into the network that this runs in. */
export function isPlausible(uploadUrl: string, apiUrl: string): boolean {
	const [upload, api] = [new URL(uploadUrl), new URL(apiUrl)];
	return upload.origin === api.origin || (upload.protocol === 'https:' && isPublicHost(upload.hostname));
}

/** What TikTok has, from the answer to a chunk that does not follow on (platforms.md 3.3). */
export function readRefusedChunk(failure: HttpFailure, contentRange: string | undefined): PutResult | null {
	if (failure.status === 416) return { state: 'has', received: receivedBytes(contentRange) };
	if (failure.status === 403) return { state: 'gone', reason: 'the address of the upload has expired' };
	if (failure.status === 404) return { state: 'gone', reason: 'the upload is not known any more' };
	return null;
}
