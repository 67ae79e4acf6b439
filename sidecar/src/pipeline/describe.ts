import { exifOf } from '../media/exif.ts';
import type { MediaFacts } from '../media/facts.ts';
import { describeExif } from '../operations/probe.ts';

/** Technical metadata (I6) as plain fields that an n8n expression can use. What a file does not have is null. */
export function describe(facts: MediaFacts): Record<string, unknown> {
	const { video, audio } = facts;
	return {
		file_type: facts.fileType,
		mime: facts.mime,
		container: facts.container,
		file_size_bytes: facts.bytes,
		duration_seconds: facts.durationSeconds,
		bitrate: facts.bitrate,
		width: video?.width ?? null,
		height: video?.height ?? null,
		rotation: video?.rotation ?? null,
		frame_rate: video?.frameRate ?? null,
		pixel_format: video?.pixelFormat ?? null,
		hdr: video?.hdr ?? null,
		video_codec: video?.codec ?? null,
		video_bitrate: video?.bitrate ?? null,
		audio_codec: audio?.codec ?? null,
		audio_channels: audio?.channels ?? 0,
		audio_sample_rate: audio?.sampleRate ?? null,
		audio_bitrate: audio?.bitrate ?? null,
		audio_tracks: audio?.tracks.length ?? 0,
	};
}

/**
 * The same with what only the file itself tells: EXIF of a picture. Where it was taken is left out: that is personal data, which only the
 * operation `probe` gives to whoever asks for it.
 */
export async function describeFile(path: string, facts: MediaFacts): Promise<Record<string, unknown>> {
	if (facts.fileType !== 'image') return { ...describe(facts), exif: null };
	const exif = await exifOf(path);
	return { ...describe(facts), exif: exif && describeExif({ ...exif, latitude: null, longitude: null }) };
}
