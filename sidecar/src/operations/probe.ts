import { z } from 'zod';
import type { MediaFacts } from '../media/facts.ts';
import type { TaskOperation } from './operation.ts';

const params = z.strictObject({});

export const probe: TaskOperation<z.infer<typeof params>> = {
	kind: 'task',
	name: 'probe',
	version: 1,
	summary: 'Says what a file is: container, codecs, size, length, bitrates. Changes nothing.',
	accepts: ['video', 'audio', 'image'],
	params,
	produces:
		'`mime`, `file_type`, `container`, `file_size_bytes`, `duration_seconds`, `bitrate`, `video`, `audio`.',
	example: {},
	estimateSeconds: () => 1,
	async run(context) {
		const { facts } = await context.source();
		return { output: describeFacts(facts) };
	},
};

/** The facts as they go over the wire. Unknown numbers are null. */
export function describeFacts({
	mime,
	fileType,
	container,
	bytes,
	durationSeconds,
	bitrate,
	video,
	audio,
}: MediaFacts): Record<string, unknown> {
	return {
		mime,
		file_type: fileType,
		container,
		file_size_bytes: bytes,
		duration_seconds: durationSeconds,
		bitrate,
		video: video && {
			codec: video.codec,
			width: video.width,
			height: video.height,
			frame_rate: video.frameRate,
			pixel_format: video.pixelFormat,
			rotation: video.rotation,
			bitrate: video.bitrate,
		},
		audio: audio && {
			codec: audio.codec,
			channels: audio.channels,
			sample_rate: audio.sampleRate,
			bitrate: audio.bitrate,
		},
	};
}
