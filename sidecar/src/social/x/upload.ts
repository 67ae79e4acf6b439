import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { planSegments, type FormField } from '../body.ts';
import type { TypedAnswer, TypedRequest } from '../call.ts';
import { HttpFailure } from '../outcome.ts';
import type { AccountRun, PlatformRun, PostMedia, PostSubtitles } from '../platform.ts';
import { kindOf } from '../validate.ts';

/** A call to the API of X: what differs between calls. */
export type XCall<T> = Omit<TypedRequest<T>, 'url' | 'token'> & { path: string };
export type XSend = <T>(run: AccountRun, call: XCall<T>) => Promise<TypedAnswer<T>>;

/** Larger requests are refused by X's edge with 413 (platforms.md 1.2). */
const SEGMENT_BYTES = 1024 * 1024;
/** An upload that expires sooner is made again: the post must be out before. */
const EXPIRY_MARGIN_MS = 5 * 60_000;
/** Where X does not say when to ask again. */
const POLL_SECONDS = 5;

const CATEGORIES: Record<string, string> = { image: 'tweet_image', gif: 'tweet_gif', video: 'tweet_video' };

const transferSchema = z.object({
	id: z.string(),
	/** The best evidence that a post is ours. */
	key: z.string().nullable(),
	/** Milliseconds since 1970. */
	expiresAt: z.number(),
	/** Segments that X has. */
	segments: z.number(),
	finalized: z.boolean(),
	/** Not to be asked about before, milliseconds since 1970. Null: nothing (more) to wait for. */
	pollAt: z.number().nullable(),
});
type Transfer = z.infer<typeof transferSchema>;
export const uploadSchema = transferSchema.extend({
	altText: z.boolean(),
	/** Subtitles of a video, in the order of the post's. */
	tracks: z.array(z.object({ transfer: transferSchema, attached: z.boolean() })).default([]),
});
export type Upload = z.infer<typeof uploadSchema>;

const initializeAnswer = z.object({
	data: z.object({
		id: z.string(),
		media_key: z.string().optional(),
		/** X documents 86,400 for an unused upload. */
		expires_after_secs: z.number().default(86_400),
	}),
});
export const processingAnswer = z.object({
	data: z.object({
		processing_info: z
			.object({
				state: z.enum(['pending', 'in_progress', 'succeeded', 'failed']),
				check_after_secs: z.number().optional(),
				error: z.object({ name: z.string().optional(), message: z.string().optional() }).optional(),
			})
			.optional(),
	}),
});
export type Processing = z.infer<typeof processingAnswer>['data']['processing_info'];

/** What is uploaded: a file, or a text. */
interface Source {
	/** For people, behind "the upload": "", " of the subtitles". */
	of: string;
	mime: string;
	category: string;
	bytes: number;
	/** The field that holds the bytes from `start` to `end`. */
	field(start: number, end: number): FormField;
}

/** Media of a post, uploaded in steps; each is kept as soon as X has it. */
export interface MediaUpload {
	run: PlatformRun;
	media: PostMedia;
	subtitles: readonly PostSubtitles[];
	keep(upload: Upload | null): Promise<void>;
	/** 0 to 1 */
	part(done: number): void;
}

/** Uploads a file with its alternative text and its subtitles, or goes on where `known` stands. */
export async function uploadMedia(send: XSend, known: Upload | null, request: MediaUpload): Promise<void> {
	const { run, keep } = request;
	const usable = known && known.expiresAt > run.now().getTime() + EXPIRY_MARGIN_MS ? known : null;
	try {
		await complete(send, usable, request);
	} catch (error) {
		// X forgot what a former process had begun: once more from the start. Of what is whole, 400 says that something else is wrong.
		const forgotten = error instanceof HttpFailure && (error.status === 404 || (error.status === 400 && usable?.finalized === false));
		if (!usable || !forgotten) throw error;
		await keep(null);
		await complete(send, null, request);
	}
}

async function complete(send: XSend, known: Upload | null, { run, media, subtitles, keep, part }: MediaUpload): Promise<void> {
	const source: Source = {
		of: '',
		mime: media.mime,
		category: CATEGORIES[kindOf(media)] ?? '',
		bytes: media.bytes,
		field: (start, end) => ({ name: 'media', file: { path: media.path, start, end, fileName: 'media', mime: 'application/octet-stream' } }),
	};
	let upload: Upload | null = known;
	const change = async (more: Partial<Upload> & Transfer) => {
		upload = { altText: false, tracks: [], ...upload, ...more };
		await keep(upload);
		return upload;
	};
	let current = await change(await transfer(send, run, source, upload, async (state) => void (await change(state)), part));
	if (media.altText && !current.altText) {
		await send(run, {
			action: 'set the alternative text',
			effect: 'upload',
			method: 'POST',
			path: '/2/media/metadata',
			schema: z.unknown(),
			body: { kind: 'json', value: { id: current.id, metadata: { alt_text: { text: media.altText } } } },
		});
		current = await change({ ...current, altText: true });
	}
	for (const [index, track] of subtitles.entries()) {
		const tracks = [...current.tracks];
		const set = async (state: Transfer, attached: boolean) => {
			tracks[index] = { transfer: state, attached };
			current = await change({ ...current, tracks: [...tracks] });
		};
		if (tracks[index]?.attached) continue;
		const content = Buffer.from(track.srt);
		const text: Source = {
			of: ' of the subtitles',
			mime: 'text/srt',
			category: 'subtitles',
			bytes: content.length,
			field: (start, end) => ({ name: 'media', bytes: { content: content.subarray(start, end), fileName: 'subtitles.srt', mime: 'application/octet-stream' } }),
		};
		const done = await transfer(send, run, text, tracks[index]?.transfer ?? null, (state) => set(state, false), () => {});
		await send(run, {
			action: 'attach the subtitles',
			effect: 'upload',
			method: 'POST',
			path: '/2/media/subtitles',
			schema: z.unknown(),
			body: {
				kind: 'json',
				value: { id: current.id, media_category: 'TweetVideo', subtitles: { id: done.id, language_code: languageCode(track.language), display_name: track.label } },
			},
		});
		await set(done, true);
	}
}

/** initialize, append, finalize (platforms.md 1.2); continues where `known` stands. */
async function transfer(send: XSend, run: PlatformRun, source: Source, known: Transfer | null, keep: (state: Transfer) => Promise<void>, part: (done: number) => void): Promise<Transfer> {
	const { of, mime, category, bytes } = source;
	let state = known;
	if (!state) {
		const { data: answer } = await send(run, {
			action: `begin the upload${of}`,
			bucket: 'initialize',
			effect: 'upload',
			method: 'POST',
			path: '/2/media/upload/initialize',
			schema: initializeAnswer,
			body: { kind: 'json', value: { media_type: mime, total_bytes: bytes, media_category: category } },
		});
		const { id, media_key: key = null, expires_after_secs: lifeSeconds } = answer.data;
		state = { id, key, expiresAt: run.now().getTime() + lifeSeconds * 1000, segments: 0, finalized: false, pollAt: null };
		await keep(state);
	}
	const base = `/2/media/upload/${encodeURIComponent(state.id)}`;
	const segments = planSegments(bytes, SEGMENT_BYTES);
	for (const { index, start, end } of segments.slice(state.segments)) {
		await send(run, {
			action: `upload part ${index + 1} of ${segments.length}${of}`,
			bucket: 'append',
			effect: 'upload',
			method: 'POST',
			path: `${base}/append`,
			schema: z.unknown(),
			body: { kind: 'form', fields: [{ name: 'segment_index', value: String(index) }, source.field(start, end)] },
		});
		state = { ...state, segments: index + 1 };
		await keep(state);
		part((index + 1) / segments.length);
	}
	if (!state.finalized) {
		// Without a JSON body X answers 400 (platforms.md 1.2).
		const { data } = await send(run, {
			action: `finish the upload${of}`,
			bucket: 'finalize',
			effect: 'upload',
			method: 'POST',
			path: `${base}/finalize`,
			body: { kind: 'json', value: {} },
			schema: processingAnswer,
		});
		state = { ...state, finalized: true, pollAt: pollAt(data.data.processing_info, run.now()) };
		await keep(state);
	}
	return state;
}

/** X names languages by two capital letters (platforms.md 1.3). Null: it has no name for this one. */
export function languageCode(language: string): string | null {
	const [primary = ''] = language.split('-');
	return /^[a-z]{2}$/i.test(primary) ? primary.toUpperCase() : null;
}

/** When to look again; null: ready. */
export function pollAt(processing: Processing, now: Date): number | null {
	if (!processing || processing.state === 'succeeded') return null;
	if (processing.state === 'failed') {
		const { name, message } = processing.error ?? {};
		throw new PipelineError('post_rejected', `X could not process the media: ${[name, message].filter(Boolean).join(', ') || 'no reason given'}. Nothing was posted.`, {
			details: { platform_code: name ?? null },
		});
	}
	return now.getTime() + (processing.check_after_secs ?? POLL_SECONDS) * 1000;
}
