import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { TRIES } from './call.ts';
import type { Graph } from './graph.ts';
import { HttpFailure, isRecord, type Judgement } from './outcome.ts';
import type { PlatformRun, PostMedia } from './platform.ts';

export interface ContainerUpload {
	/** Of the container. */
	id: string;
	/** As Graph gave it: never built (platforms.md 5.2). */
	uri: string;
	media: PostMedia;
}

const statusSchema = z.object({
	id: z.string(),
	video_status: z.object({ uploading_phase: z.object({ bytes_transferred: z.number().default(0) }).optional() }).optional(),
});

/** Sends the bytes that Instagram does not have yet, and goes on where it was cut off (platforms.md 5.2). */
export async function uploadToContainer(graph: Graph, run: PlatformRun, { id, uri, media }: ContainerUpload): Promise<void> {
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
	for (let attempt = 1; ; attempt += 1) {
		const start = await offset();
		if (start >= media.bytes) return;
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
		}
	}
}

const AGAIN = 'OffsetInvalidError';

/** Errors of rupload.facebook.com have a form of their own. */
function judgeUpload(_status: number, body: unknown): Judgement | undefined {
	const info = isRecord(body) && isRecord(body['debug_info']) ? body['debug_info'] : null;
	if (!info) return undefined;
	const type = String(info['type']);
	const detail = typeof info['message'] === 'string' ? info['message'] : type;
	if (type === 'NotAuthorizedError') return { decision: 'reauth', platformCode: type, detail };
	if (info['retriable'] === true || type === 'OffsetInvalidError' || type === 'PartialRequestError') return { decision: 'stop', platformCode: AGAIN, detail };
	return { decision: 'stop', platformCode: type, detail, hint: 'Use the preset of Instagram (Preset), and try another file.' };
}
