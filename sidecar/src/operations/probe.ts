import { z } from 'zod';
import { exifOf, type ExifFacts } from '../media/exif.ts';
import type { MediaFacts } from '../media/facts.ts';
import type { TaskOperation } from './operation.ts';

const params = z.strictObject({});

export const probe: TaskOperation<z.infer<typeof params>> = {
	kind: 'task',
	name: 'probe',
	version: 2,
	summary: 'Says what a file is: container, codecs, size, length, bitrates. Changes nothing.',
	accepts: ['video', 'audio', 'image'],
	params,
	produces:
		'`mime`, `file_type`, `container`, `file_size_bytes`, `duration_seconds`, `bitrate`, `video`, `audio`, `animation` (of a GIF or WebP: `frames`, `duration_seconds`, `loops`; else null), `exif` (of a picture: `camera_make`, `camera_model`, `lens`, `taken_at`, `exposure_seconds`, `f_number`, `iso`, `focal_length_mm`, `latitude`, `longitude` …; else null).',
	example: {},
	estimateSeconds: () => 1,
	async run(context) {
		const { path, facts } = await context.source();
		const exif = facts.fileType === 'image' ? await exifOf(path) : null;
		return { output: { ...describeFacts(facts), exif: exif && describeExif(exif) } };
	},
};

export const describeExif = (exif: ExifFacts): Record<string, unknown> => ({
	camera_make: exif.cameraMake,
	camera_model: exif.cameraModel,
	lens: exif.lens,
	software: exif.software,
	artist: exif.artist,
	copyright: exif.copyright,
	taken_at: exif.takenAt,
	exposure_seconds: exif.exposureSeconds,
	f_number: exif.fNumber,
	iso: exif.iso,
	focal_length_mm: exif.focalLengthMm,
	latitude: exif.latitude,
	longitude: exif.longitude,
});

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
	animation = null,
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
			variable_frame_rate: video.variableFrameRate,
			frame_count: video.frameCount,
			duration_seconds: video.durationSeconds,
			start_seconds: video.startSeconds,
			pixel_format: video.pixelFormat,
			bit_depth: video.bitDepth,
			profile: video.profile,
			level: video.level,
			interlaced: video.interlaced,
			hdr: video.hdr,
			color_primaries: video.colorPrimaries,
			color_transfer: video.colorTransfer,
			color_space: video.colorSpace,
			color_range: video.colorRange,
			rotation: video.rotation,
			pixel_aspect: video.pixelAspect,
			stored_width: video.storedWidth,
			stored_height: video.storedHeight,
			bitrate: video.bitrate,
		},
		audio: audio && {
			codec: audio.codec,
			channels: audio.channels,
			channel_layout: audio.channelLayout,
			sample_rate: audio.sampleRate,
			bitrate: audio.bitrate,
			duration_seconds: audio.durationSeconds,
			start_seconds: audio.startSeconds,
			track: audio.track,
			tracks: audio.tracks,
		},
		animation: animation && { frames: animation.frames, duration_seconds: animation.durationSeconds, loops: animation.loops },
	};
}
