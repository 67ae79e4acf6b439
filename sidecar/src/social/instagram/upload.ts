import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { backoffMs, TRIES } from '../call.ts';
import { isMissing } from '../graph/container.ts';
import { graphId, type Graph } from '../graph.ts';
import { HttpFailure, isRecord, type Judgement } from '../outcome.ts';
import type { PlatformRun, PostMedia } from '../platform.ts';

export interface ContainerUpload {
	/** Of the container. */
	id: string;
	/** As Graph gave it: never built (platforms.md 5.2). */
	uri: string;
	media: PostMedia;
	/** It was made a moment ago: it may not be found yet (platforms.md 5.5, 100/33). */
	fresh: boolean;
	/** Of Graph. */
	baseUrl: string;
}

const statusSchema = z.object({
	id: graphId,
	video_status: z.object({ uploading_phase: z.object({ bytes_transferred: z.number().int().nonnegative().default(0) }).optional() }).optional(),
});

/** Sends the bytes that Instagram does not have yet, and goes on where it was cut off (platforms.md 5.2). */
export async function uploadToContainer(graph: Graph, run: PlatformRun, { id, uri, media, fresh, baseUrl }: ContainerUpload): Promise<void> {
	if (!isOfMeta(uri, baseUrl)) {
		const host = URL.canParse(uri) ? new URL(uri).host : 'an unknown address';
		throw new PipelineError('platform_unavailable', `Instagram wants the video sent to ${host}, which is not one of Meta's servers: neither the token nor the video was sent there. Nothing was posted.`);
	}
	const offset = async () => {
		const { data } = await graph.call(run, {
			action: 'ask how much of the video has arrived',
			effect: 'read',
			method: 'GET',
			path: `/${id}`,
			values: { fields: 'video_status' },
			schema: statusSchema,
		});
		return data.video_status?.uploading_phase?.bytes_transferred ?? 0;
	};
	let furthest = 0;
	for (let attempt = 1; ; attempt += 1) {
		const start = await offset().catch((error: unknown) => {
			if (fresh && isMissing(error)) return 0;
			throw error;
		});
		if (start >= media.bytes) return;
		// However often a connection breaks: as long as it goes on, it goes on.
		if (start >= furthest + media.bytes * PROGRESS) [furthest, attempt] = [start, 1];
		try {
			await graph.call(run, {
				action: 'upload the video',
				effect: 'upload',
				method: 'POST',
				path: uri,
				scheme: 'OAuth',
				headers: { offset: String(start), file_size: String(media.bytes) },
				body: { kind: 'file', path: media.path, start, end: media.bytes, mime: 'application/octet-stream' },
				schema: z.object({ success: z.literal(true) }),
				judge: judgeUpload,
			});
			return;
		} catch (error) {
			// How far it came is asked again: a repeat from the same byte would be refused.
			if (!(error instanceof HttpFailure) || error.platformCode !== AGAIN) throw error;
			if (attempt === TRIES)
				throw new PipelineError(
					'platform_unavailable',
					`Instagram does not take the whole video: ${error.detail || 'the connection breaks'}. Nothing was posted.`,
					{ cause: error },
				);
			run.log.info({ from: start, detail: error.detail }, 'an upload to Instagram was cut off');
			await run.sleep(backoffMs(attempt, run.random));
		}
	}
}

/** Where the token may be sent to: the host that was asked, or Meta's own. */
function isOfMeta(uri: string, baseUrl: string): boolean {
	if (!URL.canParse(uri)) return false;
	const { origin, protocol, hostname, port } = new URL(uri);
	return origin === new URL(baseUrl).origin || (protocol === 'https:' && port === '' && /(^|\.)(facebook|instagram)\.com$/.test(hostname));
}

/** Share of the file; less than this in one attempt is no progress. */
const PROGRESS = 0.01;

const AGAIN = 'OffsetInvalidError';

/** Errors of rupload.facebook.com have a form of their own. */
function judgeUpload(_status: number, body: unknown): Judgement | undefined {
	const info = isRecord(body) && isRecord(body['debug_info']) ? body['debug_info'] : null;
	if (!info) return undefined;
	const type = typeof info['type'] === 'string' ? info['type'] : 'UploadError';
	const detail = typeof info['message'] === 'string' ? info['message'] : type;
	if (type === 'NotAuthorizedError') return { decision: 'reauth', platformCode: type, detail };
	if (info['retriable'] === true || type === 'OffsetInvalidError' || type === 'PartialRequestError') return { decision: 'stop', platformCode: AGAIN, detail };
	return { decision: 'stop', platformCode: type, detail, hint: 'Use the preset of Instagram (Preset), and try another file.' };
}
